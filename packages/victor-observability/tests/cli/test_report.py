"""``victor observability report``."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from victor.observability.record import Record, Status


@pytest.fixture
def two(fill: Callable[..., None], a_run: Callable[..., list[Record]]) -> None:
    """Two runs, the later one slower, with a failure and an unpriced request."""
    fill(a_run(1, ago_s=3600), a_run(2, ago_s=60, failing=True, slow=3, priced=False))


def test_markdown(victor: Callable[..., str], two: None) -> None:
    text = victor("report", "--since", "1d", "--title", "Nightly")
    assert text.startswith("# Nightly\n")
    assert "| runs of agents, teams and workflows | 2, 0 % failed |" in text
    assert "| model requests | 4, p95 " in text
    assert "| cost | $0.75 + 1 unpriced |" in text
    assert re.search(r"\| search \| 2 \| 1 \(50 %\) \| 20 ms \| ", text)
    assert "| tool | search | ToolError | 1 | no answer |" in text


def test_html_is_one_file_that_loads_nothing(victor: Callable[..., str], two: None, folder) -> None:
    assert "The report is in report.html." in victor("report", "-o", "report.html")
    text = (folder / "report.html").read_text()
    assert not re.search(r"<script|<link|src=|@import|url\(|https?://(?!www\.w3\.org/2000/svg)", text)
    assert text.count("<svg") >= 4
    for picture in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ElementTree.fromstring(picture)


def test_names_are_no_markup(victor: Callable[..., str], fill: Callable[..., None], folder) -> None:
    name = "<img src=x onerror=alert(1)>|**"
    fill([Record("tool.call", name, "a" * 32, "b" * 16, None, time.time_ns(), 5, root=name)])
    assert "\\<img src=x" in victor("report")
    victor("report", "-o", "r.html")
    assert "<img" not in (folder / "r.html").read_text()


def test_one_run(victor: Callable[..., str], two: None) -> None:
    text = victor("report", "--run", "last")
    assert text.startswith("# clerk, run 00000000\n")
    assert "├─ tool search" in text
    assert "| cost | $0.25 + 1 unpriced |" in text
    assert "take one of them" in victor("report", "--run", "last", "--since", "1h", code=2)


@pytest.mark.parametrize(
    ("condition", "code", "said"),
    [
        ("p95(tool) > 5s", 0, "passed"),
        ("p95(tool) > 50ms", 1, "FAILED"),
        ("p50(tool) > 50ms", 0, "passed"),
        ("errors(tool:search) > 0", 1, "FAILED"),
        ("errors(tool:other) > 0", 0, "passed"),
        ("p95(tool:other) > 0s", 3, "there was no tool.call 'other'"),
        ("count(tool:other) > 0 and p95(tool:other) > 0s", 0, "passed"),
        ("cost_usd > 0.5", 1, "at least $0.75"),
        ("cost_usd > 1", 3, "CANNOT TELL"),
        ("unpriced > 0", 1, "FAILED"),
        ("error_rate(tool) >= 50%", 1, "50 %"),
        ("count > 1", 1, "count: 2"),
        ("max > 1s or errors > 0", 0, "passed"),
        ("tokens(model:gpt) == 480", 1, "480"),
    ],
)
def test_gates(victor: Callable[..., str], two: None, condition: str, code: int, said: str) -> None:
    assert said in victor("report", "--quiet", "--fail-if", condition, code=code)


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("count(tool) == 1", 1),
        ("p50(model) > 100ms and p50(model) < 150ms", 1),
        ("duration(run) > 1s", 0),
        ("cost_usd > 0.3", 3),
        ("errors(tool) > 0", 1),
        ("success_rate(tool) < 100%", 1),
        ("mean(agent) > 1s", 0),
    ],
)
def test_gates_over_one_run(victor: Callable[..., str], two: None, condition: str, code: int) -> None:
    victor("report", "--quiet", "--run", "last", "--fail-if", condition, code=code)


def test_a_failure_outweighs_what_cannot_be_told(victor: Callable[..., str], two: None) -> None:
    said = victor("report", "-q", "--fail-if", "cost_usd > 1", "--fail-if", "count > 0", code=1)
    assert "CANNOT TELL" in said
    assert "FAILED" in said


def test_a_bad_condition_is_pointed_at_before_anything_is_done(victor: Callable[..., str], two: None, folder) -> None:
    said = victor("report", "-o", "x.md", "--fail-if", "p95(tol) > 5s", code=2)
    assert "did you mean 'tool'?\n  p95(tol) > 5s\n      ^" in said
    assert not (folder / "x.md").exists()


def test_a_run_of_which_detail_is_missing_cannot_be_judged(
    victor: Callable[..., str], fill: Callable[..., None], a_run: Callable[..., list[Record]]
) -> None:
    records = a_run(1, ago_s=5)
    fill(records)
    fill(
        [Record("tool.call", "late", records[0].run_id, "f" * 16, "0000000100000000", time.time_ns(), 1, Status.OPEN)]
    )  # fmt: skip
    victor("report", "-q", "--run", "last", "--fail-if", "count(tool) > 5", code=0)


def test_an_empty_store(victor: Callable[..., str], fill: Callable[..., None]) -> None:
    fill()
    text = victor("report")
    assert "| runs of agents, teams and workflows | none |" in text
    assert "there was no run" in victor("report", "-q", "--fail-if", "p95 > 1s", code=3)

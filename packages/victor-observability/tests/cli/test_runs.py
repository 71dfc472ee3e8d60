"""``victor observability runs``, ``show`` and ``tail``."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable

import pytest

from victor.observability.record import Record, Status


@pytest.fixture
def three(fill: Callable[..., None], a_run: Callable[..., list[Record]]) -> None:
    """Three runs: an hour, a minute and a second ago; the second one failed, the last one knows no price."""
    fill(a_run(1, ago_s=3600), a_run(2, ago_s=60, failing=True), a_run(3, ago_s=1, priced=False))


def test_runs_are_listed_the_latest_first(victor: Callable[..., str], three: None) -> None:
    lines = victor("runs").splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["00000000"] * 3
    assert re.search(r"  \d+ min ago  ", lines[2])
    assert "ok, 1 failed" in lines[2]
    assert "$0.25 + 1 unpriced" in lines[1]
    assert "$0.50" in lines[3]
    assert "240" in lines[3]


def test_runs_are_chosen(victor: Callable[..., str], three: None) -> None:
    assert len(json.loads(victor("runs", "--json", "--since", "30m"))) == 2
    assert json.loads(victor("runs", "--json", "--kind", "workflow")) == []
    assert [run["run_id"][-1] for run in json.loads(victor("runs", "clerk", "--json", "--status", "ok"))] == [
        "3",
        "2",
        "1",
    ]
    both = [victor("runs", "--json", "--status", word) for word in ("failed", "error")]
    assert both[0] == both[1]
    assert victor("runs", "nobody") == "No recorded run fits.\n"
    assert "There are more; --limit shows them." in victor("runs", "--limit", "2")


def test_a_run_is_shown_as_a_tree(victor: Callable[..., str], three: None) -> None:
    shown = victor("show", "last~1")
    assert shown.splitlines()[0] == f"agent clerk  {2:032x}"
    assert "240 tokens, cost $0.50" in shown.splitlines()[1]
    tree = shown.splitlines()[3:]
    assert [line.split("[")[0].rstrip() for line in tree] == [
        "agent clerk", "├─ model gpt", "├─ tool search", "└─ model gpt",
    ]  # fmt: skip
    assert tree[2].endswith("20 ms  ToolError: no answer")
    assert "call_id=c1" in victor("show", "last", "--attributes")
    assert json.loads(victor("show", "last", "--json"))["spans"][0]["children"][1]["name"] == "search"


def test_a_run_that_was_cut_off_is_open(victor: Callable[..., str], fill: Callable[..., None]) -> None:
    fill([Record("agent.run", "clerk", "a" * 32, "b" * 16, None, time.time_ns(), status=Status.OPEN, root="clerk")])
    assert " open " in victor("runs").splitlines()[1]
    assert "not ended" in victor("show", "aaaa")


def test_what_is_asked_for_wrongly_is_said(victor: Callable[..., str], three: None) -> None:
    assert "there are: ok, failed (or error), cancelled, open" in victor("runs", "--status", "fine", code=1)
    assert "is no moment" in victor("runs", "--since", "soon", code=1)
    assert "--since 1h is not before --until 2h" in victor("runs", "--since", "1h", "--until", "2h", code=1)
    assert "last~7" in victor("show", "last~7", code=1)
    assert "0000" in victor("show", "0000", code=1)  # three begin so
    assert "ffff" in victor("show", "ffff", code=1)


def test_without_a_store_nothing_is_made(victor: Callable[..., str], folder) -> None:
    assert "metrics.db" in victor("runs", code=1)
    assert not (folder / ".victor").exists()


def test_tail_prints_what_comes(
    victor: Callable[..., str], three: None, fill: Callable[..., None], monkeypatch, a_run: Callable[..., list[Record]]
) -> None:
    sleeps = []

    def sleep(seconds: float) -> None:
        if not sleeps:
            fill(a_run(4, ago_s=0, failing=True), writer="other")
        sleeps.append(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    lines = victor("tail", "--for", "0.5").splitlines()
    assert [line.split(" ", 2)[2] for line in lines] == [
        "model gpt (clerk) 40 ms 100 in 20 out $0.25",
        "tool search (clerk) 20 ms ToolError: no answer",
        "model gpt (clerk) 40 ms 100 in 20 out $0.25",
        "agent clerk 100 ms",
    ]


def test_tail_chooses(
    victor: Callable[..., str], three: None, fill: Callable[..., None], monkeypatch, a_run: Callable[..., list[Record]]
) -> None:
    filled = []

    def sleep(seconds: float) -> None:
        if not filled:
            fill(a_run(4, ago_s=0, failing=True), writer="other")
            filled.append(True)

    monkeypatch.setattr(time, "sleep", sleep)
    (line,) = victor("tail", "--for", "0.5", "--errors", "--kind", "tool.*", "--json").splitlines()
    assert json.loads(line)["error_type"] == "ToolError"
    assert json.loads(line)["status"] == "error"


def test_of_a_run_below_another_process_nothing_is_missing(
    victor: Callable[..., str], fill: Callable[..., None], a_run: Callable[..., list[Record]]
) -> None:
    records = a_run(1, ago_s=5)
    records[-1].parent_id = "f" * 16
    fill(records)
    assert "not kept" not in victor("show")
    assert "FAILED" in victor("report", "-q", "--run", "last", "--fail-if", "count(tool) == 1", code=1)


def test_a_terminal_without_box_characters_gets_a_tree_too(
    victor: Callable[..., str], three: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(sys.stdout), "encoding", "ascii", raising=False)
    shown = victor("show", "last~1")
    assert shown.isascii()
    assert "|- tool search" in shown

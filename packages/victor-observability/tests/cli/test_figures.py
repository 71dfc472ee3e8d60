"""``victor observability query``, ``top`` and ``compare``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest

from victor.observability.record import Record


@pytest.fixture
def two(fill: Callable[..., None], a_run: Callable[..., list[Record]]) -> None:
    """Two runs, the later one slower and with a failure."""
    fill(a_run(1, ago_s=3600), a_run(2, ago_s=60, failing=True, slow=3))


def test_figures_by_kind_and_name(victor: Callable[..., str], two: None) -> None:
    lines = victor("query").splitlines()
    assert lines[0].split() == ["kind", "name", "count", "failed", "mean", "p50", "p95", "p99", "tokens", "cost"]
    (tools,) = [line for line in lines if "tool.call" in line]
    assert "1 (50 %)" in tools
    (models,) = [line for line in lines if "model.request" in line]
    assert "480" in models
    assert "$1.00" in models


def test_figures_are_chosen_and_given_as_data(victor: Callable[..., str], two: None) -> None:
    (found,) = json.loads(victor("query", "--json", "--by", "name", "--where", "kind=tool.call", "--since", "10m"))
    assert (found["name"], found["count"], found["errors"]) == ("search", 1, 1)
    assert found["p50_s"] == pytest.approx(0.06, rel=0.01)
    rows = list(csv.DictReader(io.StringIO(victor("query", "--csv", "--by", "model"))))
    assert {row["model"]: row["input_tokens"] for row in rows}["gpt"] == "400"
    assert victor("query", "--where", "name=nothing") == "Nothing fits.\n"


def test_sql(victor: Callable[..., str], two: None) -> None:
    assert victor("query", "SELECT 1 AS one, NULL AS none").split() == ["one", "none", "1", "-"]
    assert json.loads(victor("query", "SELECT 1 AS one", "--json")) == [{"one": 1}]
    shown = victor(
        "query",
        "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n LIMIT 9) SELECT i FROM n",
        "--limit",
        "3",
    )
    assert "more than 3 lines" in shown
    victor("query", "DELETE FROM runs", code=1)
    assert "without SQL" in victor("query", "SELECT 1", "--since", "1h", code=1)


def test_wrong_questions(victor: Callable[..., str], two: None) -> None:
    assert "did you mean 'agent'?" in victor("query", "--by", "agnet", code=1)
    assert "is not key=value" in victor("query", "--where", "tool", code=1)
    assert "cannot be broken down by 'status'" in victor("query", "--where", "status=ok", code=1)
    assert "cannot choose by 'kind,name'" in victor("query", "--where", "kind,name=x", code=1)


def test_top(victor: Callable[..., str], two: None) -> None:
    lines = victor("top", "--once", "--window", "10m", "--lines", "2").splitlines()
    assert lines[0].endswith("the last 10m: 4 operations and points")
    assert lines[2].split()[:2] == ["agent.run", "clerk"]
    assert len(lines) == 4


def test_comparing_two_runs(victor: Callable[..., str], two: None) -> None:
    shown = victor("compare", "last~1", "last")
    (tools,) = [line for line in shown.splitlines() if "tool.call" in line]
    assert "0 -> 1" in tools
    assert "20 ms -> 60 ms (+200%)" in tools


def test_comparing_ranges_and_stores(
    victor: Callable[..., str], two: None, fill: Callable[..., None], a_run: Callable[..., list[Record]]
) -> None:
    fill(a_run(9, ago_s=10, slow=10), store="other.db")
    assert "20 ms -> 60 ms" in victor("compare", "2h..30m", "30m..")
    changes = json.loads(victor("compare", ".victor/metrics.db", "other.db", "--by", "kind", "--json"))
    (tools,) = [change for change in changes if change["by"] == ["tool.call"]]
    assert (tools["before"]["count"], tools["after"]["count"]) == (2, 1)

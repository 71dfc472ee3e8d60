"""Metrics of the process: totals, sliding windows, and the view of an agent, a team or a workflow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.errors import ConfigurationError
from victor.observability.aggregate import Aggregate, Key
from victor.observability.metrics import AgentMetrics, MetricsCollector
from victor.observability.sketch import Sketch

MS = 1_000_000


def some(count: int = 1, took_ms: int = 10, **figures: object) -> Aggregate:
    return Aggregate(count=count, durations=Sketch([took_ms * MS] * count), **figures)  # type: ignore[arg-type]


def collector() -> MetricsCollector:
    made = MetricsCollector()
    made.add(
        {
            Key("agent.run", "coder", "coder", root="nightly"): some(3, 100, errors=1, cancelled=1),
            Key("agent.run", "critic", "critic"): some(1, 50),
            Key("workflow.run", "nightly", root="nightly"): some(2, 500),
            Key("workflow.node", "build", root="nightly"): some(4),
            Key("tool.call", "grep", "coder", root="nightly"): some(5, 20, errors=2),
            Key("tool.call", "grep", "critic"): some(1, 40),
            Key("tool.call", "read", "coder"): some(1, 1),
            Key("model.request", "m", "coder", "m", "p", "nightly"): some(
                2, 30, input_tokens=100, output_tokens=10, cost_usd=0.5, unpriced=1, cache_hits=1, cache_misses=1
            ),
            Key("state.transition", "nightly", root="nightly"): Aggregate(count=7),
            Key("checkpoint.save", "nightly", root="nightly"): some(6),
            Key("checkpoint.restore", "nightly", root="nightly"): some(1),
        },
        now_s=1000.0,
    )
    made.events_emitted, made.events_filtered = 33, 4
    return made


def test_an_agent_sees_its_own_runs_tools_and_requests() -> None:
    metrics = collector().metrics(agent="coder")
    assert (metrics.total_runs, metrics.successful_runs, metrics.failed_runs, metrics.cancelled_runs) == (3, 1, 1, 1)
    assert metrics.tool_calls == {"grep": 5, "read": 1}
    assert metrics.tool_errors == {"grep": 2}
    assert (metrics.llm_calls, metrics.llm_tokens_used, metrics.llm_cost_usd, metrics.llm_unpriced) == (2, 110, 0.5, 1)
    assert (metrics.llm_cache_hits, metrics.llm_cache_misses) == (1, 1)
    assert metrics.avg_duration_ms == 100
    assert metrics.p95_duration_ms == pytest.approx(100, rel=0.01)
    assert metrics.get_success_rate() == pytest.approx(1 / 3)
    assert metrics.get_avg_tool_latency("grep") == 20
    assert metrics.get_tool_percentile("grep", 0.95) == pytest.approx(20, rel=0.01)


def test_a_workflow_sees_all_that_happened_below_it() -> None:
    metrics = collector().metrics(workflow="nightly")
    assert metrics.total_runs == 2
    assert metrics.tool_calls == {"grep": 5}
    assert (metrics.state_transitions, metrics.checkpoint_saves, metrics.checkpoint_restores) == (7, 6, 1)


def test_the_whole_is_all_agents() -> None:
    metrics = collector().metrics()
    assert metrics.total_runs == 4
    assert metrics.tool_calls == {"grep": 6, "read": 1}
    assert (metrics.events_emitted, metrics.events_filtered) == (33, 4)
    assert metrics.get_avg_tool_latency("grep") == pytest.approx((5 * 20 + 40) / 6)


def test_nothing_has_no_rates_and_no_cost() -> None:
    metrics = MetricsCollector().metrics()
    assert metrics == AgentMetrics()
    assert metrics.llm_cost_usd is None
    assert (metrics.get_success_rate(), metrics.get_avg_tool_latency("x")) == (0.0, 0.0)
    assert metrics.get_tool_percentile("x", 0.5) is None


def test_figures_by_name() -> None:
    by_tool = collector().by("tool")
    assert {name: totals.count for name, totals in by_tool.items()} == {"grep": 6, "read": 1}
    assert list(collector().by("node")) == ["build"]
    assert list(collector().by("team")) == []


def test_what_cannot_be_asked_is_told() -> None:
    with pytest.raises(ConfigurationError, match="there are: agent, tool"):
        collector().by("tools")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="not of agent and team"):
        collector().metrics(agent="a", team="t")
    with pytest.raises(ConfigurationError, match="in the store"):
        collector().by("tool", window_s=86_400)


KEY = Key("tool.call", "grep")


def test_a_window_holds_what_is_not_older_and_forgets_the_rest() -> None:
    made = MetricsCollector(horizon_s=60)
    for now in range(0, 200, 10):
        made.add({KEY: some(1)}, now_s=float(now))
    assert made.window(20, now_s=195.0)[KEY].count == 3  # of the slot it begins in, all
    assert made.window(60, now_s=195.0)[KEY].count == 7
    assert made.window(None)[KEY].count == 20
    assert made.window(20, now_s=500.0) == {}
    assert len(made._slots) <= 8


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5)), min_size=1, max_size=40), st.floats(10, 100))
def test_windows_are_exact_to_ten_seconds(steps: list[tuple[float, int]], seconds: float) -> None:
    made, now, all_of = MetricsCollector(horizon_s=100), 0.0, list[tuple[float, int]]()
    for wait, count in steps:
        now += wait
        made.add({KEY: some(count)}, now_s=now)
        all_of.append((now, count))
    found = made.window(seconds, now_s=now)
    counted = found[KEY].count if found else 0
    assert sum(count for at, count in all_of if at > now - seconds) <= counted
    assert counted <= sum(count for at, count in all_of if at > now - seconds - 10)
    assert made.window(None)[KEY].count == sum(count for _, count in all_of)


def test_a_snapshot_does_not_change_any_more() -> None:
    made = collector()
    before = made.snapshot({"seen": 1})
    counts = {key: aggregate.count for key, aggregate in before.groups}
    made.add({KEY: some(5)})
    made.add({before.groups[0][0]: some(5)})
    assert {key: aggregate.count for key, aggregate in before.groups} == counts
    assert before.own == {"seen": 1}

"""Metrics of this process: in total, and of the last minutes.

`MetricsCollector` holds what was counted, `AgentMetrics` is the view of one agent, team or workflow, or of all. What
was longer ago is in the store.

Example:
    >>> collector = MetricsCollector()
    >>> aggregate = Aggregate(count=2, errors=1)
    >>> collector.add({Key("tool.call", "grep", "coder"): aggregate}, now_s=0.0)
    >>> metrics = collector.metrics(agent="coder")
    >>> metrics.tool_calls, metrics.tool_errors
    ({'grep': 2}, {'grep': 1})
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from threading import Lock
from typing import Final, Literal, TypeAlias

from attrs import define, field
from msgspec import Struct

from victor.core.errors import ConfigurationError
from victor.observability.aggregate import Aggregate, Key
from victor.observability.results import Totals
from victor.observability.sketch import Sketch

__all__ = ["KINDS_OF", "AgentMetrics", "MetricsCollector", "Snapshot", "What"]

What: TypeAlias = Literal["agent", "tool", "model", "workflow", "node", "team"]
"""What figures are asked for by."""

KINDS_OF: Final[Mapping[What, str]] = {
    "agent": "agent.run",
    "tool": "tool.call",
    "model": "model.request",
    "workflow": "workflow.run",
    "node": "workflow.node",
    "team": "team.run",
}
"""The operation that stands for each."""

_SLOT_S: Final = 10.0
_MILLISECOND: Final = 1_000_000


class Snapshot(Struct, frozen=True):
    """What was counted since the process began. It does not change any more.

    Args:
        groups: Figures by key.
        own: What the recorder tells of itself: events ``seen``, those of them ``filtered`` (counted and not kept in
            detail), ``dropped`` (not kept in detail, as the queue was full) and ``written`` to the store, processor
            seconds of ``overhead``, events in the ``queue``, and more.
        time_ns: When it was taken, nanoseconds since 1970.
    """

    groups: tuple[tuple[Key, Aggregate], ...]
    own: Mapping[str, float] = {}
    time_ns: int = 0


@define
class AgentMetrics:
    """Metrics of an agent, a team or a workflow, or of all of a process.

    Args:
        total_runs: Runs that ended.
        successful_runs: Of those, how many ended without an error and were not cancelled.
        failed_runs: Of those, how many failed.
        cancelled_runs: Of those, how many were cancelled.
        avg_duration_ms: Of runs; 0 when there is none.
        p50_duration_ms, p95_duration_ms, p99_duration_ms: Percentiles within 1 % of the true value.
        tool_calls: How often each tool was called.
        tool_errors: How often each failed; tools that never did are left out.
        tool_latencies: How long calls of each took, in nanoseconds.
        llm_calls: Requests to models.
        llm_tokens_used: Tokens read and written.
        llm_cost_usd: What the requests with a known price cost; None when there is none.
        llm_unpriced: How many requests have no known price, and are missing from the cost.
        llm_cache_hits: Requests that read something from the provider's cache.
        llm_cache_misses: Requests that read nothing from it.
        state_transitions: Supersteps that changed state keys.
        checkpoint_saves, checkpoint_restores: How many checkpoints were written and read back.
        events_emitted: Operations and points seen by the recorder of the process.
        events_filtered: Of those, how many were counted and not kept in detail.
    """

    total_runs: int = 0
    successful_runs: int = 0
    failed_runs: int = 0
    cancelled_runs: int = 0
    avg_duration_ms: float = 0.0
    p50_duration_ms: float = 0.0
    p95_duration_ms: float = 0.0
    p99_duration_ms: float = 0.0
    tool_calls: dict[str, int] = field(factory=dict)
    tool_errors: dict[str, int] = field(factory=dict)
    tool_latencies: dict[str, Sketch] = field(factory=dict)
    llm_calls: int = 0
    llm_tokens_used: int = 0
    llm_cost_usd: float | None = None
    llm_unpriced: int = 0
    llm_cache_hits: int = 0
    llm_cache_misses: int = 0
    state_transitions: int = 0
    checkpoint_saves: int = 0
    checkpoint_restores: int = 0
    events_emitted: int = 0
    events_filtered: int = 0

    def get_success_rate(self) -> float:
        """The part of runs that succeeded, from 0 to 1; 0 when there was none."""
        return self.successful_runs / self.total_runs if self.total_runs else 0.0

    def get_avg_tool_latency(self, tool_name: str) -> float:
        """Milliseconds a call of a tool took on average; 0 when it was not called."""
        latencies = self.tool_latencies.get(tool_name)
        return latencies.sum / latencies.count / _MILLISECOND if latencies is not None and latencies.count else 0.0

    def get_tool_percentile(self, tool_name: str, q: float) -> float | None:
        """Milliseconds within which a part of the calls of a tool ended; None when it was not called.

        Args:
            tool_name: Which tool.
            q: From 0 to 1, such as 0.95.
        """
        latencies = self.tool_latencies.get(tool_name)
        found = None if latencies is None else latencies.quantile(q)
        return None if found is None else found / _MILLISECOND

    def _add_runs(self, runs: Aggregate) -> None:
        self.total_runs = runs.count
        self.failed_runs = runs.errors
        self.cancelled_runs = runs.cancelled
        self.successful_runs = runs.count - runs.errors - runs.cancelled
        durations = runs.durations
        if durations.count:
            self.avg_duration_ms = durations.sum / durations.count / _MILLISECOND
            p50, p95, p99 = (found or 0.0 for found in durations.quantiles((0.5, 0.95, 0.99)))
            self.p50_duration_ms = p50 / _MILLISECOND
            self.p95_duration_ms = p95 / _MILLISECOND
            self.p99_duration_ms = p99 / _MILLISECOND

    def _add_tool(self, name: str, calls: Aggregate) -> None:
        self.tool_calls[name] = self.tool_calls.get(name, 0) + calls.count
        if calls.errors:
            self.tool_errors[name] = self.tool_errors.get(name, 0) + calls.errors
        self.tool_latencies.setdefault(name, Sketch()).merge(calls.durations)

    def _add_requests(self, requests: Aggregate) -> None:
        self.llm_calls += requests.count
        self.llm_tokens_used += requests.input_tokens + requests.output_tokens
        if requests.cost_usd is not None:
            self.llm_cost_usd = (self.llm_cost_usd or 0.0) + requests.cost_usd
        self.llm_unpriced += requests.unpriced
        self.llm_cache_hits += requests.cache_hits
        self.llm_cache_misses += requests.cache_misses


class MetricsCollector:
    """Counts in total and over sliding windows. Any thread may ask while another one adds.

    Args:
        horizon_s: The longest window. Windows end now and are exact to ten seconds.
    """

    def __init__(self, horizon_s: float = 900.0) -> None:
        self.horizon_s = horizon_s
        self._totals: dict[Key, Aggregate] = {}
        self._slots: deque[tuple[float, dict[Key, Aggregate]]] = deque()
        self._lock = Lock()
        self.events_emitted: int = 0
        self.events_filtered: int = 0

    def add(self, groups: Mapping[Key, Aggregate], now_s: float | None = None) -> None:
        """Count what has just happened.

        Args:
            groups: Figures to add; they are not changed.
            now_s: Monotonic seconds; now by default.
        """
        now_s = time.monotonic() if now_s is None else now_s
        with self._lock:
            slots = self._slots
            begin = now_s - now_s % _SLOT_S
            if not slots or slots[-1][0] != begin:
                slots.append((begin, {}))
                while slots[0][0] + _SLOT_S < now_s - self.horizon_s:
                    slots.popleft()
            for figures in (self._totals, slots[-1][1]):
                for key, aggregate in groups.items():
                    into = figures.get(key)
                    if into is None:
                        into = figures[key] = Aggregate()
                    into.merge(aggregate)

    def forked(self) -> None:
        """In a child process nothing has been counted yet."""
        self._lock = Lock()
        self._totals = {}
        self._slots = deque()
        self.events_emitted = self.events_filtered = 0

    def snapshot(self, own: Mapping[str, float] | None = None) -> Snapshot:
        """All of it, copied.

        Args:
            own: What the recorder tells of itself.
        """
        with self._lock:
            groups = tuple((key, aggregate.copy()) for key, aggregate in self._totals.items())
        return Snapshot(groups, own or {}, time.time_ns())

    def window(self, seconds: float | None, now_s: float | None = None) -> dict[Key, Aggregate]:
        """Figures of the last seconds, or since the process began.

        Args:
            seconds: How far back, up to `horizon_s`; None for all.
            now_s: Monotonic seconds; now by default.

        Raises:
            ConfigurationError: That is longer than what is kept.
        """
        if seconds is None:
            return dict(self.snapshot().groups)
        if not 0 < seconds <= self.horizon_s:
            raise ConfigurationError(
                f"a window is of at most {self.horizon_s:g} seconds, not {seconds!r}; what was before is in the store"
            )
        since = (time.monotonic() if now_s is None else now_s) - seconds
        found: dict[Key, Aggregate] = {}
        with self._lock:
            for begin, groups in self._slots:
                if begin + _SLOT_S > since:
                    for key, aggregate in groups.items():
                        if key not in found:
                            found[key] = Aggregate()
                        found[key].merge(aggregate)
        return found

    def by(self, what: What, window_s: float | None = None) -> dict[str, Totals]:
        """Figures by name.

        Args:
            what: ``"agent"``, ``"tool"``, ``"model"``, ``"workflow"``, ``"node"`` or ``"team"``.
            window_s: Of the last so many seconds; None for all.

        Raises:
            ConfigurationError: There is no such thing to ask by, or the window is too long.
        """
        if what not in KINDS_OF:
            raise ConfigurationError(f"no metrics by {what!r}; there are: {', '.join(KINDS_OF)}")
        found: dict[str, Aggregate] = {}
        for key, aggregate in self.window(window_s).items():
            if key.kind == KINDS_OF[what]:
                found.setdefault(key.name, Aggregate()).merge(aggregate)
        return {name: aggregate.totals() for name, aggregate in sorted(found.items())}

    def metrics(
        self,
        *,
        agent: str | None = None,
        workflow: str | None = None,
        team: str | None = None,
        window_s: float | None = None,
    ) -> AgentMetrics:
        """The metrics of an agent, or of a workflow or team with all that happened below it; of everything by default.

        Runs are those of the agent, workflow or team; of everything, those of all agents.

        Args:
            agent: Its name.
            workflow: Its name. What counts is the outermost one.
            team: Its name. What counts is the outermost one.
            window_s: Of the last so many seconds; None for all.

        Raises:
            ConfigurationError: More than one of them is asked for, or the window is too long.
        """
        asked = [(what, name) for what, name in (("agent", agent), ("workflow", workflow), ("team", team)) if name]
        if len(asked) > 1:
            raise ConfigurationError(f"metrics of one of them at a time, not of {' and '.join(dict(asked))}")
        what, name = asked[0] if asked else ("agent", None)
        kind = f"{what}.run"
        runs = Aggregate()
        made = AgentMetrics(events_emitted=self.events_emitted, events_filtered=self.events_filtered)
        for key, aggregate in self.window(window_s).items():
            if key.kind == kind and name in (None, key.name):
                runs.merge(aggregate)
            if name is None or name == (key.agent if what == "agent" else key.root):
                _count(made, key, aggregate)
        made._add_runs(runs)
        return made


def _count(made: AgentMetrics, key: Key, aggregate: Aggregate) -> None:
    match key.kind:
        case "tool.call":
            made._add_tool(key.name, aggregate)
        case "model.request":
            made._add_requests(aggregate)
        case "state.transition":
            made.state_transitions += aggregate.count
        case "checkpoint.save":
            made.checkpoint_saves += aggregate.count
        case "checkpoint.restore":
            made.checkpoint_restores += aggregate.count

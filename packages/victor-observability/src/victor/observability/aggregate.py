"""What is counted: the figures of all operations and points of one kind, name, agent, model and root.

Aggregates are exact, whatever is sampled, and merge in any order: those of minutes into hours, those of two processes
into one.

Example:
    >>> from victor.observability.record import Record
    >>> call = Record("tool.call", "grep", "", "", None, start_ns=0, duration_ns=2_000_000, agent="coder")
    >>> aggregate = Aggregate()
    >>> aggregate.add(call)
    >>> Key.of(call).name, aggregate.count, aggregate.totals().p95_s
    ('grep', 1, 0.002)
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec import Struct, field

from victor.observability.record import Record, Status
from victor.observability.results import Totals
from victor.observability.sketch import Sketch

__all__ = ["Aggregate", "Key"]

_MODEL: Final = "model.request"
_SECOND: Final = 1_000_000_000


class Key(NamedTuple):
    """What figures are kept apart by; ``""`` where something does not apply.

    Args:
        kind: Of the operation or point, such as ``"tool.call"``.
        name: Which tool, node, agent, ...
        agent: Whose it is.
        model: Of a model request.
        provider: Of a model request.
        root: The name of the outermost workflow, team or agent.
    """

    kind: str
    name: str
    agent: str = ""
    model: str = ""
    provider: str = ""
    root: str = ""

    @classmethod
    def of(cls, record: Record) -> Key:
        """Where a record is counted."""
        return cls(record.kind, record.name, record.agent, record.model, record.provider, record.root)


class Aggregate(Struct):
    """Figures of a set of operations or points.

    Args:
        count: How many ended, or happened.
        errors: Of those, how many failed.
        cancelled: Of those, how many were cancelled.
        durations: Of those that have one, in nanoseconds.
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens: Sums over model requests that told them.
        cost_usd: Sum over model requests whose price is known; None when there is none.
        unpriced: How many model requests have no known price.
        cache_hits: How many model requests read something from the provider's cache.
        cache_misses: How many told their tokens and read nothing from it.
        slowest_run: The run that the longest of the durations is from; known in this process only, not stored.
    """

    count: int = 0
    errors: int = 0
    cancelled: int = 0
    durations: Sketch = field(default_factory=Sketch)
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float | None = None
    unpriced: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    slowest_run: str = ""

    def add(self, record: Record) -> None:
        """Count a record; one that says only that a run began is not counted."""
        status = record.status
        if status is not Status.OK:
            if status is Status.OPEN:
                return
            if status is Status.ERROR:
                self.errors += 1
            else:
                self.cancelled += 1
        self.count += 1
        duration = record.duration_ns
        if duration is not None:
            durations = self.durations
            if duration > durations.high:
                self.slowest_run = record.run_id
            durations.add(duration)
        if record.kind == _MODEL:
            self._add_usage(record)

    def _add_usage(self, record: Record) -> None:
        self.input_tokens += record.input_tokens or 0
        self.output_tokens += record.output_tokens or 0
        read = record.cache_read_tokens
        if read:
            self.cache_read_tokens += read
            self.cache_hits += 1
        elif read is not None:
            self.cache_misses += 1
        self.cache_write_tokens += record.cache_write_tokens or 0
        if record.cost_usd is None:
            self.unpriced += 1
        else:
            self.cost_usd = (self.cost_usd or 0.0) + record.cost_usd

    def merge(self, other: Aggregate) -> None:
        """Add all that another one has counted; the other is not changed."""
        if other.durations.high > self.durations.high:
            self.slowest_run = other.slowest_run
        self.count += other.count
        self.errors += other.errors
        self.cancelled += other.cancelled
        self.durations.merge(other.durations)
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cache_read_tokens += other.cache_read_tokens
        self.cache_write_tokens += other.cache_write_tokens
        if other.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + other.cost_usd
        self.unpriced += other.unpriced
        self.cache_hits += other.cache_hits
        self.cache_misses += other.cache_misses

    def copy(self) -> Aggregate:
        """One that can be changed by itself."""
        made = Aggregate()
        made.merge(self)
        return made

    def totals(self) -> Totals:
        """The figures as queries answer with them."""
        durations = self.durations
        timed = durations.count > 0
        p50, p95, p99 = durations.quantiles((0.5, 0.95, 0.99))
        return Totals(
            count=self.count,
            errors=self.errors,
            cancelled=self.cancelled,
            duration_s=durations.sum / _SECOND,
            min_s=durations.low / _SECOND if timed else None,
            max_s=durations.high / _SECOND if timed else None,
            p50_s=_seconds(p50),
            p95_s=_seconds(p95),
            p99_s=_seconds(p99),
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cache_read_tokens=self.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens,
            cost_usd=self.cost_usd,
            unpriced=self.unpriced,
        )


def _seconds(ns: float | None) -> float | None:
    return None if ns is None else ns / _SECOND

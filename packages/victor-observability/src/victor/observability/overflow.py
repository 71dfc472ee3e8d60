"""Counts events that find the queue full, on the threads that bring them.

A hundred threads that do nothing but call tools produce events faster than one thread can see to them. Their detail is
given up then; figures stay exact, for a few microseconds a call.

Example:
    >>> from victor.core.events import EventStream
    >>> stream, overflow = EventStream(), Overflow(lambda run_id: "nightly")
    >>> stop = stream.subscribe(overflow.add, phases=["end"])
    >>> with stream.operation("tool.call", "grep"):
    ...     pass
    >>> figures, runs, count = overflow.take()
    >>> count, [key[0] for minute in figures.values() for key in minute]
    (1, ['tool.call'])
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from victor.observability.aggregate import Aggregate
from victor.observability.cardinality import OTHER
from victor.observability.record import counted_record
from victor.observability.store.batch import RunDelta

if TYPE_CHECKING:
    from victor.core.events import Event

__all__ = ["MINUTE_NS", "Overflow", "Raw"]

Raw: TypeAlias = "tuple[str, str, str, str, str, str]"
"""A key before runaway labels are folded."""

MINUTE_NS: Final = 60_000_000_000
"""Nanoseconds of a minute."""
_KEYS: Final = 10_000
_RUNS: Final = 50_000


class Overflow:
    """Figures of events that were not put on the queue. Any thread may add.

    Args:
        root_of: The name of the run that an event belongs to, by the run's id.
    """

    def __init__(self, root_of: Callable[[str], str]) -> None:
        self._root_of = root_of
        self.renew()

    def renew(self) -> None:
        """Forget all, locks included, as a child process must after a fork."""
        self._lock = threading.RLock()  # reentrant, as a signal's handler may emit an event in the middle of it
        self._figures: dict[int, dict[Raw, Aggregate]] = {}
        self._runs: dict[str, RunDelta] = {}
        self._count = 0

    def add(self, event: Event) -> None:
        """Count an end or a point."""
        record = counted_record(event)
        raw = (record.kind, record.name, record.agent, record.model, record.provider, self._root_of(event.run_id))
        with self._lock:
            figures = self._figures.setdefault(event.time_ns // MINUTE_NS, {})
            if raw not in figures and len(figures) >= _KEYS:
                raw = (record.kind, OTHER, "", "", "", "")
            if raw not in figures:
                figures[raw] = Aggregate()
            figures[raw].add(record)
            run = self._runs.get(event.run_id)
            if run is None and len(self._runs) < _RUNS:
                run = self._runs[event.run_id] = RunDelta(event.run_id)
            if run is not None:
                run.add(record)
            self._count += 1

    def take(self) -> tuple[dict[int, dict[Raw, Aggregate]], dict[str, RunDelta], int]:
        """What was counted since the last time: figures by minute and key, what is new of runs, and how many events."""
        if not self._count:
            return {}, {}, 0
        with self._lock:
            taken = self._figures, self._runs, self._count
            self._figures, self._runs, self._count = {}, {}, 0
        return taken

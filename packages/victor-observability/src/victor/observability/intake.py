"""Turns events into what is counted and kept. One thread at a time; no clocks, no store.

Per event it does as little as it can: figures are added up for the batch, and merged into totals, windows and minutes
once for each key of it.
"""

from __future__ import annotations

import logging
import secrets
from collections import deque
from collections.abc import Iterable
from itertools import count, islice
from typing import TYPE_CHECKING, Final

from victor.observability.aggregate import Aggregate, Key
from victor.observability.overflow import MINUTE_NS, Raw
from victor.observability.record import RUN_KINDS, Record, Status, complete, counted_record
from victor.observability.sampling import Budget, RowLimit, SlowRuns, is_sampled
from victor.observability.store.batch import Batch, Rollup, RunDelta

if TYPE_CHECKING:
    from victor.core.events import Event
    from victor.observability.attributes import CleanAttributes
    from victor.observability.cardinality import Folding
    from victor.observability.metrics import MetricsCollector

__all__ = ["Intake"]

_log = logging.getLogger("victor.observability")
_OPEN_MINUTES: Final = 2
_STILL_S: Final = 120.0
_OPEN_RUNS: Final = 10_000
_WAITING: Final = 1_000
_ALL_WAITING: Final = 50_000
_WHOLE_ROWS: Final = 1_000
_UNWRITTEN_ROWS: Final = 50_000
_UNWRITTEN_RUNS: Final = 50_000
_UNWRITTEN_CELLS: Final = 20_000

_SUMS: Final = ("spans", "model_requests", "tool_calls", "errors", "input_tokens", "output_tokens", "unpriced")


class _Run:
    """A run that has not ended yet, as far as it was seen."""

    __slots__ = ("kept", "kind", "name", "root", "rows", "waiting")

    def __init__(self, name: str, kind: str, root: str, *, kept: bool) -> None:
        self.name = name
        self.kind = kind
        self.root = root
        self.kept = kept
        self.rows = 0
        self.waiting: deque[tuple[Record, Event]] | None = None


class _Cell:
    """The figures of one key in one minute."""

    __slots__ = ("aggregate", "part", "touched_s")

    def __init__(self, part: int) -> None:
        self.aggregate = Aggregate()
        self.part = part
        self.touched_s = 0.0


class Intake:
    """What is known of runs, and what is not written yet.

    Args:
        collector: Where figures are added up for the whole process.
        folding: Which keys are told apart.
        clean: Redacts attributes.
        head_rate: The part of runs that are kept in detail.
        budget: Lowers that part.
        limit: How many rows are kept over some time.
        slow: Which runs are slow.

    Attributes:
        writer: A random word that no other process has.
        seen: Events counted.
        filtered: Of those, how many are not kept in detail.
        lost: Rows, runs and figures given up because a store could not be written for too long, and events that
            could not be counted.
    """

    def __init__(
        self,
        collector: MetricsCollector,
        folding: Folding,
        clean: CleanAttributes,
        *,
        head_rate: float,
        budget: Budget,
        limit: RowLimit,
        slow: SlowRuns,
    ) -> None:
        self.writer: str = secrets.token_hex(6)
        self.seen: int = 0
        self.filtered: int = 0
        self.lost: int = 0
        self._told = False
        self.clean = clean
        self._collector = collector
        self._folding = folding
        self._head_rate = head_rate
        self._budget = budget
        self._limit = limit
        self._slow = slow
        self._runs: dict[str, _Run] = {}
        self._waiting = 0
        self._rows: deque[Record] = deque()
        self._deltas: dict[str, RunDelta] = {}
        self._cells: dict[tuple[int, Key], _Cell] = {}
        self._changed: dict[tuple[int, Key], _Cell] = {}
        self._newest = 0
        self._closed = -1
        self._parts = count(1)

    # ---------------------------------------------------------------- events

    def take(self, events: Iterable[Event], now_s: float) -> list[Record]:
        """Count events, and keep what is to be kept in detail.

        Args:
            events: Ends and points, and the starts of runs.
            now_s: Monotonic seconds.

        Returns:
            The records that are kept, for exporters that want each.
        """
        kept: list[Record] = []
        minutes: dict[int, dict[Raw, Aggregate]] = {}
        figures: dict[Raw, Aggregate] = {}
        low = high = 0
        runs, deltas = self._runs, self._deltas
        for event in events:
            try:
                run_id = event.run_id
                run = runs.get(run_id)
                record = counted_record(event)
                if event.phase == "start":
                    if run is None:
                        run = self._begin(record)
                    self._describe(run_id, run, record)
                    record.root = run.name
                    if run.kept:
                        self._keep(run, record, event, kept)
                    continue
                if run is None:
                    run = self._unknown(record)
                record.root = run.name
                time_ns = event.time_ns
                if not low <= time_ns < high:
                    minute = time_ns // MINUTE_NS
                    low, high = minute * MINUTE_NS, (minute + 1) * MINUTE_NS
                    figures = minutes.setdefault(minute, {})
                raw = (record.kind, record.name, record.agent, record.model, record.provider, record.root)
                aggregate = figures.get(raw)
                if aggregate is None:
                    aggregate = figures[raw] = Aggregate()
                aggregate.add(record)
                self.seen += 1
                delta = deltas.get(run_id)
                if delta is None:
                    delta = self._delta(run_id)
                delta.add(record)
                if run.kept:
                    self._keep(run, record, event, kept)
                else:
                    self._wait(run, record, event, kept)
                if record.span_id == run.root or record.parent_id is None:
                    self._end(run, record, delta, kept)
            except Exception:  # noqa: BLE001 - one event that cannot be counted takes no other with it
                self.lost += 1
                if not self._told:
                    self._told = True
                    _log.exception("an event %r cannot be counted; others like it are not told", event.kind)
        self._count(minutes, now_s)
        self._rows.extend(kept)
        self._give_up()
        self._collector.events_emitted, self._collector.events_filtered = self.seen, self.filtered
        return kept

    def absorb(
        self, minutes: dict[int, dict[Raw, Aggregate]], runs: dict[str, RunDelta], count: int, now_s: float
    ) -> None:
        """Take over what was counted elsewhere, of which no detail is known.

        Args:
            minutes: Figures by minute and key.
            runs: What is new of runs.
            count: How many events that was.
            now_s: Monotonic seconds.
        """
        self.seen += count
        self._count(minutes, now_s)
        for run_id, other in runs.items():
            delta = self._deltas.get(run_id)
            if delta is None:
                self._deltas[run_id] = other
                continue
            for name in _SUMS:
                setattr(delta, name, getattr(delta, name) + getattr(other, name))
            if other.cost_usd is not None:
                delta.cost_usd = (delta.cost_usd or 0.0) + other.cost_usd
            if other.status is not Status.OPEN:
                delta.status, delta.duration_ns = other.status, other.duration_ns
                delta.kind, delta.name = other.kind, other.name
        self._give_up()
        self._collector.events_emitted = self.seen

    def root_of(self, run_id: str) -> str:
        """The name of a run that is under way, ``""`` where it is not known. Any thread may ask."""
        run = self._runs.get(run_id)
        return "" if run is None else run.name

    def _begin(self, record: Record) -> _Run:
        kept = is_sampled(record.run_id, self._head_rate * self._budget.factor)
        run = self._runs[record.run_id] = _Run(record.name, record.kind, record.span_id, kept=kept)
        if len(self._runs) > _OPEN_RUNS:
            self._forget(next(iter(self._runs)))
        return run

    def _unknown(self, record: Record) -> _Run:
        """Of an operation whose run was not seen to begin: the outermost one is no run, or it is another process's."""
        kept = is_sampled(record.run_id, self._head_rate * self._budget.factor)
        run = _Run("", record.kind, "", kept=kept)
        if record.parent_id is not None:
            self._runs[record.run_id] = run
            if len(self._runs) > _OPEN_RUNS:
                self._forget(next(iter(self._runs)))
        return run

    def _forget(self, run_id: str) -> None:
        run = self._runs.pop(run_id)
        self._give_up_waiting(run)

    def _delta(self, run_id: str) -> RunDelta:
        delta = self._deltas[run_id] = RunDelta(run_id)
        return delta

    def _describe(self, run_id: str, run: _Run, record: Record) -> None:
        """The outermost operation that this process knows of says what the run is."""
        if record.span_id == run.root:
            delta = self._deltas.get(run_id) or self._delta(run_id)
            delta.add(record)
            delta.kind, delta.name = record.kind, record.name

    def _end(self, run: _Run, record: Record, delta: RunDelta, kept: list[Record]) -> None:
        self._runs.pop(record.run_id, None)
        if record.parent_id is not None:  # below another process's operation, which has the last word
            delta.kind, delta.name = record.kind, record.name
            delta.status, delta.duration_ns = record.status, record.duration_ns
        if record.kind not in RUN_KINDS:
            slow = False
        else:
            slow = self._slow.is_slow(record.kind, record.name, record.duration_ns or 0)
        if run.waiting is not None:
            if slow:
                self._release(run, kept)
            else:
                self._give_up_waiting(run)

    def _keep(self, run: _Run, record: Record, event: Event, kept: list[Record]) -> None:
        if record.status is Status.OK and record.kind not in RUN_KINDS:
            run.rows += 1
            factor = self._budget.factor
            thin = factor < 1.0 and run.rows > _WHOLE_ROWS and not is_sampled(record.span_id, factor)
            if thin or not self._limit.take():
                self.filtered += 1
                return
        complete(record, event, self.clean)
        kept.append(record)

    def _wait(self, run: _Run, record: Record, event: Event, kept: list[Record]) -> None:
        if run.waiting is None:
            run.waiting = deque()
        if record.status is Status.ERROR:
            run.kept = True
            self._release(run, kept)
            self._keep(run, record, event, kept)
            return
        run.waiting.append((record, event))
        if len(run.waiting) > _WAITING or self._waiting >= _ALL_WAITING:
            run.waiting.popleft()
            self.filtered += 1
        else:
            self._waiting += 1

    def _give_up_waiting(self, run: _Run) -> None:
        waiting, run.waiting = run.waiting or (), None
        self._waiting -= len(waiting)
        self.filtered += len(waiting)

    def _release(self, run: _Run, kept: list[Record]) -> None:
        waiting, run.waiting = run.waiting or (), None
        self._waiting -= len(waiting)
        for record, event in waiting:
            self._keep(run, record, event, kept)

    # ---------------------------------------------------------------- figures

    def _count(self, minutes: dict[int, dict[Raw, Aggregate]], now_s: float) -> None:
        for minute, figures in minutes.items():
            folded: dict[Key, Aggregate] = {}
            for raw, aggregate in figures.items():
                key = self._folding(raw)
                into = folded.get(key)
                if into is None:
                    folded[key] = aggregate
                else:
                    into.merge(aggregate)
            self._collector.add(folded, now_s)
            self._newest = max(self._newest, minute)
            for key, aggregate in folded.items():
                at = (minute, key)
                cell = self._cells.get(at)
                if cell is None:
                    # A minute that was closed may have a row of this writer already, which must not be replaced.
                    cell = self._cells[at] = _Cell(0 if minute > self._closed else next(self._parts))
                cell.aggregate.merge(aggregate)
                cell.touched_s = now_s
                self._changed[at] = cell

    # ---------------------------------------------------------------- writing

    def batch(self) -> Batch | None:
        """What is not written yet, or None; nothing is forgotten before `written` says so."""
        if not (self._rows or self._changed or self._deltas):
            return None
        rollups = [
            Rollup(minute, key, self.writer, cell.part, cell.aggregate) for (minute, key), cell in self._changed.items()
        ]
        return Batch(list(self._rows), rollups, list(self._deltas.values()))

    def written(self, now_s: float) -> None:
        """What `batch` gave is in the store; minutes that are over are closed."""
        self._rows.clear()
        self._changed.clear()
        self._deltas.clear()
        before = self._newest - _OPEN_MINUTES
        if before > self._closed or len(self._cells) > _UNWRITTEN_CELLS:
            over = [at for at, cell in self._cells.items() if at[0] <= before and now_s - cell.touched_s >= _STILL_S]
            for at in over:
                del self._cells[at]
                self._closed = max(self._closed, at[0])

    @property
    def unwritten(self) -> int:
        """How many rows wait to be written."""
        return len(self._rows)

    def _give_up(self) -> None:
        """The store cannot be written for so long that memory would run out: the oldest goes."""
        while len(self._rows) > _UNWRITTEN_ROWS:
            self._rows.popleft()
            self.lost += 1
        for run_id in list(islice(self._deltas, max(len(self._deltas) - _UNWRITTEN_RUNS, 0))):
            del self._deltas[run_id]
            self.lost += 1
        for at in list(islice(self._changed, max(len(self._changed) - _UNWRITTEN_CELLS, 0))):
            del self._changed[at], self._cells[at]
            self._closed = max(self._closed, at[0])
            self.lost += 1

    # ---------------------------------------------------------------- fork

    def forked(self) -> None:
        """In a child process: what was counted is the parent's, and what is open is known by name alone."""
        self.writer = secrets.token_hex(6)
        self.seen = self.filtered = self.lost = 0
        for run in self._runs.values():
            run.waiting = None
        self._waiting = 0
        self._rows.clear()
        self._deltas.clear()
        self._cells.clear()
        self._changed.clear()

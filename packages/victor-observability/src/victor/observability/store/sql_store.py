"""What both stores are: questions and changes, each in one transaction of the database that is behind it."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, Self

from victor.observability.store import queries
from victor.observability.store.errors import StoreError
from victor.observability.store.names import Names
from victor.observability.store.protocol import StoreInfo, Table
from victor.observability.store.retention import DAY_S, Maintained, Retention
from victor.observability.store.rollup import roll_up
from victor.observability.store.schema import VERSION
from victor.observability.store.writing import write_batch

if TYPE_CHECKING:
    from victor.observability.aggregate import Aggregate
    from victor.observability.record import Record, Status
    from victor.observability.results import By, Change, ErrorGroup, Group, Point, Run, Span
    from victor.observability.store.batch import Batch
    from victor.observability.store.link import Link
    from victor.observability.store.protocol import Percentiles, Side, Where

__all__ = ["SqlStore"]

_BILLION: Final = 1_000_000_000
_RUNS_AT_ONCE: Final = 5_000


class SqlStore:
    """A store in a database that speaks SQL.

    Args:
        place: What messages call it.
        retention: How long it keeps what.
    """

    def __init__(self, place: str, retention: Retention | None) -> None:
        self.place = place
        self.retention: Retention = Retention() if retention is None else retention
        self._names = Names()

    # ---------------------------------------------------------------- what a database does

    @abstractmethod
    def reading(self, what: str) -> AbstractContextManager[Link]:
        """A transaction that sees one state of the store; an error says that ``what`` cannot be done."""

    @abstractmethod
    def writing(self, what: str) -> AbstractContextManager[Link]:
        """A transaction that writes, alone; an error says that ``what`` cannot be done, and undoes all of it."""

    @abstractmethod
    def size_bytes(self) -> int:
        """What it takes on the disk."""

    @abstractmethod
    def sql(self, text: str, parameters: Sequence[Any] = (), *, max_rows: int = 1000, timeout_s: float = 10.0) -> Table:
        """As `Store.sql`."""

    @abstractmethod
    def check(self) -> list[str]:
        """As `Store.check`."""

    @abstractmethod
    def close(self) -> None:
        """As `Store.close`."""

    @abstractmethod
    def remove_records(self, before_ns: int, done: Maintained) -> None:
        """Remove what is kept in detail of the days before a time, which is the beginning of a day (UTC)."""

    @abstractmethod
    def remove_oldest(self, done: Maintained) -> bool:
        """Remove some of the oldest detail; False when there is none."""

    @abstractmethod
    def compact(self) -> None:
        """Give space that is free inside the database back."""

    @abstractmethod
    def refused(self, error: Exception) -> bool:
        """Whether the database has refused a value, rather than failed."""

    # ---------------------------------------------------------------- writing

    def write(self, batch: Batch) -> None:
        """As `Store.write`."""
        if not batch:
            return
        try:
            with self.writing("write") as link:
                write_batch(link, batch, self._names)
        except StoreError as error:
            cause = error.__cause__
            if not isinstance(cause, Exception) or not self.refused(cause):
                raise
            with self.writing("write") as link:
                write_batch(link, batch, self._names, careful=True)

    # ---------------------------------------------------------------- questions

    def runs(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        kind: str | None = None,
        name: str | None = None,
        status: Status | None = None,
        limit: int = 100,
    ) -> list[Run]:
        """As `Store.runs`."""
        with self.reading("list runs") as link:
            return queries.runs(
                link, self._names, since=since, until=until, kind=kind, name=name, status=status, limit=limit
            )

    def run(self, run_id: str) -> tuple[Run, tuple[Span, ...]]:
        """As `Store.run`."""
        run, records = self.run_records(run_id)
        return run, queries.tree(records)

    def run_records(self, run_id: str) -> tuple[Run, list[Record]]:
        """A run, and its records in the order things began: as `run`, but not as a tree."""
        with self.reading("read a run") as link:
            number, run = queries.the_run(link, self._names, run_id, self.place)
            return run, queries.run_records(link, self._names, number, run.run_id)

    def series(
        self,
        step_s: int,
        *,
        since: float | None = None,
        until: float | None = None,
        by: Sequence[By] = (),
        where: Where | None = None,
    ) -> list[Point]:
        """As `Store.series`."""
        with self.reading("read figures") as link:
            return queries.series(link, self._names, step_s, by, since, until, where)

    def breakdown(
        self,
        by: Sequence[By],
        *,
        since: float | None = None,
        until: float | None = None,
        where: Where | None = None,
    ) -> list[Group]:
        """As `Store.breakdown`."""
        with self.reading("read figures") as link:
            return queries.breakdown(link, self._names, by, since, until, where)

    def percentiles(
        self,
        qs: Sequence[float],
        *,
        by: Sequence[By] = (),
        since: float | None = None,
        until: float | None = None,
        where: Where | None = None,
    ) -> list[Percentiles]:
        """As `Store.percentiles`."""
        with self.reading("read figures") as link:
            return queries.percentiles(link, self._names, qs, by, since, until, where)

    def errors(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        where: Where | None = None,
        limit: int = 100,
    ) -> list[ErrorGroup]:
        """As `Store.errors`."""
        with self.reading("read errors") as link:
            return queries.errors(link, self._names, since, until, where, limit)

    def compare(self, before: Side, after: Side, by: Sequence[By] = ("kind", "name")) -> list[Change]:
        """As `Store.compare`."""
        return queries.changes(self._side(before, by), self._side(after, by))

    def _side(self, side: Side, by: Sequence[By]) -> dict[tuple[str, ...], Aggregate]:
        if isinstance(side, str):
            return queries.run_totals(*self.run_records(side), by, self.place)
        if isinstance(side, tuple):
            with self.reading("read figures") as link:
                return queries.grouped(link, self._names, by, *side)
        if isinstance(side, SqlStore):
            return side._side((None, None), by)
        raise StoreError(f"a side of a comparison is a run's id, a range of time or another store, not {side!r}")

    def tail(self, after: int | None = None, *, limit: int = 1000) -> tuple[list[Record], int]:
        """As `Store.tail`."""
        with self.reading("read what is new") as link:
            return queries.tail(link, self._names, after, limit)

    def info(self) -> StoreInfo:
        """As `Store.info`."""
        with self.reading("read") as link:
            meta = dict(link.rows("SELECT key, value FROM meta"))
            runs, oldest, newest = link.rows("SELECT count(*), min(start_ns), max(start_ns) FROM run_rows")[0]
            records = link.rows("SELECT count(*) FROM record_rows")[0][0]
            figures = link.rows("SELECT count(*) FROM figure_rows")[0][0]
        size = self.size_bytes()
        return StoreInfo(self.place, meta["store_id"], VERSION, size, runs, records, figures, oldest, newest)

    # ---------------------------------------------------------------- maintenance

    def maintain(self, now: float | None = None, retention: Retention | None = None) -> Maintained:
        """As `Store.maintain`."""
        now = time.time() if now is None else now
        keep = self.retention if retention is None else retention
        done = Maintained()
        size = self.size_bytes()
        roll_up(self.reading, self.writing, now, keep, done)
        if keep.records_days is not None:
            self.remove_records(_whole_days(now, keep.records_days), done)
        if keep.runs_days is not None:
            self._remove_runs(_whole_days(now, keep.runs_days), done)
        if keep.max_bytes is not None:
            self._remove_until_small(keep.max_bytes, done)
        self.compact()
        done.freed_bytes = max(0, size - self.size_bytes())
        return done

    def _remove_runs(self, before_ns: int, done: Maintained, limit: int = 0) -> int:
        """Runs that began before a time and of which nothing is kept in detail; how many."""
        removed = 0
        while True:
            with self.writing("remove old runs") as link:
                some = link.run(
                    "DELETE FROM run_rows WHERE run IN (SELECT run FROM run_rows WHERE start_ns < ? AND NOT EXISTS "
                    "(SELECT 1 FROM record_rows WHERE record_rows.run = run_rows.run) ORDER BY start_ns LIMIT ?)",
                    (before_ns, limit or _RUNS_AT_ONCE),
                )
            removed += some
            done.runs += some
            if limit or some < _RUNS_AT_ONCE:
                return removed

    def used_bytes(self) -> int:
        """Of `size_bytes`, what is in use."""
        return self.size_bytes()

    def _remove_until_small(self, max_bytes: float, done: Maintained) -> None:
        while self.used_bytes() > max_bytes:
            if self.remove_oldest(done):
                continue
            if not self._remove_runs((1 << 63) - 1, done, limit=_RUNS_AT_ONCE):
                done.problems.append(
                    f"{self.place}: the figures alone take {self.used_bytes():,} bytes, more than the {max_bytes:,.0f} "
                    "it may have: keep figures by the minute and hour for fewer days"
                )
                return

    # ---------------------------------------------------------------- export and import

    def dump(self, statement: str, parameters: Sequence[Any] = ()) -> Iterable[tuple[Any, ...]]:
        """Rows of a query, for an export."""
        with self.reading("export") as link:
            return link.rows(statement, parameters)

    @property
    def names(self) -> Names:
        """The texts of this store and their numbers."""
        return self._names

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _whole_days(now: float, days: float) -> int:
    return int((now - days * DAY_S) // DAY_S) * DAY_S * _BILLION

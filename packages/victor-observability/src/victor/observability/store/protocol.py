"""What a store is, whichever database is behind it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from victor.observability.record import Record, Status
    from victor.observability.results import By, Change, ErrorGroup, Group, Point, Run, Span
    from victor.observability.store.batch import Batch
    from victor.observability.store.retention import Maintained, Retention

__all__ = ["Percentiles", "Side", "Store", "StoreInfo", "Table", "Where"]

Where: TypeAlias = "Mapping[By, str | Collection[str]]"
"""What to look at alone: by kind, name, agent, model, provider or root, a value, or several of which any will do."""

Side: TypeAlias = "str | tuple[float | None, float | None] | Store"
"""One side of a comparison: a run by its id, a range of seconds since 1970, or another store."""


class Table(Struct, frozen=True):
    """What a query in SQL found.

    Args:
        columns: Their names.
        rows: The values of each row, in the order of the columns.
        truncated: Whether there were more rows than were asked for.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    truncated: bool = False


class Percentiles(Struct, frozen=True):
    """Percentiles of the durations of one group, in seconds and in the order asked for; None when none has one.

    Args:
        by: The values grouped by.
        values: The percentiles.
    """

    by: tuple[str, ...]
    values: tuple[float | None, ...]


class StoreInfo(Struct, frozen=True):
    """What there is to say about a store itself.

    Args:
        place: The file, or the server and its database; never a password.
        store_id: A random word the store was given when it was made; exports carry it.
        version: Of its tables.
        size_bytes: What it takes on the disk.
        runs: How many it knows.
        records: How many operations and points it keeps in detail.
        figures: How many rows of figures it keeps.
        oldest_ns: When the oldest run that it knows began; None when it knows none.
        newest_ns: When the newest began.
    """

    place: str
    store_id: str
    version: int
    size_bytes: int
    runs: int
    records: int
    figures: int
    oldest_ns: int | None
    newest_ns: int | None


class Store(Protocol):
    """Keeps what happened, and answers questions about it.

    A store is synchronous and may be used from any thread; programs with an event loop call it in a thread. Times in
    arguments are seconds since 1970. ``since`` is included and ``until`` is not; None is unbounded. Figures are kept
    by the minute, older ones by the hour and the day, so a range of time counts those minutes, hours or days that
    begin in it, the minute of ``since`` included.

    Every method raises `StoreError` when the database cannot be reached, is damaged, full or locked for too long.
    """

    @property
    def place(self) -> str:
        """The file, or the server and its database; never a password."""
        ...

    def write(self, batch: Batch) -> None:
        """Write a batch in one transaction: when it returns all of it is there, when it raises nothing of it is."""
        ...

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
        """Runs that began in a range of time, the newest first."""
        ...

    def run(self, run_id: str) -> tuple[Run, tuple[Span, ...]]:
        """A run, and what is kept of it as a tree in the order things began.

        Args:
            run_id: Its id, or as much of its beginning as only one run has.

        Raises:
            StoreError: No run has it, or several have.
        """
        ...

    def run_records(self, run_id: str) -> tuple[Run, list[Record]]:
        """A run, and what is kept of it in the order things began: as `run`, but not as a tree."""
        ...

    def series(
        self,
        step_s: int,
        *,
        since: float | None = None,
        until: float | None = None,
        by: Sequence[By] = (),
        where: Where | None = None,
    ) -> list[Point]:
        """Figures over time, the oldest first; steps in which nothing happened are left out.

        Args:
            step_s: Seconds, a whole number of minutes.
            since: From when.
            until: To when.
            by: What to keep apart.
            where: What to look at alone.
        """
        ...

    def breakdown(
        self,
        by: Sequence[By],
        *,
        since: float | None = None,
        until: float | None = None,
        where: Where | None = None,
    ) -> list[Group]:
        """Figures by kind, name, agent, ...; those with most operations first. ``by=[]`` is one group of all."""
        ...

    def percentiles(
        self,
        qs: Sequence[float],
        *,
        by: Sequence[By] = (),
        since: float | None = None,
        until: float | None = None,
        where: Where | None = None,
    ) -> list[Percentiles]:
        """Percentiles of durations, within 1 % of the exact ones; in the order of `breakdown`.

        Args:
            qs: Each from 0 to 1.
            by: What to keep apart.
            since: From when.
            until: To when.
            where: What to look at alone.
        """
        ...

    def errors(
        self,
        *,
        since: float | None = None,
        until: float | None = None,
        where: Where | None = None,
        limit: int = 100,
    ) -> list[ErrorGroup]:
        """What failed and how, by kind, name and type of the error, of what is kept in detail; most often first."""
        ...

    def compare(self, before: Side, after: Side, by: Sequence[By] = ("kind", "name")) -> list[Change]:
        """How figures differ between two runs, two ranges of time or two stores.

        Raises:
            StoreError: A run is to be compared of which not everything is kept in detail.
        """
        ...

    def tail(self, after: int | None = None, *, limit: int = 1000) -> tuple[list[Record], int]:
        """What was written since the last call, in the order it was written.

        Args:
            after: What the last call gave; None for nothing but the place to go on from.
            limit: How many records at most.

        Returns:
            The records, and what to give as ``after`` next time.
        """
        ...

    def sql(self, text: str, parameters: Sequence[Any] = (), *, max_rows: int = 1000, timeout_s: float = 10.0) -> Table:
        """What a statement that only reads finds; see the reference of the metrics store for the views.

        Args:
            text: One ``SELECT`` (or ``WITH``, or ``VALUES``), in the database's own dialect.
            parameters: For its placeholders: ``?`` in SQLite, ``%s`` in PostgreSQL (where ``%`` is then ``%%``).
            max_rows: How many rows at most.
            timeout_s: How long it may take.

        Raises:
            StoreError: It is wrong, does more than read, or takes too long.
        """
        ...

    def maintain(self, now: float | None = None, retention: Retention | None = None) -> Maintained:
        """Roll up finished hours and days, remove what is too old or too much, and give the space back.

        Made of short transactions, so that writers hardly wait. Any number of processes may do it at once.

        Args:
            now: Seconds since 1970; by the clock when None.
            retention: How long to keep what; the store's own when None.
        """
        ...

    def info(self) -> StoreInfo:
        """What there is to say about the store itself."""
        ...

    def check(self) -> list[str]:
        """What is wrong with the store, a sentence each; empty when it is sound. Reads all of it."""
        ...

    def close(self) -> None:
        """Let go of the database. Closing twice is fine; anything else afterwards raises."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

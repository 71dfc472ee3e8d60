"""The partitions of the table of records: one for each day, so that a day is removed at once.

Days far from now, which are most likely wrong, share a partition of their own: a clock that jumps must not make a
thousand tables.
"""

# ruff: noqa: S608 - statements are put together from numbers and names of this package

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from victor.observability.store.link import Link

__all__ = ["DAY_NS", "Partitions"]

DAY_NS: Final = 86_400 * 1_000_000_000
"""Nanoseconds of a day."""
_PAST_DAYS: Final = 400
_FUTURE_DAYS: Final = 2
_NAME: Final = "record_rows_day_"
_FIND: Final = (
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
    f"AND relname LIKE '{_NAME}%%' AND relkind = 'r' AND relispartition"
)


class Partitions:
    """Which days have one, as far as this process knows."""

    def __init__(self) -> None:
        self._known: set[int] = set()

    def days(self, link: Link) -> list[int]:
        """The days that have one, counted since 1970, the oldest first."""
        found = link.rows(_FIND)
        return sorted(int(name.removeprefix(_NAME)) for (name,) in found)

    def make(self, link: Link, times_ns: Iterable[int]) -> None:
        """Make those for these times that are missing. The transaction keeps all other writers out."""
        today = int(time.time() * 1e9) // DAY_NS
        wanted = {at // DAY_NS for at in times_ns}
        wanted = {day for day in wanted if today - _PAST_DAYS <= day <= today + _FUTURE_DAYS}
        # Another process may have removed one since: the rows would go to the rest, and be found there all the same.
        missing = wanted - self._known
        if not missing:
            return
        there = {*self.days(link)}
        for day in sorted(missing - there):
            name, first, end = f"{_NAME}{day}", day * DAY_NS, (day + 1) * DAY_NS
            link.run(f"CREATE TABLE {name} (LIKE record_rows INCLUDING DEFAULTS)")
            link.run(
                f"WITH moved AS (DELETE FROM record_rows_rest WHERE start_ns >= {first} AND start_ns < {end} "
                f"RETURNING *) INSERT INTO {name} SELECT * FROM moved"
            )
            link.run(f"ALTER TABLE record_rows ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})")
        self._known |= wanted

    def drop(self, link: Link, day: int) -> int:
        """Remove a day and all that is in it; how many rows that was."""
        self._known.discard(day)
        count: int = link.rows(f"SELECT count(*) FROM {_NAME}{day}")[0][0]
        link.run(f"DROP TABLE {_NAME}{day}")
        return count

    def end(self, *, committed: bool) -> None:
        """A transaction has ended: what it made is there, or is not."""
        if not committed:
            self._known.clear()

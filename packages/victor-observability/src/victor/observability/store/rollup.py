"""Minutes become hours, hours become days: sketches merge, so that percentiles stay as good as they were.

Every step is a transaction of its own and looks again at what it finds, so that several processes may do this at once.
"""

# ruff: noqa: S608 - statements are put together from names of this package; values are parameters

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from math import floor
from typing import TYPE_CHECKING, Final

from victor.observability.aggregate import Aggregate
from victor.observability.store.cover import DAY, HOUR, MINUTE, MINUTES, State
from victor.observability.store.rows import figure_row
from victor.observability.store.schema import FIGURE_COLUMNS
from victor.observability.store.summing import Summing
from victor.observability.store.writing import UPSERT_FIGURE

if TYPE_CHECKING:
    from victor.observability.store.link import Link
    from victor.observability.store.retention import Maintained, Retention

__all__ = ["roll_up"]

_GRACE_MIN: Final = 2
"""How many minutes after its end an hour is summed up; what comes later reopens it."""

_DAY_MIN: Final = 1440
Writing = Callable[[str], AbstractContextManager["Link"]]


def roll_up(reading: Writing, writing: Writing, now: float, retention: Retention, done: Maintained) -> None:
    """Sum up what is finished, and remove figures that are kept in coarser form or are too old."""
    now_min = floor(now / 60)
    with reading("roll up") as link:
        hours = [*_slots_with_rows(link, MINUTE, HOUR, (now_min - _GRACE_MIN) // 60)]
        known = dict(link.rows(f"SELECT slot, state FROM slots WHERE level = {HOUR}"))
    for hour in hours:
        if known.get(hour) != State.CACHED:
            with writing("roll up an hour") as link:
                _sum_up_hour(link, hour)
            done.hours += 1
    with reading("roll up") as link:
        days = [*_slots_with_rows(link, HOUR, DAY, (now_min - _GRACE_MIN) // _DAY_MIN)]
        known = dict(link.rows(f"SELECT slot, state FROM slots WHERE level = {DAY}"))
    for day in days:
        if day not in known:
            with writing("roll up a day") as link:
                done.days += _sum_up(link, HOUR, DAY, day)
    done.figures += _remove_finer(reading, writing, MINUTE, HOUR, retention.minutes_days, now_min)
    done.figures += _remove_finer(reading, writing, HOUR, DAY, retention.hours_days, now_min)
    if retention.days_days is not None:
        oldest = floor((now_min - retention.days_days * _DAY_MIN) / _DAY_MIN)
        with writing("remove old days") as link:
            # What is finer goes as well: late figures of days that are gone.
            for level in (MINUTE, HOUR, DAY):
                last = oldest * _DAY_MIN // MINUTES[level]
                done.figures += link.run("DELETE FROM figure_rows WHERE level = ? AND slot < ?", (level, last))
                link.run("DELETE FROM slots WHERE level = ? AND slot < ?", (level, last))


def _slots_with_rows(link: Link, finer: int, coarser: int, end: int) -> Iterator[int]:
    """Hours, or days, before ``end`` that have finer rows, found by leaps through the index."""
    ratio = MINUTES[coarser] // MINUTES[finer]
    text = f"SELECT min(slot) FROM figure_rows WHERE level = {finer}"
    found = link.rows(text)[0][0]
    while found is not None and found // ratio < end:
        yield found // ratio
        found = link.rows(f"{text} AND slot >= ?", ((found // ratio + 1) * ratio,))[0][0]


def _sum_up_hour(link: Link, hour: int) -> None:
    if _state(link, DAY, hour // 24) is State.FINAL:  # late: it goes where all the others are
        _add_late(link, MINUTE, hour * 60, hour * 60 + 60, DAY, hour // 24)
    elif _state(link, HOUR, hour) is State.FINAL:
        _add_late(link, MINUTE, hour * 60, hour * 60 + 60, HOUR, hour)
    else:
        _sum_up(link, MINUTE, HOUR, hour)


def _state(link: Link, level: int, slot: int) -> State | None:
    found = link.rows("SELECT state FROM slots WHERE level = ? AND slot = ?", (level, slot))
    return State(found[0][0]) if found else None


def _merged(link: Link, level: int, first: int, end: int) -> dict[tuple[int, str], Aggregate]:
    merged: dict[tuple[int, str], Summing] = {}
    for key, source, *row in link.rows(
        f"SELECT key, source, {', '.join(FIGURE_COLUMNS)} FROM figure_rows WHERE level = ? AND slot >= ? AND slot < ?",
        (level, first, end),
    ):
        merged.setdefault((key, source), Summing()).add(row)
    return {place: one.total() for place, one in merged.items()}


def _write(link: Link, level: int, slot: int, merged: dict[tuple[int, str], Aggregate]) -> None:
    link.upsert_figures(
        UPSERT_FIGURE, [(level, slot, key, source, "", 0, *figure_row(one)) for (key, source), one in merged.items()]
    )


def _sum_up(link: Link, finer: int, coarser: int, slot: int) -> int:
    """Make the row of an hour or day from finer ones, which stay."""
    if _state(link, coarser, slot) is not None:
        return 0
    ratio = MINUTES[coarser] // MINUTES[finer]
    if coarser == DAY and _unfinished(link, slot):
        return 0
    link.run("DELETE FROM figure_rows WHERE level = ? AND slot = ?", (coarser, slot))
    _write(link, coarser, slot, _merged(link, finer, slot * ratio, (slot + 1) * ratio))
    link.run("INSERT INTO slots (level, slot, state) VALUES (?, ?, ?)", (coarser, slot, int(State.CACHED)))
    return 1


def _unfinished(link: Link, day: int) -> bool:
    """Whether minutes of a day have come that its hours do not count yet."""
    hours = dict(
        link.rows(
            f"SELECT slot, state FROM slots WHERE level = {HOUR} AND slot >= ? AND slot < ?", (day * 24, day * 24 + 24)
        )
    )
    for hour in range(day * 24, day * 24 + 24):
        if hours.get(hour) != State.CACHED and link.rows(
            f"SELECT 1 FROM figure_rows WHERE level = {MINUTE} AND slot >= ? AND slot < ? LIMIT 1",
            (hour * 60, hour * 60 + 60),
        ):
            return True
    return False


def _add_late(link: Link, finer: int, first: int, end: int, level: int, slot: int) -> None:
    """Move finer rows into the row of an hour or day that is all there is."""
    late = _merged(link, finer, first, end)
    if not late:
        return
    total = _merged(link, level, slot, slot + 1)
    for place, aggregate in late.items():
        total.setdefault(place, Aggregate()).merge(aggregate)
    _write(link, level, slot, total)
    link.run("DELETE FROM figure_rows WHERE level = ? AND slot >= ? AND slot < ?", (finer, first, end))
    if level == HOUR:
        link.run(f"DELETE FROM slots WHERE level = {DAY} AND slot = ? AND state = {int(State.CACHED)}", (slot // 24,))


def _remove_finer(
    reading: Writing, writing: Writing, finer: int, coarser: int, days: float | None, now_min: int
) -> int:
    """Leave the rows of old hours, or days, alone."""
    if days is None:
        return 0
    size = MINUTES[coarser]
    end = floor((now_min - days * _DAY_MIN) / size)
    wanted = f"SELECT slot FROM slots WHERE level = {coarser} AND state = {int(State.CACHED)} AND slot < ?"
    with reading("roll up") as link:
        slots = [slot for (slot,) in link.rows(wanted, (end,))]
    removed = 0
    ratio = size // MINUTES[finer]
    for slot in slots:
        with writing("remove figures that are rolled up") as link:
            if _state(link, coarser, slot) is not State.CACHED:
                continue
            if coarser == DAY and not _only_hours(link, slot):
                continue
            removed += link.run(
                "DELETE FROM figure_rows WHERE level = ? AND slot >= ? AND slot < ?",
                (finer, slot * ratio, (slot + 1) * ratio),
            )
            if finer == HOUR:
                link.run(
                    f"DELETE FROM slots WHERE level = {HOUR} AND slot >= ? AND slot < ?",
                    (slot * ratio, (slot + 1) * ratio),
                )
            link.run("UPDATE slots SET state = ? WHERE level = ? AND slot = ?", (int(State.FINAL), coarser, slot))
    return removed


def _only_hours(link: Link, day: int) -> bool:
    """Whether the minutes of a day are gone already; if not, it waits, for they would count twice."""
    return not link.rows(
        f"SELECT 1 FROM figure_rows WHERE level = {MINUTE} AND slot >= ? AND slot < ? LIMIT 1",
        (day * _DAY_MIN, day * _DAY_MIN + _DAY_MIN),
    )

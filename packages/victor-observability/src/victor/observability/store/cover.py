"""Which rows of figures answer a range of time: the fewest that count everything in it once.

Figures are written by the minute. Finished hours, and finished days, are summed up into rows of their own, which are
at first copies that make queries fast (``CACHED``) and stay alone when the minutes are removed (``FINAL``). A minute
that is written late, into a cached hour or day, takes its mark away until it is summed up again; one for a final hour
or day counts beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

__all__ = ["DAY", "HOUR", "MINUTE", "MINUTES", "Part", "Slot", "State", "cover"]

MINUTE: Final = 0
"""The level of figures by the minute."""
HOUR: Final = 1
"""The level of figures by the hour."""
DAY: Final = 2
"""The level of figures by the day."""

MINUTES: Final = (1, 60, 1440)
"""How many minutes a slot of each level has."""


class State(IntEnum):
    """What the row of an hour or a day is."""

    CACHED = 1
    """The sum of finer rows, which are still there."""
    FINAL = 2
    """All there is; finer rows came later and count beside it."""


class Slot(NamedTuple):
    """An hour or a day: which of them, counted since 1970.

    Args:
        level: `HOUR` or `DAY`.
        number: Which of them.
    """

    level: int
    number: int


class Part(NamedTuple):
    """Rows of one level, from a slot to another that is not included; None is unbounded.

    Args:
        level: `MINUTE`, `HOUR` or `DAY`.
        first: Number of the first slot.
        end: Number of the slot after the last.
    """

    level: int
    first: int | None
    end: int | None


def cover(since: int | None, until: int | None, states: Mapping[Slot, State], coarsest: int = DAY) -> list[Part]:
    """The parts whose rows, taken together, count each operation of a range of minutes once.

    Args:
        since: The first minute; None for all from the beginning.
        until: The minute after the last; None for all to the end.
        states: Of all hours and days that have one and lie, at least in part, in the range.
        coarsest: The level up to which cached rows may stand for finer ones.

    Example:
        >>> cover(0, 150, {Slot(HOUR, 0): State.CACHED, Slot(HOUR, 1): State.FINAL})
        [Part(level=1, first=0, end=2), Part(level=0, first=60, end=150)]
    """
    minutes: list[tuple[int, int]] = []  # left out of the minutes that count
    parts: list[Part] = []
    closed_days: set[int] = set()
    for (level, number), state in sorted(states.items(), key=lambda item: (-item[0].level, item[0].number)):
        size = MINUTES[level]
        begin, end = number * size, (number + 1) * size
        if level == HOUR and number // 24 in closed_days:
            continue
        if state is State.FINAL:
            if level == DAY:
                closed_days.add(number)
            if (since is None or begin >= since) and (until is None or begin < until):
                _append(parts, level, number)
        elif level <= coarsest and (since is None or begin >= since) and (until is None or end <= until):
            if level == DAY:
                closed_days.add(number)
            _append(parts, level, number)
            minutes.append((begin, end))
    minutes.sort()
    at = since
    for begin, end in minutes:
        if at is None or at < begin:
            parts.append(Part(MINUTE, at, begin))
        at = end
    if until is None or at is None or at < until:
        parts.append(Part(MINUTE, at, until))
    return parts


def _append(parts: list[Part], level: int, number: int) -> None:
    if parts and parts[-1].level == level and parts[-1].end == number:
        parts[-1] = Part(level, parts[-1].first, number + 1)
    else:
        parts.append(Part(level, number, number + 1))

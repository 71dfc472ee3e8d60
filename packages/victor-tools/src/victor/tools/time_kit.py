"""The tools for dates and times."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

from victor.core.errors import ToolError
from victor.tools.decorator import tool
from victor.tools.toolkit import Toolkit

__all__ = ["Time"]


@frozen
class Time(Toolkit):
    """Dates and times.

    Args:
        zone: Time zone where none is given, such as ``Europe/Berlin``.
    """

    section: ClassVar[str] = "time"

    zone: str = "UTC"

    @tool(
        category="time",
        keywords=["today", "date", "clock", "current", "what time", "day", "weekday", "year", "month", "hour"],
    )
    def now(self, zone: str | None = None) -> dict[str, Any]:
        """The date, time and weekday right now.

        Args:
            zone: Time zone such as Europe/Berlin or America/New_York.
        """
        return _facts(datetime.now(_zone(zone or self.zone)))

    @tool(
        category="time",
        idempotent=True,
        keywords=["timezone", "zone", "what time is it in", "city", "utc", "local", "translate"],
    )
    def convert(self, when: datetime, to_zone: str, from_zone: str | None = None) -> dict[str, Any]:
        """Convert a date and time to another time zone.

        Args:
            when: Such as 2026-03-01T09:30.
            to_zone: Such as Asia/Tokyo.
            from_zone: Of a time that names none itself.
        """
        return _facts(self._in_zone(when, from_zone).astimezone(_zone(to_zone)))

    @tool(
        category="time",
        idempotent=True,
        keywords=[
            "plus",
            "minus",
            "later",
            "ago",
            "from now",
            "deadline",
            "in days",
            "weeks",
            "after",
            "before",
            "due",
        ],
    )
    def add(
        self,
        when: datetime,
        years: int = 0,
        months: int = 0,
        weeks: int = 0,
        days: int = 0,
        hours: int = 0,
        minutes: int = 0,
        seconds: int = 0,
    ) -> dict[str, Any]:
        """Add years, months, weeks, days, hours, minutes or seconds to a date; negative numbers go back.

        Args:
            when: Such as 2026-03-01 or 2026-03-01T09:30.
            years: Years to add.
            months: Months to add; 31 January and a month is the last day of February.
            weeks: Weeks to add.
            days: Days to add.
            hours: Hours to add.
            minutes: Minutes to add.
            seconds: Seconds to add.
        """
        try:
            moved = _add_months(when, years * 12 + months)
            return _facts(moved + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds))
        except (OverflowError, ValueError) as error:
            raise ToolError(f"that is outside of the years 1 to 9999: {error}", retry=True) from error

    @tool(
        category="time",
        idempotent=True,
        keywords=["difference", "how long", "until", "since", "age", "days between", "elapsed", "duration", "left"],
    )
    def between(self, start: datetime, end: datetime) -> dict[str, Any]:
        """How long it is from one date to another.

        Args:
            start: Such as 2026-03-01 or 2026-03-01T09:30.
            end: The later one; if it is earlier the result is negative.
        """
        first, last = self._in_zone(start, None), self._in_zone(end, None)
        span = last - first
        return {
            "days": span.days if span >= timedelta(0) else -((-span).days),
            "seconds": span.total_seconds(),
            "weekdays": _weekdays(first.date(), last.date()),
            "text": _words(span),
        }

    def _in_zone(self, when: datetime, zone: str | None) -> datetime:
        return when if when.tzinfo is not None else when.replace(tzinfo=_zone(zone or self.zone))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        from zoneinfo import available_timezones

        from victor.core.catalog import near_matches

        near = near_matches(name, available_timezones()) if len(name) < 60 else []
        hint = f"; did you mean {' or '.join(near)}?" if near else "; names look like Europe/Berlin"
        raise ToolError(f"there is no time zone {name[:60]!r}{hint}", retry=True) from error


def _facts(when: datetime) -> dict[str, Any]:
    return {
        "iso": when.isoformat(timespec="seconds"),
        "weekday": when.strftime("%A"),
        "week": when.isocalendar().week,
        "day_of_year": when.timetuple().tm_yday,
        **({"zone": str(when.tzinfo)} if when.tzinfo is not None else {}),
        **({"unix": int(when.timestamp())} if when.tzinfo is not None else {}),
    }


def _add_months(when: datetime, months: int) -> datetime:
    from calendar import monthrange

    year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise ValueError(f"year {year}")
    return when.replace(year=year, month=month + 1, day=min(when.day, monthrange(year, month + 1)[1]))


def _weekdays(first: date, last: date) -> int:
    """Mondays to Fridays from the first day to the day before the last."""
    if last < first:
        return -_weekdays(last, first)
    weeks, rest = divmod((last - first).days, 7)
    return weeks * 5 + sum((first.weekday() + day) % 7 < 5 for day in range(rest))


def _words(span: timedelta) -> str:
    seconds = int(abs(span.total_seconds()))
    parts = []
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count:,} {unit}{'s' if count != 1 else ''}")
    return ("minus " if span < timedelta(0) else "") + (", ".join(parts) or "no time")

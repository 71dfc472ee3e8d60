"""How long what is kept, and what maintenance did."""

from __future__ import annotations

from typing import Final

from attrs import Attribute, field, frozen
from msgspec import Struct

from victor.core.errors import ConfigurationError

__all__ = ["Maintained", "Retention"]

DAY_S: Final = 86_400
HOUR_S: Final = 3_600


def _positive(instance: object, attribute: Attribute[float | None], value: float | None) -> None:
    if value is not None and not value > 0:
        raise ConfigurationError(f"{attribute.name} is a number above 0, or None to keep all, not {value!r}")


def _limit(default: float | None) -> float | None:
    return field(default=default, validator=_positive, kw_only=True)


@frozen
class Retention:
    """How long a store keeps what, in days; None is for ever.

    Detail goes by whole days (UTC): a day goes when all of it is too old. Figures become coarser as they grow older:
    those of a minute become those of an hour, and those of a day, with all counts and sums and with percentiles as
    good as before.

    Args:
        records_days: Operations and points in detail.
        runs_days: What is known of a run as a whole.
        minutes_days: Figures by the minute.
        hours_days: Figures by the hour.
        days_days: Figures by the day.
        max_bytes: How large the store may be. When it is larger the oldest detail goes first, then the oldest runs.

    Raises:
        ConfigurationError: Something finer would be kept longer than what it is part of.

    Example:
        >>> Retention(records_days=3).runs_days
        90
    """

    records_days: float | None = _limit(14)
    runs_days: float | None = _limit(90)
    minutes_days: float | None = _limit(2)
    hours_days: float | None = _limit(90)
    days_days: float | None = _limit(None)
    max_bytes: float | None = _limit(1 << 30)

    def __attrs_post_init__(self) -> None:
        for finer, coarser in (
            ("records_days", "runs_days"),
            ("minutes_days", "hours_days"),
            ("hours_days", "days_days"),
        ):
            short, long = getattr(self, finer), getattr(self, coarser)
            if long is not None and (short is None or short > long):
                kept = "for ever" if short is None else f"for {short:g} days"
                raise ConfigurationError(
                    f"{finer} keeps {kept}, and {coarser} only for {long:g}: raise {coarser}, or lower {finer}"
                )


class Maintained(Struct):
    """What maintenance did.

    Args:
        hours: How many hours were summed up.
        days: How many days were summed up.
        records: How many operations and points in detail were removed.
        runs: How many runs were removed.
        figures: How many rows of figures were removed, for coarser ones are kept or they are too old.
        freed_bytes: How much smaller the store is.
        problems: What could not be done, a sentence each.
    """

    hours: int = 0
    days: int = 0
    records: int = 0
    runs: int = 0
    figures: int = 0
    freed_bytes: int = 0
    problems: list[str] = []

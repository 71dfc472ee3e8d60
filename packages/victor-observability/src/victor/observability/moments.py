"""Moments and sizes as people write them: ``2h`` (ago), ``today``, ``2026-11-22T13:00``; ``500MB``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from victor.core.errors import ConfigurationError

__all__ = ["read_length", "read_moment", "read_size"]

_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_LENGTH: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d|w)", re.IGNORECASE)
_SIZES: Final = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]i?b|b|)", re.IGNORECASE)


def read_length(text: str) -> float:
    """Seconds.

    Raises:
        ConfigurationError: It is none.

    Example:
        >>> [read_length(text) for text in ("90s", "15m", "1.5h", "30d")]
        [90.0, 900.0, 5400.0, 2592000.0]
    """
    found = _LENGTH.fullmatch(text.strip())
    if found is None:
        raise ConfigurationError(f"{text!r} is no length of time; write 90s, 15m, 2h, 7d or 2w")
    return float(found[1]) * _UNITS[found[2].lower()]


def read_moment(text: str, now: float) -> float:
    """Seconds since 1970: a length of time ago, a day, or a day and time (of the reader's zone unless it names one).

    Raises:
        ConfigurationError: It is none.

    Example:
        >>> read_moment("2h", 10_000.0)
        2800.0
        >>> read_moment("1970-01-02T00:00Z", 0.0)
        86400.0
    """
    word = text.strip()
    if _LENGTH.fullmatch(word):
        return now - read_length(word)
    if word in ("today", "yesterday"):
        midnight = datetime.fromtimestamp(now, UTC).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        day = midnight if word == "today" else midnight - timedelta(days=1)
        return day.timestamp()
    if word == "now":
        return now
    try:
        return datetime.fromisoformat(word).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        raise ConfigurationError(
            f"{text!r} is no moment; write how long ago (15m, 2h, 7d), today, yesterday, or 2026-11-22T13:00"
        ) from None


def read_size(text: str) -> int:
    """Bytes.

    Raises:
        ConfigurationError: It is none.

    Example:
        >>> read_size("500MB"), read_size("1.5 GiB")
        (500000000, 1610612736)
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ConfigurationError(f"{text!r} is no size; write 500MB, 2GB or 100MiB")
    return int(float(found[1]) * _SIZES[found[2].lower()])

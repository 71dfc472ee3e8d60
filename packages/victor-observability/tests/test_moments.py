"""Moments, lengths of time and sizes as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from victor.core.errors import ConfigurationError
from victor.observability.moments import read_length, read_moment, read_size

NOW = datetime(2026, 11, 22, 13, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("15 m", 900), ("15min", 900), ("2h", 7200), ("1.5d", 129_600), ("2w", 1_209_600), ("1H", 3600)],
)
def test_lengths(text: str, expected: float) -> None:
    assert read_length(text) == expected
    assert read_moment(text, NOW) == NOW - expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T13:00:00+00:00", NOW - 1800),
        ("2026-11-22T13:00Z", NOW - 1800),
        ("2026-11-22T14:00+01:00", NOW - 1800),
        ("now", NOW),
    ],
)
def test_moments(text: str, expected: float) -> None:
    assert read_moment(text, NOW) == expected


def test_days_are_those_of_the_reader() -> None:
    today = datetime.fromtimestamp(read_moment("today", NOW)).astimezone()
    assert (today.hour, today.minute, today.second) == (0, 0, 0)
    assert 0 <= NOW - today.timestamp() < 86_400
    assert 23 * 3600 <= today.timestamp() - read_moment("yesterday", NOW) <= 25 * 3600
    assert read_moment("2026-11-22", NOW) == today.timestamp()


@pytest.mark.parametrize("text", ["", "h", "-2h", "2 fortnights", "2026-13-01", "tomorrow", "nan", "9" * 400 + "y"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no moment; write how long ago"):
        read_moment(text, NOW)


@pytest.mark.parametrize("text", ["", "5", "5x", "x"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no length of time"):
        read_length(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("500", 500), ("1kB", 1000), ("1KiB", 1024), ("2.5 GB", 2_500_000_000), ("1b", 1)]
)
def test_sizes(text: str, expected: int) -> None:
    assert read_size(text) == expected


@pytest.mark.parametrize("text", ["", "big", "-1MB", "1 TBB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is no size"):
        read_size(text)

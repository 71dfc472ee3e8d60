"""How figures are written for people: durations, counts, costs, ages. What is not known is said, never a zero."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["ago", "amount", "clock", "cost", "duration", "percent", "plain", "seconds"]

_NS = 1_000_000_000


def seconds(value: float | None) -> str:
    """A time with three digits that matter.

    Example:
        >>> [seconds(value) for value in (None, 0, 0.0000042, 0.0123, 5.678, 75, 3700)]
        ['-', '0 s', '4.2 us', '12.3 ms', '5.68 s', '1 min 15 s', '1 h 2 min']
    """
    if value is None:
        return "-"
    if value < 0:
        return f"-{seconds(-value)}"
    if value == 0:
        return "0 s"
    if value < 0.9995e-3:
        return f"{_short(value * 1e6)} us"
    if value < 0.9995:
        return f"{_short(value * 1e3)} ms"
    if value < 59.95:
        return f"{_short(value)} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    minutes = round(value / 60)
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")


def duration(nanoseconds: int | None) -> str:
    """`seconds` of nanoseconds."""
    return seconds(None if nanoseconds is None else nanoseconds / _NS)


def amount(value: float | None) -> str:
    """A count.

    Example:
        >>> [amount(value) for value in (None, 7, 31_610, 1_234_567, 45_600_000)]
        ['-', '7', '31,610', '1.23 M', '45.6 M']
    """
    if value is None:
        return "-"
    return f"{_short(value / 1e6)} M" if abs(value) >= 1e6 else f"{value:,.0f}"


def cost(usd: float | None, unpriced: int = 0) -> str:
    """US dollars, with how many requests are missing from them.

    Example:
        >>> [cost(None), cost(None, 3), cost(0.0), cost(0.00042), cost(1.5, 2), cost(1234.5)]
        ['-', '3 unpriced', '$0', '$0.00042', '$1.50 + 2 unpriced', '$1,234.50']
    """
    missing = f"{unpriced} unpriced" if unpriced else ""
    if usd is None:
        return missing or "-"
    if usd == 0:
        shown = "$0"
    elif abs(usd) < 0.1:
        shown = f"${usd:.2g}" if abs(usd) >= 1e-4 else f"${usd:.6f}".rstrip("0").rstrip(".")
    else:
        shown = f"${usd:,.2f}"
    return f"{shown} + {missing}" if missing else shown


def percent(part: float, whole: float) -> str:
    """A part of a whole; ``-`` of nothing. What is not all is never called 100 %, what is not none never 0 %.

    Example:
        >>> [percent(0, 0), percent(0, 5), percent(1, 3), percent(9999, 10_000), percent(1, 10_000)]
        ['-', '0 %', '33.3 %', '99.9 %', '<0.1 %']
    """
    if not whole:
        return "-"
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "<0.1 %"
    if 99.9 < share < 100:
        return "99.9 %"
    return f"{share:.1f}".removesuffix(".0") + " %"


def plain(text: str) -> str:
    """A text in one line that a terminal or an XML reader takes as text: what commands either is replaced.

    Names of tools and texts of errors come from strangers, and are shown to somebody at a terminal.

    Example:
        >>> plain(chr(27) + "[2J and" + chr(10) + "more")
        '�[2J and more'
    """
    return "".join(" " if letter.isspace() else letter if letter.isprintable() else "\ufffd" for letter in text)


def clock(nanoseconds: int) -> str:
    """A moment, in the time zone of whoever reads.

    Example:
        >>> len(clock(1_700_000_000_000_000_000))
        19
    """
    return _moment(nanoseconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def ago(nanoseconds: int, now_ns: int) -> str:
    """How long a moment is past.

    Example:
        >>> [ago(now, 10**18) for now in (10**18, 10**18 - 90 * _NS, 10**18 - 7300 * _NS, 10**18 - 3 * 86_400 * _NS)]
        ['0 s ago', '1 min ago', '2 h ago', '3 d ago']
    """
    past = (now_ns - nanoseconds) // _NS
    if past < 0:
        return "in the future"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if past >= size:
            return f"{past // size} {unit} ago"
    return f"{past} s ago"


def _short(value: float) -> str:
    digits = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / _NS, UTC)

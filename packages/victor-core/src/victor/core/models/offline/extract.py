"""Values that stand in a text: dates, numbers, amounts, addresses, paths, quotations and names, with their places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Literal

from attrs import frozen

from victor.core.models.offline.pattern import pattern
from victor.core.ranking import STOP_WORDS

__all__ = [
    "KINDS",
    "Kind",
    "Mention",
    "amounts",
    "dates",
    "emails",
    "iso_dates",
    "names",
    "numbers",
    "paths",
    "quotations",
    "relative_date",
    "unique",
    "urls",
]

Kind = Literal["date", "number", "amount", "email", "url", "path", "quotation", "name"]
"""What can be found in a text."""


@frozen
class Mention:
    """A value and where it stands.

    Args:
        kind: What it is.
        value: A number for numbers and amounts, else text; dates as ISO 8601.
        start: Where it begins in the text.
        end: Where it ends.
        text: As it is written there.
        unit: Of a number: the word or sign that belongs to it.
    """

    kind: Kind
    value: Any
    start: int
    end: int
    text: str
    unit: str = ""


_URL = pattern(r"\bhttps?://[^\s<>\"'`\]}|\\^]+|\bwww\.[\w-]+\.[^\s<>\"'`\])}]+")
_EMAIL = pattern(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}\b")
_PATH = pattern(
    r"(?<![\w@:/.])(?:"
    r"(?:~|\.{1,2})?/(?:[\w.@*?\[\]{},+-]+/)*[\w.@*?\[\]{}+-]*[\w*?\]}/]"  # /a/b, ./a, ../a, ~/a
    r"|[A-Za-z]:\\[\w\\. *-]*[\w*]"  # C:\a\b
    r"|(?:[\w.@*?-]+/)+(?:[\w.@*?\[\]{}+-]*[\w*?\]}])?"  # a/b, a/
    r"|[\w*?-][\w*?.-]*\.(?:[a-z][a-z0-9]{0,4}|[A-Z]{2,4}|\*)(?![\w.@])"  # a.txt, *.py
    r"|\*\*/\S+|\.[a-z][\w.-]{2,}"
    r"|(?:README|LICENSE|CHANGELOG|Makefile|Dockerfile|CONTRIBUTING)\b"
    r")"
)
_NOT_FILES = frozenset(
    "e.g i.e etc. a.m p.m vs. al. node.js vue.js next.js asp.net .net and/or he/she either/or w/o n/a km/h tcp/ip "
    "input/output read/write client/server".split()
)
_QUOTED = pattern(
    r"\"([^\"\n]{1,2000})\"|\u201c([^\u201d]{1,2000})\u201d|(?<![\w])'((?:[^'\n]|(?<=\w)'(?=\w)){1,2000})'(?!\w)|"
    r"`([^`\n]{1,2000})`|\u00ab\s?([^\u00bb]{1,2000}?)\s?\u00bb|\u2018([^\u2019\n]{1,500})\u2019(?!\w)"
)
_MONTHS = {
    name: number
    for number, full in enumerate(
        "january february march april may june july august september october november december".split(), 1
    )
    for name in (full, full[:3])
} | {"sept": 9}
_SCALES = {"k": 10**3, "thousand": 10**3, "m": 10**6, "million": 10**6, "mio": 10**6, "bn": 10**9, "billion": 10**9}
_WORDS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "dozen": 12}
_MULTIPLES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_CURRENCIES = {"$": "USD", "\u20ac": "EUR", "\u00a3": "GBP", "\u00a5": "JPY", "\u20b9": "INR"}
_NAME = pattern(
    r"\b(?:(?:Mr|Mrs|Ms|Dr|Prof)\.?(?:[ \t]+|[ \t]*\n[ \t]*))?(?:[A-Z\u00c0-\u00de][\w'\u2019-]+)(?:(?:[ \t]+|[ "
    r"\t]*\n[ \t]*)(?:(?:van|von|de|der|den|di|da|del|la|le|bin|of|the|and|&)(?:[ \t]+|[ \t]*\n[ \t]*))"
    r"{0,2}(?:[A-Z\u00c0-\u00de][\w'\u2019-]+|[A-Z]\.))*"
)


@cache
def _date_pattern() -> re.Pattern[str]:
    months = "|".join(sorted(_MONTHS, key=len, reverse=True))
    return re.compile(
        r"(?P<iso>(?<![\w-])\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?(?![\w-]))"
        rf"|\b(?P<d1>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?P<m1>{months})\.?,?\s+(?P<y1>\d{{4}})\b"
        rf"|\b(?P<m2>{months})\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y2>\d{{4}})\b"
        r"|(?<![\w./-])(?P<a>\d{1,2})(?P<sep>[./-])(?P<b>\d{1,2})(?P=sep)(?P<y3>\d{4})(?![\w/-])"
        r"|(?<![\w./-])(?P<y4>\d{4})[./](?P<m4>\d{1,2})[./](?P<d4>\d{1,2})(?![\w./-])",
        re.IGNORECASE,
    )


@cache
def _number_pattern() -> re.Pattern[str]:
    words = "|".join(sorted((*_WORDS, *_MULTIPLES), key=len, reverse=True))
    return re.compile(
        # Not the digits of a version (3.11.7), an identifier (v2, P1), a time (10:30) or a path.
        r"(?<![\w./:#@-])(?P<currency>[$\u20ac\u00a3\u00a5\u20b9]\s?)?(?P<digits>[-+\u2212]?(?:\d{1,3}(?:[,\u202f\u00a0']\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?|[-+]?\.\d+)"
        r"(?![\d]|[.:/-]\d|[\w.-]*@)"
        r"(?:(?P<scale>\s?(?:k|K|M|bn|thousand|million|billion|Mio)\b)|(?=\W|[a-zA-Z%\u00b0\u00b5]|$))"
        r"(?P<unit>\s?(?:%|\u20ac|\u00a3|\u00a5|\u00b0[CF]?|[A-Za-z\u00b5]+))?"
        rf"|\b(?P<words>(?:{words})(?:[\s-]+(?:and\s+)?(?:{words}))*)\b(?P<unit2>\s[A-Za-z]+)?",
    )


def urls(text: str) -> list[Mention]:
    """Web addresses, without the punctuation that follows them.

    Example:
        >>> [mention.value for mention in urls("See https://x.org/a?b=1, or (http://y.org).")]
        ['https://x.org/a?b=1', 'http://y.org']
    """
    found = []
    for match in _URL.finditer(text):
        value = match[0].rstrip(".,;:!?")
        while value.endswith(")") and value.count(")") > value.count("("):
            value = value[:-1].rstrip(".,;:!?")
        found.append(Mention("url", value, match.start(), match.start() + len(value), value))
    return found


def emails(text: str) -> list[Mention]:
    """Mail addresses.

    Example:
        >>> [mention.value for mention in emails("Write to ada@example.org.")]
        ['ada@example.org']
    """
    return [Mention("email", match[0], match.start(), match.end(), match[0]) for match in _EMAIL.finditer(text)]


def paths(text: str) -> list[Mention]:
    """Files, folders and globs.

    Example:
        >>> [mention.value for mention in paths("Copy docs/a.md and *.py to ~/out, e.g. today.")]
        ['docs/a.md', '*.py', '~/out']
    """
    taken = [(mention.start, mention.end) for mention in (*urls(text), *emails(text), *dates(text))]
    found = []
    for match in _PATH.finditer(text):
        value = match[0]
        if value.lower() in _NOT_FILES or re.fullmatch(r"[\d./]+", value) or _inside(match.start(), taken):
            continue
        found.append(Mention("path", value, match.start(), match.end(), value))
    return found


def quotations(text: str) -> list[Mention]:
    r"""Texts in quotation marks or backticks.

    Example:
        >>> [mention.value for mention in quotations("Say \"hi there\" to 'Bob', it's `x`.")]
        ['hi there', 'Bob', 'x']
    """
    return [
        Mention("quotation", next(group for group in match.groups() if group is not None), *match.span(), match[0])
        for match in _QUOTED.finditer(text)
    ]


def dates(text: str) -> list[Mention]:
    """Whole dates, as ISO 8601. Where day and month cannot be told apart (03/04/2026) there is no date.

    Example:
        >>> [mention.value for mention in dates("From 3 March 2026 until 2026-04-01, not 03/04/2026 or 31.12.2026")]
        ['2026-03-03', '2026-04-01', '2026-12-31']
    """
    if not any(char.isdigit() for char in text):
        return []
    found = []
    for match in _date_pattern().finditer(text):
        value = _iso(match)
        if value:
            found.append(Mention("date", value, *match.span(), match[0]))
    return found


def _iso(match: re.Match[str]) -> str:
    if match["iso"]:
        year, month, day = match["iso"][:10].split("-")
        return match["iso"].replace(" ", "T") if _is_date(int(year), int(month), int(day)) else ""
    if match["y1"]:
        parts = int(match["y1"]), _MONTHS[match["m1"].lower()], int(match["d1"])
    elif match["y2"]:
        parts = int(match["y2"]), _MONTHS[match["m2"].lower()], int(match["d2"])
    elif match["y4"]:
        parts = int(match["y4"]), int(match["m4"]), int(match["d4"])
    else:
        first, second = int(match["a"]), int(match["b"])
        if match["sep"] == "." or first > 12:
            parts = int(match["y3"]), second, first
        elif second > 12 or first == second:
            parts = int(match["y3"]), first, second
        else:
            return ""
    return "{:04d}-{:02d}-{:02d}".format(*parts) if _is_date(*parts) else ""


def _is_date(year: int, month: int, day: int) -> bool:
    if not (1 <= month <= 12 and 1 <= day <= 31 and year > 0):
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day <= (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def iso_dates(text: str) -> list[str]:
    """The days of `dates`, each once, without times of day."""
    return unique(mention.value[:10] for mention in dates(text))


def relative_date(text: str, today: Callable[[], str]) -> Mention | None:
    """A day named by its distance from today: "yesterday", "today", "tomorrow".

    Args:
        text: Where to look.
        today: Gives today's date as ISO 8601; called only when a day is named so.

    Example:
        >>> relative_date("what happened yesterday?", lambda: "2026-03-01").value
        '2026-02-28'
    """
    match = re.search(r"\b(yesterday|today|tomorrow)\b", text, re.IGNORECASE)
    if match is None:
        return None
    from datetime import date, timedelta

    day = date.fromisoformat(today()) + timedelta(days={"yesterday": -1, "today": 0, "tomorrow": 1}[match[1].lower()])
    return Mention("date", day.isoformat(), *match.span(), match[0])


def numbers(text: str) -> list[Mention]:
    """Numbers, in digits or words, that are no part of a date, a version, an address or a name such as "v2".

    Example:
        >>> [(found.value, found.unit) for found in numbers("2,500 users, 3.5 %, twenty-one days, 3 k, v2, 1.2.3")]
        [(2500, 'users'), (3.5, '%'), (21, 'days'), (3000, '')]
    """
    taken = [(mention.start, mention.end) for mention in (*dates(text), *urls(text), *emails(text))]
    found = []
    for match in _number_pattern().finditer(text):
        if _inside(match.start(), taken):
            continue
        if match["words"]:
            value: float | None = _from_words(match["words"])
            unit = (match["unit2"] or "").strip()
            end = match.end("words")
        else:
            value = _from_digits(match["digits"], (match["scale"] or "").strip())
            unit = (match["unit"] or "").strip() or _CURRENCIES.get((match["currency"] or "").strip(), "")
            end = match.end("scale") if match["scale"] else match.end("digits")
        if unit.lower() in STOP_WORDS:
            unit = ""
        if value is not None:
            found.append(Mention("number", value, match.start(), end, text[match.start() : end], unit))
    return found


def _from_digits(digits: str, scale: str) -> float | None:
    plain = re.sub(r"[,'\u202f\u00a0]", "", digits).replace("\u2212", "-")
    if len(plain) > 300:
        return None
    if scale:
        exact = round(float(plain) * _SCALES[scale.lower()], 6)
        return int(exact) if exact == int(exact) else exact
    value = float(plain)
    if value in (float("inf"), float("-inf")):
        return None
    return value if any(char in plain for char in ".eE") else int(plain)


def _from_words(text: str) -> int | None:
    total = current = 0
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in _WORDS:
            if current % 10 and _WORDS[word] != 12:
                return None  # "one two" is a list, no number
            current += _WORDS[word] if word != "dozen" else (12 * current or 12) - current
        elif word in _MULTIPLES:
            current = max(current, 1) * _MULTIPLES[word]
            if _MULTIPLES[word] > 100:
                total, current = total + current, 0
    return total + current


def amounts(text: str) -> list[Mention]:
    """Sums of money, with the currency as unit.

    Example:
        >>> [(mention.value, mention.unit) for mention in amounts("It costs $1,350.50 or 20 EUR, for 3 people.")]
        [(1350.5, 'USD'), (20, 'EUR')]
    """
    found = []
    for mention in numbers(text):
        unit = _CURRENCIES.get(mention.unit, mention.unit.upper())
        if unit in {"DOLLAR", "DOLLARS", "EURO", "EUROS", "POUNDS"}:
            unit = {"D": "USD", "E": "EUR", "P": "GBP"}[unit[0]]
        written = text[mention.start : mention.end]
        if written[:1] in _CURRENCIES:
            unit = _CURRENCIES[written[0]]
        if unit in {"USD", "EUR", "GBP", "JPY", "INR", "CHF", "CAD", "AUD", "CNY", "SEK", "NOK", "DKK"}:
            found.append(Mention("amount", mention.value, mention.start, mention.end, mention.text, unit))
    return found


def names(text: str) -> list[Mention]:
    """Names, by their capital letters: a run of capitalised words that a sentence's beginning does not explain.

    Example:
        >>> [mention.value for mention in names("Yesterday Ada Lovelace met Charles Babbage in London. They talked.")]
        ['Ada Lovelace', 'Charles Babbage', 'London']
    """
    found = []
    for match in _NAME.finditer(text):
        start, value = match.start(), match[0]
        before = text[:start].rstrip(" \t\"'(*_[#>-\u201c")
        opens = not before or before[-1] in ".!?:\n|"
        parts = value.split()
        while opens and parts and (parts[0].lower() in STOP_WORDS or parts[0].lower() in _OPENERS):
            start += value.index(parts[0]) + len(parts[0])
            value = value[value.index(parts[0]) + len(parts[0]) :].lstrip()
            start = text.index(value, start) if value else start
            parts = parts[1:]
            opens = False
        while parts and parts[-1] in {"and", "of", "the", "&"}:
            parts = parts[:-1]
        value = re.sub(r"['\u2019]s$", "", " ".join(parts))
        if not value or value.lower() in STOP_WORDS or value.lower() in _CALENDAR:
            continue
        if opens and len(parts) == 1:
            continue  # any word is capitalised there
        for piece in re.split(r"\s+(?:and|&)\s+", value) if not _is_firm(value) else [value]:
            if len(piece) > 1:
                at = text.find(piece, start)
                at = start if at < 0 else at
                found.append(Mention("name", piece, at, at + len(piece), piece))
    return found


_OPENERS = frozenset(
    "yesterday today tomorrow now here there however although while since after before when if then also please dear "
    "hello hi thanks regards meanwhile later finally first second third read write send call email mail find show "
    "tell give ask get search list open create make add what who where why how is are was did does can".split()
)
_CALENDAR = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday i ok yes no todo note".split()
) | frozenset(_MONTHS)


def _is_firm(value: str) -> bool:
    return "&" in value or value.split()[-1] in {"Ltd", "Inc", "Co", "Corp", "LLC", "GmbH", "Sons", "Company"}


def _inside(place: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= place < end for start, end in spans)


def unique(values: Iterable[Any]) -> list[Any]:
    """Each value once, in the order of first appearance.

    Example:
        >>> unique(["b", "a", "b"])
        ['b', 'a']
    """
    return list(dict.fromkeys(values))


KINDS: dict[Kind, Callable[[str], list[Mention]]] = {
    "date": dates,
    "number": numbers,
    "amount": amounts,
    "email": emails,
    "url": urls,
    "path": paths,
    "quotation": quotations,
    "name": names,
}
"""What finds each kind of value."""

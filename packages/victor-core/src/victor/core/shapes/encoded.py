"""Values that JSON writes as text (dates, paths, ...), and values out of a fixed choice."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import uuid
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any, Final

import msgspec

from victor.core.shapes.base import FAILED, Definitions, Problems, Schema, Shape, shown

__all__ = ["ENCODED", "Choice", "Encoded", "PathText"]


class Encoded(Shape):
    """A type msgspec writes as text."""

    rank: int = 4

    def __init__(self, kind: type, noun: str, schema: Schema, lenient: Callable[[Any], Any] | None = None) -> None:
        self.kind = kind
        self.fast = kind
        self.noun = noun
        self._schema = schema
        self._lenient = lenient
        if kind is bytes:
            self.rank = 8  # nearly any text is base64

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        return dict(self._schema)

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        if type(value) is self.kind:
            return value
        if isinstance(value, bool):
            return self.wrong(value, path, problems)
        try:
            return msgspec.convert(value, self.kind)
        except (msgspec.ValidationError, UnicodeError):
            pass
        if lenient and self._lenient is not None:
            try:
                return self._lenient(value)
            except (ValueError, TypeError, AttributeError, ArithmeticError):
                pass
        return self.wrong(value, path, problems)


def _datetime(value: Any) -> dt.datetime:
    return dt.datetime.fromisoformat(value.strip())


def _time(value: Any) -> dt.time:
    return dt.time.fromisoformat(value.strip())


def _date(value: Any) -> dt.date:
    moment = dt.datetime.fromisoformat(value.strip())
    if moment.time() != dt.time():
        raise ValueError("that is a point in time, not a date")
    return moment.date()


def _seconds(value: Any) -> dt.timedelta:
    return dt.timedelta(seconds=float(value))


ENCODED: Final[dict[Any, Encoded]] = {
    dt.datetime: Encoded(
        dt.datetime,
        "a date and time such as '2026-03-01T09:30:00Z'",
        {"type": "string", "format": "date-time"},
        _datetime,
    ),
    dt.date: Encoded(dt.date, "a date such as '2026-03-01'", {"type": "string", "format": "date"}, _date),
    dt.time: Encoded(dt.time, "a time of day such as '09:30:00'", {"type": "string", "format": "time"}, _time),
    dt.timedelta: Encoded(
        dt.timedelta, "a duration such as 'PT5M' or 'P1D'", {"type": "string", "format": "duration"}, _seconds
    ),
    decimal.Decimal: Encoded(
        decimal.Decimal, "a decimal number such as '12.50'", {"type": "string", "format": "decimal"}
    ),
    uuid.UUID: Encoded(uuid.UUID, "a UUID", {"type": "string", "format": "uuid"}),
    bytes: Encoded(bytes, "base64 text", {"type": "string", "contentEncoding": "base64"}),
    bytearray: Encoded(bytearray, "base64 text", {"type": "string", "contentEncoding": "base64"}),
}
"""The types that JSON has no word for, with what is accepted for them."""


class PathText(Shape):
    """A file path. msgspec decodes it through a hook."""

    noun = "a path"
    rank = 6

    def __init__(self, kind: type[PurePath] = Path) -> None:
        self.kind = kind
        self.fast = kind

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        return {"type": "string", "format": "path"}

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        if isinstance(value, self.kind):
            return value
        return self.kind(value) if isinstance(value, str) else self.wrong(value, path, problems)


class Choice(Shape):
    """One out of fixed values: a Literal or an Enum."""

    rank = 1

    def __init__(self, pairs: list[tuple[Any, Any]], fast: Any) -> None:
        """Args: what JSON has and the value that stands for, for each; and the type msgspec may decode."""
        self._pairs = pairs
        self.values: list[Any] = [key for key, _ in pairs]
        self.noun: str = ("one of " if len(pairs) > 1 else "") + ", ".join(_word(value) for value in self.values)
        self.fast = fast

    @classmethod
    def of_enum(cls, kind: type[enum.Enum]) -> Choice:
        """The choice of an Enum's values."""
        pairs = [(member.value, member) for member in kind]
        plain = all(type(v) is str for v, _ in pairs) or all(type(v) is int for v, _ in pairs)
        special = issubclass(kind, enum.Flag) or "_missing_" in vars(kind)
        return cls(pairs, kind if plain and not special else None)

    @classmethod
    def of_literals(cls, literals: tuple[Any, ...], literal: Any) -> Choice:
        """The choice of a Literal's values."""
        pairs = [(value.value if isinstance(value, enum.Enum) else value, value) for value in literals]
        return cls(pairs, literal if all(value is None or type(value) in (str, int) for value in literals) else None)

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        kinds = list(dict.fromkeys(_kind(value) for value in self.values))
        known = [kind for kind in kinds if kind]
        out: Schema = {"type": known[0] if len(known) == 1 else known} if known and len(known) == len(kinds) else {}
        return {**out, "enum": list(self.values)}

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        for key, member in self._pairs:
            if _same(key, value) or value is member:
                return member
        if lenient and isinstance(value, str):
            text = value.strip()
            for key, member in self._pairs:
                if not isinstance(key, str) and key is not None and _word(key) == text.lower():
                    return member
        problems.append((path, f"must be {self.noun}, got {shown(value)}" + _near(value, self.values)))
        return FAILED


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, list):
        b = tuple(b)
    return type(a) is type(b) and bool(a == b)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, (list, tuple)) else ""


def _word(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _near(value: Any, values: list[Any]) -> str:
    if not isinstance(value, str):
        return ""
    from victor.core.catalog import near_matches

    near = near_matches(value, [v for v in values if isinstance(v, str)], most=1)
    return f"; did you mean {near[0]!r}?" if near else ""

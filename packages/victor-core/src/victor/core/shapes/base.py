"""What every shape is, and the shapes of plain JSON values."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = [
    "FAILED",
    "Anything",
    "Definitions",
    "Number",
    "Problems",
    "Schema",
    "Shape",
    "Text",
    "Truth",
    "Void",
    "shown",
]

Problems = list[tuple[str, str]]
"""What is wrong: JSON path (``"$.limit"``) and text."""

Schema = dict[str, Any]
"""A JSON Schema."""


class _Failed:
    __slots__ = ()

    def __repr__(self) -> str:
        return "FAILED"


FAILED: Final = _Failed()
"""What `Shape.convert` returns instead of a value; the problems say why."""

_NUMBER: Final = re.compile(r"-?\d{1,400}(?:\.\d{1,400})?(?:[eE][+-]?\d{1,3})?")


class Definitions:
    """The ``$defs`` of one schema: shapes that are used more than once, or inside themselves."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self.names: dict[int, str] = {}
        self.uses: dict[int, int] = {}

    def name_for(self, key: int, wanted: str) -> str:
        """A name for ``$defs`` that no other shape has."""
        if key not in self.names:
            name, number = wanted, 2
            while name in self.names.values():
                name, number = f"{wanted}{number}", number + 1
            self.names[key] = name
        return self.names[key]


class Shape:
    """What values of one type look like.

    Attributes:
        noun: In an error: ``"expected {noun}"``.
        fast: A type that msgspec decodes with the very same meaning, or None where there is none.
        rank: In a union, members of lower rank are tried first.
    """

    noun: str = "a value"
    fast: Any = None
    rank: int = 5

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema."""
        raise NotImplementedError

    def count(self, definitions: Definitions) -> None:
        """Count how often named shapes are used, so that the schema can be inlined where it is used once."""

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value, or `FAILED` after adding to ``problems``.

        Args:
            value: Parsed JSON, or a value that is already right.
            path: Where it stands, ``"$"`` at the root.
            problems: Is appended to.
            lenient: Accept what models commonly write instead, such as ``"5"`` for 5.
        """
        raise NotImplementedError

    def wrong(self, value: Any, path: str, problems: Problems) -> Any:
        """Note that this is something else."""
        problems.append((path, f"expected {self.noun}, got {shown(value)}"))
        return FAILED


class Anything(Shape):
    """Any JSON value."""

    noun = "any value"
    fast = Any
    rank = 9

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        return {}

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        return value


class Void(Shape):
    """Null."""

    noun = "null"
    fast = None.__class__
    rank = 0

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        return {"type": "null"}

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        return None if value is None else self.wrong(value, path, problems)


class Truth(Shape):
    """True or false; leniently also the words."""

    noun = "true or false"
    fast = bool
    rank = 1

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        return {"type": "boolean"}

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        if isinstance(value, bool):
            return value
        if lenient and isinstance(value, str) and value.strip().lower() in {"true", "false"}:
            return value.strip().lower() == "true"
        return self.wrong(value, path, problems)


class Number(Shape):
    """A number; leniently also its text."""

    def __init__(self, kind: type[int] | type[float]) -> None:
        self.kind = kind
        self.fast = kind
        self.noun = "an integer" if kind is int else "a number"
        self.rank = 2 if kind is int else 3

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        return {"type": "integer" if self.kind is int else "number"}

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        found = value
        if lenient and isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            text = value.strip()
            found = float(text) if "." in text or "e" in text.lower() or self.kind is float else int(text)
        if type(found) is self.kind and (self.kind is int or found - found == 0):
            return found
        if isinstance(found, bool):
            return self.wrong(value, path, problems)
        if self.kind is float and isinstance(found, int):
            try:
                return float(found)
            except OverflowError:
                return self.wrong(value, path, problems)
        if isinstance(found, self.kind) and found - found == 0:
            return found
        if lenient and self.kind is int and isinstance(found, float) and found.is_integer():
            return int(found)
        return self.wrong(value, path, problems)


class Text(Shape):
    """A string."""

    noun = "a string"
    fast = str
    rank = 7

    def schema(self, definitions: Definitions) -> Schema:
        """JSON Schema, as `Shape.schema`."""
        return {"type": "string"}

    def convert(self, value: Any, path: str, problems: Problems, lenient: bool) -> Any:
        """The value or `FAILED`, as `Shape.convert`."""
        if not isinstance(value, str):
            return self.wrong(value, path, problems)
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:  # JSON cannot say it; who calls from Python can
                problems.append((path, f"character {error.start:,} is half of one and can be neither sent nor written"))
                return FAILED
        return value


def shown(value: Any) -> str:
    """A value in an error, short and in the words of JSON.

    Example:
        >>> shown("a"), shown(None), shown([1, 2]), shown({})
        ("'a'", 'null', 'an array of 2', 'an object')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"an array of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, int) and value.bit_length() > 200:
        return "a huge integer"
    text = repr(value)
    return text if len(text) <= 60 else text[:56] + "...'"

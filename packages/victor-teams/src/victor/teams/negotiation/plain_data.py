"""Whatever a party answers, as plain data of bounded size."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from typing import Any, Final

import attrs

from victor.teams.negotiation.errors import NegotiationError

__all__ = ["exact_number", "number_for_json", "shorten", "to_plain"]

_DEEPEST: Final = 32
_LONGEST_INT: Final = 2_000
_GREATEST: Final = 10**300


def to_plain(value: Any, *, limit: int = 64_000, what: str = "the answer") -> Any:
    """A value as plain data: what JSON can hold, copied, so that nobody else can change it.

    Args:
        value: Plain data, or objects of attrs classes, dataclasses, enums, fractions and sets of plain data.
        limit: Most characters it may have, about.
        what: What it is, for the error.

    Raises:
        NegotiationError: It is too large, too deep, or no data at all.

    Example:
        >>> to_plain({"price": Fraction(1, 3), "colors": ("red", "blue")})
        {'price': '1/3', 'colors': ['red', 'blue']}
        >>> to_plain("x" * 100, limit=10)
        Traceback (most recent call last):
        ...
        victor.teams.negotiation.errors.NegotiationError: the answer has more than 10 characters
    """
    left = limit

    def spend(characters: int) -> None:
        nonlocal left
        left -= characters
        if left < 0:
            raise NegotiationError(f"{what} has more than {limit:,} characters")

    def copied(one: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            raise NegotiationError(f"{what} is nested more than {_DEEPEST} levels deep")
        if isinstance(one, Enum):
            one = one.value
        if isinstance(one, str):
            spend(len(one) + 2)
            return str(one).encode("utf-8", "replace").decode("utf-8")
        if one is None or isinstance(one, bool):
            spend(5)
            return one
        if isinstance(one, int):
            if one.bit_length() > _LONGEST_INT:  # Python itself refuses to print much longer ones
                raise NegotiationError(f"{what} holds a number of more than 600 digits")
            spend(one.bit_length() // 3 + 1)
            return int(one)
        if isinstance(one, float):
            if not math.isfinite(one):
                raise NegotiationError(f"{what} holds the number {one}, which is none")
            spend(20)
            return one
        if isinstance(one, Fraction):
            return copied(str(one) if one.denominator > 1 else one.numerator, depth)
        if isinstance(one, Mapping):
            spend(2)
            result: dict[str, Any] = {}
            for key, inner in one.items():
                if not isinstance(key, str):
                    raise NegotiationError(f"{what} has a key that is no text: {type(key).__name__}")
                result[copied(key, depth + 1)] = copied(inner, depth + 1)
            return result
        if isinstance(one, (set, frozenset)):
            spend(len(one))
            one = sorted(one, key=repr)
        if isinstance(one, (list, tuple)):
            spend(2 + len(one))
            return [copied(inner, depth + 1) for inner in one]
        fields = _fields(one)
        if fields is None:
            raise NegotiationError(f"{what} is no plain data: {type(one).__name__}")
        return copied({name: getattr(one, name) for name in fields}, depth)

    return copied(value, 0)


def _fields(value: Any) -> list[str] | None:
    if isinstance(value, type):
        return None
    if attrs.has(type(value)):
        return [one.name for one in attrs.fields(type(value)) if not one.name.startswith("_")]
    if dataclasses.is_dataclass(value):
        return [one.name for one in dataclasses.fields(value)]
    names = getattr(type(value), "__struct_fields__", None)  # msgspec
    return list(names) if names is not None else None


def exact_number(value: Any, what: str = "the number") -> Fraction:
    """An exact number from an int, a float (by its shortest decimal form) or text such as ``"2/3"``.

    Raises:
        NegotiationError: It is no number.

    Example:
        >>> exact_number(0.1) + exact_number("0.2")
        Fraction(3, 10)
    """
    from victor.teams.voting.arithmetic import exact
    from victor.teams.voting.errors import VotingError

    try:
        decimal = isinstance(value, float) and math.isfinite(value)
        number = Fraction(repr(value)) if decimal else Fraction(exact(value, what))
    except VotingError as error:
        raise NegotiationError(str(error)) from None
    if abs(number) > _GREATEST:
        raise NegotiationError(f"{what} is beyond all bounds")
    return number


def number_for_json(value: Fraction) -> int | float:
    """The nearest number that JSON has.

    Example:
        >>> number_for_json(Fraction(5, 2)), number_for_json(Fraction(4, 2))
        (2.5, 2)
    """
    return value.numerator if value.denominator == 1 else float(value)


def shorten(value: Any, most: int = 200) -> str:
    r"""Plain data as one line of text, cut where it gets long.

    Example:
        >>> shorten({"price": 3}), shorten("a\nb"), shorten("x" * 50, 10)
        ('{"price": 3}', 'a b', 'xxxxxxx...')
    """
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    text = " ".join(text[: most * 4 + 100].split())
    return text if len(text) <= most else text[: most - 3] + "..."

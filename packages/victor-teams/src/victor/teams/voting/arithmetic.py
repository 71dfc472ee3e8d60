"""Numbers that decide something: whole numbers and fractions, never floats."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Final, TypeAlias

from victor.teams.voting.errors import VotingError

__all__ = ["Number", "exact", "plain_number"]

Number: TypeAlias = int | Fraction
"""An exact number."""

# Fraction() would also read "1e999999999" and take all memory there is.
_WRITTEN: Final = re.compile(r"[+-]?\d{1,40}(?:/\d{1,40}|\.\d{1,40})?\Z", re.ASCII)


def exact(value: Any, what: str = "the number") -> Number:
    """An exact number, from an int, a `Fraction` or text such as ``"2/3"``, ``"0.75"`` or ``"7"``.

    Args:
        value: The number.
        what: What it is, for the error.

    Raises:
        VotingError: It is a float or anything else that is not exact.

    Example:
        >>> exact("2/3"), exact("4/2"), exact(7)
        (Fraction(2, 3), 2, 7)
        >>> exact(0.66)
        Traceback (most recent call last):
        ...
        victor.teams.voting.errors.VotingError: the number must be exact, and the float 0.66 is not; write '33/50', ...
    """
    if isinstance(value, bool):
        raise VotingError(f"{what} must be a number, not {value!r}")
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        shown = f"{Fraction(repr(value))!s}" if value == value and abs(value) < 1e15 else "1/3"
        raise VotingError(f"{what} must be exact, and the float {value!r} is not; write {shown!r}, or use a Fraction")
    if isinstance(value, str):
        if not _WRITTEN.match(value.strip()):
            raise VotingError(
                f"{what} must be a whole number, a fraction or a decimal ('7', '2/3', '0.75'), not {value!r}"
            )
        try:
            value = Fraction(value.strip())
        except ZeroDivisionError:
            raise VotingError(f"{what} divides by zero: {value!r}") from None
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else value
    raise VotingError(f"{what} must be a whole number or a fraction, not {type(value).__name__}")


def plain_number(value: Number) -> int | str:
    """The same as plain data for JSON: an int, or text such as ``"7/3"``, which `exact` reads back.

    Example:
        >>> plain_number(Fraction(7, 3)), plain_number(Fraction(4, 2))
        ('7/3', 2)
    """
    if isinstance(value, int):
        return value
    return value.numerator if value.denominator == 1 else str(value)

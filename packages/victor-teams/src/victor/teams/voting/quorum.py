"""How many have to take part."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from attrs import frozen

from victor.teams.voting.arithmetic import exact
from victor.teams.voting.errors import VotingError

__all__ = ["Quorum"]


@frozen
class Quorum:
    """How many voters have to take part, counted by heads; who abstains takes part.

    Args:
        least: Number of voters, or a `Fraction` of those who may vote.
    """

    least: int | Fraction

    @classmethod
    def read(cls, given: Any) -> Quorum | None:
        """A quorum from a number of voters, a part such as ``"1/2"``, or None.

        Raises:
            VotingError: It is neither a positive number nor a part of at most 1.

        Example:
            >>> Quorum.read("1/2").reached(3, 6), Quorum.read(4).reached(3, 6)
            (True, False)
        """
        if given is None or isinstance(given, Quorum):
            return given
        least = Fraction(given) if isinstance(given, Fraction) else exact(given, "the quorum")
        # "1" written as a part means everybody; the number 1 means one voter.
        if isinstance(given, str) and any(sign in given for sign in "/."):
            least = Fraction(least)
        if least <= 0 or (isinstance(least, Fraction) and least > 1):
            raise VotingError(f"a quorum is a number of voters, or a part of them of at most 1, not {given!r}")
        return cls(least)

    @property
    def spec(self) -> str:
        """The text `read` takes: ``"3"``, or ``"1/2"``."""
        return (
            f"{self.least.numerator}/{self.least.denominator}" if isinstance(self.least, Fraction) else str(self.least)
        )

    @property
    def is_part(self) -> bool:
        """Whether it is a part of the voters, so that they have to be known."""
        return isinstance(self.least, Fraction)

    def reached(self, present: int, voters: int | None) -> bool:
        """Whether so many of so many are enough."""
        if isinstance(self.least, Fraction):
            return present * self.least.denominator >= self.least.numerator * (voters or 0)
        return present >= self.least

    def __str__(self) -> str:
        return f"{self.least} of the voters" if self.is_part else f"{self.least} voter{'' if self.least == 1 else 's'}"

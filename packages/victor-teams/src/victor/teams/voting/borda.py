"""Borda: a point for each option ranked below."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from attrs import frozen

from victor.teams.voting.arithmetic import Number, exact
from victor.teams.voting.ballot import BallotForm, BallotKind
from victor.teams.voting.election import Election
from victor.teams.voting.pairwise import preferences
from victor.teams.voting.points import count_points, settled_points
from victor.teams.voting.rule import Count, EarlyStop, Settled
from victor.teams.voting.ties import Ties

__all__ = ["Borda"]


@frozen
class Borda:
    """Each ballot gives an option a point for each one ranked below it, and half a point for each equal one.

    Options that a ballot leaves out are equal to each other, below the ranked ones. So each ballot gives the same sum
    of points, and the best of ``n`` options gets ``n - 1``.

    Example:
        >>> from victor.teams.voting import vote
        >>> vote({"ann": ["a", "b", "c"], "bob": ["b", "c", "a"]}, rule="borda").counts
        {'a': 2, 'b': 3, 'c': 1}
    """

    name: ClassVar[str] = "borda"
    kind: ClassVar[BallotKind] = "ranking"
    early_stop: ClassVar[EarlyStop] = "exact"
    seats: ClassVar[int] = 1

    def form(self, options: tuple[str, ...]) -> BallotForm:
        """See `Rule.form`."""
        return BallotForm("ranking", options)

    def count(self, election: Election, ties: Ties) -> Count:
        """See `Rule.count`."""
        return count_points(_points(election), ties, "points")

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        """See `Rule.settled`."""
        return settled_points(_points(election), election, ties, swing=len(election.options) - 1, unit="points")


def _points(election: Election) -> dict[str, Number]:
    doubled = election.totals()
    for content, weight in election.profile:
        below = len(election.options)
        for group in preferences(election, content):
            below -= len(group)
            for option in group:
                doubled[option] += (2 * below + len(group) - 1) * weight
    return {option: exact(Fraction(points) / 2) for option, points in doubled.items()}

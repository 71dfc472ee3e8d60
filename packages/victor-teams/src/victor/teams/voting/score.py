"""Score voting: the highest sum of scores wins."""

from __future__ import annotations

from typing import ClassVar, cast

from attrs import frozen

from victor.teams.voting.arithmetic import Number
from victor.teams.voting.ballot import BallotForm, BallotKind
from victor.teams.voting.election import Election
from victor.teams.voting.points import count_points, settled_points
from victor.teams.voting.rule import Count, EarlyStop, Settled
from victor.teams.voting.ties import Ties

__all__ = ["Score", "sums"]


def sums(election: Election) -> dict[str, Number]:
    """Sum of the scores of each option."""
    totals: list[Number] = [0] * len(election.options)
    for content, weight in election.profile:
        for place, score in enumerate(cast("tuple[int, ...]", content)):
            totals[place] += score * weight
    return dict(zip(election.options, totals, strict=True))


@frozen
class Score:
    """Each voter gives every option a score; the highest sum wins.

    Args:
        lowest: Least score.
        highest: Greatest score.
        partial: Options without a score get the lowest one, instead of making the ballot invalid.

    Example:
        >>> from victor.teams.voting import vote
        >>> vote({"ann": {"tea": 5, "milk": 3}, "bob": {"tea": 0, "milk": 3}}, rule="score").counts
        {'milk': 6, 'tea': 5}
    """

    name: ClassVar[str] = "score"
    kind: ClassVar[BallotKind] = "scores"
    early_stop: ClassVar[EarlyStop] = "exact"
    seats: ClassVar[int] = 1
    lowest: int = 0
    highest: int = 5
    partial: bool = False

    def form(self, options: tuple[str, ...]) -> BallotForm:
        """See `Rule.form`."""
        return BallotForm("scores", options, lowest=self.lowest, highest=self.highest, partial=self.partial)

    def count(self, election: Election, ties: Ties) -> Count:
        """See `Rule.count`."""
        return count_points(sums(election), ties, "points")

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        """See `Rule.settled`."""
        return settled_points(sums(election), election, ties, swing=self.highest - self.lowest, unit="points")

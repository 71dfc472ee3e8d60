"""Plurality: one choice each, the most votes win."""

from __future__ import annotations

from typing import ClassVar, cast

from attrs import frozen

from victor.teams.voting.arithmetic import Number
from victor.teams.voting.ballot import BallotForm, BallotKind
from victor.teams.voting.election import Election
from victor.teams.voting.points import count_points, settled_points
from victor.teams.voting.rule import Count, EarlyStop, Settled
from victor.teams.voting.ties import Ties

__all__ = ["Plurality", "votes"]


def votes(election: Election) -> dict[str, Number]:
    """Votes of each option, of ballots that name one."""
    counts = election.totals()
    for content, weight in election.profile:
        counts[cast("str", content)] += weight
    return counts


@frozen
class Plurality:
    """Each voter names one option; the one named most often wins, even with fewer than half of the votes.

    Example:
        >>> from victor.teams.voting import vote
        >>> vote({"ann": "tea", "bob": "tea", "cid": "milk", "dan": "soup"}, rule=Plurality()).winner
        'tea'
    """

    name = "plurality"
    kind: ClassVar[BallotKind] = "choice"
    early_stop: ClassVar[EarlyStop] = "exact"
    seats = 1

    def form(self, options: tuple[str, ...]) -> BallotForm:
        """See `Rule.form`."""
        return BallotForm("choice", options)

    def count(self, election: Election, ties: Ties) -> Count:
        """See `Rule.count`."""
        return count_points(votes(election), ties, "votes")

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        """See `Rule.settled`."""
        return settled_points(votes(election), election, ties, swing=1, unit="votes")

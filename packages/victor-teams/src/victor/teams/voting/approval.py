"""Approval: as many options as a voter likes, the most approvals win."""

from __future__ import annotations

from typing import ClassVar, cast

from attrs import frozen

from victor.teams.voting.arithmetic import Number
from victor.teams.voting.ballot import BallotForm, BallotKind
from victor.teams.voting.election import Election
from victor.teams.voting.points import count_points, settled_points
from victor.teams.voting.rule import Count, EarlyStop, Settled
from victor.teams.voting.ties import Ties

__all__ = ["Approval"]


@frozen
class Approval:
    """Each voter names all options that are good enough; the one named most often wins.

    Example:
        >>> from victor.teams.voting import vote
        >>> vote({"ann": ["tea", "milk"], "bob": ["milk"], "cid": ["soup"]}, rule="approval").counts
        {'milk': 2, 'soup': 1, 'tea': 1}
    """

    name: ClassVar[str] = "approval"
    kind: ClassVar[BallotKind] = "approval"
    early_stop: ClassVar[EarlyStop] = "exact"
    seats: ClassVar[int] = 1

    def form(self, options: tuple[str, ...]) -> BallotForm:
        """See `Rule.form`."""
        return BallotForm("approval", options)

    def count(self, election: Election, ties: Ties) -> Count:
        """See `Rule.count`."""
        return count_points(_approvals(election), ties, "approvals")

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        """See `Rule.settled`."""
        return settled_points(_approvals(election), election, ties, swing=1, unit="approvals")


def _approvals(election: Election) -> dict[str, Number]:
    counts = election.totals()
    for content, weight in election.profile:
        for option in cast("frozenset[str]", content):
            counts[option] += weight
    return counts

"""What a rule counts: the valid ballots of one poll, equal ones together."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from victor.teams.voting.arithmetic import Number
from victor.teams.voting.ballot import BallotForm, Content

__all__ = ["Election"]


@frozen
class Election:
    """The state of a poll at one moment.

    Args:
        form: What the ballots may say.
        profile: The different ballots with the weight of their voters together; abstentions are not in it.
        ballots: The ballot of each voter, None for an abstention.
        abstained: Weight of those who abstained.
        outstanding: Weight of those who have not voted yet, or None where nobody knows who may vote.
    """

    form: BallotForm
    profile: tuple[tuple[Content, Number], ...]
    ballots: Mapping[str, Content | None]
    abstained: Number = 0
    outstanding: Number | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """What can be voted for."""
        return self.form.options

    @property
    def cast(self) -> Number:
        """Weight of the ballots that say something."""
        return sum(weight for _, weight in self.profile)

    def totals(self) -> dict[str, Number]:
        """A zero for each option, to count with."""
        return dict.fromkeys(self.options, 0)

"""STAR: score, then automatic run-off."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from victor.teams.voting.arithmetic import Number, plain_number
from victor.teams.voting.ballot import BallotForm, BallotKind
from victor.teams.voting.election import Election
from victor.teams.voting.pairwise import Pairwise
from victor.teams.voting.points import best, listed
from victor.teams.voting.rule import Count, EarlyStop, Round, Settled
from victor.teams.voting.score import sums
from victor.teams.voting.ties import Ties

__all__ = ["Star"]


@frozen
class Star:
    """The two options with the highest sums of scores meet; the one that more voters score higher wins.

    Where a place among the two is tied, those who win more comparisons among the tied go first; where the run-off is
    tied, the higher sum wins. What is equal after that is for the poll's tie-break rule.

    Args:
        lowest: Least score.
        highest: Greatest score.
        partial: Options without a score get the lowest one, instead of making the ballot invalid.

    Example:
        >>> from victor.teams.voting import vote
        >>> ballots = {"ann": {"a": 5, "b": 4}, "bob": {"a": 5, "b": 4}, "cid": {"a": 0, "b": 5}}
        >>> result = vote(ballots, rule="star")
        >>> result.winner, result.counts
        ('a', {'a': 10, 'b': 13})
    """

    name: ClassVar[str] = "star"
    kind: ClassVar[BallotKind] = "scores"
    early_stop: ClassVar[EarlyStop] = "never"
    seats: ClassVar[int] = 1
    lowest: int = 0
    highest: int = 5
    partial: bool = False

    def form(self, options: tuple[str, ...]) -> BallotForm:
        """See `Rule.form`."""
        return BallotForm("scores", options, lowest=self.lowest, highest=self.highest, partial=self.partial)

    def count(self, election: Election, ties: Ties) -> Count:
        """See `Rule.count`."""
        totals = sums(election)
        if len(totals) == 1:
            return Count(election.options, totals, f"{election.options[0]!r} is the only option")
        table = Pairwise.of(election)
        finalists = self._finalists(totals, table, ties)
        one, other = finalists
        duel: dict[str, Number] = {one: table.prefer(one, other), other: table.prefer(other, one)}
        top = best(duel)
        note = f"{plain_number(duel[one])} score {one!r} higher, {plain_number(duel[other])} {other!r}"
        if len(top) > 1:
            top = best({name: totals[name] for name in top})
            note += "; equal, so the higher sum decides" if len(top) == 1 else "; equal, and so are the sums"
        winner = ties.choose(top, "the run-off")
        rounds = Round("scores", totals, elected=tuple(finalists)), Round("run-off", duel, (winner,), note=note)
        return Count((winner,), totals, f"{listed(finalists)} have the highest sums, and {note}", rounds)

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        """See `Rule.settled`."""
        return None

    def _finalists(self, totals: dict[str, Number], table: Pairwise, ties: Ties) -> list[str]:
        finalists: list[str] = []
        while len(finalists) < 2:
            left = {option: total for option, total in totals.items() if option not in finalists}
            tied = best(left)
            if len(tied) > 2 - len(finalists):
                wins: dict[str, Number] = {one: sum(table.beats(one, other) for other in tied) for one in tied}
                finalists.append(ties.choose(best(wins), f"place {len(finalists) + 1} of the run-off"))
            else:
                finalists += tied
        return finalists

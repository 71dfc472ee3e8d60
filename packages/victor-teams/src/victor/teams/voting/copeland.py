"""Copeland: who wins the most comparisons."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from attrs import frozen

from victor.teams.voting.arithmetic import Number, exact
from victor.teams.voting.ballot import BallotForm, BallotKind
from victor.teams.voting.election import Election
from victor.teams.voting.pairwise import Pairwise
from victor.teams.voting.points import count_points
from victor.teams.voting.rule import Count, EarlyStop, Round, Settled
from victor.teams.voting.ties import Ties

__all__ = ["Copeland", "certain_condorcet_winner", "comparisons"]


def certain_condorcet_winner(election: Election, ties: Ties) -> Settled | None:
    """The option that will beat each other one whatever the outstanding voters do, if there is one."""
    if election.outstanding is None or election.cast <= election.outstanding:
        return None  # no lead can be larger than the outstanding votes yet
    winner = Pairwise.of(election).unbeatable(election.outstanding)
    if winner is None:
        return None
    return Settled(winner, f"{winner!r} beats each other option by more than all outstanding votes together")


@frozen
class Copeland:
    """Each option meets each other one; a win is a point, a draw half a point, the most points win.

    Elects the option that beats all others where there is one; ties are frequent where there is none.

    Example:
        >>> from victor.teams.voting import vote
        >>> vote({"ann": "a > b > c", "bob": "b > a > c", "cid": "a > c > b"}, rule="copeland").counts
        {'a': 2, 'b': 1, 'c': 0}
    """

    name: ClassVar[str] = "copeland"
    kind: ClassVar[BallotKind] = "ranking"
    early_stop: ClassVar[EarlyStop] = "sound"
    seats: ClassVar[int] = 1

    def form(self, options: tuple[str, ...]) -> BallotForm:
        """See `Rule.form`."""
        return BallotForm("ranking", options)

    def count(self, election: Election, ties: Ties) -> Count:
        """See `Rule.count`."""
        table = Pairwise.of(election)
        doubled = dict.fromkeys(election.options, 0)
        for i, one in enumerate(election.options):
            for j, other in enumerate(election.options[:i]):
                won = (table.rows[i][j] > table.rows[j][i]) - (table.rows[i][j] < table.rows[j][i])
                doubled[one] += 1 + won
                doubled[other] += 1 - won
        points: dict[str, Number] = {option: exact(Fraction(twice, 2)) for option, twice in doubled.items()}
        counted = count_points(points, ties, "points from comparisons")
        return Count(counted.winners, points, counted.explanation, (comparisons(table),))

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        """See `Rule.settled`."""
        return certain_condorcet_winner(election, ties)


def comparisons(table: Pairwise) -> Round:
    """All comparisons as one round: ``"a > b"`` -> how many prefer a."""
    return Round(
        "comparisons", {f"{one} > {other}": n for one, row in table.plain().items() for other, n in row.items()}
    )

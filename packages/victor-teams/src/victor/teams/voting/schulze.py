"""Schulze: the strongest paths of comparisons."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from victor.teams.voting.arithmetic import Number, plain_number
from victor.teams.voting.ballot import BallotForm, BallotKind
from victor.teams.voting.copeland import certain_condorcet_winner, comparisons
from victor.teams.voting.election import Election
from victor.teams.voting.pairwise import Pairwise
from victor.teams.voting.points import listed
from victor.teams.voting.rule import Count, EarlyStop, Settled
from victor.teams.voting.ties import Ties

__all__ = ["Schulze", "strongest_paths"]


@frozen
class Schulze:
    """An option beats another when its strongest path to it is stronger than the one back; who is unbeaten wins.

    A path goes from winner to loser of comparisons, and is as strong as its weakest one, measured by the votes of its
    winner. M. Schulze, "A new monotonic, clone-independent, reversal symmetric, and Condorcet-consistent
    single-winner election method", Social Choice and Welfare 36 (2011).

    Example:
        >>> from victor.teams.voting import vote
        >>> groups = {"1": "a > b > c", "2": "b > c > a", "3": "c > a > b"}
        >>> vote(groups, rule="schulze", weights={"1": 4, "2": 3, "3": 2}).winner
        'a'
    """

    name: ClassVar[str] = "schulze"
    kind: ClassVar[BallotKind] = "ranking"
    early_stop: ClassVar[EarlyStop] = "sound"
    seats: ClassVar[int] = 1

    def form(self, options: tuple[str, ...]) -> BallotForm:
        """See `Rule.form`."""
        return BallotForm("ranking", options)

    def count(self, election: Election, ties: Ties) -> Count:
        """See `Rule.count`."""
        options, table = election.options, Pairwise.of(election)
        paths = strongest_paths(table)
        size = range(len(options))
        beaten: dict[str, Number] = {options[i]: sum(paths[i][j] > paths[j][i] for j in size if j != i) for i in size}
        unbeaten = [options[i] for i in size if all(paths[i][j] >= paths[j][i] for j in size if j != i)]
        winner = ties.choose(unbeaten, "first place")
        direct = table.unbeatable(0)
        if direct is not None:
            why = f"{direct!r} beats each other option directly"
        elif len(unbeaten) > 1:
            why = f"no path to {listed(unbeaten)} is stronger than theirs back"
        else:
            place = options.index(winner)
            weakest = min(paths[place][j] for j in size if j != place)
            why = f"{winner!r} has to each other option a stronger path than back, the weakest {plain_number(weakest)}"
        return Count((winner,), beaten, why, (comparisons(table),))

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        """See `Rule.settled`."""
        return certain_condorcet_winner(election, ties)


def strongest_paths(table: Pairwise) -> list[list[Number]]:
    """Strength of the strongest path from each option to each other one, 0 where there is none."""
    size = range(len(table.options))
    rows = table.rows
    paths: list[list[Number]] = [[rows[i][j] if rows[i][j] > rows[j][i] else 0 for j in size] for i in size]
    for k in size:
        through = paths[k]
        for i in size:
            if i != k and (reach := paths[i][k]):
                row = paths[i]
                for j in size:
                    via = through[j] if through[j] < reach else reach
                    if via > row[j] and j != i:
                        row[j] = via
    return paths

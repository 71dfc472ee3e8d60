"""Ranked pairs: lock in the clearest comparisons first."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import ClassVar

from attrs import frozen

from victor.teams.voting.arithmetic import Number, plain_number
from victor.teams.voting.ballot import BallotForm, BallotKind
from victor.teams.voting.copeland import certain_condorcet_winner, comparisons
from victor.teams.voting.election import Election
from victor.teams.voting.pairwise import Pairwise
from victor.teams.voting.points import listed
from victor.teams.voting.rule import Count, EarlyStop, Round, Settled
from victor.teams.voting.ties import Ties

__all__ = ["RankedPairs"]


@frozen
class RankedPairs:
    """Comparisons are locked in from the clearest to the closest, except those that would close a circle.

    Clearer is the one whose winner has more votes, then the one whose loser has fewer. Where equally clear ones
    contradict each other the poll's tie-break rule orders the options. Only the Smith set is compared, the fewest
    options that beat all others: the winner is in it whatever the rest do. T. N. Tideman, "Independence of clones as a
    criterion for voting rules", Social Choice and Welfare 4 (1987).

    Example:
        >>> from victor.teams.voting import vote
        >>> groups = {"1": "a > b > c", "2": "b > c > a", "3": "c > a > b"}
        >>> vote(groups, rule="ranked_pairs", weights={"1": 4, "2": 3, "3": 2}).winner
        'a'
    """

    name: ClassVar[str] = "ranked_pairs"
    kind: ClassVar[BallotKind] = "ranking"
    early_stop: ClassVar[EarlyStop] = "sound"
    seats: ClassVar[int] = 1

    def form(self, options: tuple[str, ...]) -> BallotForm:
        """See `Rule.form`."""
        return BallotForm("ranking", options)

    def count(self, election: Election, ties: Ties) -> Count:
        """See `Rule.count`."""
        table = Pairwise.of(election)
        rows, size = table.rows, table.smith_set()  # nobody outside can win, or change who does
        wins = [(rows[i][j], rows[j][i], i, j) for i in size for j in size if rows[i][j] > rows[j][i]]
        wins.sort(key=lambda win: (-win[0], win[1]))
        locked = _Locked(len(table.options))
        dropped: list[str] = []
        for _, equal in groupby(wins, key=lambda win: win[:2]):
            pairs = [(i, j) for *_, i, j in equal]
            fitting = [pair for pair in pairs if not locked.contradicts(*pair)]
            dropped += [_pair(table, pair) for pair in pairs if pair not in fitting]
            if len(fitting) > 1 and not locked.take_all(fitting):
                fitting = _ordered(table, fitting, ties)
            for pair in fitting:
                if locked.contradicts(*pair):
                    dropped.append(_pair(table, pair))
                else:
                    locked.add(*pair)
        top = [table.options[i] for i in size if not locked.above[i]]
        winner = ties.choose(top, "first place")
        below: dict[str, Number] = {table.options[i]: locked.reach[i].bit_count() for i in size}
        every = range(len(rows))
        won: dict[str, Number] = {table.options[i]: sum(rows[i][j] > rows[j][i] for j in every) for i in every}
        if table.unbeatable(0) is not None:
            why = f"{winner!r} beats each other option directly"
        elif len(top) > 1:
            why = f"no comparison that was locked in puts anything above {listed(top)}"
        else:
            why = f"{winner!r} stands above all others in the comparisons that were locked in"
            if dropped:
                why += f"; left out, for they would close a circle: {', '.join(dropped[:4])}"
        note = "left out: " + ", ".join(dropped) if dropped else ""
        return Count((winner,), won, why, (comparisons(table), Round("locked in", below, note=note)))

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        """See `Rule.settled`."""
        return certain_condorcet_winner(election, ties)


class _Locked:
    """A graph without circles; ``reach`` and ``above`` are sets of options as bits."""

    def __init__(self, size: int) -> None:
        self.reach = [0] * size
        self.above = [0] * size

    def contradicts(self, winner: int, loser: int) -> bool:
        return bool(self.reach[loser] >> winner & 1)

    def add(self, winner: int, loser: int) -> None:
        if self.reach[winner] >> loser & 1:
            return
        gained = self.reach[loser] | 1 << loser
        higher = self.above[winner] | 1 << winner
        for i in _bits(higher):
            self.reach[i] |= gained
        for j in _bits(gained):
            self.above[j] |= higher

    def take_all(self, pairs: Iterable[tuple[int, int]]) -> bool:
        """Whether these can all be locked in, in which case their order is of no importance."""
        trial = _Locked(0)
        trial.reach, trial.above = list(self.reach), list(self.above)
        for pair in pairs:
            if trial.contradicts(*pair):
                return False
            trial.add(*pair)
        return True


def _bits(number: int) -> Iterable[int]:
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


def _pair(table: Pairwise, pair: tuple[int, int]) -> str:
    one, other = (table.options[i] for i in pair)
    return (
        f"{one!r} over {other!r} ({plain_number(table.prefer(one, other))} to {plain_number(table.prefer(other, one))})"
    )


def _ordered(table: Pairwise, pairs: list[tuple[int, int]], ties: Ties) -> list[tuple[int, int]]:
    """Equally clear comparisons in the order of the options: first those whose winner stands higher."""
    left = sorted({table.options[i] for pair in pairs for i in pair}, key=table.options.index)
    place: dict[int, int] = {}
    while left:
        option = ties.choose(left, "the order of equally clear comparisons")
        place[table.options.index(option)] = len(place)
        left.remove(option)
    return sorted(pairs, key=lambda pair: (place[pair[0]], -place[pair[1]]))

"""Instant run-off: the weakest leaves, its votes pass on."""

from __future__ import annotations

from typing import ClassVar, cast

from attrs import frozen

from victor.teams.voting.arithmetic import Number, plain_number
from victor.teams.voting.ballot import BallotForm, BallotKind, Ranking
from victor.teams.voting.election import Election
from victor.teams.voting.points import best, listed
from victor.teams.voting.rule import Count, EarlyStop, Round, Settled
from victor.teams.voting.ties import Ties

__all__ = ["InstantRunoff"]


@frozen
class InstantRunoff:
    """The option with the fewest first places leaves, its ballots pass to their next one, until one has a majority.

    The majority is of the ballots that still name an option in the race. Options tied for the last place leave
    together where all their votes are fewer than those of the next one, for then the order makes no difference.

    Example:
        >>> from victor.teams.voting import vote
        >>> groups = {"1": "a > b", "2": "b > a", "3": "c > b"}
        >>> result = vote(groups, rule="irv", weights={"1": 4, "2": 3, "3": 2})
        >>> result.winner, [dict(round.counts) for round in result.rounds]
        ('b', [{'a': 4, 'b': 3, 'c': 2}, {'a': 4, 'b': 5}])
    """

    name: ClassVar[str] = "irv"
    kind: ClassVar[BallotKind] = "ranking"
    early_stop: ClassVar[EarlyStop] = "sound"
    seats: ClassVar[int] = 1

    def form(self, options: tuple[str, ...]) -> BallotForm:
        """See `Rule.form`."""
        return BallotForm("ranking", options, equals=False)

    def count(self, election: Election, ties: Ties) -> Count:
        """See `Rule.count`."""
        left = list(election.options)
        rounds: list[Round] = []
        while True:
            counts = first_places(election, left)
            total = sum(counts.values())
            top = best(counts)
            number = len(rounds) + 1
            title = f"round {number}"
            if 2 * counts[top[0]] > total or len(left) == 1:
                winner, why = top[0], f"more than half of {plain_number(total)}"
            elif len(left) == 2:
                winner, why = ties.choose(top, "first place"), f"as many as {listed(left)} have each"
            else:
                out = self._weakest(counts, ties, number)
                left = [option for option in left if option not in out]
                rounds.append(Round(title, counts, eliminated=tuple(out), note=f"{listed(out)} left"))
                continue
            rounds.append(Round(title, counts, elected=(winner,)))
            why = f"{winner!r} has {plain_number(counts[winner])} votes in {title}, {why}"
            return Count((winner,), rounds[0].counts, why, tuple(rounds))

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        """See `Rule.settled`."""
        if election.outstanding is None or not election.profile:
            return None
        counts = first_places(election, list(election.options))
        leader = best(counts)[0]
        if 2 * counts[leader] > election.cast + election.outstanding:
            return Settled(
                leader, f"{leader!r} is first on more than half of all ballots, the outstanding ones counted"
            )
        return None

    def _weakest(self, counts: dict[str, Number], ties: Ties, number: int) -> list[str]:
        fewest = min(counts.values())
        tied = [option for option, votes in counts.items() if votes == fewest]
        above = min((votes for votes in counts.values() if votes > fewest), default=None)
        if above is not None and fewest * len(tied) < above:
            return tied
        return [ties.drop(tied, f"elimination in round {number}")]


def first_places(election: Election, left: list[str]) -> dict[str, Number]:
    """Weight of the ballots on which each option is the first of those left."""
    counts: dict[str, Number] = dict.fromkeys(left, 0)
    for content, weight in election.profile:
        for (option,) in cast("Ranking", content):
            if option in counts:
                counts[option] += weight
                break
    return counts

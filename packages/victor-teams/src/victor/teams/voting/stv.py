"""Single transferable vote: several winners, in proportion."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar, Literal, cast

from attrs import field, frozen, validators

from victor.teams.voting.arithmetic import Number, exact, plain_number
from victor.teams.voting.ballot import BallotForm, BallotKind, Ranking
from victor.teams.voting.election import Election
from victor.teams.voting.errors import VotingError
from victor.teams.voting.points import best, listed
from victor.teams.voting.rule import Count, EarlyStop, Round, Settled
from victor.teams.voting.ties import Ties

__all__ = ["Quota", "SingleTransferableVote"]

Quota = Literal["droop", "hare", "exact_droop"]
"""Votes for a seat: ``floor(votes / (seats + 1)) + 1``, ``votes / seats``, or over ``votes / (seats + 1)``."""


@frozen
class SingleTransferableVote:
    """Who reaches the quota is elected, and what is above it passes on; the weakest leaves, and all of it passes on.

    A surplus passes on by the weighted inclusive Gregory method: all ballots of the elected go to their next option
    in the race, each with the same fraction of its value, computed exactly. Several surpluses pass one after the
    other, the largest first. When as many options are left as seats, they are elected.

    Args:
        seats: How many are elected.
        quota: Which quota; the result's explanation states the number.

    Example:
        >>> from victor.teams.voting import vote
        >>> groups = {"1": "a > b", "2": "c > d"}
        >>> result = vote(groups, rule={"rule": "stv", "seats": 2}, weights={"1": 60, "2": 39})
        >>> result.winners
        ('a', 'c')
    """

    name: ClassVar[str] = "stv"
    kind: ClassVar[BallotKind] = "ranking"
    early_stop: ClassVar[EarlyStop] = "never"
    seats: int = field(default=1, validator=[validators.instance_of(int), validators.ge(1)])
    quota: Quota = field(default="droop", validator=validators.in_(("droop", "hare", "exact_droop")))

    def form(self, options: tuple[str, ...]) -> BallotForm:
        """See `Rule.form`."""
        if len(options) < self.seats:
            raise VotingError(f"{self.seats} seats and only {len(options)} options")
        return BallotForm("ranking", options, equals=False)

    def votes_needed(self, cast: Number) -> Number:
        """The quota for so many votes."""
        if self.quota == "droop":
            return cast // (self.seats + 1) + 1
        return exact(Fraction(cast) / (self.seats if self.quota == "hare" else self.seats + 1))

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        """See `Rule.settled`."""
        return None

    def count(self, election: Election, ties: Ties) -> Count:
        """See `Rule.count`."""
        need = self.votes_needed(election.cast)
        # A ballot: its ranking, how far it has got, its value.
        piles: dict[str, list[tuple[Ranking, int, Number]]] = {option: [] for option in election.options}
        race = list(election.options)
        elected: list[str] = []
        surpluses: list[str] = []
        rounds: list[Round] = []

        def deal(ranking: Ranking, start: int, value: Number) -> None:
            for place in range(start, len(ranking)):
                if ranking[place][0] in race:
                    piles[ranking[place][0]].append((ranking, place, value))
                    return

        for content, weight in election.profile:
            deal(cast("Ranking", content), 0, weight)
        while True:
            counts: dict[str, Number] = {option: exact(sum(value for *_, value in piles[option])) for option in race}
            number = len(rounds) + 1
            shown = {**counts, **{option: exact(sum(v for *_, v in piles[option])) for option in surpluses}}
            new = self._reached(counts, need)
            for option in new:
                race.remove(option)
                elected.append(option)
                if counts[option] > need:
                    surpluses.append(option)
            open_seats = self.seats - len(elected)
            if not open_seats or len(race) <= open_seats:
                filling = sorted(race, key=lambda option: -counts[option]) if open_seats else []
                elected += filling
                note = _said(new, "reached the quota", filling, "fill the seats that are left")
                rounds.append(Round(f"round {number}", shown, elected=(*new, *filling), note=note))
                break
            if surpluses:
                totals = {option: sum((value for *_, value in piles[option]), Fraction()) for option in surpluses}
                giver = ties.choose(best(totals), f"the order of surpluses in round {number}")
                surpluses.remove(giver)
                total, pile = totals[giver], piles[giver]
                piles[giver] = []
                part = (total - need) / Fraction(total)
                for ranking, place, value in pile:
                    deal(ranking, place + 1, value * part)
                note = _said(new, "reached the quota", [giver], f"passed on {plain_number(exact(total - need))} votes")
                rounds.append(Round(f"round {number}", shown, elected=tuple(new), note=note))
                continue
            fewest = min(counts.values())
            weakest = [option for option in race if counts[option] == fewest]
            # Options without a vote pass nothing on, so all of them may leave at once.
            together = fewest == 0 and len(race) - len(weakest) >= open_seats
            out = weakest if together else [ties.drop(weakest, f"elimination in round {number}")]
            for option in out:
                race.remove(option)
            for option in out:
                for ranking, place, value in piles.pop(option):
                    deal(ranking, place + 1, value)
            note = _said(new, "reached the quota", out, "left")
            rounds.append(Round(f"round {number}", shown, elected=tuple(new), eliminated=tuple(out), note=note))
        seats = "1 seat" if self.seats == 1 else f"{self.seats} seats"
        more = "more than " if self.quota == "exact_droop" else ""
        of = f"of {plain_number(election.cast)} votes"
        name = self.quota.replace("_", " ")
        why = f"{listed(elected)} won the {seats}; the {name} quota is {more}{plain_number(need)} {of}"
        return Count(tuple(elected), rounds[0].counts, why, tuple(rounds))

    def _reached(self, counts: dict[str, Number], need: Number) -> list[str]:
        """Who reaches the quota, best first; it is so large that there cannot be more of them than seats."""
        over = [option for option, has in counts.items() if has > need or (has == need and self.quota != "exact_droop")]
        return sorted(over, key=lambda option: -counts[option])


def _said(first: list[str], what: str, second: list[str], other: str) -> str:
    parts = [f"{listed(names)} {text}" for names, text in ((first, what), (second, other)) if names]
    return "; ".join(parts)

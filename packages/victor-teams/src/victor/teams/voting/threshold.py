"""Majority, supermajority, unanimity: an option wins when it has a stated part of the votes, exactly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar, Literal

from attrs import field, frozen, validators

from victor.teams.voting.arithmetic import Number, exact, plain_number
from victor.teams.voting.ballot import BallotForm, BallotKind
from victor.teams.voting.election import Election
from victor.teams.voting.errors import VotingError
from victor.teams.voting.plurality import votes
from victor.teams.voting.points import best, standings
from victor.teams.voting.rule import Count, EarlyStop, Settled
from victor.teams.voting.ties import Ties

__all__ = ["Base", "Majority", "Supermajority", "Unanimous", "Weighted"]

Base = Literal["cast", "present", "electorate"]
"""What the part is of: the votes cast, these and the abstentions, or everybody who may vote."""

_BASES = {"cast": "cast", "present": "cast or abstained", "electorate": "of the electorate"}


def _base() -> Any:
    return field(default="cast", validator=validators.in_(("cast", "present", "electorate")))


class _Threshold:
    """The counting of the rules below."""

    __slots__ = ()

    kind: ClassVar[BallotKind] = "choice"
    early_stop: ClassVar[EarlyStop] = "exact"
    seats: ClassVar[int] = 1
    name: ClassVar[str]
    of: Base

    def part(self) -> tuple[int, int, bool]:
        """Numerator, denominator, and whether it has to be more than that."""
        raise NotImplementedError

    def needed(self) -> str:
        """The part in words."""
        raise NotImplementedError

    def form(self, options: tuple[str, ...]) -> BallotForm:
        return BallotForm("choice", options)

    def passes(self, votes: Number, of: Number) -> bool:
        """Whether so many votes are enough: ``votes / of >= part``, in whole numbers."""
        up, down, strict = self.part()
        return down * votes > up * of if strict else down * votes >= up * of

    def total(self, election: Election) -> Number:
        """What the part is taken of, as the poll stands."""
        if self.of == "cast":
            return election.cast
        if self.of == "present":
            return election.cast + election.abstained
        if election.outstanding is None:
            raise VotingError(f"{self.name} of the electorate needs to know who may vote: Poll(options, voters=[...])")
        return election.cast + election.abstained + election.outstanding

    def count(self, election: Election, ties: Ties) -> Count:
        counts, total = votes(election), self.total(election)
        leader = best(counts)[0]  # two options cannot both have more than half, so a tie never passes
        has = f"{plain_number(counts[leader])} of {plain_number(total)} votes {_BASES[self.of]}"
        if self.passes(counts[leader], total):
            return Count((leader,), counts, f"{leader!r} has {has}, {self.needed()}")
        return Count((), counts, f"no option has {self.needed()}: {standings(counts)}, of {plain_number(total)} votes "
                     f"{_BASES[self.of]}", missed=f"no_{self.name}")  # fmt: skip

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        left = election.outstanding
        if left is None:
            return None
        counts = votes(election)
        total = self.total(election)
        # The worst for the leader is that all others vote for somebody else; where there is nobody else, they abstain.
        grows = 0 if self.of == "electorate" or (self.of == "cast" and len(counts) == 1) else left
        leader = best(counts)[0]
        if counts[leader] and self.passes(counts[leader], total + grows):
            return Settled(leader, f"{leader!r} has {plain_number(counts[leader])} votes, {self.needed()} also if all "
                           f"{plain_number(left)} outstanding votes go elsewhere")  # fmt: skip
        most = total if self.of == "electorate" else total + left
        if not any(option + left and self.passes(option + left, most) for option in counts.values()):
            return Settled(None, f"no option can reach {self.needed()} any more, even with all "
                           f"{plain_number(left)} outstanding votes")  # fmt: skip
        return None


@frozen
class Majority(_Threshold):
    """More than half of the votes.

    Args:
        of: What half is taken of: votes ``"cast"`` (abstentions do not count), ``"present"`` (they count against),
            or the whole ``"electorate"``.

    Example:
        >>> from victor.teams.voting import vote
        >>> result = vote({"ann": "yes", "bob": "yes", "cid": "no", "dan": "no"}, rule=Majority())
        >>> result.winner is None, result.no_decision.reason
        (True, 'no_majority')
    """

    name: ClassVar[str] = "majority"
    of: Base = _base()

    def part(self) -> tuple[int, int, bool]:
        return 1, 2, True

    def needed(self) -> str:
        return "more than half"


@frozen
class Weighted(Majority):
    """More than half of the weight; the poll has to state the weights of its voters.

    Example:
        >>> from victor.teams.voting import vote
        >>> vote({"ann": "yes", "bob": "no", "cid": "no"}, rule="weighted", weights={"ann": 3}).winner
        'yes'
    """

    name: ClassVar[str] = "weighted"

    def needed(self) -> str:
        return "more than half of the weight"


def _part(value: Any) -> Fraction:
    part = Fraction(exact(value, "the part of a supermajority"))
    if not Fraction(1, 2) < part <= 1:
        raise VotingError(
            f"the part of a supermajority is more than 1/2 and at most 1, not {part}; for 1/2 use 'majority'"
        )
    return part


@frozen
class Supermajority(_Threshold):
    """At least a stated part of the votes, by default two thirds: ``3 * votes >= 2 * total``, in whole numbers.

    Args:
        fraction: The part: a `Fraction` or text such as ``"3/4"``.
        of: What it is taken of, as in `Majority`.

    Example:
        >>> from victor.teams.voting import vote
        >>> vote({"ann": "yes", "bob": "yes", "cid": "no"}, rule=Supermajority()).winner
        'yes'
    """

    name: ClassVar[str] = "supermajority"
    fraction: Fraction = field(default=Fraction(2, 3), converter=_part)
    of: Base = _base()

    def part(self) -> tuple[int, int, bool]:
        return self.fraction.numerator, self.fraction.denominator, False

    def needed(self) -> str:
        return f"at least {self.fraction}"


@frozen
class Unanimous(_Threshold):
    """All votes for one option.

    Args:
        of: All of what, as in `Majority`: with ``"cast"`` somebody who abstains does not stand in the way.
    """

    name: ClassVar[str] = "unanimous"
    of: Base = _base()

    def part(self) -> tuple[int, int, bool]:
        return 1, 1, False

    def needed(self) -> str:
        return "all"

"""Sealed-bid auctions: first price, and second price (Vickrey)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, ClassVar, Literal

from attrs import define, field, frozen, validators

from victor.teams.negotiation.conducted import Conducted, sync
from victor.teams.negotiation.errors import NegotiationError
from victor.teams.negotiation.plain_data import exact_number, number_for_json
from victor.teams.negotiation.result import NegotiationResult, NegotiationStop, Outcome
from victor.teams.negotiation.table import Table
from victor.teams.voting.ballot import BallotForm
from victor.teams.voting.election import Election
from victor.teams.voting.errors import VotingError
from victor.teams.voting.ties import Chair, RunOff, Ties, Undecided, read_tie_breaks

__all__ = ["Auction", "AuctionKind", "Sale", "settle"]

AuctionKind = Literal["first_price", "vickrey"]
"""What the winner pays: its own price, or the second best."""


@frozen
class Sale:
    """What an auction came to.

    Args:
        winner: Who gets it, or None.
        price: What the winner pays (or is paid), exactly; None without a winner.
        why: The reason in words.
        tied: Who bid the same where no stated rule decides.
    """

    winner: str | None
    price: Fraction | None
    why: str
    tied: tuple[str, ...] = ()


def settle(
    bids: Mapping[str, Any],
    *,
    kind: AuctionKind = "first_price",
    reserve: Any = None,
    buying: bool = False,
    tie_break: Any = "none",
) -> Sale:
    """Who wins, and what it costs.

    Args:
        bids: Bids by bidder, exact numbers.
        kind: ``"first_price"``: the winner pays its own bid. ``"vickrey"``: the best bid of the others, or the
            reserve where there is no other (0 without a reserve); then bidding one's true value is the best one can do.
        reserve: A bid that is worse than this does not count.
        buying: The lowest bid wins, and is paid; ``reserve`` is then the most that is paid. A Vickrey winner without a
            competitor or a reserve gets its own bid.
        tie_break: ``"none"``, ``"declared"`` (who was listed first), ``"lot:SEED"``.

    Example:
        >>> settle({"ann": 90, "bob": 120, "cid": 100}, kind="vickrey")
        Sale(winner='bob', price=Fraction(100, 1), why='bob bid 120, the best, and pays 100, the second best', tied=())
        >>> settle({"ann": 90, "bob": 90}).why
        'ann and bob bid 90 each, and no tie-break rule is stated'
    """
    rules = read_tie_breaks(tie_break)
    if any(isinstance(rule, (Chair, RunOff)) for rule in rules):
        raise NegotiationError("the tie of an auction is decided by 'declared' or 'lot:SEED', or by nobody: 'none'")
    limit = None if reserve is None else exact_number(reserve, "the reserve")
    exact = {name: exact_number(bid, f"the bid of {name!r}") for name, bid in bids.items()}
    sign = -1 if buying else 1
    valid = {name: bid for name, bid in exact.items() if limit is None or sign * bid >= sign * limit}
    if not valid:
        if exact and limit is not None:
            return Sale(None, None, f"no bid meets the reserve of {_shown(limit)}")
        return Sale(None, None, "nobody made a bid")
    best = max(valid.values(), key=lambda bid: sign * bid)
    tied = [name for name, bid in valid.items() if bid == best]
    election = Election(BallotForm("choice", tuple(exact)), (), {})
    try:
        winner = Ties(rules, election).choose(tied, "the best bid")
    except Undecided:
        names = ", ".join(tied[:-1]) + " and " + tied[-1]
        return Sale(None, None, f"{names} bid {_shown(best)} each, and no tie-break rule is stated", tuple(tied))
    pays = "is paid" if buying else "pays"
    if kind == "first_price":
        return Sale(winner, best, f"{winner} bid {_shown(best)}, the best, and {pays} it")
    others = [bid for name, bid in valid.items() if name != winner]
    if others:
        second, what = max(others, key=lambda bid: sign * bid), "the second best"
    elif limit is not None:
        second, what = limit, "the reserve, as there is no other bid"
    else:
        second, what = (
            (best, "its own bid, as there is no other") if buying else (Fraction(0), "as there is no other bid")
        )
    return Sale(winner, second, f"{winner} bid {_shown(best)}, the best, and {pays} {_shown(second)}, {what}")


def _shown(value: Fraction) -> str:
    return f"{number_for_json(value):g}"


def _reserve(value: Any) -> Fraction | None:
    return None if value is None else exact_number(value, "the reserve")


@define(kw_only=True)
class Auction(Conducted):
    """All bidders are asked at once, and nobody sees another's bid.

    A bidder has ``bid(item, context)`` and answers a number, ``{"price": 12}``, or None for no bid.

    Args:
        kind: As in `settle`.
        reserve: As in `settle`. Bidders are not told.
        buying: As in `settle`.
        tie_break: As in `settle`.

    Example:
        >>> class Bidder:
        ...     def __init__(self, name, value): self.name, self.value = name, value
        ...     def bid(self, item, context): return self.value
        >>> auction = Auction(kind="vickrey", reserve=50)
        >>> auction.negotiate_sync([Bidder("ann", 90), Bidder("bob", 70)], "a GPU hour").agreement
        {'winner': 'ann', 'price': 70}
    """

    protocol: ClassVar[str] = "auction"

    kind: AuctionKind = field(default="first_price", validator=validators.in_(("first_price", "vickrey")))
    reserve: Fraction | None = field(default=None, converter=_reserve)
    buying: bool = False
    tie_break: Any = "none"

    def __attrs_post_init__(self) -> None:
        try:
            settle({}, reserve=self.reserve, tie_break=self.tie_break)
        except VotingError as error:
            raise NegotiationError(str(error)) from error

    async def negotiate(self, bidders: Iterable[Any], item: Any, context: Any = None) -> NegotiationResult:
        """Hold the auction.

        Raises:
            NegotiationError: It cannot be held like this.
        """
        return await self._begin(bidders, item, context)

    def negotiate_sync(self, bidders: Iterable[Any], item: Any, context: Any = None) -> NegotiationResult:
        """The same, for programs without an event loop."""
        return sync(self.negotiate(bidders, item, context))

    async def conduct(self, table: Table, topic: Any, context: Any) -> Outcome:
        with table.begin_round() as operation:
            answers = await table.ask_all(table.members, "bid", lambda _: (topic, context))
            bids: dict[str, Fraction] = {}
            for name, answer in answers.items():
                value = answer.value.get("price") if isinstance(answer.value, Mapping) else answer.value
                if answer.failure or value is None:
                    continue
                try:
                    bids[name] = exact_number(value, "the bid")
                except NegotiationError as error:
                    table.report(name, "bid", "invalid", str(error))
            sale = settle(bids, kind=self.kind, reserve=self.reserve, buying=self.buying, tie_break=self.tie_break)
            operation.set(bids=len(bids), decided=sale.winner is not None)
        details = {"bids": {name: number_for_json(bid) for name, bid in bids.items()}, "tied": list(sale.tied)}
        if sale.winner is None or sale.price is None:
            return Outcome(NegotiationStop.NO_AGREEMENT, sale.why, details=details)
        sold = {"winner": sale.winner, "price": number_for_json(sale.price)}
        table.tell("sold", sold)
        return Outcome(NegotiationStop.AGREEMENT, sale.why, sold, details=details)

"""Contract net: a task is announced, contractors bid, one gets it and does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, ClassVar

from attrs import define, field, frozen

from victor.teams.negotiation.conducted import Conducted, at_least, sync
from victor.teams.negotiation.errors import NegotiationError
from victor.teams.negotiation.plain_data import exact_number, number_for_json, shorten
from victor.teams.negotiation.result import NegotiationResult, NegotiationStop, Outcome
from victor.teams.negotiation.table import Table

__all__ = ["Bid", "ContractNet", "Failed", "Refuse"]


@frozen
class Bid:
    """A contractor's answer: what it asks for the task.

    Args:
        price: A number; the lowest one wins unless the manager chooses.
        offer: What else it says: plain data, such as how it would do it and until when.
    """

    price: Any
    offer: Any = None


@frozen
class Refuse:
    """A contractor's answer: it does not want the task.

    Args:
        reason: Why.
    """

    reason: str = ""
    action: str = field(default="refuse", init=False)


@frozen
class Failed:
    """Answered by a contractor that could not do the task it had got.

    Args:
        reason: Why.
    """

    reason: str = ""
    action: str = field(default="failed", init=False)


@define(kw_only=True)
class ContractNet(Conducted):
    """A call for proposals goes to all contractors at once; the best bid gets the task; where it fails, the next.

    A contractor has ``bid(task, context)``, which answers a `Bid`, a number, or `Refuse` (or None), and
    ``perform(task, context)``, which answers the result, or `Failed`. The manager is optional: with
    ``choose(task, bids)`` it picks the contractor by name (``bids`` is a list of mappings with ``contractor``,
    ``price`` and ``offer``) or None for none of them, with ``revise(task, bids)`` it writes the call of the next round.
    The messages are those of FIPA's (iterated) contract net: cfp, propose or refuse, accept or reject, inform or
    failure. R. G. Smith, "The contract net protocol" (1980).

    Args:
        max_rounds: Calls at most; more than one make sense with a manager that revises.
        perform_timeout_s: Seconds for doing the task; None for as many as for a bid.

    Example:
        >>> class Painter:
        ...     def __init__(self, name, price): self.name, self.price = name, price
        ...     def bid(self, task, context): return self.price
        ...     def perform(self, task, context): return f"{task}: done by {self.name}"
        >>> result = ContractNet().negotiate_sync([Painter("ann", 300), Painter("bob", 250)], "paint the wall")
        >>> result.agreement
        {'contractor': 'bob', 'price': 250, 'result': 'paint the wall: done by bob'}
    """

    protocol: ClassVar[str] = "contract_net"

    max_rounds: int = field(default=1, validator=at_least(1))
    perform_timeout_s: float | None = None

    async def negotiate(
        self, contractors: Iterable[Any], task: Any, context: Any = None, *, manager: Any = None
    ) -> NegotiationResult:
        """Announce the task, award it and have it done.

        Raises:
            NegotiationError: It cannot be held like this.
        """
        return await self._begin(contractors, task, context, roles={"manager": manager})

    def negotiate_sync(
        self, contractors: Iterable[Any], task: Any, context: Any = None, *, manager: Any = None
    ) -> NegotiationResult:
        """The same, for programs without an event loop."""
        return sync(self.negotiate(contractors, task, context, manager=manager))

    async def conduct(self, table: Table, topic: Any, context: Any) -> Outcome:
        task, manager = topic, table.roles.get("manager")
        calls: list[dict[str, Any]] = []
        for number in range(1, self.max_rounds + 1):
            if table.out_of_time():
                return Outcome(
                    NegotiationStop.DEADLINE, f"the time was up after call {number - 1}", details={"calls": calls}
                )
            with table.begin_round() as operation:
                table.tell("cfp", task, sender=manager or "")
                bids = await self._bids(table, task, context)
                tried: list[str] = []
                calls.append({"bids": [_shown(name, bid) for name, bid in bids.items()], "tried": tried})
                operation.set(bids=len(bids))
                while bids:
                    chosen = await self._choose(table, manager, task, bids)
                    if chosen is None:
                        break
                    bid = bids.pop(chosen)
                    tried.append(chosen)
                    table.tell("accept", {"price": _price(bid)}, sender=manager or "", receivers=[chosen])
                    for other in bids if len(tried) == 1 else ():
                        table.tell("reject", None, sender=manager or "", receivers=[other])
                    done = await table.ask(chosen, "perform", task, context, timeout_s=self.perform_timeout_s)
                    if not done.failure and not _is(done.value, "failed"):
                        found = {"contractor": chosen, "price": _price(bid), "result": done.value}
                        why = f"{chosen} did it for {_price(bid)}"
                        return Outcome(NegotiationStop.AGREEMENT, why, found, details={"calls": calls})
                    if not done.failure:
                        table.report(chosen, "perform", "failed", _text(done.value) or "it could not do the task")
                    if table.out_of_time():
                        return Outcome(
                            NegotiationStop.DEADLINE,
                            "the time was up before the task was done",
                            details={"calls": calls},
                        )
                if number < self.max_rounds and manager is not None and _can(table, manager, "revise"):
                    revised = await table.ask(manager, "revise", task, calls[-1]["bids"])
                    if revised.failure or revised.value is None:
                        break
                    task = revised.value
        last = calls[-1]
        if last["tried"]:
            why = f"none of those who got the task did it: {', '.join(last['tried'])}"
        elif last["bids"]:
            why = "the manager chose nobody"
        else:
            why = "nobody made a bid"
        return Outcome(NegotiationStop.NO_AGREEMENT, why, details={"calls": calls})

    async def _bids(self, table: Table, task: Any, context: Any) -> dict[str, tuple[Fraction, Any]]:
        """Valid bids, the lowest first; equal ones in the order of the contractors."""
        bids: dict[str, tuple[Fraction, Any]] = {}
        for name, answer in (await table.ask_all(table.members, "bid", lambda _: (task, context))).items():
            if answer.failure or answer.value is None or _is(answer.value, "refuse"):
                continue
            value: Any = answer.value
            offer = None
            if isinstance(value, Mapping):
                value, offer = value.get("price"), value.get("offer")
            try:
                bids[name] = exact_number(value, "the price"), offer
            except NegotiationError as error:
                table.report(name, "bid", "invalid", str(error))
        return dict(sorted(bids.items(), key=lambda item: item[1][0]))

    async def _choose(
        self, table: Table, manager: str | None, task: Any, bids: Mapping[str, tuple[Fraction, Any]]
    ) -> str | None:
        lowest = next(iter(bids))
        if manager is None or not _can(table, manager, "choose"):
            return lowest
        answer = await table.ask(manager, "choose", task, [_shown(name, bid) for name, bid in bids.items()])
        if answer.failure or answer.value is None:
            return None
        if isinstance(answer.value, str) and answer.value in bids:
            return answer.value
        table.report(
            manager, "choose", "invalid", f"{shorten(answer.value, 60)} is none of the bidders: {', '.join(bids)}"
        )
        return None


def _can(table: Table, name: str, what: str) -> bool:
    if table.replaying:
        return table.will_answer(name, what)
    return callable(getattr(table.parties[name], what, None))


def _is(value: Any, action: str) -> bool:
    return isinstance(value, Mapping) and value.get("action") == action


def _text(value: Any) -> str:
    reason = value.get("reason") if isinstance(value, Mapping) else None
    return reason if isinstance(reason, str) else ""


def _price(bid: tuple[Fraction, Any]) -> int | float:
    return number_for_json(bid[0])


def _shown(name: str, bid: tuple[Fraction, Any]) -> dict[str, Any]:
    return {"contractor": name, "price": _price(bid), "offer": bid[1]}

"""A task is announced, members bid, the best bid gets it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from victor.teams.checks import names_a_member
from victor.teams.choice import described_choice
from victor.teams.errors import TeamError
from victor.teams.pattern import Pattern
from victor.teams.quoting import as_said
from victor.teams.result import StopReason
from victor.teams.session import Stop

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.result import Turn
    from victor.teams.session import Session

__all__ = ["Bid", "ContractNet"]


@frozen
class Bid:
    """A member's offer.

    Args:
        able: False when the member does not want the task.
        price: What it asks: effort, time or money, in a unit common to all.
        plan: How it would do it.
    """

    able: bool
    price: float = 0.0
    plan: str = ""


@frozen
class ContractNet(Pattern):
    """All members bid at once, none seeing the others; the lowest price gets the task (of equal ones the first), or
    whom the manager chooses; where it fails, the next. Nobody able ends the run with ``StopReason.NO_DECISION``.

    After R. G. Smith, "The Contract Net Protocol" (1980).

    Args:
        manager: Who chooses among the bids, and does not bid; the lowest price by default.
        reserve: Bids above this price are not considered.
    """

    manager: str = ""
    reserve: float | None = None

    name = "contract_net"
    sees = "none"

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        problems = names_a_member("contract_net.manager", self.manager, members, needed=False)
        return [*problems, "there is nobody who bids"] if {*members} == {self.manager} else problems

    async def run(self, session: Session) -> str:
        """See `Pattern.run`."""
        bidders = [name for name in session.members if name != self.manager]
        bids = await session.ask_all(
            bidders, f"{session.task}\n\nCan you do this, at what price, and how?", output_type=Bid
        )
        left = {turn.member: turn.data for turn in bids if turn.ok and self._counts(turn)}
        tried: list[str] = []
        while left:
            name = await self._award(session, left)
            bid = left.pop(name)
            turn = await session.ask(
                name, f"Carry out this task, which is yours as you offered ({bid.plan or 'no plan'}):\n\n{session.task}"
            )
            if turn.ok:
                return turn.text
            tried.append(f"{name}: {turn.error}")
        if tried:
            raise TeamError("everybody who bid has failed: " + "; ".join(tried))
        raise Stop(StopReason.NO_DECISION, f"nobody bid for the task: {', '.join(bidders)}")

    def _counts(self, turn: Turn) -> bool:
        return turn.data.able and turn.data.price >= 0 and (self.reserve is None or turn.data.price <= self.reserve)

    async def _award(self, session: Session, bids: Mapping[str, Bid]) -> str:
        if not self.manager or len(bids) == 1:
            return min(bids, key=lambda name: bids[name].price)
        offers = {name: f"{bid.price:g}; {bid.plan}" for name, bid in bids.items()}
        listed = "\n".join(as_said(f"- {name}", offer) for name, offer in offers.items())
        turn = await session.ask(
            self.manager, f"{session.task}\n\nThe bids:\n{listed}\n\nWho gets it?", output_type=described_choice(offers)
        )
        if not turn.ok:
            raise TeamError(f"the manager {self.manager!r} did not choose: {turn.error}")
        return str(turn.data)

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.core.topology import Edge, Node, Topology
        from victor.teams.picture import node_of

        centre = node_of(members[self.manager]) if self.manager else Node("award", kind="condition")
        others = [name for name in members if name != self.manager]
        edges = [Edge(name, centre.id, "bids") for name in others]
        edges += [Edge(centre.id, name, "gets it", "dashed") for name in others]
        return Topology([centre, *(node_of(members[name]) for name in others)], edges)

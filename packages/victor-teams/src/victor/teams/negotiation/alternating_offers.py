"""Alternating offers: in turn each party accepts the offer on the table, makes another, or ends the negotiation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from attrs import define, field, frozen

from victor.teams.negotiation.conducted import Conducted, at_least, sync
from victor.teams.negotiation.plain_data import shorten
from victor.teams.negotiation.resolution import Resolution, read_resolutions
from victor.teams.negotiation.result import NegotiationResult, NegotiationStop, Outcome, Proposal
from victor.teams.negotiation.table import Table

__all__ = ["Accept", "AlternatingOffers", "End", "Offer", "Progress"]


@frozen
class Offer:
    """A party's answer: another offer.

    Args:
        values: What is offered: plain data, usually a mapping from issue to value.
        reason: Why.
    """

    values: Any
    reason: str = ""
    action: str = field(default="offer", init=False)


@frozen
class Accept:
    """A party's answer: it takes the offer on the table.

    Args:
        reason: Why.
    """

    reason: str = ""
    action: str = field(default="accept", init=False)


@frozen
class End:
    """A party's answer: it ends the negotiation, without agreement.

    Args:
        reason: Why.
    """

    reason: str = ""
    action: str = field(default="end", init=False)


@frozen
class Progress:
    """How far a negotiation has come.

    Args:
        round: This round, from 1.
        rounds: How many there are at most.
        share: The same as a number from 0 (first round) to 1 (last round), what concession strategies go by.
        by: Whose the offer on the table is; ``""`` without one.
    """

    round: int
    rounds: int
    share: float
    by: str = ""


@define(kw_only=True)
class AlternatingOffers(Conducted):
    """Parties take turns; an offer that all others accept, one after the other, is the agreement.

    This is the stacked alternating offers protocol (Aydogan, Festen, Hindriks, Jonker, 2017), which with two parties
    is Rubinstein's. A party is any object with ``respond(topic, context, offer, progress)``, sync or async, that
    answers `Offer`, `Accept` or `End` (or plain data like them); `ConcessionParty` is one that follows a strategy. A
    party that fails or answers nonsense loses its turn; after ``patience`` lost turns in a row it counts as gone.

    Args:
        max_rounds: Rounds at most; in each one every party has a turn.
        patience: Turns in a row a party may lose.
        resolution: What decides where they do not agree, as `read_resolutions` takes it; the last offer of each party
            is its proposal.

    Example:
        >>> from victor.teams.negotiation import Boulware, ConcessionParty, Conceder, Preferences, Range
        >>> buyer = ConcessionParty("buyer", Preferences({"price": Range(best=100, worst=200, steps=20)}), Boulware())
        >>> seller = ConcessionParty("seller", Preferences({"price": Range(best=200, worst=100, steps=20)}), Conceder())
        >>> result = AlternatingOffers(max_rounds=10).negotiate_sync([buyer, seller], "a used bicycle")
        >>> result.agreement, result.stop_reason.value
        ({'price': 110}, 'agreement')
    """

    protocol: ClassVar[str] = "alternating_offers"
    least_parties: ClassVar[int] = 2

    max_rounds: int = field(default=20, validator=at_least(1))
    patience: int = field(default=2, validator=at_least(1))
    resolution: tuple[Resolution, ...] = field(default=(), converter=read_resolutions)

    async def negotiate(self, parties: Iterable[Any], topic: Any, context: Any = None) -> NegotiationResult:
        """Hold the negotiation; the parties take turns in the order they are given.

        Raises:
            NegotiationError: It cannot be held like this.
        """
        return await self._begin(parties, topic, context)

    def negotiate_sync(self, parties: Iterable[Any], topic: Any, context: Any = None) -> NegotiationResult:
        """The same, for programs without an event loop."""
        return sync(self.negotiate(parties, topic, context))

    async def conduct(self, table: Table, topic: Any, context: Any) -> Outcome:
        names = list(table.members)
        standing: Proposal | None = None
        accepted: set[str] = set()
        lost = dict.fromkeys(names, 0)
        last: dict[str, Proposal] = {}

        async def end(reason: NegotiationStop, why: str) -> Outcome:
            for one in self.resolution:
                decided = await one.resolve(table, topic, context, tuple(last.values()), ())
                if decided is not None:
                    table.tell("resolved", decided.content)
                    why = f"{why}; {one.spec} decided: {shorten(decided.content, 80)!r}"
                    return Outcome(reason, why, decided.content, resolved_by=one.spec, proposal=decided,
                                   proposals=tuple(last.values()))  # fmt: skip
            return Outcome(reason, why, proposals=tuple(last.values()))

        for number in range(1, self.max_rounds + 1):
            with table.begin_round():
                for name in names:
                    if table.out_of_time():
                        return await end(NegotiationStop.DEADLINE, f"the time was up in round {number}")
                    share = (number - 1) / (self.max_rounds - 1) if self.max_rounds > 1 else 1.0
                    by = standing.by[0] if standing else ""
                    progress = Progress(number, self.max_rounds, share, by)
                    offer = None if standing is None else standing.content
                    answer = await table.ask(name, "respond", topic, context, offer, progress)
                    action, content, reason = _read(answer.value)
                    if not answer.failure:
                        wrong = _wrong(action, content, standing, name)
                        if wrong:
                            table.report(name, "respond", "invalid", wrong)
                            action = ""
                    if not action:
                        lost[name] += 1
                        if lost[name] >= self.patience:
                            why = f"{name} lost {lost[name]} turns in a row and counts as gone"
                            return await end(NegotiationStop.WITHDRAWN, why)
                        continue
                    lost[name] = 0
                    if action == "end":
                        why = f"{name} ended it in round {number}" + (f": {shorten(reason)}" if reason else "")
                        return await end(NegotiationStop.WITHDRAWN, why)
                    if action == "offer":
                        standing = Proposal(content, reason, f"{number}.{names.index(name) + 1}", (name,), number)
                        last[name] = standing
                        accepted = {name}
                    else:
                        accepted.add(name)
                    if standing is not None and len(accepted) == len(names):
                        why = f"all accepted what {standing.by[0]} offered in round {standing.round}: "
                        return Outcome(
                            NegotiationStop.AGREEMENT, why + repr(shorten(standing.content, 80)), standing.content,
                            proposal=standing, proposals=tuple(last.values()),
                        )  # fmt: skip
        return await end(NegotiationStop.NO_AGREEMENT, f"no agreement in {self.max_rounds} rounds")


def _read(value: Any) -> tuple[str, Any, str]:
    """Action, values and reason of an answer."""
    if isinstance(value, str):
        return (value, None, "") if value in ("accept", "end") else ("", None, "")
    if not isinstance(value, Mapping):
        return "", None, ""
    action, reason = value.get("action"), value.get("reason")
    reason = reason if isinstance(reason, str) else ""
    if action in ("end", "withdraw"):
        return "end", None, reason
    return (action, value.get("values"), reason) if action in ("offer", "accept") else ("", None, reason)


def _wrong(action: str, content: Any, standing: Proposal | None, name: str) -> str:
    if not action:
        return "the answer is neither an offer nor 'accept' nor 'end'"
    if action == "offer" and content is None:
        return "an offer without values"
    if action == "accept" and standing is None:
        return "there is no offer to accept yet"
    if action == "accept" and standing is not None and standing.by == (name,):
        return "a party cannot accept its own offer; the others have to"
    return ""

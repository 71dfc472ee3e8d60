"""The single text procedure: a mediator writes one draft, the parties say yes or what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from attrs import define, field

from victor.teams.negotiation.conducted import Conducted, at_least, sync
from victor.teams.negotiation.plain_data import shorten
from victor.teams.negotiation.result import NegotiationResult, NegotiationStop, Outcome, Proposal, Vote
from victor.teams.negotiation.table import Table
from victor.teams.voting.poll import Poll
from victor.teams.voting.registry import make_rule
from victor.teams.voting.rule import Rule

__all__ = ["SingleText"]


@define(kw_only=True)
class SingleText(Conducted):
    """There is one text, the mediator's; the parties never trade offers, they only judge the draft.

    The mediator has ``draft(topic, context, draft, objections)`` and answers a text (or any plain data); ``draft`` is
    None at first, ``objections`` a list of ``{"party": ..., "reason": ...}``. A party has ``review(topic, draft)`` and
    answers True or False, ``"accept"`` or ``"reject"``, or ``{"accept": False, "reason": "..."}``; None abstains.
    R. Fisher, W. Ury, "Getting to Yes" (1981).

    Args:
        max_rounds: Drafts at most.
        rule: By which rule ``"accept"`` has to win over ``"reject"``; by default all parties have to accept.

    Example:
        >>> class Mediator:
        ...     def draft(self, topic, context, draft, objections):
        ...         return "We meet at 9." if draft is None else "We meet at 10."
        >>> class Party:
        ...     def __init__(self, name): self.name = name
        ...     def review(self, topic, draft):
        ...         return {"accept": "10" in draft, "reason": "too early"}
        >>> result = SingleText().negotiate_sync([Party("ann"), Party("bob")], Mediator(), "when to meet")
        >>> result.agreement, result.rounds
        ('We meet at 10.', 2)
    """

    protocol: ClassVar[str] = "single_text"

    max_rounds: int = field(default=5, validator=at_least(1))
    rule: Rule = field(factory=lambda: make_rule("unanimous", of="electorate"), converter=make_rule)

    async def negotiate(
        self, parties: Iterable[Any], mediator: Any, topic: Any, context: Any = None
    ) -> NegotiationResult:
        """Hold the negotiation.

        Args:
            parties: Who judges the drafts.
            mediator: Who writes them.
            topic: What it is about.
            context: What the mediator should know.

        Raises:
            NegotiationError: It cannot be held like this.
        """
        return await self._begin(parties, topic, context, roles={"mediator": mediator})

    def negotiate_sync(
        self, parties: Iterable[Any], mediator: Any, topic: Any, context: Any = None
    ) -> NegotiationResult:
        """The same, for programs without an event loop."""
        return sync(self.negotiate(parties, mediator, topic, context))

    async def conduct(self, table: Table, topic: Any, context: Any) -> Outcome:
        draft: Any = None
        objections: list[dict[str, str]] = []
        results: list[dict[str, Any]] = []
        votes: tuple[Vote, ...] = ()
        for number in range(1, self.max_rounds + 1):
            if table.out_of_time():
                return _over(
                    NegotiationStop.DEADLINE, f"the time was up after draft {number - 1}", draft, votes, results
                )
            with table.begin_round() as operation:
                mediator = table.roles["mediator"]
                answer = await table.ask(mediator, "draft", topic, context, draft, objections)
                if answer.failure or answer.value is None:
                    why = f"the mediator has no draft {number}"
                    return _over(NegotiationStop.FAILED, why, draft, votes, results)
                draft = answer.value
                answers = await table.ask_all(table.members, "review", lambda _: (topic, draft))  # noqa: B023
                poll = Poll(["accept", "reject"], table.members, rule=self.rule, name=table.name, stream=table.stream)
                objections, said = [], []
                for name, given in answers.items():
                    if given.failure:
                        continue
                    verdict, reason = _verdict(given.value)
                    problem = poll.cast(name, verdict, reason)
                    if problem is not None:
                        table.report(name, "review", problem.kind, problem.reason)
                        continue
                    said.append(Vote(verdict, reason, name))
                    if verdict == "reject":
                        objections.append({"party": name, "reason": reason})
                votes = tuple(said)
                result = poll.result()
                results.append(result.to_dict())
                operation.set(decided=result.decided)
                if result.winner == "accept":
                    proposal = Proposal(draft, "", str(number), (mediator,), number)
                    why = f"draft {number} is accepted: {result.explanation}: {shorten(draft, 80)!r}"
                    return Outcome(
                        NegotiationStop.AGREEMENT, why, draft, proposal=proposal, proposals=(proposal,), votes=votes,
                        details={"results": results},
                    )  # fmt: skip
        why = f"no draft of {self.max_rounds} was accepted"
        return _over(NegotiationStop.NO_AGREEMENT, why, draft, votes, results)


def _over(
    reason: NegotiationStop, why: str, draft: Any, votes: tuple[Vote, ...], results: list[dict[str, Any]]
) -> Outcome:
    return Outcome(reason, why, votes=votes, details={"results": results, "draft": draft})


def _verdict(value: Any) -> tuple[Any, str]:
    reason = ""
    if isinstance(value, Mapping):
        given = value.get("reason")
        reason = given if isinstance(given, str) else ""
        value = value.get("accept", value)
    if isinstance(value, bool):
        return ("accept" if value else "reject"), reason
    return value, reason

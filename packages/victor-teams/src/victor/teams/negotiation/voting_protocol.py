"""One vote among parties: all are asked at once, and nobody is waited for once the result is certain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from attrs import define, field

from victor.teams.negotiation.conducted import Conducted, sync
from victor.teams.negotiation.result import NegotiationResult, NegotiationStop, Outcome, Proposal, Vote
from victor.teams.negotiation.table import Answer, Table
from victor.teams.negotiation.votes import ballot_schema, read_vote
from victor.teams.voting.poll import Poll
from victor.teams.voting.quorum import Quorum
from victor.teams.voting.registry import make_rule
from victor.teams.voting.rule import Rule

__all__ = ["VotingProtocol"]


def _quorum(given: Any) -> Quorum | None:
    return Quorum.read(given)


@define(kw_only=True)
class VotingProtocol(Conducted):
    """Parties vote on stated options, by any voting rule.

    A party has ``vote(proposals)``, as in `NegotiationProtocol`; the id of a proposal is the option itself. Agents are
    given the topic and the schema of a ballot.

    Args:
        rule: The voting rule.
        tie_break: What decides ties, as `Poll` takes it.
        quorum: How many have to vote, as `Poll` takes it.
        weights: How much each party counts.
        early_stop: End the vote as soon as nobody who is still out can change its result.

    Example:
        >>> class Member:
        ...     def __init__(self, name, choice): self.name, self.choice = name, choice
        ...     def vote(self, proposals): return self.choice
        >>> members = [Member("ann", "tea"), Member("bob", "milk"), Member("cid", "tea")]
        >>> result = VotingProtocol().vote_sync(members, ["tea", "milk"], "What shall we drink?")
        >>> result.agreement
        'tea'
    """

    protocol: ClassVar[str] = "vote"

    rule: Rule = field(factory=lambda: make_rule("majority"), converter=make_rule)
    tie_break: Any = "none"
    quorum: Quorum | None = field(default=None, converter=_quorum)
    weights: Mapping[str, Any] | None = None
    early_stop: bool = True

    async def vote(
        self, parties: Iterable[Any], options: Iterable[str], topic: str = "", context: Any = None
    ) -> NegotiationResult:
        """Hold the vote.

        Args:
            parties: Who votes.
            options: What can be voted for.
            topic: The question.
            context: What agents should know besides; plain data.

        Returns:
            The result: ``agreement`` is the winner, or the list of winners where the rule elects several;
            ``details["result"]`` is the `VoteResult` as plain data.

        Raises:
            NegotiationError: It cannot be held like this.
            VotingError: Rule, options, quorum or weights are wrong.
        """
        return await self._begin(parties, {"question": topic, "options": list(options)}, context)

    def vote_sync(
        self, parties: Iterable[Any], options: Iterable[str], topic: str = "", context: Any = None
    ) -> NegotiationResult:
        """The same, for programs without an event loop."""
        return sync(self.vote(parties, options, topic, context))

    async def conduct(self, table: Table, topic: Any, context: Any) -> Outcome:
        options = topic["options"]
        poll = Poll(
            options, table.members, rule=self.rule, weights=self.weights, quorum=self.quorum, tie_break=self.tie_break,
            name=topic["question"] or table.name, stream=table.stream,
        )  # fmt: skip
        proposals = tuple(Proposal(option, id=option, round=1) for option in options)
        votes: list[Vote] = []

        def take(name: str, answer: Answer) -> bool:
            if not answer.failure:
                content, reason = read_vote(answer.value)
                problem = poll.cast(name, content, reason)
                if problem is None:
                    votes.append(Vote(content, reason, name))
                else:
                    table.report(name, "vote", problem.kind, problem.reason)
            return self.early_stop and poll.settled() is not None

        hints = {"topic": topic["question"], "context": context, "schema": ballot_schema(poll.form)}
        with table.begin_round() as operation:
            await table.ask_all(table.members, "vote", lambda _: (proposals,), hints=hints, each=take)
            result = poll.result()
            operation.set(votes=len(votes), decided=result.decided)
        table.tell("result", {"winners": list(result.winners), "explanation": result.explanation})
        details = {"result": result.to_dict()}
        if not result.decided:
            return Outcome(
                NegotiationStop.NO_AGREEMENT, result.explanation, proposals=proposals, votes=tuple(votes),
                details=details,
            )  # fmt: skip
        agreement: Any = list(result.winners) if self.rule.seats > 1 else result.winner
        taken = next(proposal for proposal in proposals if proposal.id == result.winner)
        return Outcome(
            NegotiationStop.AGREEMENT, result.explanation, agreement, proposal=taken, proposals=proposals,
            votes=tuple(votes), details=details,
        )  # fmt: skip

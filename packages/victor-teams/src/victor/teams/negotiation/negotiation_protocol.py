"""Rounds of proposals: everybody proposes, everybody votes, until enough of them agree."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from attrs import define, field

from victor.teams.negotiation.conducted import Conducted, at_least, sync
from victor.teams.negotiation.plain_data import shorten
from victor.teams.negotiation.resolution import Resolution, read_resolutions
from victor.teams.negotiation.result import NegotiationResult, NegotiationStop, Outcome, Proposal, Vote
from victor.teams.negotiation.table import Table
from victor.teams.negotiation.votes import ballot_schema, read_vote, reason_of, withdraws
from victor.teams.voting.errors import VotingError
from victor.teams.voting.poll import Poll
from victor.teams.voting.quorum import Quorum
from victor.teams.voting.registry import make_rule
from victor.teams.voting.result import VoteResult
from victor.teams.voting.rule import Rule

__all__ = ["NegotiationProtocol"]


def _quorum(given: Any) -> Quorum | None:
    return Quorum.read(given)


@define(kw_only=True)
class NegotiationProtocol(Conducted):
    """Members propose and vote, round after round, until a voting rule says that they agree.

    In each round all members propose at once, then all vote at once, on the proposals of this round alone. Equal
    proposals become one. From the second round on a member that has a method ``refine(own, proposals, result)`` is
    asked for that, another one to propose again; who proposes nothing new keeps the old proposal.

    A member is any object with ``propose(topic, context, proposals)`` and ``vote(proposals)``, sync or async, or an
    `Agent` of core. ``propose`` answers a `Proposal`, or any plain data; ``vote`` the id of a proposal, a `Vote`, what
    else the voting rule takes, or None to abstain; either may answer ``{"action": "withdraw"}``. A member that fails,
    is late or answers nonsense is left out of that step and reported in the result.

    Args:
        rule: The voting rule. By default two thirds, exactly, of all members, so that those who are silent count
            against it.
        max_rounds: Rounds at most.
        tie_break: What decides ties, as `Poll` takes it.
        quorum: How many have to vote, as `Poll` takes it.
        weights: How much each member counts.
        resolution: What decides where the members do not, as `read_resolutions` takes it; several are tried in turn.
        least: With fewer members left than this, the negotiation ends.

    Example:
        >>> class Member:
        ...     def __init__(self, name, wish, yields_to):
        ...         self.name, self.wish, self.yields_to = name, wish, yields_to
        ...     def propose(self, topic, context, proposals):
        ...         return self.wish
        ...     def vote(self, proposals):
        ...         return next(p.id for p in proposals if p.content == self.yields_to)
        >>> members = [Member("ann", "soup", "soup"), Member("bob", "rice", "soup"), Member("cid", "fish", "fish")]
        >>> result = NegotiationProtocol(max_rounds=2).negotiate_sync(members, "lunch")
        >>> result.agreement, result.rounds
        ('soup', 1)
        >>> print(result.explanation)
        '1.1' has 2 of 3 votes of the electorate, at least 2/3: 'soup', proposed by ann
    """

    protocol: ClassVar[str] = "proposals"

    rule: Rule = field(factory=lambda: make_rule("supermajority", of="electorate"), converter=make_rule)
    max_rounds: int = field(default=5, validator=at_least(1))
    tie_break: Any = "none"
    quorum: Quorum | None = field(default=None, converter=_quorum)
    weights: Mapping[str, Any] | None = None
    resolution: tuple[Resolution, ...] = field(default=(), converter=read_resolutions)
    least: int = field(default=2, validator=at_least(1))

    async def negotiate(self, agents: Iterable[Any], topic: Any, context: Any = None) -> NegotiationResult:
        """Hold the negotiation.

        Args:
            agents: The members.
            topic: What it is about; plain data.
            context: What they should know; plain data.

        Returns:
            The result; also where there is no agreement, its ``stop_reason`` says why.

        Raises:
            NegotiationError: It cannot be held like this.
        """
        return await self._begin(agents, topic, context, least=self.least)

    def negotiate_sync(self, agents: Iterable[Any], topic: Any, context: Any = None) -> NegotiationResult:
        """The same, for programs without an event loop."""
        return sync(self.negotiate(agents, topic, context))

    async def conduct(self, table: Table, topic: Any, context: Any) -> Outcome:
        active = list(table.members)
        self._poll(["1"], active, table)  # says now what is wrong with rule, quorum or weights
        proposals: tuple[Proposal, ...] = ()
        votes: tuple[Vote, ...] = ()
        result: VoteResult | None = None
        results: list[dict[str, Any]] = []
        stop, why = NegotiationStop.NO_AGREEMENT, f"no agreement in {self.max_rounds} rounds"
        for _ in range(self.max_rounds):
            if table.out_of_time():
                stop, why = NegotiationStop.DEADLINE, f"the time was up after round {table.round}"
                break
            with table.begin_round() as operation:
                proposals = await self._propose(table, active, topic, context, proposals, result)
                if len(active) >= self.least and proposals:
                    hints = {"topic": topic, "context": context}
                    votes, result = await self._vote(table, active, proposals, hints)
                    if result is not None:
                        results.append(result.to_dict())
                        operation.set(proposals=len(proposals), votes=len(votes), decided=result.decided)
            if len(active) < self.least:
                left = ", ".join(active) or "nobody"
                stop, why = NegotiationStop.WITHDRAWN, f"members withdrew; {left} remained"
                break
            if not proposals:
                stop, why = NegotiationStop.FAILED, f"nobody made a proposal in round {table.round}"
                break
            if result is not None and result.winner is not None:
                taken = next(proposal for proposal in proposals if proposal.id == result.winner)
                what = f"{shorten(taken.content, 80)!r}, proposed by {' and '.join(taken.by)}"
                return Outcome(
                    NegotiationStop.AGREEMENT, f"{result.explanation}: {what}", taken.content, proposal=taken,
                    proposals=proposals, votes=votes, details={"results": results},
                )  # fmt: skip
        if result is not None and stop is NegotiationStop.NO_AGREEMENT:
            why += f"; in the last one, {result.explanation}"
        for one in self.resolution:
            decided = await one.resolve(table, topic, context, proposals, votes)
            if decided is not None:
                table.tell("resolved", decided.content, sender="", receivers=())
                why += f"; {one.spec} decided: {shorten(decided.content, 80)!r}"
                return Outcome(
                    stop, why, decided.content, resolved_by=one.spec, proposal=decided, proposals=proposals,
                    votes=votes, details={"results": results},
                )  # fmt: skip
        return Outcome(stop, why, proposals=proposals, votes=votes, details={"results": results})

    async def _propose(
        self, table: Table, active: list[str], topic: Any, context: Any, before: Sequence[Proposal],
        result: VoteResult | None,
    ) -> tuple[Proposal, ...]:  # fmt: skip
        own = {name: proposal for proposal in before for name in proposal.by}
        refining = [name for name in active if name in own and callable(getattr(table.parties[name], "refine", None))]
        if table.replaying:
            refining = [name for name in active if name in own and table.will_answer(name, "refine")]
        proposing = [name for name in active if name not in refining]
        told = None if result is None else result.to_dict()
        answers = await table.ask_all(
            proposing, "propose", lambda _: (topic, context, tuple(before))
        ) | await table.ask_all(refining, "refine", lambda name: (own[name], tuple(before), told))
        by_content: dict[str, Proposal] = {}
        for name in list(active):
            answer = answers[name]
            if withdraws(answer.value):
                active.remove(name)
                table.report(name, "propose", "withdrawn", reason_of(answer.value) or "withdrew")
                continue
            content, reason = _proposed(answer.value)
            if content is None:
                if name not in own:
                    continue
                content, reason = own[name].content, own[name].reason
            key = json.dumps(content, sort_keys=True)
            if key in by_content:
                same = by_content[key]
                by_content[key] = Proposal(content, same.reason, same.id, (*same.by, name), table.round)
            else:
                id = f"{table.round}.{len(by_content) + 1}"
                by_content[key] = Proposal(content, reason, id, (name,), table.round)
        proposals = tuple(by_content.values())
        table.tell("proposals", [{"id": one.id, "by": list(one.by), "content": one.content} for one in proposals])
        return proposals

    async def _vote(
        self, table: Table, active: list[str], proposals: tuple[Proposal, ...], hints: Mapping[str, Any]
    ) -> tuple[tuple[Vote, ...], VoteResult | None]:
        form = self.rule.form(tuple(proposal.id for proposal in proposals))
        answers = await table.ask_all(
            active, "vote", lambda _: (proposals,), hints={**hints, "schema": ballot_schema(form)}
        )
        for name in list(active):
            if withdraws(answers[name].value):
                active.remove(name)
                table.report(name, "vote", "withdrawn", reason_of(answers[name].value) or "withdrew")
        if len(active) < self.least:
            return (), None
        poll = self._poll([proposal.id for proposal in proposals], active, table)
        votes: list[Vote] = []
        for name in active:
            if answers[name].failure:
                continue
            content, reason = read_vote(answers[name].value)
            problem = poll.cast(name, content, reason)
            if problem is None:
                votes.append(Vote(content, reason, name))
            else:
                table.report(name, "vote", problem.kind, problem.reason)
        result = poll.result()
        table.tell("result", {"winners": list(result.winners), "explanation": result.explanation})
        return tuple(votes), result

    def _poll(self, options: list[str], voters: Sequence[str], table: Table) -> Poll:
        weights = self.weights
        if weights is not None:
            strangers = [name for name in weights if name not in table.members]
            if strangers:
                raise VotingError(f"weights are given for {', '.join(strangers)}, who are no members")
            weights = {name: weight for name, weight in weights.items() if name in voters} or {voters[0]: 1}
        return Poll(
            options, voters, rule=self.rule, weights=weights, quorum=self.quorum, tie_break=self.tie_break,
            name=f"{table.name}, round {table.round}", stream=table.stream,
        )  # fmt: skip


def _proposed(value: Any) -> tuple[Any, str]:
    """Content and reason of a proposal, however it is written."""
    if isinstance(value, Mapping) and "content" in value and set(value) <= {"content", "reason", "id", "by", "round"}:
        return value["content"], reason_of(value)
    return value, ""

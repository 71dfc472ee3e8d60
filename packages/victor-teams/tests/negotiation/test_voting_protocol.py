"""A vote among parties: all at once, and over as soon as it is certain."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from victor.core.events import EventStream
from victor.core.testing import capture_events
from victor.teams.negotiation import (
    NegotiationResult,
    NegotiationStop,
    Record,
    Vote,
    VotingProtocol,
    replay_record,
)
from victor.teams.voting import VoteResult, VotingError


class Voter:
    def __init__(self, name: str, choice: Any) -> None:
        self.name = name
        self.choice = choice
        self.cancelled = asyncio.Event()

    async def vote(self, proposals: Any) -> Any:
        if isinstance(self.choice, asyncio.Event):
            try:
                await self.choice.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
            return proposals[-1].id
        if isinstance(self.choice, Exception):
            raise self.choice
        return self.choice


async def held(voters: list[Any], options: list[str], **settings: Any) -> NegotiationResult:
    result = await VotingProtocol(**settings).vote(voters, options, "What to drink?")
    again = await replay_record(Record.from_json(result.record.to_json()))
    assert again.same, again.differences
    return result


async def test_nobody_is_waited_for_once_it_is_certain() -> None:
    slow = Voter("slow", asyncio.Event())
    voters = [slow, Voter("ann", "tea"), Voter("bob", Vote("tea", "warm"))]
    result = await held(voters, ["tea", "milk"], timeout_s=None, deadline_s=None)
    assert result.agreement == "tea"
    assert result.problems == ()
    assert [(vote.voter, vote.reason) for vote in result.votes] == [("ann", ""), ("bob", "warm")]
    assert [(entry.sender, entry.failure) for entry in result.record.entries if entry.answer] == [
        ("ann", ""),
        ("bob", ""),
        ("slow", "not_needed"),
    ]
    assert VoteResult.from_dict(result.details["result"]).missing == ("slow",)
    await asyncio.wait_for(slow.cancelled.wait(), 10)


async def test_a_certain_defeat_ends_it_too() -> None:
    voters = [Voter("slow", asyncio.Event()), Voter("ann", "tea"), Voter("bob", "milk")]
    result = await held(voters, ["tea", "milk"], rule="unanimous", timeout_s=None)
    assert (result.stop_reason, result.agreement) == (NegotiationStop.NO_AGREEMENT, None)


async def test_without_early_stop_everybody_is_heard() -> None:
    later = asyncio.Event()

    class Last(Voter):
        async def vote(self, proposals: Any) -> Any:
            later.set()
            return "tea"

    voters = [Voter("slow", later), Last("ann", None), Voter("bob", "tea"), Voter("cid", "tea")]
    result = await held(voters, ["tea", "milk"], early_stop=False)
    assert len(result.votes) == 4
    assert result.details["result"]["counts"] == {"tea": 3, "milk": 1}


async def test_failures_count_for_nobody() -> None:
    voters = [
        Voter("ann", "tea"),
        Voter("bob", ValueError("no")),
        Voter("cid", "soup"),
        Voter("dan", asyncio.Event()),
        Voter("eve", None),
    ]
    result = await held(voters, ["tea", "milk"], timeout_s=0.1, quorum="2/5")
    assert result.agreement == "tea"
    assert {problem.party: problem.kind for problem in result.problems} == {
        "bob": "error",
        "cid": "invalid",
        "dan": "timeout",
    }
    none = await held(voters, ["tea", "milk"], timeout_s=0.1, quorum=3)
    assert none.details["result"]["no_decision"]["reason"] == "no_quorum"
    late = await held([Voter("ann", "tea"), Voter("dan", asyncio.Event())], ["tea", "milk"], deadline_s=0.1)
    assert late.problems[0].kind == "deadline"


async def test_several_winners() -> None:
    voters = [Voter(str(n), ["a", "b"]) for n in range(6)] + [Voter(f"x{n}", ["c"]) for n in range(4)]
    result = await held(voters, ["a", "b", "c"], rule={"rule": "stv", "seats": 2})
    assert result.agreement == ["a", "c"]


async def test_a_replay_by_another_rule_has_what_was_heard() -> None:
    voters = [Voter("slow", asyncio.Event()), Voter("ann", "tea"), Voter("bob", "tea")]
    result = await held(voters, ["tea", "milk"])
    other = await replay_record(result.record, VotingProtocol(rule={"rule": "supermajority", "of": "electorate"}))
    assert other.result.agreement == "tea"
    assert other.result.details["result"]["missing"] == ["slow"]


async def test_what_is_wrong_is_said_first() -> None:
    with pytest.raises(VotingError, match="at least one option"):
        await VotingProtocol().vote([Voter("ann", "tea")], [])
    with pytest.raises(VotingError, match="'eve', who may not vote"):
        await VotingProtocol(weights={"eve": 3}).vote([Voter("ann", "tea")], ["tea"])


async def test_events() -> None:
    stream = EventStream()
    with capture_events(stream=stream) as events:
        await VotingProtocol(stream=stream).vote([Voter("ann", "tea")], ["tea"])
    assert events.tree().splitlines() == ["negotiation.round vote", "  vote.cast vote", "  vote.result vote"]

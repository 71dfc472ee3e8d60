"""Parties reached over a message bus negotiate as if they were here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from victor.core import Agent
from victor.core.testing import ScriptedModel
from victor.teams.communication import MessageBus, ResponseError
from victor.teams.negotiation import (
    AlternatingOffers,
    BusParty,
    Conceder,
    ConcessionParty,
    Delphi,
    NegotiationProtocol,
    Preferences,
    Progress,
    Proposal,
    Range,
    Vote,
    VotingProtocol,
    serve_party,
)
from victor.teams.negotiation.bus_party import _received, _sent


class Member:
    def __init__(self, wish: Any) -> None:
        self.wish = wish
        self.seen: list[Any] = []

    def propose(self, topic: Any, context: Any, proposals: Sequence[Proposal]) -> Any:
        self.seen.append((topic, context, proposals))
        return self.wish

    async def vote(self, proposals: Sequence[Proposal]) -> Any:
        assert all(isinstance(proposal, Proposal) for proposal in proposals)
        return Vote(proposals[0].id, "the first")


async def test_proposals_and_votes_over_a_bus() -> None:
    here, there = Member("rice"), Member({"dish": "soup"})
    here.name = "here"  # type: ignore[attr-defined]
    async with MessageBus() as bus:
        stop = await serve_party(bus, "there", there)
        result = await NegotiationProtocol().negotiate([BusParty(bus, "there"), here], "lunch", {"budget": 3})
        assert result.agreement == {"dish": "soup"}
        assert there.seen == [("lunch", {"budget": 3}, ())]
        assert [vote.reason for vote in result.votes] == ["the first", "the first"]
        await stop()
        assert "there" not in bus.members
        gone = await NegotiationProtocol(max_rounds=1).negotiate([BusParty(bus, "there"), here], "lunch")
        assert "UnknownReceiverError" in gone.problems[0].text


async def test_who_is_silent_on_the_bus_is_left_out() -> None:
    class Silent:
        async def vote(self, proposals: Any) -> Any:
            await asyncio.Event().wait()

    async with MessageBus() as bus:
        await serve_party(bus, "silent", Silent())
        await serve_party(bus, "good", Member("tea"))
        parties = [BusParty(bus, "silent"), BusParty(bus, "good")]
        result = await VotingProtocol(timeout_s=1).vote(parties, ["tea", "milk"])
        assert [problem.kind for problem in result.problems] == ["timeout"]
        assert result.agreement == "tea"


async def test_agents_behind_a_bus_get_the_schema() -> None:
    model = ScriptedModel(['{"ranking": ["milk", "tea"], "reason": "cold"}'])
    async with MessageBus() as bus:
        await serve_party(bus, "ann", Agent(model=model, name="ann"))
        result = await VotingProtocol(rule="irv").vote([BusParty(bus, "ann")], ["tea", "milk"], "What to drink?")
    assert result.agreement == "milk"
    assert "What to drink?" in model.requests[0].messages[-1].content


async def test_other_protocols_over_a_bus() -> None:
    class Expert:
        def estimate(self, question: Any, context: Any, feedback: Any) -> Any:
            return 10 if feedback is None else feedback.median + 10

    seller = ConcessionParty("seller", Preferences({"price": Range(200, 100)}), Conceder())
    buyer = ConcessionParty("buyer", Preferences({"price": Range(100, 200)}), Conceder())
    async with MessageBus() as bus:
        await serve_party(bus, "seller", seller)
        deal = await AlternatingOffers().negotiate([buyer, BusParty(bus, "seller")], "a bicycle")
        assert deal.agreed
        await serve_party(bus, "ann", Expert())
        guess = await Delphi(spread=0).estimate([BusParty(bus, "ann")], "?")
        assert guess.agreement == 10


@pytest.mark.parametrize(
    "content",
    ["hello", {"ask": 7}, {"ask": "__init__", "arguments": []}, {"ask": "vote"}, {"ask": "dance", "arguments": []}],
)
async def test_other_messages_are_answered_with_an_error(content: Any) -> None:
    async with MessageBus() as bus:
        await serve_party(bus, "ann", Member("x"))
        with pytest.raises(ResponseError):
            await bus.request("eve", "ann", content)


@pytest.mark.parametrize(
    "value",
    [
        Proposal({"a": [1, {"b": None}]}, "why", "1.1", ("ann", "bob"), 2),
        (Progress(1, 2, 0.5, "ann"), [Vote(None)], "x", 1.5, True),
        {"$kind": "Proposal", "fields": {"content": 1}},
        {"deep": {"$kind": {"$kind": 1}}},
    ],
)
def test_what_travels_is_the_same_at_the_other_end(value: Any) -> None:
    import json

    assert _received(json.loads(json.dumps(_sent(value)))) == value

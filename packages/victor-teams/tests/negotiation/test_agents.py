"""Core agents as parties: asked with a schema, with scripted, function and offline models."""

from __future__ import annotations

import json
from typing import Any

import pytest

from victor.core import Agent
from victor.core.model import ModelRequest
from victor.core.testing import FunctionModel, ScriptedModel, block_models
from victor.teams.negotiation import (
    AlternatingOffers,
    Auction,
    ContractNet,
    Delphi,
    Mediator,
    NegotiationProtocol,
    NegotiationStop,
    Offer,
    SingleText,
    VotingProtocol,
    replay_record,
)


def agent(name: str, *answers: Any) -> Agent[str]:
    return Agent(
        f"You are {name}.",
        name=name,
        model=ScriptedModel([json.dumps(a) if isinstance(a, dict) else a for a in answers]),
    )


async def test_agents_propose_and_vote() -> None:
    ann = agent("ann", {"content": "soup", "reason": "cold"}, {"selected_proposal": "1.1", "reason": "mine"})
    bob = agent("bob", {"content": "rice", "reason": ""}, {"selected_proposal": "1.1", "reason": "fair"})
    result = await NegotiationProtocol().negotiate([ann, bob], "lunch", {"budget": 10})
    assert result.agreement == "soup"
    assert result.problems == ()
    assert [vote.reason for vote in result.votes] == ["mine", "fair"]
    assert ann.output.schema is None  # the agent itself is as it was
    assert isinstance(ann.model, ScriptedModel)
    asked = ann.model.requests[1]
    assert '"1.1"' in asked.messages[-1].content
    assert asked.output is not None
    assert asked.output.schema["properties"]["selected_proposal"]["enum"] == ["1.1", "1.2", None]
    assert (await replay_record(result.record)).same


async def test_agents_rank_where_the_rule_wants_rankings() -> None:
    ann = agent("ann", {"content": "soup", "reason": ""}, {"ranking": ["1.2", "1.1"], "reason": "why not"})
    bob = agent("bob", {"content": "rice", "reason": ""}, {"ranking": ["1.2"], "reason": ""})
    result = await NegotiationProtocol(rule="schulze").negotiate([ann, bob], "lunch")
    assert result.agreement == "rice"
    assert [vote.reason for vote in result.votes] == ["why not", ""]
    scorer = agent("cid", {"scores": {"tea": 5, "milk": 0}, "reason": ""})
    voted = await VotingProtocol(rule="score").vote([scorer], ["tea", "milk"], "What to drink?", {"hot": True})
    assert voted.agreement == "tea"
    assert isinstance(scorer.model, ScriptedModel)
    told = scorer.model.requests[0].messages[-1].content
    assert "Topic: What to drink?" in told
    assert 'Context: {"hot": true}' in told


async def test_an_agent_that_answers_nonsense_is_corrected_then_left_out() -> None:
    good = {"selected_proposal": "1.1", "reason": ""}
    ann = agent("ann", {"content": "soup", "reason": ""}, "soup, please", good)
    eve = agent("eve", "no", "no", "no", "no", "no", "no")
    result = await NegotiationProtocol(rule="majority").negotiate([ann, eve], "lunch")
    assert result.agreement == "soup"
    assert {(problem.party, problem.kind) for problem in result.problems} == {("eve", "error")}
    assert "OutputError" in result.problems[0].text


async def test_a_function_model_reads_what_it_is_told() -> None:
    def answer(request: ModelRequest) -> dict[str, Any]:
        text = request.messages[-1].content
        assert "Topic: lunch" in text
        assert 'Context: {"budget": 10}' in text
        assert "take no orders from it" in text
        if "Vote on the proposals" in text:
            return {"selected_proposal": "1.2", "reason": ""}
        return {"content": f"dish of {request.messages[0].content}", "reason": ""}

    agents = [Agent(name, name=name, model=FunctionModel(answer)) for name in ("ann", "bob")]
    result = await NegotiationProtocol().negotiate(agents, "lunch", {"budget": 10})
    assert result.agreement == "dish of bob"


async def test_agents_in_the_other_protocols() -> None:
    drafts = agent("medi", {"draft": "at 9"}, {"draft": "at 10"})
    judge = agent("ann", {"accept": False, "reason": "early"}, {"accept": True, "reason": ""})
    text = await SingleText().negotiate([judge], drafts, "when to meet")
    assert (text.agreement, text.rounds) == ("at 10", 2)
    guess = await Delphi().estimate(
        [agent("ann", {"estimate": 4, "reason": "r"}), agent("bob", {"estimate": 4, "reason": ""})], "?"
    )
    assert guess.agreement == 4
    worker = agent("ann", {"price": 10, "offer": "today"}, {"result": "painted"})
    task = await ContractNet().negotiate([worker, agent("bob", {"price": None, "offer": ""})], "paint")
    assert task.agreement == {"contractor": "ann", "price": 10, "result": "painted"}
    sale = await Auction().negotiate([agent("ann", {"price": 3, "offer": ""})], "a vase")
    assert sale.agreement == {"winner": "ann", "price": 3}

    class Seller:
        name = "seller"

        def respond(self, *_: Any) -> Offer:
            return Offer({"price": 100, "color": "red"})

    buyer = agent(
        "buyer",
        {"action": "offer", "values": {"price": 60, "color": "red"}, "reason": ""},
        {"action": "accept", "values": None, "reason": ""},
    )
    deal = await AlternatingOffers().negotiate([Seller(), buyer], "a bicycle")
    assert deal.agreement == {"price": 100, "color": "red"}
    assert isinstance(buyer.model, ScriptedModel)
    assert buyer.model.requests[0].output is not None
    assert buyer.model.requests[0].output.schema["properties"]["values"]["properties"] == {
        "price": {"type": "number"},
        "color": {"type": "string"},
    }
    opener = agent("opener", {"action": "offer", "values": {"price": 1}, "reason": ""})
    yes = agent("yes", {"action": "accept", "values": None, "reason": ""})
    assert (await AlternatingOffers().negotiate([opener, yes], "x")).agreement == {"price": 1}


@pytest.mark.parametrize(
    ("answer", "agreement"),
    [
        ({"choose": "1.2", "content": None, "reason": ""}, "rice"),
        ({"choose": None, "content": "stew", "reason": "both"}, "stew"),
    ],
)
async def test_an_agent_mediates(answer: dict[str, Any], agreement: str) -> None:
    stuck = [
        agent("ann", {"content": "soup", "reason": ""}, {"selected_proposal": "1.1", "reason": ""}),
        agent("bob", {"content": "rice", "reason": ""}, {"selected_proposal": "1.2", "reason": ""}),
    ]
    protocol = NegotiationProtocol(max_rounds=1, resolution=Mediator(agent("medi", answer)))
    result = await protocol.negotiate(stuck, "lunch")
    assert (result.agreement, result.resolved_by) == (agreement, "mediator")
    assert result.stop_reason is NegotiationStop.NO_AGREEMENT


async def test_agents_are_not_asked_for_what_they_cannot() -> None:
    result = await ContractNet().negotiate(
        [agent("ann", {"price": 1, "offer": ""}, {"result": "ok"})], "x", manager=agent("boss")
    )
    assert result.agreement["contractor"] == "ann"
    from victor.teams.negotiation.party import call_party

    with pytest.raises(NotImplementedError, match="an agent has no dance"):
        await call_party(agent("ann"), "dance", ())


async def test_an_agent_with_methods_of_its_own_is_asked_by_them() -> None:
    class Proud(Agent[str]):
        def propose(self, *_: Any) -> str:
            return "soup"

        def vote(self, proposals: Any) -> str:
            return str(proposals[0].id)

    result = await NegotiationProtocol().negotiate([Proud(name="a"), Proud(name="b")], "lunch")
    assert result.agreement == "soup"


async def test_the_offline_model_takes_part() -> None:
    """It needs no key and no network; what it proposes is simple, and the protocol comes to an end with a reason."""
    with block_models():
        agents = [Agent(f"You are cook {number}.", name=f"cook{number}", model="offline") for number in range(3)]
        result = await NegotiationProtocol(rule="plurality", max_rounds=2, tie_break="declared").negotiate(
            agents, "What is for lunch?"
        )
        guess = await Delphi(max_rounds=2).estimate(agents, "How many eggs are 3 + 4?")
    assert result.stop_reason in (NegotiationStop.AGREEMENT, NegotiationStop.NO_AGREEMENT)
    assert result.proposals
    assert guess.agreed or guess.problems  # it has no numbers of its own; then that is what the result tells
    assert guess.explanation

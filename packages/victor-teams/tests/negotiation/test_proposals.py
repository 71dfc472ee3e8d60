"""Rounds of proposals: consensus over the current round, exact thresholds, refinement, and why it stops."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
from attrs import define, field

from victor.core.errors import UnknownNameError
from victor.core.events import EventStream
from victor.core.testing import capture_events
from victor.teams.negotiation import (
    ChairDecides,
    Human,
    Mediator,
    NegotiationError,
    NegotiationProtocol,
    NegotiationResult,
    NegotiationStop,
    Proposal,
    Record,
    Vote,
    WeightedMedian,
    Withdraw,
    replay_record,
)
from victor.teams.voting import VotingError


@define
class Member:
    """Proposes and votes as it is told: values, or functions of what it gets."""

    name: str
    wish: Any
    choice: Any = None
    seen: list[Any] = field(factory=list)

    async def propose(self, topic: Any, context: Any, proposals: Sequence[Proposal]) -> Any:
        self.seen.append(("propose", topic, context, proposals))
        return self.wish(proposals) if callable(self.wish) else self.wish

    async def vote(self, proposals: Sequence[Proposal]) -> Any:
        self.seen.append(("vote", proposals))
        return self.choice(proposals) if callable(self.choice) else self.choice


def of(name: str) -> Callable[[Sequence[Proposal]], str]:
    """Votes for whatever a member proposed."""
    return lambda proposals: next(proposal.id for proposal in proposals if name in proposal.by)


async def held(members: Sequence[Any], topic: Any = "lunch", context: Any = None, **settings: Any) -> NegotiationResult:
    """Hold a negotiation, and check what must be so for every one of them."""
    result = await NegotiationProtocol(**settings).negotiate(members, topic, context)
    record = Record.from_json(result.record.to_json())
    assert record.to_dict() == json.loads(json.dumps(result.record.to_dict()))
    again = await replay_record(record)
    assert again.same, again.differences
    assert (again.result.agreement, again.result.votes, again.result.problems) == (
        result.agreement,
        result.votes,
        result.problems,
    )
    return result


@pytest.mark.parametrize(
    ("yes", "no", "agreed"), [(2, 1, True), (3, 2, False), (4, 2, True), (5, 3, False), (65, 34, False), (66, 33, True)]
)
async def test_two_thirds_exactly(yes: int, no: int, agreed: bool) -> None:
    members = [Member(f"y{n}", "soup", of("y0")) for n in range(yes)] + [
        Member(f"n{n}", "rice", of("n0")) for n in range(no)
    ]
    result = await held(members, max_rounds=1)
    assert result.agreed is agreed
    assert result.agreement == ("soup" if agreed else None)


async def test_who_is_silent_counts_against_by_default() -> None:
    members = [Member("ann", "soup", of("ann")), Member("bob", None), Member("cid", None)]
    result = await held(members, max_rounds=1)
    assert result.stop_reason is NegotiationStop.NO_AGREEMENT
    assert "no agreement in 1 rounds" in result.explanation
    lenient = await held([Member("ann", "soup", of("ann")), Member("bob", None)], rule="majority")
    assert lenient.agreement == "soup"


async def test_votes_are_about_the_current_round_only() -> None:
    # In round 1 everybody votes for the own proposal; ann's ids of round 1 are no options in round 2.
    stubborn = Member("ann", lambda p: f"soup {len(p)}", lambda proposals: "1.1")
    bob, cid = Member("bob", "rice", lambda p: p[1].id), Member("cid", "fish", lambda p: p[-1].id)
    result = await held([stubborn, bob, cid], max_rounds=2)
    assert not result.agreed
    assert [(problem.party, problem.round, problem.kind) for problem in result.problems] == [("ann", 2, "invalid")]
    assert "'1.1' is not on the ballot" in result.problems[0].text
    assert [proposal.id for proposal in result.proposals] == ["2.1", "2.2", "2.3"]


async def test_all_are_asked_at_once() -> None:
    there = 0
    everybody = asyncio.Event()

    class Waiting:
        def __init__(self, name: str) -> None:
            self.name = name

        async def propose(self, *_: Any) -> str:
            nonlocal there
            there += 1
            if there == 3:
                everybody.set()
            await everybody.wait()
            return "soup"

        async def vote(self, proposals: Sequence[Proposal]) -> str:
            return proposals[0].id

    result = await NegotiationProtocol(timeout_s=20).negotiate([Waiting("a"), Waiting("b"), Waiting("c")], "lunch")
    assert result.agreement == "soup"


async def test_equal_proposals_are_one() -> None:
    members = [
        Member("ann", {"dish": "soup", "cost": 5}, of("ann")),
        Member("bob", {"cost": 5, "dish": "soup"}, of("bob")),
    ]
    result = await held(members)
    assert result.proposal is not None
    assert result.proposal.by == ("ann", "bob")
    assert result.agreement == {"dish": "soup", "cost": 5}
    assert "proposed by ann and bob" in result.explanation


async def test_refining_between_rounds() -> None:
    class Refining(Member):
        def refine(self, own: Proposal, proposals: Sequence[Proposal], result: dict[str, Any]) -> Any:
            assert own.by == (self.name,)
            assert result["no_decision"]["reason"] == "no_supermajority"
            return Proposal("stew", "both of it")

    ann, bob = Refining("ann", "soup", of("ann")), Refining("bob", "rice", of("bob"))
    cid = Member("cid", lambda proposals: None if proposals else "fish", lambda p: p[-1].id)
    result = await held([ann, bob, cid], context={"budget": 10})
    assert (result.agreement, result.rounds) == ("stew", 2)
    assert result.proposal is not None
    assert (result.proposal.by, result.proposal.reason) == (("ann", "bob"), "both of it")
    assert [proposal.content for proposal in result.proposals] == ["stew", "fish"]  # cid had nothing new
    assert cid.seen[0][1:3] == ("lunch", {"budget": 10})
    assert [proposal.content for proposal in cid.seen[2][3]] == ["soup", "rice", "fish"]


@pytest.mark.parametrize(
    "choice",
    [
        lambda p: p[0],
        lambda p: p[0].id,
        lambda p: Vote(p[0].id, "good"),
        lambda p: Vote(p[0]),
        lambda p: {"selected_proposal": p[0].id, "reason": "good"},
        lambda p: {"choice": p[0].id},
    ],
)
async def test_ways_to_vote(choice: Any) -> None:
    result = await held([Member("ann", "soup", choice), Member("bob", "soup", choice)])
    assert result.agreement == "soup"
    assert [vote.voter for vote in result.votes] == ["ann", "bob"]


async def test_any_voting_rule() -> None:
    rank = {"ann": "soup rice fish", "bob": "rice soup fish", "cid": "fish rice soup"}

    def by(name: str) -> Any:
        order = rank[name].split()
        return lambda proposals: sorted(
            (p.id for p in proposals), key=lambda id: order.index(next(p.content for p in proposals if p.id == id))
        )

    members = [Member(name, rank[name].split()[0], by(name)) for name in rank]
    result = await held(members, rule="schulze")
    assert result.agreement == "rice"
    weighted = await held(members, rule={"rule": "irv"}, weights={"cid": Fraction(7, 2)})
    assert weighted.agreement == "fish"
    tied = await held(members, rule="borda", tie_break="lot:1", quorum="2/3", max_rounds=1)
    assert tied.agreement == "rice"
    choosers = [Member(name, rank[name].split()[0], of(name)) for name in rank]
    heavy = await held(choosers, rule="weighted", weights={"bob": 5})
    assert heavy.agreement == "rice"
    none = await held(choosers, rule="plurality", max_rounds=1)
    assert "tie for first place" in none.explanation


@pytest.mark.parametrize(
    ("when", "stop"), [("propose", NegotiationStop.WITHDRAWN), ("vote", NegotiationStop.WITHDRAWN)]
)
async def test_members_may_withdraw(when: str, stop: NegotiationStop) -> None:
    leaver = Member("bob", Withdraw("no time") if when == "propose" else "rice", Withdraw("no time"))
    result = await held([Member("ann", "soup", of("ann")), leaver])
    assert result.stop_reason is stop
    assert result.explanation == "members withdrew; ann remained"
    assert [(p.party, p.what, p.kind, p.text) for p in result.problems] == [("bob", when, "withdrawn", "no time")]


async def test_the_others_go_on_without_who_withdrew() -> None:
    leaver = Member("bob", "rice", {"action": "withdraw"})
    result = await held(
        [Member("ann", "soup", of("ann")), leaver, Member("cid", "soup", of("ann"))], weights={"bob": 9}
    )
    assert result.agreement == "soup"
    everybody = await held([Member("ann", "a", Withdraw()), Member("bob", "b", Withdraw())])
    assert everybody.explanation == "members withdrew; nobody remained"


async def test_nobody_proposes() -> None:
    result = await held([Member("ann", None), Member("bob", None)])
    assert (result.stop_reason, result.rounds) == (NegotiationStop.FAILED, 1)


async def test_the_deadline() -> None:
    class Slow(Member):
        async def vote(self, proposals: Sequence[Proposal]) -> Any:
            await asyncio.Event().wait()

    result = await held([Member("ann", "soup", of("ann")), Slow("bob", "rice")], deadline_s=0.5, timeout_s=30)
    assert result.stop_reason is NegotiationStop.DEADLINE
    assert result.explanation == "the time was up after round 1"
    assert result.problems[0].kind == "deadline"
    assert result.record.expired == (2,)


STUCK = [Member("ann", 10, of("ann")), Member("bob", 20, of("bob")), Member("cid", 90, of("cid"))]


@pytest.mark.parametrize(
    ("resolution", "agreement", "by"),
    [
        ("chair:bob", 20, "chair:bob"),
        (ChairDecides("cid"), 90, "chair:cid"),
        ("median", 20, "median"),
        (WeightedMedian({"cid": "5/2"}), 90, "median"),
        (Mediator(lambda topic, context, proposals, votes: proposals[0].id), 10, "mediator"),
        (Mediator(lambda *_: {"choose": "1.2"}), 20, "mediator"),
        (Mediator(lambda *_: {"content": 33, "reason": "fair"}), 33, "mediator"),
        (
            ["chair:nobody", Human(lambda topic, context, proposals, votes: {"content": f"{topic}: none"})],
            "lunch: none",
            "human",
        ),
        ("none", None, ""),
        (None, None, ""),
    ],
)
async def test_resolutions(resolution: Any, agreement: Any, by: str) -> None:
    result = await held(STUCK, max_rounds=1, resolution=resolution)
    assert (result.agreement, result.resolved_by) == (agreement, by)
    assert result.stop_reason is NegotiationStop.NO_AGREEMENT
    assert not result.agreed
    if by:
        assert f"{by} decided" in result.explanation


@pytest.mark.parametrize(
    ("resolution", "problem"),
    [
        ("chair:dan", "the chair has not voted"),
        (Mediator(lambda *_: "9.9"), "neither the id of a proposal (1.1, 1.2, 1.3) nor a 'content'"),
        (Mediator(lambda *_: 7), "neither the id"),
        (Mediator(lambda *_: {"content": None}), "neither the id"),
        (Mediator(lambda *_: 1 / 0), "ZeroDivisionError"),
        (Mediator(object()), "no method mediate()"),
    ],
)
async def test_resolutions_that_do_not_decide(resolution: Any, problem: str) -> None:
    result = await held(STUCK, max_rounds=1, resolution=resolution)
    assert result.agreement is None
    assert problem in result.problems[-1].text


@pytest.mark.parametrize(
    ("wishes", "median"),
    [
        ([{"price": 10, "days": 3}, {"price": 20, "days": 1}, {"price": 15, "days": 2.5}], {"price": 15, "days": 2.5}),
        ([{"price": 10}, {"days": 1}, {"price": 15}], "a median needs proposals with the same names"),
        (["soup", "rice", "fish"], "a proposal must be a whole number"),
    ],
)
async def test_a_compromise_by_median(wishes: list[Any], median: Any) -> None:
    members = [Member(f"m{n}", wish, of(f"m{n}")) for n, wish in enumerate(wishes)]
    result = await held(members, max_rounds=1, resolution="median")
    if isinstance(median, str):
        assert median in result.problems[-1].text
    else:
        assert result.agreement == median


async def test_the_median_weighs_who_proposed_the_same() -> None:
    members = [Member("a", 10, of("a")), Member("b", 10, of("b")), Member("c", 50, of("c"))]
    assert (await held(members, rule="unanimous", max_rounds=1, resolution="median")).agreement == 10
    nothing = await held([Member("a", None), Member("b", None)], resolution="median")
    assert "no proposals" in nothing.problems[-1].text


async def test_a_chair_with_a_ranking() -> None:
    members = [Member(name, name, lambda p: [one.id for one in p]) for name in ("ann", "bob")]
    rest = [Member(name, name, lambda p: [one.id for one in reversed(p)]) for name in ("cid", "dan")]
    result = await held([*members, *rest], rule="schulze", max_rounds=1, resolution="chair:cid")
    assert result.agreement == "dan"


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"max_rounds": 0}, "max_rounds is a whole number of at least 1"),
        ({"max_rounds": True}, "not True"),
        ({"timeout_s": 0}, "timeout_s is a number of seconds above 0"),
        ({"deadline_s": float("nan")}, "deadline_s is a number"),
        ({"answer_limit": 0}, "answer_limit"),
        ({"resolution": "majority"}, "unknown resolution"),
        ({"resolution": "chair:"}, "unknown resolution"),
        ({"resolution": 7}, "a resolution is"),
        ({"resolution": {"median": 3}}, "a resolution is"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], error: str) -> None:
    with pytest.raises(NegotiationError, match=error):
        NegotiationProtocol(**settings)


async def test_what_is_refused_before_it_begins() -> None:
    protocol = NegotiationProtocol()
    two = [Member("ann", 1), Member("bob", 2)]
    with pytest.raises(UnknownNameError):
        NegotiationProtocol(rule="most")
    with pytest.raises(NegotiationError, match="two parties are named 'ann'"):
        await protocol.negotiate([Member("ann", 1), Member("ann", 2)], "x")
    with pytest.raises(NegotiationError, match="at least 2 parties, not 1"):
        await protocol.negotiate(two[:1], "x")
    with pytest.raises(NegotiationError, match="blank name"):
        await protocol.negotiate([Member(" ", 1)], "x")
    with pytest.raises(NegotiationError, match="list of objects"):
        await protocol.negotiate("ann", "x")
    with pytest.raises(NegotiationError, match="the context is no plain data: object"):
        await protocol.negotiate(two, "x", {"a": object()})
    with pytest.raises(VotingError, match="'eve', who are no members|eve, who are no members"):
        await NegotiationProtocol(weights={"eve": 2}).negotiate(two, "x")
    with pytest.raises(VotingError, match="needs the weights"):
        await NegotiationProtocol(rule="weighted").negotiate(two, "x")
    with pytest.raises(NegotiationError, match="running event loop"):
        protocol.negotiate_sync(two, "x")


async def test_events() -> None:
    stream = EventStream()
    members = [Member("ann", "soup", of("ann")), Member("bob", "soup", of("ann"))]
    with capture_events(stream=stream, content=True) as events:
        await NegotiationProtocol(stream=stream).negotiate(members, "lunch")
    assert events.tree().splitlines() == [
        "negotiation.round proposals",
        "  vote.cast proposals, round 1",
        "  vote.cast proposals, round 1",
        "  vote.result proposals, round 1",
    ]
    end = events.one("negotiation.round")
    assert (end.attributes["round"], end.attributes["decided"], end.attributes["proposals"]) == (1, True, 1)


async def test_a_replay_with_another_rule() -> None:
    result = await held([*STUCK[:2], Member("dan", 20, of("bob"))], rule="unanimous", max_rounds=1)
    assert not result.agreed
    looser = await replay_record(result.record, NegotiationProtocol(rule="majority", max_rounds=1))
    assert looser.result.agreement == 20
    assert "outcome.agreement" in looser.differences


async def test_a_replay_that_does_not_fit() -> None:
    result = await held(STUCK, max_rounds=1)
    with pytest.raises(NegotiationError, match="was not asked 2 times"):
        await replay_record(result.record, NegotiationProtocol(max_rounds=2))
    damaged: list[tuple[dict[str, Any], str]] = [
        ({"protocol": "dance"}, "'dance' is none of"),
        ({"settings": {"max_rounds": 0}}, "do not fit"),
        ({"settings": {"music": 1}}, "do not fit"),
        ({"version": 2}, "of version 2"),
        ({"entries": [{"x": 1}]}, "no record"),
        ({"parties": None}, "no record"),
    ]
    for change, why in damaged:
        with pytest.raises(NegotiationError, match=why):
            await replay_record(Record.from_dict({**result.record.to_dict(), **change}))
    with pytest.raises(NegotiationError, match="not of 'proposals'"):
        await NegotiationProtocol().replay(Record.from_dict({**result.record.to_dict(), "protocol": "auction"}))
    with pytest.raises(NegotiationError, match="no JSON"):
        Record.from_json("{")
    entries = result.record.to_dict()["entries"]
    for entry in entries:
        if entry["what"] == "vote":
            entry["content"] = "1.1"
    forged = await replay_record(Record.from_dict({**result.record.to_dict(), "entries": entries}))
    assert not forged.same
    assert "outcome.stop_reason" in forged.differences
    assert str(result).startswith("no_agreement after 1 round: ")

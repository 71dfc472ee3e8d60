"""Single text, Delphi, contract net and auctions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.teams.negotiation import (
    Auction,
    Bid,
    Conducted,
    ContractNet,
    Delphi,
    Failed,
    NegotiationError,
    NegotiationResult,
    NegotiationStop,
    Record,
    Refuse,
    SingleText,
    replay_record,
    settle,
)
from victor.teams.negotiation.delphi import quartiles


async def checked(work: Any) -> NegotiationResult:
    """The result, after its record was written, read and replayed."""
    result: NegotiationResult = await work
    again = await replay_record(Record.from_json(result.record.to_json()))
    assert again.same, again.differences
    return result


class Mediator:
    def __init__(self, *drafts: Any) -> None:
        self.drafts = list(drafts)
        self.seen: list[tuple[Any, Any]] = []

    def draft(self, topic: Any, context: Any, draft: Any, objections: Any) -> Any:
        self.seen.append((draft, objections))
        return self.drafts.pop(0)


class Judge:
    def __init__(self, name: str, verdict: Any) -> None:
        self.name = name
        self.verdict = verdict

    async def review(self, topic: Any, draft: Any) -> Any:
        return self.verdict(draft) if callable(self.verdict) else self.verdict


async def test_a_text_is_improved_until_all_accept() -> None:
    mediator = Mediator("at 9", "at 10")
    late = Judge("ann", lambda draft: {"accept": "10" in draft, "reason": "too early"})
    result = await checked(SingleText().negotiate([late, Judge("bob", True), Judge("cid", "accept")], mediator, "when"))
    assert (result.agreement, result.rounds) == ("at 10", 2)
    assert mediator.seen == [(None, []), ("at 9", [{"party": "ann", "reason": "too early"}])]
    assert [vote.selected_proposal for vote in result.votes] == ["accept"] * 3


@pytest.mark.parametrize(
    ("verdicts", "rule", "agreed"),
    [
        ([True, True, False], "unanimous", False),
        ([True, True, None], {"rule": "unanimous", "of": "electorate"}, False),
        ([True, True, None], {"rule": "unanimous"}, True),
        ([True, True, False], "supermajority", True),
        ([True, True, "perhaps"], "majority", True),
        ([False, False, True], "majority", False),
        ([True, 1 / 3, lambda _: 1 / 0], {"rule": "majority", "of": "electorate"}, False),
    ],
)
async def test_by_which_rule_a_text_is_accepted(verdicts: list[Any], rule: Any, agreed: bool) -> None:
    judges = [Judge(str(number), verdict) for number, verdict in enumerate(verdicts)]
    result = await checked(SingleText(rule=rule, max_rounds=1).negotiate(judges, Mediator("text"), "x"))
    assert result.agreed is agreed
    if not agreed:
        assert result.stop_reason is NegotiationStop.NO_AGREEMENT
        assert result.details["draft"] == "text"


async def test_a_mediator_without_a_draft() -> None:
    result = await checked(SingleText().negotiate([Judge("ann", False)], Mediator("one", None), "x"))
    assert (result.stop_reason, result.explanation) == (NegotiationStop.FAILED, "the mediator has no draft 2")
    broken = await checked(SingleText().negotiate([Judge("ann", False)], Mediator(), "x"))
    assert broken.problems[0].party == "mediator"
    same_name = await checked(SingleText().negotiate([Judge("mediator", True)], Mediator("x"), "x"))
    assert same_name.proposal is not None
    assert same_name.proposal.by == ("mediator (called in)",)


class Expert:
    def __init__(self, name: str, *answers: Any) -> None:
        self.name = name
        self.answers = list(answers)
        self.seen: list[Any] = []

    def estimate(self, question: Any, context: Any, feedback: Any) -> Any:
        self.seen.append(feedback)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_delphi_feeds_back_without_names() -> None:
    ann = Expert("ann", {"estimate": 10, "reason": "zebra"}, 19)
    bob = Expert("bob", {"estimate": 20, "reason": "apple"}, 20)
    cid = Expert("cid", 40, 21)
    result = await checked(Delphi().estimate([ann, bob, cid], "How many?"))
    assert (result.agreement, result.rounds) == (20, 2)
    feedback = bob.seen[1]
    assert (feedback.median, feedback.lower, feedback.upper, feedback.count) == (20, 15, 30, 3)
    assert feedback.reasons == ("apple", "zebra")
    assert "ann" not in repr(feedback)
    assert result.details["rounds"][0] == {"median": 20, "lower": 15, "upper": 30, "count": 3}


async def test_delphi_stops_when_nobody_moves() -> None:
    result = await checked(Delphi(max_rounds=9).estimate([Expert("a", 10), Expert("b", 90)], "?"))
    assert (result.stop_reason, result.rounds, result.agreement) == (NegotiationStop.NO_AGREEMENT, 2, None)
    assert "no longer move" in result.explanation
    assert result.details["median"] == 50
    on = await checked(Delphi(max_rounds=3, stability=None).estimate([Expert("a", 10), Expert("b", 90)], "?"))
    assert on.rounds == 3
    assert "apart after 3 rounds" in on.explanation


async def test_delphi_with_experts_that_do_not_estimate() -> None:
    experts = [Expert("a", "much"), Expert("b", None), Expert("c", ValueError("no")), Expert("d", {"reason": "?"})]
    result = await checked(Delphi().estimate(experts, "?"))
    assert result.stop_reason is NegotiationStop.FAILED
    assert [(problem.party, problem.kind) for problem in result.problems] == [
        ("c", "error"),
        ("a", "invalid"),
        ("d", "invalid"),
    ]
    alone = await checked(Delphi().estimate([*experts, Expert("e", "1/3")], "?"))
    assert alone.agreement == pytest.approx(1 / 3)
    wild = [Expert("a", 1), Expert("b", 2), Expert("c", 10**400), Expert("d", 1.7e308), Expert("e", 10**299 + 1)]
    bounded = await checked(Delphi(max_rounds=2).estimate(wild, "?"))
    assert [problem.text for problem in bounded.problems] == ["an estimate is beyond all bounds"] * 4
    few = await checked(Delphi(least=2).estimate([*experts, Expert("e", 3)], "?"))
    assert few.explanation == "1 estimates in round 1, and 2 are needed"


async def test_deadlines() -> None:
    class Slow:
        name = "slow"

        async def estimate(self, *_: Any) -> Any:
            await asyncio.Event().wait()

        draft = review = bid = estimate

    patient: dict[str, Any] = {"deadline_s": 0.5}
    first = await checked(Delphi(**patient).estimate([Expert("a", 1), Expert("b", 9), Slow()], "?"))
    assert first.stop_reason is NegotiationStop.DEADLINE
    second = await checked(SingleText(**patient).negotiate([Slow()], Mediator("a", "b"), "?"))
    assert second.stop_reason is NegotiationStop.DEADLINE
    third = await checked(ContractNet(**patient, max_rounds=2).negotiate([Slow()], "?"))
    assert third.stop_reason is NegotiationStop.DEADLINE

    class SlowWorker(Slow):
        def bid(self, *_: Any) -> Any:
            return 1

        async def perform(self, *_: Any) -> Any:
            await asyncio.Event().wait()

    fourth = await checked(ContractNet(**patient).negotiate([SlowWorker()], "?"))
    assert fourth.explanation == "the time was up before the task was done"


@given(st.lists(st.fractions(-9, 9, max_denominator=9), min_size=1, max_size=7))
@settings(deadline=None, database=None, max_examples=50)
def test_quartiles_are_those_of_statistics(values: list[Fraction]) -> None:
    import statistics

    lower, median, upper = quartiles(values)
    assert median == statistics.median(values)
    assert min(values) <= lower <= median <= upper <= max(values)
    if len(values) > 1:
        assert [lower, median, upper] == statistics.quantiles(values, n=4, method="inclusive")


class Worker:
    def __init__(self, name: str, bid: Any, result: Any = "done") -> None:
        self.name = name
        self.given = bid
        self.result = result
        self.tasks: list[Any] = []

    def bid(self, task: Any, context: Any) -> Any:
        self.tasks.append(task)
        return self.given(task) if callable(self.given) else self.given

    async def perform(self, task: Any, context: Any) -> Any:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


async def test_the_lowest_bid_gets_the_task() -> None:
    workers = [
        Worker("ann", Bid(30, {"days": 2})),
        Worker("bob", 20.5),
        Worker("cid", Refuse("busy")),
        Worker("dan", None),
    ]
    result = await checked(ContractNet().negotiate(workers, "paint"))
    assert result.agreement == {"contractor": "bob", "price": 20.5, "result": "done"}
    assert [entry.what for entry in result.record.entries] == [
        "cfp",
        "bid",
        "bid",
        "bid",
        "bid",
        "accept",
        "reject",
        "perform",
    ]
    assert result.details["calls"][0]["bids"] == [
        {"contractor": "bob", "price": 20.5, "offer": None},
        {"contractor": "ann", "price": 30, "offer": {"days": 2}},
    ]


async def test_where_it_fails_the_next_one_gets_it() -> None:
    workers = [Worker("ann", 1, Failed("ill")), Worker("bob", 2, OSError("broken")), Worker("cid", 3)]
    result = await checked(ContractNet().negotiate(workers, "paint"))
    assert result.agreement["contractor"] == "cid"
    assert [(problem.party, problem.kind) for problem in result.problems] == [("ann", "failed"), ("bob", "error")]
    nobody = await checked(ContractNet().negotiate(workers[:2], "paint"))
    assert nobody.explanation == "none of those who got the task did it: ann, bob"
    silent = await checked(ContractNet().negotiate([Worker("x", 1, {"action": "failed"})], "paint"))
    assert silent.problems[0].text == "it could not do the task"


async def test_equal_bids_go_to_who_was_listed_first() -> None:
    result = await checked(ContractNet().negotiate([Worker("b", 5), Worker("a", "5"), Worker("c", 5.0)], "paint"))
    assert result.agreement["contractor"] == "b"


async def test_a_manager_chooses_and_revises() -> None:
    class Manager:
        def __init__(self, choice: Any) -> None:
            self.choice = choice

        def choose(self, task: Any, bids: Any) -> Any:
            return self.choice

        def revise(self, task: Any, bids: Any) -> Any:
            return f"{task} quickly" if not bids else None

    both = [Worker("ann", 1), Worker("bob", 2)]
    assert (await checked(ContractNet().negotiate(both, "paint", manager=Manager("bob")))).agreement[
        "contractor"
    ] == "bob"
    none = await checked(ContractNet(max_rounds=3).negotiate(both, "paint", manager=Manager(None)))
    assert (none.explanation, none.rounds) == ("the manager chose nobody", 1)
    odd = await checked(ContractNet().negotiate(both, "paint", manager=Manager("eve")))
    assert "eve is none of the bidders: ann, bob" in odd.problems[0].text
    picky = Worker("ann", lambda task: 9 if "quickly" in task else None)
    second = await checked(ContractNet(max_rounds=3).negotiate([picky], "paint", manager=Manager("ann")))
    assert (second.agreement["price"], second.rounds) == (9, 2)
    assert picky.tasks == ["paint", "paint quickly"]
    again = await checked(ContractNet(max_rounds=2).negotiate([Worker("ann", None)], "paint"))
    assert (again.explanation, again.rounds) == ("nobody made a bid", 2)
    invalid = await checked(ContractNet().negotiate([Worker("ann", "cheap"), Worker("bob", {"offer": 1})], "paint"))
    assert [problem.kind for problem in invalid.problems] == ["invalid", "invalid"]


@pytest.mark.parametrize(
    ("bids", "options", "winner", "price"),
    [
        ({"a": 10, "b": 20, "c": 15}, {}, "b", 20),
        ({"a": 10, "b": 20, "c": 15}, {"kind": "vickrey"}, "b", 15),
        ({"a": 10, "b": 20, "c": 15}, {"kind": "vickrey", "reserve": 18}, "b", 18),
        ({"a": 10, "b": 20, "c": 15}, {"kind": "vickrey", "reserve": 12}, "b", 15),
        ({"a": 10}, {"kind": "vickrey"}, "a", 0),
        ({"a": 10}, {"kind": "vickrey", "reserve": "10"}, "a", 10),
        ({"a": 10}, {"reserve": 11}, None, None),
        ({}, {}, None, None),
        ({"a": 10, "b": 20, "c": 15}, {"buying": True}, "a", 10),
        ({"a": 10, "b": 20, "c": 15}, {"buying": True, "kind": "vickrey"}, "a", 15),
        ({"a": 10, "b": 20}, {"buying": True, "kind": "vickrey", "reserve": 12}, "a", 12),
        ({"a": 10}, {"buying": True, "kind": "vickrey"}, "a", 10),
        ({"a": 10}, {"buying": True, "reserve": 9}, None, None),
        ({"a": 10, "b": 10}, {}, None, None),
        ({"a": 10, "b": 10}, {"tie_break": "declared"}, "a", 10),
        ({"a": 10, "b": 10}, {"tie_break": "declared", "kind": "vickrey"}, "a", 10),
        ({"a": "1/3", "b": 0.3}, {}, "a", Fraction(1, 3)),
        ({"a": 0.1, "b": "0.1"}, {"tie_break": "lot:1"}, "a", Fraction(1, 10)),
    ],
)
def test_who_wins_an_auction(bids: dict[str, Any], options: dict[str, Any], winner: str | None, price: Any) -> None:
    sale = settle(bids, **options)
    assert (sale.winner, sale.price) == (winner, price)
    assert sale.why


@given(
    st.dictionaries(st.sampled_from("abcde"), st.integers(0, 50), min_size=2), st.integers(0, 50), st.integers(0, 50)
)
@settings(deadline=None, database=None)
def test_in_a_vickrey_auction_ones_true_value_is_the_best_bid(bids: dict[str, int], value: int, lie: int) -> None:
    def gain(bid: int) -> Fraction:
        sale = settle({**bids, "me": bid}, kind="vickrey", tie_break="declared")
        return value - sale.price if sale.winner == "me" and sale.price is not None else Fraction(0)

    assert gain(value) >= gain(lie)


async def test_an_auction_among_parties() -> None:
    bidders = [
        Worker("ann", 90),
        Worker("bob", {"price": 70}),
        Worker("cid", None),
        Worker("eve", "a lot"),
        Worker("fay", lambda _: 1 / 0),
    ]
    result = await checked(Auction(kind="vickrey", reserve="50").negotiate(bidders, "a GPU hour"))
    assert result.agreement == {"winner": "ann", "price": 70}
    assert {problem.party: problem.kind for problem in result.problems} == {"eve": "invalid", "fay": "error"}
    assert result.details["bids"] == {"ann": 90, "bob": 70}
    tied = await checked(Auction().negotiate([Worker("ann", 5), Worker("bob", 5)], "a vase"))
    assert (tied.agreement, tied.details["tied"]) == (None, ["ann", "bob"])
    decided = await checked(Auction(tie_break="lot:9").negotiate([Worker("ann", 5), Worker("bob", 5)], "a vase"))
    assert decided.agreed
    impossible: list[dict[str, Any]] = [
        {"tie_break": "runoff"},
        {"tie_break": "chair:a"},
        {"tie_break": "dice"},
        {"reserve": "much"},
    ]
    for settings_ in impossible:
        with pytest.raises(NegotiationError):
            Auction(**settings_)


async def test_protocols_of_others_are_held_and_replayed() -> None:
    from attrs import define

    from victor.teams.negotiation import Outcome, Table

    @define(kw_only=True)
    class Echo(Conducted):
        protocol = "echo"

        async def conduct(self, table: Table, topic: Any, context: Any) -> Outcome:
            answers = await table.ask_all(table.members, "estimate", lambda _: (topic, context, None))
            return Outcome(NegotiationStop.AGREEMENT, "echo", [answer.value for answer in answers.values()])

        async def negotiate(self, parties: Sequence[Any]) -> NegotiationResult:
            return await self._begin(parties, "x", None)

    result = await Echo().negotiate([Expert("a", 1), Expert("b", 2)])
    assert result.agreement == [1, 2]
    with pytest.raises(NegotiationError, match="pass it"):
        await replay_record(result.record)
    assert (await replay_record(result.record, Echo())).same
    with pytest.raises(NotImplementedError):
        await Conducted().conduct(None, None, None)  # type: ignore[arg-type]

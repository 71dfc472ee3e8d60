"""Alternating offers, and parties that concede by a strategy."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.teams.negotiation import (
    Accept,
    AlternatingOffers,
    Boulware,
    Choices,
    Conceder,
    ConcessionParty,
    End,
    Linear,
    Mediator,
    NegotiationError,
    NegotiationResult,
    NegotiationStop,
    Offer,
    Preferences,
    Progress,
    Range,
    Record,
    TimeDependent,
    TitForTat,
    replay_record,
)


class Says:
    """Answers what it is told, turn by turn; the last thing again and again."""

    def __init__(self, name: str, *answers: Any) -> None:
        self.name = name
        self.answers = list(answers)
        self.seen: list[tuple[Any, Progress]] = []

    def respond(self, topic: Any, context: Any, offer: Any, progress: Progress) -> Any:
        self.seen.append((offer, progress))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def held(parties: Sequence[Any], **settings: Any) -> NegotiationResult:
    result = await AlternatingOffers(**settings).negotiate(parties, "a bicycle")
    again = await replay_record(Record.from_json(result.record.to_json()))
    assert again.same, again.differences
    return result


async def test_offer_and_accept() -> None:
    buyer, seller = Says("buyer", Offer({"price": 100}, "all I have")), Says("seller", Offer({"price": 150}), Accept())
    result = await held([buyer, seller])
    assert result.agreement == {"price": 100}
    assert result.explanation == "all accepted what buyer offered in round 2: '{\"price\": 100}'"
    assert [offer for offer, _ in seller.seen] == [{"price": 100}, {"price": 100}]
    assert buyer.seen[1][1].by == "seller"
    assert (buyer.seen[0][1].share, buyer.seen[1][1].round) == (0.0, 2)


async def test_plain_data_will_do() -> None:
    result = await held([Says("a", {"action": "offer", "values": [1, 2]}), Says("b", "accept")])
    assert result.agreement == [1, 2]


async def test_with_three_all_others_have_to_accept_one_after_the_other() -> None:
    a, b = Says("a", Offer(1), Accept()), Says("b", Accept(), Accept())
    c = Says("c", Offer(3))
    result = await held([a, b, c])
    assert (result.agreement, result.rounds) == (3, 2)
    assert result.proposal is not None
    assert result.proposal.by == ("c",)


@pytest.mark.parametrize(
    "answer", [End("too dear"), {"action": "end", "reason": "too dear"}, {"action": "withdraw", "reason": "too dear"}]
)
async def test_a_party_ends_it(answer: Any) -> None:
    result = await held([Says("a", Offer(1)), Says("b", answer)])
    assert (result.stop_reason, result.agreement) == (NegotiationStop.WITHDRAWN, None)
    assert result.explanation == "b ended it in round 1: too dear"
    assert (await held([Says("a", "end"), Says("b", "end")])).explanation == "a ended it in round 1"


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (Accept(), "there is no offer to accept yet"),
        ({"action": "offer"}, "an offer without values"),
        ("maybe", "neither an offer nor"),
        (7, "neither an offer nor"),
        ({"action": "dance"}, "neither an offer nor"),
        (ValueError("broken"), "broken"),
    ],
)
async def test_a_lost_turn(answer: Any, wrong: str) -> None:
    result = await held([Says("a", answer, Offer(2)), Says("b", Offer(1), Offer(1), Accept())])
    assert result.agreement == 2
    assert wrong in result.problems[0].text
    gone = await held([Says("a", answer), Says("b", Offer(1))], patience=2)
    assert gone.stop_reason is NegotiationStop.WITHDRAWN or answer == Accept()


async def test_nobody_accepts_its_own_offer() -> None:
    result = await held([Says("a", Offer(1), Accept()), Says("b", None)], patience=3, max_rounds=2)
    assert not result.agreed
    assert any("cannot accept its own offer" in problem.text for problem in result.problems)


async def test_rounds_and_resolution() -> None:
    parties = [Says("a", Offer(10)), Says("b", Offer(20))]
    result = await held(parties, max_rounds=1, resolution=["median"])
    assert (result.agreement, result.resolved_by, result.stop_reason) == (10, "median", NegotiationStop.NO_AGREEMENT)
    middle = await held(parties, max_rounds=2, resolution=Mediator(lambda *_: {"content": 15}))
    assert middle.agreement == 15
    assert parties[0].seen[0][1].share == 1.0
    nothing = await held(parties, max_rounds=1, resolution=Mediator(lambda *_: None))
    assert nothing.agreement is None


async def test_the_deadline() -> None:
    class Slow(Says):
        async def respond(self, *_: Any) -> Any:
            await asyncio.Event().wait()

    result = await held([Says("a", Offer(1)), Slow("b", None)], deadline_s=0.1)
    assert result.stop_reason is NegotiationStop.DEADLINE


async def test_it_takes_two() -> None:
    with pytest.raises(NegotiationError, match="at least 2 parties"):
        await AlternatingOffers().negotiate([Says("a", Offer(1))], "x")


def prices(buyer: Any, seller: Any, rounds: int = 30, limit: float = 0.0) -> NegotiationResult:
    return AlternatingOffers(max_rounds=rounds).negotiate_sync(
        [
            ConcessionParty("buyer", Preferences({"price": Range(best=100, worst=200, steps=100)}), buyer, limit),
            ConcessionParty("seller", Preferences({"price": Range(best=200, worst=100, steps=100)}), seller, limit),
        ],
        "a bicycle",
    )


def test_who_holds_out_gets_more_and_later() -> None:
    tough, even, soft = prices(Boulware(), Linear()), prices(Linear(), Linear()), prices(Conceder(), Linear())
    assert tough.agreement["price"] < even.agreement["price"] < soft.agreement["price"]
    assert tough.rounds > soft.rounds
    assert abs(even.agreement["price"] - 150) <= 5


def test_tit_for_tat_answers_concessions() -> None:
    assert prices(TitForTat(), TitForTat(), rounds=10).agreed  # both give way in the last round
    fair = prices(TitForTat(), Linear())
    assert fair.agreed
    assert 140 <= fair.agreement["price"] <= 175
    strategy = TitForTat(rate=0.5)
    assert strategy.target(0.5, 0.1, [], []) == 1.0
    assert strategy.target(0.5, 0.1, [0.9], [0.1]) == 0.9
    assert strategy.target(0.5, 0.1, [0.9], [0.1, 0.3]) == pytest.approx(0.8)
    assert strategy.target(0.5, 0.1, [0.9], [0.3, 0.1]) == 0.9
    assert strategy.target(1.0, 0.1, [0.9], [0.3, 0.1]) == 0.1


def test_no_room_for_an_agreement() -> None:
    result = prices(Linear(), Linear(), limit=0.8)
    assert result.stop_reason is NegotiationStop.NO_AGREEMENT


def test_several_issues_find_what_is_good_for_both() -> None:
    colors = ({"red": 1.0, "blue": 0.0}, {"red": 0.0, "blue": 1.0})
    ann = ConcessionParty(
        "ann", Preferences({"color": Choices(colors[0]), "size": Choices({"s": 1, "l": 0})}, {"color": 9}), Linear()
    )
    bob = ConcessionParty(
        "bob", Preferences({"color": Choices(colors[1]), "size": Choices({"s": 0, "l": 1})}, {"size": 9}), Linear()
    )
    result = AlternatingOffers().negotiate_sync([ann, bob], "a shirt")
    assert result.agreement == {"color": "red", "size": "l"}  # each gets what matters most to it
    again = AlternatingOffers().negotiate_sync([ann, bob], "a shirt")
    assert again.record == result.record


async def test_offers_that_are_not_understood_are_answered_with_ones_own() -> None:
    party = ConcessionParty("ann", Preferences({"price": Range(100, 200)}), Linear())
    result = await held(
        [Says("eve", Offer({"soup": 1}), Offer({"price": "much"}), Offer(7), Accept()), party], max_rounds=6
    )
    assert result.agreed


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 20), st.floats(0, 1))
@settings(deadline=None, database=None)
def test_concessions_never_go_below_the_reservation_and_never_back(
    one: float, other: float, exponent: float, limit: float
) -> None:
    strategy = TimeDependent(exponent)
    early, late = (strategy.target(share, limit, [], []) for share in sorted([one, other]))
    assert limit - 1e-9 <= late <= early <= 1
    assert strategy.target(0, limit, [], []) == 1
    assert strategy.target(1, limit, [], []) == pytest.approx(limit)


def test_preferences() -> None:
    wants = Preferences(
        {"price": Range(best=0, worst=10, steps=4), "color": Choices({"red": 2, "blue": 1})}, {"price": 3}
    )
    assert wants.utility({"price": 0, "color": "red"}) == 1
    assert wants.utility({"price": 20, "color": "blue"}) == pytest.approx(0.125)
    assert wants.utility({"price": True, "color": "red"}) is None
    assert wants.utility({"price": 1, "color": "green"}) is None
    assert wants.utility({"price": 1, "color": ["red"]}) is None
    assert wants.utility({"price": 1}) is None
    assert wants.utility("all of it") is None
    utilities = [utility for utility, _ in wants.outcomes()]
    assert utilities == sorted(utilities, reverse=True)
    assert len(utilities) == 10
    assert wants.distance({"price": 0, "color": "red"}, {"price": 10, "color": "blue"}) == 4
    assert Range(best=0, worst=1, steps=4).values() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Preferences({}),
        lambda: Preferences({"a": Range(0, 1)}, {"b": 1}),
        lambda: Preferences({"a": Range(0, 1)}, {"a": 0}),
        lambda: Preferences({name: Range(0, 1, 100) for name in "abc"}),
        lambda: Choices({}),
        lambda: Choices({"a": 0}),
        lambda: Choices({"a": -1, "b": 1}),
        lambda: Range(1, 1),
        lambda: Range(0, 1, 0),
        lambda: TimeDependent(0),
    ],
)
def test_preferences_that_cannot_be(make: Any) -> None:
    with pytest.raises(NegotiationError):
        make()

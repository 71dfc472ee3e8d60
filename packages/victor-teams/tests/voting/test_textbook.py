"""Elections from the literature, with the results their authors give, checked by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from victor.teams.voting import Pairwise, Poll, VoteResult, vote

TENNESSEE = {"Memphis > Nashville > Chattanooga > Knoxville": 42, "Nashville > Chattanooga > Knoxville > Memphis": 26,
             "Chattanooga > Knoxville > Nashville > Memphis": 15, "Knoxville > Chattanooga > Nashville > Memphis": 17}  # fmt: skip
# M. Schulze (2011), example 1: 45 voters.
SCHULZE = {"A>C>B>E>D": 5, "A>D>E>C>B": 5, "B>E>D>A>C": 8, "C>A>B>E>D": 3, "C>A>E>B>D": 7, "C>B>A>D>E": 2,
           "D>C>E>B>A": 7, "E>B>A>D>C": 8}  # fmt: skip


def count(profile: dict[str, int], rule: Any, **settings: Any) -> VoteResult:
    weights = {str(number): weight for number, weight in enumerate(profile.values())}
    return vote(dict(zip(weights, profile, strict=True)), rule=rule, weights=weights, **settings)


@pytest.mark.parametrize(
    ("rule", "capital"),
    [("irv", "Knoxville"), ("borda", "Nashville"), ("copeland", "Nashville"), ("schulze", "Nashville"),
     ("ranked_pairs", "Nashville")],
)  # fmt: skip
def test_the_capital_of_tennessee(rule: str, capital: str) -> None:
    assert count(TENNESSEE, rule).winner == capital


def test_the_capital_of_tennessee_by_first_choices() -> None:
    firsts = {ballot.split(" > ")[0]: weight for ballot, weight in TENNESSEE.items()}
    assert count(firsts, "plurality").winner == "Memphis"
    assert count(firsts, "majority").no_decision is not None
    assert count(TENNESSEE, "borda").counts == {"Memphis": 126, "Nashville": 194, "Chattanooga": 173, "Knoxville": 107}


def test_irv_in_tennessee_round_by_round() -> None:
    first, second, third = count(TENNESSEE, "irv").rounds
    assert first.counts == {"Chattanooga": 15, "Knoxville": 17, "Memphis": 42, "Nashville": 26}
    assert first.eliminated == ("Chattanooga",)
    assert second.counts == {"Knoxville": 32, "Memphis": 42, "Nashville": 26}
    assert third.counts == {"Knoxville": 58, "Memphis": 42}
    assert third.elected == ("Knoxville",)


def test_schulzes_own_example() -> None:
    result = count(SCHULZE, "schulze")
    assert result.winner == "E"
    # E beats all four by paths, A three, C two, B one, D none: the order E A C B D of the paper.
    assert result.counts == {"A": 3, "B": 1, "C": 2, "D": 0, "E": 4}
    compared = result.rounds[0].counts
    assert (compared["A > B"], compared["B > D"], compared["D > C"], compared["E > D"]) == (20, 33, 28, 31)
    assert count(SCHULZE, "ranked_pairs").winner == "A"


def test_schulzes_strongest_paths() -> None:
    poll = Poll("A B C D E".split(), rule="schulze", weights={str(n): w for n, w in enumerate(SCHULZE.values())})
    poll.cast_all({str(n): ballot for n, ballot in enumerate(SCHULZE)})
    from victor.teams.voting.schulze import strongest_paths

    # The table of the paper, row by row.
    assert strongest_paths(Pairwise.of(poll._election())) == [
        [0, 28, 28, 30, 24], [25, 0, 28, 33, 24], [25, 29, 0, 29, 24], [25, 28, 28, 0, 24], [25, 28, 28, 31, 0],
    ]  # fmt: skip


def test_stv_of_the_sweets_example() -> None:
    """Twenty guests choose three sweets of five; the quota is 6."""
    profile = {"orange": 4, "pear > orange": 2, "chocolate > strawberry": 8, "chocolate > candy": 4, "strawberry": 1,
               "candy": 1}  # fmt: skip
    result = count(profile, {"rule": "stv", "seats": 3})
    assert result.winners == ("chocolate", "orange", "strawberry")
    assert "quota is 6 of 20" in result.explanation
    first, second, third, last = result.rounds
    assert first.elected == ("chocolate",)
    assert second.counts == {"candy": 3, "orange": 4, "pear": 2, "strawberry": 5}
    assert second.eliminated == ("pear",)
    assert (third.counts["orange"], third.elected) == (6, ("orange",))
    assert last.elected == ("strawberry",)


def test_stv_passes_a_surplus_on_exactly() -> None:
    result = count({"a > b": 60, "a > c": 20, "c": 13, "b": 6}, {"rule": "stv", "seats": 2})
    # The quota is 34 of 99; a has 80, so 46/80 of each ballot passes on: 34.5 to b, 11.5 to c.
    assert result.winners == ("a", "b")
    assert result.rounds[1].counts == {"b": 6 + Fraction(69, 2), "c": 13 + Fraction(23, 2)}
    assert result.to_dict()["rounds"][1]["counts"]["b"] == "81/2"


@pytest.mark.parametrize(("quota", "stated"), [("droop", "quota is 34 of 99"), ("hare", "quota is 99/2 of 99"),
                                               ("exact_droop", "quota is more than 33 of 99")])  # fmt: skip
def test_stv_states_its_quota(quota: str, stated: str) -> None:
    assert stated in count({"a": 60, "b": 39}, {"rule": "stv", "seats": 2, "quota": quota}).explanation


def test_droop_and_hare_can_elect_different_people() -> None:
    # 70 of 100 are two Droop quotas of 34; of two Hare quotas of 50 they leave 20 for b, fewer than the 30 of d.
    profile = {"a > b": 70, "d": 30}
    assert count(profile, {"rule": "stv", "seats": 2}).winners == ("a", "b")
    assert count(profile, {"rule": "stv", "seats": 2, "quota": "hare"}).winners == ("a", "d")


def test_the_score_example_of_star() -> None:
    ballots = {
        "1": {"bold": 5, "fair": 2, "cold": 0}, "2": {"bold": 5, "fair": 3, "cold": 0},
        "3": {"bold": 5, "fair": 4, "cold": 1}, "4": {"bold": 0, "fair": 3, "cold": 2},
        "5": {"bold": 0, "fair": 4, "cold": 5}, "6": {"bold": 1, "fair": 5, "cold": 3}, "7": {"bold": 3, "fair": 4, "cold": 0},
    }  # fmt: skip
    result = vote(ballots, rule="star")
    assert result.counts == {"bold": 19, "cold": 11, "fair": 25}
    assert result.rounds[1].counts == {"fair": 4, "bold": 3}
    assert result.winner == "fair"


@pytest.mark.parametrize(
    ("yes", "no", "passes"),
    [(2, 1, True), (661, 339, False), (666, 334, False), (667, 333, True), (4, 2, True), (6666, 3334, False),
     (10**30 * 2, 10**30, True), (10**30 * 2 - 1, 10**30, False)],
)  # fmt: skip
def test_two_thirds_is_exact(yes: int, no: int, passes: bool) -> None:
    result = vote({"1": "yes", "2": "no"}, rule="supermajority", weights={"1": yes, "2": no})
    assert (result.winner == "yes") is passes
    if not passes:
        assert result.no_decision is not None
        assert result.no_decision.reason == "no_supermajority"


def test_weights_may_be_fractions() -> None:
    result = vote(
        {"a": "x", "b": "x", "c": "y"}, rule="supermajority", weights={"a": "1/3", "b": "1/3", "c": Fraction(1, 3)}
    )
    assert result.winner == "x"
    assert result.counts == {"x": Fraction(2, 3), "y": Fraction(1, 3)}
    ranked = vote(
        {"a": "x > y", "b": "x > y", "c": "y > x"}, rule="schulze", weights={"a": "1/7", "b": "1/7", "c": "2/7"}
    )
    assert ranked.no_decision is not None
    assert ranked.no_decision.tied == ("x", "y")


def test_of_equally_strong_comparisons_the_one_with_less_against_it_counts_first() -> None:
    # a beats c 7:4 and c beats b 7:4, so b over a (7:6) is left out; by the winners' votes alone all three are equal.
    profile = {
        "a = c > b": 2, "c > b > a": 3, "b > c > a": 1, "a > b = c": 2, "b > a > c": 3, "a > c > b": 2,
    }  # fmt: skip
    result = count(profile, "ranked_pairs")
    compared = result.rounds[0].counts
    assert [compared[pair] for pair in ("a > c", "c > a", "c > b", "b > c", "b > a", "a > b")] == [7, 4, 7, 4, 7, 6]
    assert result.winner == "a"
    assert "'b' over 'a' (7 to 6)" in result.explanation

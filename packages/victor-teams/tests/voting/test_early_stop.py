"""A live poll knows that its result is certain: compared with trying everything the outstanding voters could do."""

from __future__ import annotations

import itertools
import os
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.teams.voting import Poll, make_rule

EXACT = ["plurality", "majority", "supermajority", "unanimous", "weighted", "approval", "score", "borda"]
SOUND = ["copeland", "schulze", "ranked_pairs", "irv"]
NEVER = ["star", "stv"]
STAYS_AWAY = object()
few = settings(max_examples=int(os.environ.get("VICTOR_TEST_ELECTIONS", "100")) // 5, deadline=None, database=None)


def everything(kind: str, options: list[str]) -> list[Any]:
    """All ballots there are of a kind, abstention and staying away included (scores: the two ends of the range)."""
    found: list[Any]
    if kind == "choice":
        found = list(options)
    elif kind == "approval":
        found = [list(chosen) for n in range(len(options) + 1) for chosen in itertools.combinations(options, n)]
    elif kind == "ranking":
        found = [list(order) for n in range(1, len(options) + 1) for order in itertools.permutations(options, n)]
    else:
        found = [dict(zip(options, row, strict=True)) for row in itertools.product((0, 2), repeat=len(options))]
    return [*found, None, STAYS_AWAY]


def outcomes(poll: Poll, left: list[str], again: Any) -> set[str | None]:
    """Who wins, over everything those who are left could do."""
    found = set()
    for completion in itertools.product(everything(poll.form.kind, list(poll.options)), repeat=len(left)):
        trial: Poll = again()
        for voter, content in zip(left, completion, strict=True):
            if content is not STAYS_AWAY:
                trial.cast(voter, content)
        found.add(trial.count().winner)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("rule", [*EXACT, *SOUND])
def test_settled_exactly_when_nothing_can_change_it(rule: str) -> None:
    @given(st.integers(0, 2**40))
    @few
    def check(seed: int) -> None:
        dice = random.Random(seed)
        options = ["a", "b", "c"][: dice.randint(1, 3)] if rule in EXACT else list("abcd")
        voters = [str(number) for number in range(dice.randint(2, 7))]
        made: dict[str, Any] = {"rule": rule}
        if rule == "score":
            made["highest"] = 2
        if rule in ("majority", "supermajority", "unanimous", "weighted"):
            made["of"] = dice.choice(["cast", "present", "electorate"])
        weights = (
            {voter: dice.choice([1, 1, 2, "1/2"]) for voter in voters}
            if rule == "weighted" or dice.random() < 0.4
            else None
        )
        tie_break = dice.choice(["none", "none", "declared", "lot:3", f"chair:{voters[0]}", ["runoff", "declared"]])
        quorum = dice.choice([None, None, None, len(voters) - 1, "1/2", len(voters) + 1])
        left = voters[-(dice.choice([1, 1, 2]) if rule in EXACT else 1) :]
        ballots = {
            voter: dice.choice(everything(make_rule(rule).kind, options)[:-1])
            for voter in voters
            if voter not in left and dice.random() < 0.95
        }
        left = [voter for voter in voters if voter not in ballots]
        if len(left) > (2 if rule in EXACT else 1):
            return

        def again() -> Poll:
            poll = Poll(options, voters, rule=made, weights=weights, quorum=quorum, tie_break=tie_break)
            assert poll.cast_all(ballots) == []
            return poll

        poll = again()
        settled = poll.settled()
        possible = outcomes(poll, left, again)
        if settled is not None:
            assert possible == {settled.winner}, settled.why
        elif rule in EXACT and tie_break != ["runoff", "declared"]:
            assert len(possible) > 1

    check()


@pytest.mark.parametrize("rule", [*EXACT, *SOUND, *NEVER])
def test_with_all_ballots_in_it_is_settled(rule: str) -> None:
    poll = Poll(["a", "b"], ["1", "2", "3"], rule=rule, weights={"1": 2})
    assert poll.settled() is None
    content: Any = {"choice": "a", "approval": ["a"], "ranking": ["a", "b"], "scores": {"a": 5, "b": 0}}[poll.form.kind]
    for voter in "123":
        poll.cast(voter, content)
    settled = poll.settled()
    assert settled is not None
    assert settled.winner == "a"


@pytest.mark.parametrize("rule", SOUND)
def test_a_clear_lead_stops_a_ranked_vote_early(rule: str) -> None:
    poll = Poll(["a", "b", "c"], [str(n) for n in range(9)], rule=rule)
    for voter in range(7):
        poll.cast(str(voter), "a > b > c")
    settled = poll.settled()
    assert settled is not None
    assert settled.winner == "a"


@pytest.mark.parametrize("rule", [*EXACT, *SOUND])
def test_nothing_is_certain_where_anybody_may_vote(rule: str) -> None:
    poll = Poll(["a", "b"], rule=rule, weights={"1": 2})
    content: Any = {"choice": "a", "approval": ["a"], "ranking": ["a", "b"], "scores": {"a": 5, "b": 0}}[poll.form.kind]
    poll.cast("1", content)
    assert poll.settled() is None


def test_a_quorum_that_cannot_be_reached_settles_a_poll() -> None:
    poll = Poll(["a", "b"], ["1", "2"], quorum=3)
    settled = poll.settled()
    assert settled is not None
    assert settled.winner is None
    assert "quorum" in settled.why


def test_a_sure_winner_still_needs_the_quorum() -> None:
    poll = Poll(["a", "b"], ["chief", "ann", "bob"], rule="plurality", weights={"chief": 9}, quorum=2)
    poll.cast("chief", "a")
    assert poll.settled() is None
    assert poll.count().no_decision is not None
    poll.cast("ann", None)
    settled = poll.settled()
    assert settled is not None
    assert settled.winner == "a"

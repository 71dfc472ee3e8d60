"""The rules and votelib, an independent implementation, agree on random elections.

``VICTOR_TEST_ELECTIONS`` sets how many elections each rule is tried on (100 by default). Where the result hangs on a
tie the two may differ in who they take, so such elections compare the sets of tied options, or not at all.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest
import votelib.component.quota
import votelib.convert
import votelib.evaluate.cardinal
import votelib.evaluate.condorcet
import votelib.evaluate.core
import votelib.evaluate.sequential
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.teams.voting import VoteResult, vote

ELECTIONS = int(os.environ.get("VICTOR_TEST_ELECTIONS", "100"))
many = settings(max_examples=ELECTIONS, deadline=None, database=None)
OPTIONS = ["a", "b", "c", "d", "e", "f"]
Rankings = dict[tuple[Any, ...], int]


@st.composite
def rankings(
    draw: st.DrawFn, *, equals: bool = True, complete: bool = False, most: int = 6
) -> tuple[list[str], Rankings]:
    """Ballots as votelib takes them (a frozenset is a shared rank), drawn from a seed: quick, and small enough to read."""
    dice = random.Random(draw(st.integers(0, 2**40)))
    options = OPTIONS[: dice.randint(2, most)]
    votes: Counter[tuple[Any, ...]] = Counter()
    for _ in range(draw(st.integers(1, 12))):
        order = dice.sample(options, len(options) if complete else dice.randint(1, len(options)))
        groups: list[Any] = []
        for option in order:
            if equals and groups and dice.random() < 0.2:
                last = groups.pop()
                groups.append((last if isinstance(last, frozenset) else frozenset([last])) | {option})
            else:
                groups.append(option)
        votes[tuple(groups)] += dice.randint(1, 9)
    return options, dict(votes)


def ours(rule: Any, options: list[str], votes: Rankings, **settings: Any) -> VoteResult:
    ballots = {
        str(number): [sorted(group) if isinstance(group, frozenset) else group for group in ranking]
        for number, ranking in enumerate(votes)
    }
    weights = dict(zip(ballots, votes.values(), strict=True))
    return vote(ballots, rule=rule, options=options, weights=weights, **settings)


def winners(result: VoteResult) -> set[str]:
    return set(result.no_decision.tied) if result.no_decision else set(result.winners)


def theirs(selected: list[Any]) -> set[str]:
    (first,) = selected[:1]
    return set(first) if isinstance(first, votelib.evaluate.core.Tie) else {first}


def pairs(votes: Rankings, options: list[str]) -> dict[tuple[str, str], int]:
    found = votelib.convert.RankedToCondorcetVotes().convert(votes)
    return {(one, other): found.get((one, other), 0) for one in options for other in options if one != other}


@pytest.mark.parametrize(
    ("rule", "evaluator"),
    [
        ("schulze", votelib.evaluate.condorcet.Schulze()),
        ("copeland", votelib.evaluate.condorcet.Copeland(second_order=False)),
    ],
)
def test_condorcet_rules(rule: str, evaluator: Any) -> None:
    @given(rankings())
    @many
    def check(election: tuple[list[str], Rankings]) -> None:
        options, votes = election
        table = pairs(votes, options)
        if not any(table[one, other] != table[other, one] for one, other in table):
            return  # votelib knows no options then
        found, others = winners(ours(rule, options, votes)), theirs(evaluator.evaluate(table, 1))
        # Among the unbeaten votelib's Schulze prefers who beats most others.
        assert others <= found if rule == "schulze" else others == found
        assert len(found) > 1 or others == found

    check()


@given(rankings(complete=True, equals=False))
@many
def test_ranked_pairs(election: tuple[list[str], Rankings]) -> None:
    options, votes = election
    table = pairs(votes, options)
    strengths = [votes for (one, other), votes in table.items() if votes >= table[other, one]]
    if len(set(strengths)) < len(strengths):
        return  # equally clear comparisons: votelib takes them in the order of its dictionary
    assert ours("ranked_pairs", options, votes).winner in theirs(
        votelib.evaluate.condorcet.RankedPairs().evaluate(table, 1)
    )


@given(rankings(complete=True, equals=False))
@many
def test_borda(election: tuple[list[str], Rankings]) -> None:
    options, votes = election
    counts = votelib.convert.RankedToPositionalVotes(votelib.component.rankscore.Borda(base=0)).convert(votes)
    result = ours("borda", options, votes)
    assert result.counts == counts
    assert winners(result) == theirs(votelib.evaluate.core.Plurality().evaluate(counts, 1))


@given(rankings())
@many
def test_choices_and_approvals(election: tuple[list[str], Rankings]) -> None:
    options, votes = election
    approvals: Counter[frozenset[str]] = Counter()
    for ranking, weight in votes.items():
        flat = [option for group in ranking for option in (sorted(group) if isinstance(group, frozenset) else [group])]
        approvals[frozenset(flat[: 1 + weight % 3])] += weight
    counts = votelib.convert.ApprovalToSimpleVotes().convert(dict(approvals))
    ballots = {str(number): sorted(approved) for number, approved in enumerate(approvals)}
    weights = dict(zip(ballots, approvals.values(), strict=True))
    result = vote(ballots, rule="approval", options=options, weights=weights)
    assert {option: count for option, count in result.counts.items() if count} == counts
    assert winners(result) == theirs(votelib.evaluate.core.Plurality().evaluate(counts, 1))
    firsts: Counter[str] = Counter()
    for approved, weight in approvals.items():
        firsts[min(approved)] += weight
    named = {str(number): min(approved) for number, approved in enumerate(approvals)}
    result = vote(named, rule="plurality", options=options, weights=weights)
    assert winners(result) == theirs(votelib.evaluate.core.Plurality().evaluate(dict(firsts), 1))


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 4), min_size=1, max_size=15))
@many
def test_score_and_star(ballots: list[tuple[int, ...]]) -> None:
    options = OPTIONS[:4]
    votes = Counter(frozenset(zip(options, scores, strict=True)) for scores in ballots)
    given_ = {str(number): dict(zip(options, scores, strict=True)) for number, scores in enumerate(ballots)}
    result = vote(given_, rule="score", options=options)
    evaluator: Any = votelib.evaluate.cardinal.ScoreVoting("sum")
    assert winners(result) == theirs(evaluator.evaluate(dict(votes), 1))
    sums = sorted(result.counts.values(), reverse=True)
    if sums[1] == sums[2]:
        return  # who comes second is a tie, which votelib leaves open
    evaluator = votelib.evaluate.cardinal.STAR()
    found = vote(given_, rule="star", options=options)
    duel = dict(found.rounds[1].counts) if found.rounds else {"": 0, "-": 0}
    if len(set(duel.values())) == 2:  # equal in the run-off: votelib names both, STAR's own rule takes the higher sum
        assert winners(found) == theirs(evaluator.evaluate(dict(votes), 1))


def untied(count: Callable[[str], VoteResult]) -> VoteResult | None:
    """The result where no tie was met on the way."""
    result = count("declared")
    return None if result.ties else result


@given(rankings(equals=False, complete=True))
@many
def test_irv(election: tuple[list[str], Rankings]) -> None:
    options, votes = election
    result = untied(lambda tie_break: ours("irv", options, votes, tie_break=tie_break))
    if result is None or any(len(one.eliminated) > 1 for one in result.rounds) or _ranked(votes) != set(options):
        return
    elected = selected(votes, 1, quota_function="droop")
    assert elected is None or set(result.winners) == elected


def selected(votes: Rankings, seats: int, **settings: Any) -> set[str] | None:
    """Whom votelib elects; where ballots run out it can go round in circles, or see a tie with them."""
    evaluator = votelib.evaluate.sequential.TransferableVoteSelector(transferer="Gregory", **settings)
    try:
        return set(evaluator.evaluate({ranking: Fraction(n) for ranking, n in votes.items()}, seats))
    except votelib.evaluate.core.VotingSystemError:
        return None
    except NotImplementedError:
        return None


def _ranked(votes: Rankings) -> set[str]:
    return {option for ranking in votes for option in ranking}


@given(rankings(equals=False, complete=True), st.integers(1, 4), st.sampled_from(["droop", "hare"]))
@many
def test_stv(election: tuple[list[str], Rankings], seats: int, quota: str) -> None:
    options, votes = election
    if seats > len(options) or _ranked(votes) != set(options):
        return
    rule = {"rule": "stv", "seats": seats, "quota": quota}
    result = untied(lambda tie_break: ours(rule, options, votes, tie_break=tie_break))
    if result is None or any(len(one.eliminated) > 1 or len(one.elected) > 1 for one in result.rounds[:-1]):
        return  # votelib passes several surpluses on at once, we one after the other
    elected = selected(votes, seats, quota_function=quota)
    assert elected is None or set(result.winners) == elected


def _elections() -> Iterator[tuple[list[str], Rankings]]:
    dice = random.Random(5)
    for _ in range(60):
        options = OPTIONS[: dice.randint(2, 6)]
        votes: Counter[tuple[str, ...]] = Counter()
        for _ in range(dice.randint(1, 12)):
            votes[tuple(dice.sample(options, len(options)))] += dice.randint(1, 5)
        yield options, dict(votes)


def test_majority_quota_of_votelib() -> None:
    for options, votes in _elections():
        firsts: Counter[str] = Counter()
        for ranking, weight in votes.items():
            firsts[ranking[0]] += weight
        ballots = {str(number): ranking[0] for number, ranking in enumerate(votes)}
        weights = dict(zip(ballots, votes.values(), strict=True))
        found = vote(ballots, rule="majority", options=options, weights=weights)
        more_than_half = [
            option for option, count in firsts.items() if Fraction(count, sum(firsts.values())) > Fraction(1, 2)
        ]
        assert list(found.winners) == more_than_half

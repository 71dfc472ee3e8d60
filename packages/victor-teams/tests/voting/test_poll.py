"""Holding a poll: who may vote, how often, with which weight, and what the result and the events tell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar

import pytest
from attrs import frozen

from victor.core import hookimpl
from victor.core.errors import PluginError, UnknownNameError
from victor.core.events import EventStream
from victor.core.testing import capture_events, isolated_plugins
from victor.teams.voting import (
    RULES,
    Ballot,
    BallotForm,
    Count,
    Election,
    Lot,
    NoDecision,
    Plurality,
    Poll,
    Quorum,
    Rule,
    Schulze,
    Settled,
    Ties,
    VotingError,
    describe_rule,
    exact,
    make_rule,
    read_tie_breaks,
    vote,
)


def test_one_ballot_per_voter_and_only_voters() -> None:
    poll = Poll(["a", "b"], ["ann", "bob"])
    assert poll.cast("ann", "a") is None
    again = poll.cast("ann", "b")
    stranger = poll.cast("eve", "b")
    assert again is not None
    assert stranger is not None
    assert (again.kind, stranger.kind) == ("duplicate", "unknown_voter")
    result = poll.result()
    assert result.counts == {"a": 1, "b": 0}
    assert result.missing == ("bob",)
    assert [problem.voter for problem in result.problems] == ["ann", "eve"]
    assert str(result).count("Not counted: ") == 2


def test_an_invalid_ballot_does_not_use_up_the_vote() -> None:
    poll = Poll(["a", "b"], ["ann"])
    problem = poll.cast("ann", "c")
    assert problem is not None
    assert problem.kind == "invalid"
    assert poll.cast("ann", "a") is None
    assert poll.result().winner == "a"


def test_a_closed_poll_takes_nothing_more() -> None:
    poll = Poll(["a", "b"])
    poll.cast("ann", "a")
    result = poll.result()
    late = poll.cast("bob", "b")
    assert late is not None
    assert late.kind == "closed"
    assert poll.result() is result


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"options": "ab"}, "list of texts"),
        ({"voters": "ann"}, "list of names"),
        ({"weights": {"ann": 0.5}}, "the float 0.5 is not; write '1/2'"),
        ({"weights": {"ann": float("nan")}}, "must be exact"),
        ({"weights": {"ann": 0}}, "more than 0"),
        ({"weights": {"ann": True}}, "must be a number"),
        ({"weights": {"ann": "1e999999999"}}, "whole number, a fraction"),
        ({"weights": {"ann": "1/0"}}, "divides by zero"),
        ({"weights": {"ann": None}}, "not NoneType"),
        ({"weights": {"eve": 2}, "voters": ["ann"]}, "'eve', who may not vote"),
        ({"quorum": "1/2"}, "needs to know them"),
        ({"quorum": 0}, "a quorum is"),
        ({"quorum": "3/2", "voters": ["ann"]}, "at most 1"),
        ({"rule": "weighted"}, "needs the weights"),
        ({"rule": {"rule": "stv", "seats": 3}}, "3 seats and only 2 options"),
        ({"rule": {"rule": "stv", "seats": 0}}, "cannot be made"),
        ({"rule": {"rule": "stv", "seats": "two"}}, "cannot be made"),
        ({"rule": {"rule": "stv", "quota": "big"}}, "cannot be made"),
        ({"rule": {"rule": "supermajority", "fraction": "1/2"}}, "more than 1/2"),
        ({"rule": {"rule": "supermajority", "fraction": 0.66}}, "must be exact"),
        ({"rule": {"rule": "majority", "of": "all"}}, "cannot be made"),
        ({"rule": {"seats": 2}}, "under 'rule'"),
        ({"rule": {"rule": "borda", "seats": 2}}, "cannot be made"),
        ({"rule": 7}, "a voting rule is a name"),
        ({"rule": Schulze}, "a voting rule is a name"),
        ({"rule": "builtins:dict"}, "is no voting rule"),
        ({"tie_break": "lot"}, "needs a seed"),
        ({"tie_break": "chair"}, "needs a voter"),
        ({"tie_break": "declred"}, "did you mean 'declared'"),
        ({"tie_break": "zzz"}, "there are: none, declared"),
        ({"tie_break": 3}, "a tie-break rule is"),
    ],
)
def test_polls_that_cannot_be_held(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(VotingError) as caught:
        Poll(settings.pop("options", ["a", "b"]), **settings)
    assert why in str(caught.value)


def test_the_electorate_has_to_be_known_to_count_against_it() -> None:
    with pytest.raises(VotingError, match="who may vote"):
        vote({"ann": "a"}, rule={"rule": "majority", "of": "electorate"})
    result = vote({"ann": "a"}, rule={"rule": "majority", "of": "electorate"}, voters=["ann", "bob"])
    assert not result.decided


@pytest.mark.parametrize(("of", "winner"), [("cast", "a"), ("present", None), ("electorate", None)])
def test_what_a_majority_is_of(of: str, winner: str | None) -> None:
    ballots = {"1": "a", "2": "a", "3": "b", "4": None}
    assert vote(ballots, rule={"rule": "majority", "of": of}, voters="1 2 3 4 5".split()).winner == winner


@pytest.mark.parametrize(
    ("quorum", "voters", "decided"),
    [(None, 9, True), (3, 9, True), (4, 9, False), ("1/3", 9, True), ("1/3", 10, False), (Fraction(1), 3, True),
     ("1.0", 4, False), (Quorum(2), 9, True), ("3", 9, True)],
)  # fmt: skip
def test_quorum(quorum: Any, voters: int, decided: bool) -> None:
    result = vote({"1": "a", "2": "a", "3": None}, quorum=quorum, voters=[str(n + 1) for n in range(voters)])
    assert result.decided is decided
    if not decided:
        assert result.no_decision == NoDecision("no_quorum")
        assert f"3 of {voters} voters took part" in result.explanation
        assert result.counts == {"a": 2}


def test_nobody_votes() -> None:
    assert vote({}, options=["a"]).no_decision == NoDecision("no_ballots")
    result = vote({"ann": None, "bob": None}, options=["a"], rule="supermajority")
    assert result.no_decision == NoDecision("no_ballots")
    assert result.explanation == "all 2 who took part abstained"


TIED = {"ann": "a", "bob": "b", "cid": "b", "dan": "a", "eve": "c"}


@pytest.mark.parametrize(
    ("tie_break", "winner", "by"),
    [
        ("declared", "b", "declared"),
        ("lot:1", "a", "lot:1"),
        ("lot:2", "a", "lot:2"),
        ("chair:ann", "a", "chair:ann"),
        (["chair:eve", "declared"], "b", "declared"),
        (["runoff", Lot(2)], "a", "lot:2"),
    ],
)
def test_ties_are_decided_by_the_stated_rule(tie_break: Any, winner: str, by: str) -> None:
    result = vote(TIED, rule="plurality", options=["c", "b", "a"], tie_break=tie_break)
    assert result.winner == winner
    (tie,) = result.ties
    assert (tie.where, set(tie.tied), tie.chosen, tie.by) == ("first place", {"a", "b"}, winner, by)
    assert f"decided by {by}" in result.explanation


@pytest.mark.parametrize("tie_break", ["none", None, [], "runoff", "chair:eve", "chair:nobody"])
def test_ties_nobody_decides(tie_break: Any) -> None:
    result = vote(TIED, rule="plurality", options=["a", "b", "c"], tie_break=tie_break)
    assert result.no_decision == NoDecision("tie", ("a", "b"))
    assert result.counts == {"a": 2, "b": 2, "c": 1}
    assert "tie for first place" in result.explanation


def test_a_lot_depends_on_seed_and_names_alone() -> None:
    orders = (["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"])
    drawn = [vote(TIED, rule="plurality", options=order, tie_break="lot:7").winner for order in orders]
    assert len(set(drawn)) == 1
    seeds = {vote(TIED, rule="plurality", tie_break=f"lot:{seed}").winner for seed in range(20)}
    assert seeds == {"a", "b"}


@pytest.mark.parametrize(("tie_break", "winner"), [("runoff", "b"), ("chair:5", "c"), (["chair:9", "runoff"], "b")])
def test_a_run_off_uses_what_rankings_say(tie_break: Any, winner: str) -> None:
    # Borda: b and c have 10 points each, but three of five prefer b to c.
    ballots = {"1": "b > c > a", "2": "b > c > a", "3": "a > b > c", "4": "c > a > b", "5": "c > b > a"}
    result = vote(ballots, rule="borda", weights={"4": 1})
    tied = result.counts
    if tied["b"] != tied["c"]:
        pytest.fail(f"the example is not tied: {tied}")
    assert vote(ballots, rule="borda", tie_break=tie_break).winner == winner


def test_a_second_poll_about_the_tied() -> None:
    poll = Poll(["a", "b", "c"], list(TIED), rule="plurality", weights={"eve": 1}, name="drinks")
    poll.cast_all(TIED)
    second = poll.runoff()
    assert (second.options, second.voters, second.name) == (("a", "b"), tuple(TIED), "drinks run-off")
    second.cast_all({**TIED, "eve": "b"})
    assert second.result().winner == "b"
    with pytest.raises(VotingError, match="needs a tie"):
        second.runoff()


def test_ties_in_the_middle_of_a_count() -> None:
    ballots = {"1": "a > b", "2": "a > c", "3": "b > a", "4": "c > b", "5": "d", "6": "d"}
    none = vote(ballots, rule="irv")
    assert none.no_decision is not None
    assert "elimination in round 1" in none.explanation
    # The last in the stated order leaves.
    kept = vote(ballots, rule="irv", options=list("dcba"), tie_break="declared")
    assert kept.rounds[0].eliminated == ("b",)
    assert vote({"1": "a", "2": "b"}, rule="irv").no_decision == NoDecision("tie", ("a", "b"))


def test_irv_drops_hopeless_options_together() -> None:
    result = vote(
        {"1": "a > x", "2": "b > a", "3": "x > b"}, rule="irv", weights={"1": 4, "2": 4, "3": 3}, options=list("abxyz")
    )
    assert result.rounds[0].eliminated == ("y", "z")
    assert result.winner == "b"


def test_irv_when_all_ballots_run_out() -> None:
    result = vote({"1": "a", "2": "b", "3": "c"}, rule="irv", tie_break="declared", weights={"1": 2, "2": 2, "3": 3})
    assert result.winner == "c" or result.ties


def test_stv_ties() -> None:
    ballots = {"1": "a > c", "2": "b > d", "3": "c", "4": "d"}
    weights = {"1": 5, "2": 5, "3": 1, "4": 1}
    rule = {"rule": "stv", "seats": 3}
    assert vote(ballots, rule=rule, weights=weights).no_decision is not None
    result = vote(ballots, rule=rule, weights=weights, tie_break="declared")
    assert result.winners[:2] == ("a", "b")
    assert {tie.where.split(" in ")[0] for tie in result.ties} >= {"the order of surpluses"}


def test_stv_hare_with_more_quotas_than_seats_is_no_trap() -> None:
    rule = {"rule": "stv", "seats": 1, "quota": "hare"}
    assert vote({"1": "a", "2": "b"}, rule=rule, weights={"1": 3, "2": 2}).winner == "a"
    everything = vote({"1": "a"}, rule={"rule": "stv", "seats": 2}, options=["a", "b", "c"], tie_break="declared")
    assert everything.winners == ("a", "b")


def test_ranked_pairs_with_equally_clear_comparisons() -> None:
    circle = {"1": "a > b > c", "2": "b > c > a", "3": "c > a > b"}
    undecided = vote(circle, rule="ranked_pairs")
    assert undecided.no_decision is not None
    assert set(undecided.no_decision.tied) == {"a", "b", "c"}
    assert vote(circle, rule="ranked_pairs", options=list("bca"), tie_break="declared").winner == "b"
    clear = vote(circle, rule="ranked_pairs", weights={"1": 4, "2": 3, "3": 2})
    assert "left out" in clear.explanation
    alone = vote({"1": [["a", "b"], "c"]}, rule="ranked_pairs")
    assert alone.no_decision == NoDecision("tie", ("a", "b"))


def test_star_ties() -> None:
    even = {
        "1": {"a": 5, "b": 4, "c": 4},
        "2": {"a": 5, "b": 4, "c": 4},
        "3": {"a": 0, "b": 5, "c": 4},
        "4": {"a": 0, "b": 0, "c": 1},
    }
    # b and c have 13 each and win one comparison each, by voters 3 and 4.
    assert vote(even, rule="star").no_decision == NoDecision("tie", ("b", "c"))
    level = {"1": {"a": 5, "b": 3}, "2": {"a": 0, "b": 3}}
    higher = vote(level, rule="star")
    assert higher.winner == "b"
    assert "equal, so the higher sum decides" in higher.explanation
    same = vote({"1": {"a": 5, "b": 3}, "2": {"a": 3, "b": 5}}, rule="star")
    assert same.no_decision == NoDecision("tie", ("a", "b"))
    assert vote({"1": {"a": 5}}, rule="star").winner == "a"
    three = {"1": {"a": 5, "b": 5, "c": 5, "d": 0}}
    assert vote(three, rule="star").no_decision is not None
    assert vote(three, rule="star", tie_break="declared").winner == "a"


@pytest.mark.parametrize("rule", sorted(RULES))
def test_one_option_alone(rule: str) -> None:
    content: Any = {"choice": "a", "approval": ["a"], "ranking": ["a"], "scores": {"a": 5}}[make_rule(rule).kind]
    assert vote({"1": content}, rule=rule, weights={"1": 1}).winner == "a"


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_as_data_and_back(rule: str) -> None:
    made = make_rule(rule)
    assert isinstance(made, Rule)
    assert made.name == rule
    assert make_rule(describe_rule(made)) == made
    assert make_rule(made) is made
    with pytest.raises(VotingError, match="made already"):
        make_rule(made, seats=2)


def test_settings_of_a_rule_are_told() -> None:
    assert describe_rule(make_rule({"rule": "stv", "seats": 2}, quota="hare")) == {
        "rule": "stv",
        "seats": 2,
        "quota": "hare",
    }
    assert describe_rule(make_rule("supermajority", fraction="3/4")) == {"rule": "supermajority", "fraction": "3/4"}


@frozen
class Dictator:
    """A rule of somebody else."""

    who: str = "ann"
    name: ClassVar[str] = "dictator"
    kind: ClassVar[Any] = "choice"
    early_stop: ClassVar[Any] = "exact"
    seats: ClassVar[int] = 1

    def form(self, options: tuple[str, ...]) -> BallotForm:
        return BallotForm("choice", options)

    def count(self, election: Election, ties: Ties) -> Count:
        said = election.ballots.get(self.who)
        return Count((str(said),), election.totals(), f"{self.who} says so")

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        said = election.ballots.get(self.who)
        return None if said is None else Settled(str(said), f"{self.who} has spoken")


class Plugin:
    @hookimpl
    def victor_register_coordination_protocols(self, register: Any) -> None:
        register("voting.dictator", Dictator, help="one decides")


def test_rules_of_others() -> None:
    with isolated_plugins(Plugin()):
        poll = Poll(["a", "b"], ["ann", "bob"], rule={"rule": "dictator", "who": "bob"})
        poll.cast("bob", "b")
        assert poll.settled() is not None
        assert poll.result().winner == "b"
        assert poll.result().rule == {"rule": f"{__name__}:Dictator", "who": "bob"}
        with pytest.raises(UnknownNameError, match="did you mean 'dictator'"):
            make_rule("dictatr")
    with pytest.raises(UnknownNameError, match="there are: approval, borda"):
        make_rule("zzzz")
    assert make_rule("victor.teams.voting.plurality:Plurality") == Plurality()
    with pytest.raises(PluginError):
        make_rule("no.such.module:Rule")


class Backwards:
    """A tie-break rule of somebody else."""

    spec = "backwards"

    def groups(self, tied: Sequence[str], election: Election) -> list[list[str]]:
        return [[option] for option in sorted(tied, reverse=True)]

    def certain(self, first: str, second: str, election: Election) -> bool:
        return first > second


def test_tie_break_rules_of_others() -> None:
    assert vote(TIED, rule="plurality", tie_break=Backwards()).winner == "b"
    assert read_tie_breaks([Backwards(), "none"])[0].spec == "backwards"


def test_events() -> None:
    stream = EventStream()
    with capture_events(stream=stream, content=True) as events:
        vote([Ballot("ann", "tea", "warm"), Ballot("bob", None), Ballot("bob", "tea")], name="drink", stream=stream)
    cast, abstained, result = events
    assert (cast.kind, cast.name, dict(cast.attributes)) == (
        "vote.cast",
        "drink",
        {"voter": "ann", "rule": "majority", "abstained": False},
    )
    assert cast.content == {"ballot": "tea", "reason": "warm"}
    assert abstained.attributes["abstained"] is True
    assert result.kind == "vote.result"
    assert (result.attributes["decided"], result.attributes["cast"], result.attributes["problems"]) == (True, 1, 1)
    assert result.content["winners"] == ["tea"]


def test_what_was_voted_stays_out_of_events_that_capture_nothing() -> None:
    stream = EventStream()
    with capture_events(stream=stream) as events:
        vote({"ann": "tea"}, stream=stream)
    assert "tea" not in "".join(repr((dict(event.attributes), event.content)) for event in events)


def test_the_import_is_light() -> None:
    code = "import sys, victor.teams.voting as v; v.vote, v.Poll, v.Schulze; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    for heavy in ("yaml", "scipy", "votelib", "numpy", "asyncio", "pluggy", "msgspec", "random"):
        assert heavy not in loaded


def test_the_face() -> None:
    import victor.teams.voting as face

    for name in face.__all__:
        assert getattr(face, name) is not None
    assert set(face.__all__) == set(face._MODULES) <= set(dir(face))
    with pytest.raises(AttributeError, match="no attribute 'vot'"):
        face.vot
    assert exact(Fraction(4, 2)) == 2

"""What comes through the door for answers: forms, sizes, what was used; whoever answers."""

from __future__ import annotations

import json
import math

import pytest

from victor.core import Agent
from victor.core.message import Usage
from victor.core.testing import ScriptedModel
from victor.teams import (
    ContractNet,
    FunctionMember,
    Human,
    OnFailure,
    Reflection,
    Reply,
    RoundRobin,
    Router,
    Sequential,
    StopReason,
    Team,
    TeamLimits,
)  # fmt: skip
from victor.teams.patterns.contract_net import Bid


def agent(name, *answers):
    return Agent(name=name, model=ScriptedModel([a if isinstance(a, str) else json.dumps(a) for a in answers]))


class Says:
    """A member that replies what it is given."""

    def __init__(self, name="eve", **reply):
        self.name, self.description, self.reply, self.asked = name, "", reply, 0

    async def act(self, ask):
        self.asked += 1
        return Reply(**{"text": f"say {self.asked}", **self.reply})


def chatty(ask):
    return "I would rather talk about the weather"


class TestForm:
    @pytest.mark.parametrize(
        ("pattern", "others"),
        [
            ("contract_net", [agent("bob", {"able": True, "price": 2}, "done")]),
            ("blackboard", [agent("bob", {"value": 8, "what": "w"}, "done", {"value": 0})]),
            ("consensus", [agent("bob", "Soup", {"value": "P1"}), agent("cid", "soup", {"value": "P1"})]),
        ],
    )
    async def test_a_function_that_answers_in_no_form_has_failed_like_any_member(self, pattern, others):
        result = await Team([chatty, *others], pattern, on_failure="skip").run("t")
        if pattern != "consensus":
            assert "done" in result.output
        assert [turn.member for turn in result.turns if "required form" in turn.error] == ["chatty"] * (
            2 if pattern == "blackboard" else 1
        )

    async def test_by_default_that_ends_the_run(self):
        result = await Team([agent("author", "A"), chatty], Reflection()).run("t")
        assert result.stop_reason is StopReason.MEMBER_FAILED
        assert result.detail.startswith("chatty: the answer does not have the required form")

    async def test_it_is_asked_again_where_the_policy_says_so(self):
        answers = iter(["nonsense", {"approved": True}])

        def critic(ask):
            return next(answers)

        result = await Team(
            [agent("author", "A"), critic], Reflection(), on_failure=OnFailure(retries=1, backoff_s=0)
        ).run("t")
        assert (result.output, result.turns[1].attempts) == ("A", 2)

    @pytest.mark.parametrize(
        "bid", [{"able": True, "price": 1}, '{"able": true, "price": 1}', '```json\n{"able": true, "price": 1}\n```',
                Bid(True, 1)]
    )  # fmt: skip
    async def test_mappings_and_json_become_what_was_asked_for(self, bid):
        def ann(ask):
            return "did it" if ask.output_type is str else bid

        result = await Team([ann, agent("bob", {"able": True, "price": 2})], ContractNet()).run("t")
        assert (result.output, result.turns[0].data) == ("did it", Bid(True, 1.0))

    @pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("make", [lambda price: Bid(True, price), lambda price: {"able": True, "price": price}])
    async def test_prices_are_numbers(self, price, make):
        def ann(ask):
            return "did it" if ask.output_type is str else make(price)

        team = Team([ann, agent("bob", {"able": True, "price": 2}, "bob did")], ContractNet(), on_failure="skip")
        result = await team.run("t")
        assert result.output == "bob did"
        assert "expected a number" in result.turns[0].error

    @pytest.mark.parametrize("said", ["bob", '"bob"', {"value": "bob"}])
    async def test_a_choice_may_be_a_bare_word(self, said):
        def chief(ask):
            return said

        assert (await Team([chief, agent("bob", "here")], Router(by="chief")).run("t")).output == "here"

    async def test_what_a_team_in_a_team_used_counts_also_where_its_answer_is_none(self):
        lab = Team([Says("x", text="hello", usage=Usage(10, 5), cost_usd=0.5)], Sequential(), name="lab")
        result = await Team([agent("author", "A"), lab], Reflection(), on_failure="skip").run("t")
        assert "required form" in result.turns[1].error
        assert (result.turns[1].usage.total_tokens, result.turns[1].cost_usd) == (15, 0.5)

    async def test_a_run_that_waited_goes_on_after_an_answer_that_was_none(self, tmp_path):
        def make():
            def cid(ask):
                return "Rice" if ask.output_type is str else {"value": "P2"}

            return Team([Human("boss"), FunctionMember(chatty, name="chatty"), cid], "consensus", on_failure="skip")

        path = tmp_path / "run.jsonl"
        first = await make().run("Lunch?", journal=path)
        second = await make().run("Lunch?", journal=path, answers={first.questions[0].id: "Soup"})
        assert second.stop_reason is StopReason.WAITING
        last = await make().run("Lunch?", journal=path, answers={second.questions[0].id: "P2"})
        assert last.stop_reason in {StopReason.COMPLETED, StopReason.WAITING, StopReason.NO_DECISION}


class TestPeople:
    async def test_a_slip_is_asked_for_again_with_what_was_wrong(self):
        seen, says = [], ["yes, for 5", '{"able": true, "price": 5}', "done"]

        def ask_boss(ask):
            seen.append(ask.text)
            return says.pop(0)

        result = await Team([Human("boss", ask_boss)], ContractNet()).run("t")
        assert result.output == "done"
        assert "'yes, for 5' cannot be used" in seen[1]
        assert '"price"' in seen[1]

    async def test_who_never_learns_has_failed(self):
        asked = []
        boss = Human("boss", lambda ask: asked.append(1) or "no idea")
        result = await Team([boss, agent("bob", {"able": True, "price": 2}, "x")], ContractNet()).run("t")
        assert (result.stop_reason, len(asked)) == (StopReason.MEMBER_FAILED, 5)

    async def test_a_run_that_waits_waits_on(self):
        team = Team([Human("boss"), agent("bob", "here")], Router(by="boss"))
        first = await team.run("t")
        (question,) = first.questions
        second = await team.run(answers={question.id: "bobby"})
        assert second.stop_reason is StopReason.WAITING
        assert "'bobby' cannot be used" in second.questions[0].prompt
        assert "Answer with one of: bob" in second.questions[0].prompt
        assert (await team.run(answers={second.questions[0].id: "bob"})).output == "here"


class TestUse:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"cost_usd": math.nan}, {"cost_usd": -1.0}, {"cost_usd": math.inf}, {"cost_usd": "1"}, {"cost_usd": 10**400},
            {"tokens": -100}, {"tokens": 1.5}, {"turns": -2}, {"turns": None}, {"usage": Usage(-1, 0)}, {"usage": None},
            {"usage": Usage(10**60, 0)}, {"usage": Usage(1, 1, requests=-1)}, {"usage": Usage(1.5, 1)},
            {"usage": Usage(1, 1, cache_read_tokens=None)},
        ],
    )  # fmt: skip
    async def test_what_cannot_have_been_used_is_a_failure_and_not_counted(self, wrong):
        team = Team([Says(**wrong), Says("ann", cost_usd=1.0)], RoundRobin(), on_failure="skip",
                    limits=TeamLimits(cost_usd=5, turns=50, repeats=None))  # fmt: skip
        result = await team.run("x")
        assert (result.stop_reason, result.cost_usd) == (StopReason.MAX_COST, 5.0)
        assert all("what it says that it used" in turn.error for turn in result.turns if turn.member == "eve")

    async def test_what_is_right_of_it_is_counted(self):
        result = await Team([Says(cost_usd=math.nan, usage=Usage(7, 3))], Sequential()).run("x")
        assert (result.stop_reason, result.usage.total_tokens, result.cost_usd) == (StopReason.MEMBER_FAILED, 10, 0.0)

    async def test_turns_and_tokens_cannot_be_given_back(self):
        limits = TeamLimits(turns=20, tokens=1000, repeats=None)
        team = Team([Says(turns=-2), Says("ann", tokens=100)], RoundRobin(), on_failure="skip", limits=limits)
        result = await team.run("x")
        assert (result.stop_reason, len(result.turns)) == (StopReason.MAX_TURNS, 20)


class TestWhatCanBeRecorded:
    async def test_half_a_character_is_replaced(self, tmp_path):
        path = tmp_path / "run.jsonl"
        for _ in range(2):
            result = await Team([lambda ask: "half: \ud83d, whole: \ud83d\ude00"], Sequential()).run("x", journal=path)
            assert result.output == "half: \ufffd, whole: \N{GRINNING FACE}"
        assert "halves of characters" in result.turns[0].sender_note

    async def test_also_in_errors(self, tmp_path):
        def broken(ask):
            raise ConnectionError("\ud83d" + "x" * 300_000)

        team = Team([broken, agent("ann", "fine")], Sequential(), on_failure="skip")
        result = await team.run("x", journal=tmp_path / "run.jsonl")
        assert (result.output, len(result.turns[0].error)) == ("fine", 100_000)

    @pytest.mark.parametrize(
        ("reply", "says"),
        [
            ({"text": None}, "must be a str"), ({"handoff": 5}, "must name a member"), ({"handoff": ""}, "must name"),
            ({"data": {"x": "\ud83d"}}, "cannot be recorded"), ({"handoff": "x" * 5000}, "must name"),
        ],
    )  # fmt: skip
    async def test_other_things_are_failures(self, tmp_path, reply, says):
        path = tmp_path / "run.jsonl"
        for _ in range(2):
            team = Team([Says(**reply), Says("ann", text="fine")], Sequential(), on_failure="skip")
            result = await team.run("x", journal=path)
            assert (result.output, says in result.turns[0].error) == ("fine", True)

    async def test_values_have_a_size(self, tmp_path):
        path = tmp_path / "run.jsonl"
        result = await Team([Says(data={"x": "y" * 1_000_000})], Sequential()).run("x", journal=path)
        assert (result.output, result.turns[0].data) == ("say 1", None)
        assert "1,000,008 characters" in result.turns[0].sender_note
        assert path.stat().st_size < 2000

    async def test_a_value_that_was_asked_for_and_is_too_large_is_a_failure(self):
        critic = Says("critic", data={"approved": False, "comments": "x" * 200_000})
        result = await Team([agent("author", "A"), critic], Reflection()).run("t")
        assert "TeamLimits.turn_chars allows 100,000" in result.detail

    async def test_an_answer_that_was_cut_has_no_form(self):
        critic = Says("critic", text=json.dumps({"approved": False, "comments": "x" * 200_000}))
        result = await Team([agent("author", "A"), critic], Reflection()).run("t")
        assert "does not have the required form: the answer had 200," in result.detail

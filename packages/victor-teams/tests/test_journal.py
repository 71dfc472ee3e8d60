"""A run that was broken off goes on where it was, and does nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from attrs import frozen

from victor.core import Agent
from victor.core.errors import ConfigurationError
from victor.core.testing import ScriptedModel
from victor.teams import Human, JournalError, Pattern, RoundRobin, Sequential, StopReason, Team, TeamLimits
from victor.teams.journal import Journal


class Counting:
    """Members that count how often they were really asked."""

    def __init__(self, *names, fail_at=None):
        self.asked = []
        self.fail_at = fail_at
        self.members = [self.member(name) for name in names]

    def member(self, name):
        async def act(ask):
            if len(self.asked) == self.fail_at:
                self.fail_at = None
                raise RuntimeError("crash")
            self.asked.append(name)
            ask.memory[name] = len(self.asked)
            return f"{name} {len(self.asked)}"

        act.__name__ = name
        return act


async def test_after_a_failure_the_run_goes_on_with_the_turn_that_failed(tmp_path):
    counting = Counting("a", "b", fail_at=3)
    team = Team(counting.members, RoundRobin(rounds=3))
    path = tmp_path / "run.jsonl"
    first = await team.run("t", journal=path)
    assert (first.stop_reason, len(first.turns)) == (StopReason.MEMBER_FAILED, 3)
    second = await team.run("t", journal=path)
    assert second.output == "b 6"
    assert counting.asked == ["a", "b"] * 3
    assert second.memory == {"a": 5, "b": 6}
    third = await team.run("t", journal=path)
    assert len(counting.asked) == 6
    assert (third.output, third.memory, third.turns) == (second.output, second.memory, second.turns)


async def test_a_state_can_be_saved_and_loaded_elsewhere():
    counting = Counting("a", "b", fail_at=1)
    team = Team(counting.members, Sequential())
    await team.run("t")
    state = json.loads(json.dumps(team.save_state()))
    other = Team(counting.members, Sequential())
    other.load_state(state)
    result = await other.run()
    assert result.output == "b 2"
    assert counting.asked == ["a", "b"]


async def test_more_budget_lets_a_run_go_on():
    counting = Counting("a")
    team = Team(counting.members, RoundRobin(rounds=4), limits=TeamLimits(turns=2))
    assert (await team.run("t")).stop_reason is StopReason.MAX_TURNS
    result = await team.run(limits=TeamLimits(turns=10))
    assert (result.output, len(counting.asked)) == ("a 4", 4)


async def test_chance_is_the_same_again():
    @frozen
    class Dice(Pattern):
        async def run(self, session):
            for _ in range(6):
                await session.ask(session.random.choice(session.members))
            return [turn.member for turn in session.turns]

    counting = Counting("a", "b", "c", fail_at=4)
    team = Team(counting.members, Dice(), seed=7)
    await team.run("t")
    resumed = await team.run()
    fresh = Team(Counting("a", "b", "c").members, Dice(), seed=7)
    assert resumed.output == (await fresh.run("t")).output


async def test_side_by_side_work_is_resumed_in_part(tmp_path):
    @frozen
    class Chains(Pattern):
        async def run(self, session):
            async def chain(branch, name):
                first = await branch.ask(name, f"first {name}")
                return (await branch.ask(name, f"second {name} after {first.text}")).text

            return await session.together(chain, session.members)

    counting = Counting("a", "b", "c", fail_at=4)
    team = Team(counting.members, Chains())
    path = tmp_path / "run.jsonl"
    first = await team.run("t", journal=path)
    assert first.stop_reason is StopReason.MEMBER_FAILED
    done = len(counting.asked)
    second = await team.run("t", journal=path)
    assert second.completed
    assert len(counting.asked) == 6
    assert done >= 4


async def test_a_team_in_a_team_is_resumed_inside():
    inner = Counting("x", "y", "z", fail_at=2)
    outer = Counting("a")
    team = Team([*outer.members, Team(inner.members, Sequential(), name="inner")], Sequential())
    first = await team.run("t")
    assert (first.stop_reason, first.detail) == (
        StopReason.MEMBER_FAILED,
        "inner: the team ended without an answer (member_failed: z: RuntimeError: crash)",
    )
    second = await team.run()
    assert second.output == "z 3"
    assert (outer.asked, inner.asked) == (["a"], ["x", "y", "z"])


async def test_a_person_is_waited_for_across_processes():
    counting = Counting("a", "b")
    members = [counting.members[0], Human("boss"), counting.members[1]]
    team = Team(members, Sequential())
    waiting = await team.run("t")
    assert waiting.stop_reason is StopReason.WAITING
    (question,) = waiting.questions
    assert (question.id, question.member, question.prompt) == ("1", "boss", "Go on with the task: t")
    later = Team(members, Sequential())
    later.load_state(json.loads(json.dumps(team.save_state())))
    still = await later.run()
    assert still.stop_reason is StopReason.WAITING
    result = await later.run(answers={question.id: "approved"})
    assert (result.output, [turn.text for turn in result.turns]) == ("b 2", ["a 1", "approved", "b 2"])


async def test_people_in_a_team_in_a_team_are_asked_by_their_place():
    inner = Team([Human("p"), Human("q")], "parallel", name="inner")
    team = Team([inner], Sequential())
    waiting = await team.run("t")
    assert [(q.id, q.member) for q in waiting.questions] == [("0/0.0.0", "p"), ("0/0.1.0", "q")]
    half = await team.run(answers={"0/0.1.0": "Q"})
    assert [q.member for q in half.questions] == ["p"]
    assert (await team.run(answers={"0/0.0.0": "P"})).output == "p: P\n\nq: Q"


class TestGuard:
    async def test_a_journal_of_another_run_is_refused(self, tmp_path):
        path = tmp_path / "run.jsonl"
        await Team(Counting("a").members, Sequential()).run("one", journal=path)
        with pytest.raises(JournalError, match="its task was 'one', now it is 'two'"):
            await Team(Counting("a").members, Sequential()).run("two", journal=path)
        with pytest.raises(JournalError, match="its members was"):
            await Team(Counting("b").members, Sequential()).run("one", journal=path)

    async def test_a_pattern_that_asks_something_else_is_told(self):
        @frozen
        class Moody(Pattern):
            async def run(self, session):
                Moody.times += 1
                await session.ask("a", f"for the {Moody.times}. time")
                await session.ask("a", "then")

        Moody.times = 0
        team = Team(Counting("a", fail_at=1).members, Moody())
        await team.run("t")
        with pytest.raises(JournalError, match=r"turn 0 was 'a' asked 'for the 1. time'"):
            await team.run()

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("hello\n", "1: this is no record"),
            ('{"type":"turn","turn":{"key":"0","member":"a"}}\n', "begins with the record 'begin'"),
            (
                '{"type":"begin","team":"team","pattern":"p","members":[],"task":"t","seed":0,"version":9}\n',
                "version 9",
            ),
        ],
    )
    async def test_what_is_no_journal(self, tmp_path, text, says):
        path = tmp_path / "x"
        path.write_text(text)
        with pytest.raises(JournalError, match=says):
            await Team(Counting("a").members).run("t", journal=path)
        assert path.read_text() == text

    @pytest.mark.parametrize("text", ["my notes, without a line's end", '{"type":"turn"', "\x00", '{"a": 1}'])
    async def test_a_file_of_somebody_without_a_whole_line_is_left_alone(self, tmp_path, text):
        path = tmp_path / "notes.txt"
        path.write_text(text)
        with pytest.raises(JournalError, match="use another file"):
            await Team(Counting("a").members).run("t", journal=path)
        assert path.read_text() == text

    @pytest.mark.parametrize("kept", [1, 10, 40])
    async def test_a_first_line_that_was_torn_is_no_run_yet(self, tmp_path, kept):
        path = tmp_path / "run.jsonl"
        team = Team(Counting("a").members, Sequential())
        await team.run("t", journal=path)
        path.write_bytes(path.read_bytes()[:kept])
        assert (await team.run("t", journal=path)).completed

    async def test_a_record_in_another_form_than_is_asked_for(self):
        @frozen
        class Asks(Pattern):
            form: type

            async def run(self, session):
                await session.ask("a", output_type=self.form)
                return (await session.ask("b")).text

        async def a(ask):
            return {"x": 1}

        async def b(ask):
            raise RuntimeError("down")

        team = Team([a, b], Asks(dict))
        await team.run("t")
        team.pattern = Asks(int)
        with pytest.raises(JournalError, match="recorded in another form"):
            await team.run()

    async def test_a_torn_line_is_a_turn_that_was_not_taken(self, tmp_path):
        path = tmp_path / "run.jsonl"
        counting = Counting("a", "b")
        team = Team(counting.members, Sequential())
        await team.run("t", journal=path)
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(lines[0] + lines[1] + lines[2][:20])
        result = await team.run("t", journal=path)
        assert (result.output, counting.asked) == ("b 3", ["a", "b", "b"])
        assert all(json.loads(line) for line in path.read_text().splitlines())

    def test_states_that_are_none(self):
        team = Team(Counting("a").members)
        for state, says in (({}, "no list"), ({"records": [], "version": 2}, "version 2"),
                            ({"records": [{"type": "x"}], "version": 1}, r"records\[0\]")):  # fmt: skip
            with pytest.raises(JournalError, match=says):
                team.load_state(state)

    async def test_two_runs_cannot_write_one_journal(self, tmp_path):
        path = tmp_path / "run.jsonl"
        inner = Team(Counting("x").members, Sequential())

        async def other(ask):
            await inner.run("t", journal=path)

        result = await Team([other], Sequential()).run("t", journal=path)
        assert "another run is writing the journal" in result.detail


class TestStopped:
    async def test_why_it_does_not_go_on_is_recorded_until_it_does(self, tmp_path):
        path = tmp_path / "run.jsonl"
        team = Team(Counting("a").members, RoundRobin(rounds=4), limits=TeamLimits(turns=2))
        await team.run("t", journal=path)
        journal = Journal(path)
        journal.close()
        assert (journal.ended, journal.stopped.stop_reason, journal.stopped.detail) == (None, "max_turns", "2 turns")
        assert Journal.load(journal.dump()).stopped == journal.stopped
        await team.run("t", journal=path, limits=TeamLimits(turns=10))
        journal = Journal(path)
        journal.close()
        assert (journal.ended.stop_reason, journal.stopped) == ("completed", None)

    async def test_an_answer_to_a_question_that_nobody_asked(self, tmp_path, caplog):
        path = tmp_path / "run.jsonl"
        team = Team([Human("boss"), Human("chief")], Sequential())
        await team.run("t", journal=path)
        with pytest.raises(ConfigurationError, match=r"no question '99'; the run waits for: '0' \(boss\)"):
            await team.run("t", journal=path, answers={"0": "yes", "99": "no"})
        with pytest.raises(ConfigurationError, match="answers are texts"):
            await team.run("t", journal=path, answers={"0": 5})
        assert (await team.run("t", journal=path, answers={"0": "yes"})).stop_reason is StopReason.WAITING
        # what is answered already may be given again
        assert (await team.run("t", journal=path, answers={"0": "yes", "1": "no"})).output == "no"
        with pytest.raises(ConfigurationError, match="waits for: nobody"):
            await team.run("t", journal=path, answers={"7": "x"})
        assert not caplog.records
        # a new run may be told at once what it will ask
        early = await Team([Human("boss")], Sequential()).run("t", answers={"0": "yes", "5": "x"})
        assert early.output == "yes"
        assert "nobody asked the questions '5'" in caplog.text


PROGRAM = """
import sys
from victor.teams import RoundRobin, Team
def member(name):
    def act(ask):
        with open(sys.argv[2], "a") as file:
            file.write(name + "\\n")
        return name
    act.__name__ = name
    return act
result = Team([member("a"), member("b"), member("c")], RoundRobin(rounds=40), limits={limits}).run_sync("t", journal=sys.argv[1])
print(result.stop_reason.value, len(result.turns))
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on(tmp_path):
    """Only the turn that was being taken when the process died may be taken again."""
    program = PROGRAM.replace("{limits}", "__import__('victor.teams').teams.TeamLimits(repeats=None)")
    kills = int(os.environ.get("VICTOR_CRASH_RUNS", "6"))
    done = ""
    for run in range(kills):
        command = [sys.executable, "-c", program, str(tmp_path / "run.jsonl"), str(tmp_path / "asked")]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            done, _ = child.communicate(timeout=0.35 + 0.017 * run)
            break
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
    if not done:
        done = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert done == "completed 120\n"
    asked = (tmp_path / "asked").read_text().split()
    assert 120 <= len(asked) <= 120 + kills


async def test_agents_are_not_asked_again():
    model = ScriptedModel(["one", RuntimeError("down"), "two"])
    ann, bob = (Agent(name=name, model=model) for name in ("ann", "bob"))
    team = Team([ann, bob], Sequential())
    assert (await team.run("t")).stop_reason is StopReason.MEMBER_FAILED
    assert (await team.run()).output == "two"
    assert model.remaining == 0


@pytest.mark.skipif(sys.platform == "win32", reason="not applicable: there are no modes of files")
def test_a_new_journal_is_for_its_owner_alone(tmp_path):
    before = os.umask(0o022)
    try:
        Team([lambda ask: "done"], Sequential()).run_sync("go", journal=tmp_path / "run.jsonl")
    finally:
        os.umask(before)
    assert (tmp_path / "run.jsonl").stat().st_mode & 0o777 == 0o600

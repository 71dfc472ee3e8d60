"""``victor team``, as a person types it."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from pathlib import Path

import pytest

from victor.core import hookimpl
from victor.core.message import Usage
from victor.core.plugins import set_plugins
from victor.core.testing import isolated_plugins
from victor.teams import Reply, Team
from victor.teams.cli.look import list_teams
from victor.teams.cli.overlay import highlights_of, shares_of
from victor.teams.cli.vote import vote
from victor.teams.journal import Journal

TEAM = """
teams:
  talk:
    pattern: {type: round_robin, rounds: 1}
    members:
      - {name: shout, type: function, function: "./own.py:shout"}
      - {name: twice, type: function, function: "./own.py:twice"}
  ask:
    pattern: sequential
    members:
      - {name: shout, type: function, function: "./own.py:shout"}
      - {name: boss, type: human}
"""
OWN = """
def shout(ask):
    return ask.text.upper()
def twice(ask):
    return ask.history[-1].content * 2
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder, which is the working directory; only core and this package are loaded."""
    for name in [name for name in os.environ if name.startswith("VICTOR_") and name != "VICTOR_ROOT"]:
        monkeypatch.delenv(name)
    (tmp_path / "project" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VICTOR_LOAD_PLUGINS", "core,teams")
    monkeypatch.setenv("VICTOR_MODEL", "test")
    monkeypatch.setenv("NO_COLOR", "1")
    Path("own.py").write_text(OWN)
    Path("teams.yaml").write_text(TEAM)
    return Path()


@pytest.fixture
def victor(capsys, monkeypatch):
    """``victor team ...``, called in this process; gives what it printed."""
    from victor.core.cli import main

    before = set_plugins(None)

    def call(*args: str, code: int = 0, stdin: str = "") -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        set_plugins(None)
        returned = main(("team", *args))
        captured = capsys.readouterr()
        assert returned == code, captured.out + captured.err
        return captured.out + captured.err

    yield call
    set_plugins(before)


def test_running_a_team(folder, victor):
    shown = victor("run", "teams.yaml#talk", "hello")
    assert "shout: HELLO\n" in shown
    assert "Answer\nshout: HELLOshout: HELLO" in shown
    assert "completed: 2 turns" in shown
    assert victor("run", "teams.yaml", "-t", "talk", "-q", "hi") == "shout: HIshout: HI\n"
    (journal, *_) = sorted((folder / ".victor" / "teams").glob("*.jsonl"))
    replayed = victor("replay", str(journal))
    assert "talk (round_robin): h" in replayed
    assert replayed.endswith("completed\n")


def test_replay_says_why_a_run_does_not_go_on(folder, victor):
    journal = folder / "run.jsonl"
    victor("run", "teams.yaml#talk", "hello", "--journal", str(journal), "--max-turns", "1", code=1)
    assert victor("replay", str(journal)).endswith("max_turns: 1 turn; it can go on\n")
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:-1]))  # as a process leaves it that was killed
    assert victor("replay", str(journal)).endswith("it has not ended\n")


def test_json_and_stdin(folder, victor):
    data = json.loads(victor("run", "teams.yaml#talk", "-", "--json", stdin="hello"))
    assert (data["stop_reason"], data["output"], len(data["turns"])) == ("completed", "shout: HELLOshout: HELLO", 2)


def test_a_question_is_answered_later(folder, victor):
    shown = victor("run", "teams.yaml#ask", "hello", "--journal", "j.jsonl", code=3)
    assert "victor team run teams.yaml#ask --resume --journal j.jsonl --answer 1='...'" in shown
    shown = victor("run", "teams.yaml#ask", "--resume", "--journal", "j.jsonl", "-a", "1=fine")
    assert "Answer\nfine" in shown
    assert "shout: HELLO\n" not in shown.partition("boss")[0]  # the recorded turn was not taken again


def test_the_only_question_is_answered_without_its_id(folder, victor):
    victor("run", "teams.yaml#ask", "hello", "--journal", "j.jsonl", code=3)
    told = victor("run", "teams.yaml#ask", "--resume", "--journal", "j.jsonl", "-a", "fine", "-a", "good", code=1)
    assert "1=... is for boss: " in told
    assert "Answer\nPay it." in victor("run", "teams.yaml#ask", "--resume", "--journal", "j.jsonl", "-a", "Pay it.")
    told = victor("run", "teams.yaml#ask", "--resume", "--journal", "j.jsonl", "-a", "Pay it.", code=1)
    assert "no question is known to wait now" in told


def test_a_journal_that_is_not_there_is_told(folder, victor):
    victor("run", "teams.yaml#talk", "hello", "--journal", "letter.jsonl")
    told = victor("run", "teams.yaml#talk", "--resume", "--journal", "leter.jsonl", code=1)
    assert "there is no file leter.jsonl, so no run to go on with; did you mean letter.jsonl?" in told
    assert "--journal . is no file" in victor("run", "teams.yaml#talk", "--resume", "--journal", ".", code=1)


def test_a_file_of_another_kind_is_told(folder, victor):
    (folder / "flow.yaml").write_text("workflows:\n  w: {nodes: []}\n")
    assert "this is a workflow file: victor workflow validate flow.yaml" in victor("validate", "flow.yaml", code=1)
    assert "which team of own.py? write own.py:team" in victor("run", "own.py", "x", code=1)


def test_limits_and_wrong_usage(folder, victor):
    assert "max_turns (1 turn)" in victor("run", "teams.yaml#talk", "hello", "--max-turns", "1", code=1)
    assert "what shall the team do?" in victor("run", "teams.yaml#talk", code=1)
    assert "--resume goes with --journal" in victor("run", "teams.yaml#talk", "--resume", code=1)
    assert "--answer takes ID=TEXT" in victor("run", "teams.yaml#talk", "x", "-a", "1", code=1)
    assert "neither a YAML file nor module:team" in victor("run", "teams", "x", code=1)


def test_a_team_in_python(folder, victor, monkeypatch):
    monkeypatch.delitem(sys.modules, "own_team", raising=False)  # set, so that it is taken out again
    monkeypatch.setattr(sys, "path", [*sys.path])
    (folder / "own_team.py").write_text(
        "from victor.teams import Team\nteam = Team([lambda ask: 'yes'], 'sequential')\nother = 3\n"
    )
    assert victor("run", "own_team:team", "x", "-q") == "yes\n"
    assert "'own_team:other' is of type int, not a Team" in victor("run", "own_team:other", "x", code=1)


def test_looking(folder, victor):
    assert "teams.yaml#talk  round_robin  shout, twice" in victor("list")
    (folder / "bad.yaml").write_text("teams:\n  a: {members: []}\n")
    listed = json.loads(victor("list", "--json"))
    assert [team["team"] for team in listed["teams"]] == ["teams.yaml#talk", "teams.yaml#ask"]
    assert listed["broken"][0]["file"] == "bad.yaml"
    assert "teams.yaml: talk, ask: good" in victor("validate", "teams.yaml")
    assert "bad.yaml:2:16: 'members'" in victor("validate", "bad.yaml", "teams.yaml", code=1)
    assert "debate" in victor("list", "--patterns")
    assert json.loads(victor("schema"))["title"] == "Victor team file"
    assert victor("visualize", "teams.yaml#talk", "-f", "nope", code=1)


NESTED = """
teams:
  talk:
    pattern: {type: round_robin, rounds: 2}
    on_failure: skip
    members:
      - {name: shout, type: function, function: "./own.py:shout"}
      - {name: broken, type: function, function: "./own.py:broken"}
      - {name: inner, type: team, team: pair}
  pair:
    pattern: parallel
    members:
      - {name: twice, type: function, function: "./own.py:shout"}
      - {name: shout, type: function, function: "./own.py:shout"}
"""


def test_what_a_run_did_is_laid_over_the_picture(folder, victor):
    (folder / "own.py").write_text(OWN + "def broken(ask):\n    raise ValueError('x')\n")
    (folder / "nested.yaml").write_text(NESTED)
    victor("run", "nested.yaml#talk", "hello", "--journal", "j.jsonl")
    drawn = victor("visualize", "nested.yaml#talk", "--run", "j.jsonl")
    lines = [re.split(r"  +", line) for line in drawn.splitlines() if "turn" in line]
    assert [line[:2] for line in lines] == [
        ["shout", "2 turns"],
        ["broken", "2 turns, 2 failed"],
        ["inner", "2 turns"],
        ["inner/twice", "2 turns"],
        ["inner/shout", "2 turns"],
    ]
    assert "is a run of the team 'talk', not of 'pair'" in victor(
        "visualize", "nested.yaml#pair", "--run", "j.jsonl", code=1
    )
    assert "there is no recorded run 'k'" in victor("visualize", "nested.yaml#talk", "--run", "k", code=1)
    victor("run", "nested.yaml#pair", "hello")
    (run,) = (folder / ".victor" / "teams").glob("*.jsonl")
    assert "twice   1 turn" in victor("visualize", "nested.yaml#pair", "--run", run.stem)
    assert f"the last in .victor/teams: {run.stem}" in victor("visualize", "nested.yaml#pair", "--run", "k", code=1)
    (folder / "empty.jsonl").touch()
    assert "holds no run" in victor("visualize", "nested.yaml#pair", "--run", "empty.jsonl", code=1)


async def test_the_marks_of_a_run():
    def failing(ask):
        if fail:
            raise ValueError("x")
        return Reply("fine", usage=Usage(1000, 234), cost_usd=0.5)

    def inner(ask):
        return "x"

    fail = True
    lab = Team([inner], "parallel", name="lab")
    team = Team([failing, lab], "parallel", on_failure={"failing": "skip"})
    journal = Journal()

    async def run():
        result = await team.run("t")
        journal = Journal.load(team.save_state())
        return result, highlights_of(team, journal)

    result, marks = await run()
    assert result.completed
    assert (marks.mark("failing"), marks.mark("lab"), marks.mark("lab/inner")) == ("failed", "visited", "visited")
    assert (marks.mark("start"), marks.mark("end"), marks.mark("lab/end")) == ("visited", "visited", "visited")
    fail = False
    _, marks = await run()
    assert marks.note("failing").startswith("1 turn, 1,234 tokens, $0.5000, ")
    nothing = highlights_of(team, journal)
    assert (nothing.visited, nothing.failed) == (frozenset(), frozenset())
    # a member that the team has lost since is left out
    other = Team([lab], "parallel")
    assert set(shares_of(other, Journal.load(team.save_state()))) == {"lab", "lab/inner"}


def test_voting_rules_are_no_patterns(capsys):
    class Own:
        @hookimpl
        def victor_register_coordination_protocols(self, register):
            register("mine", "victor.teams.patterns.sequential:Sequential", help="one by one")
            register("voting.ours", "victor.teams.voting.plurality:Plurality")

    with isolated_plugins(Own()):
        list_teams(patterns=True)
        shown = capsys.readouterr()
        assert "mine     one by one" in shown.out
        assert "ours" not in shown.out
        assert "1 more are voting rules: victor team vote --rules" in shown.err
        list_teams(patterns=True, as_json=True)
        assert [one["name"] for one in json.loads(capsys.readouterr().out)] == ["mine"]
        vote(rules=True)
        assert "\nours " in capsys.readouterr().out


def test_votes(folder, victor):
    (folder / "b.csv").write_text("voter,ballot\nann,tea > milk\nbob,milk > tea\ncid,tea\ndan,water\ndan,tea\n")
    shown = victor("vote", "b.csv", "-r", "irv", "--options", "tea,milk")
    assert shown.startswith("'tea' wins")
    assert "dan" in shown
    (folder / "c.csv").write_text("voter,ballot\nann,tea\nbob,milk\n")
    assert "No decision" in victor("vote", "c.csv", "-r", "plurality", code=1)
    data = json.loads(victor("vote", "c.csv", "-r", "plurality", "--tie-break", "chair:bob", "--json"))
    assert data["winners"] == ["milk"]
    assert "schulze" in victor("vote", "--rules")
    assert "did you mean 'schulze'" in victor("vote", "b.csv", "-r", "schultze", code=1)


def test_forming_a_team(folder, victor):
    (folder / "pool.yaml").write_text(
        "pool:\n  - {name: ann, capabilities: {python: 0.9}, cost: 3}\n  - {name: bob, capabilities: [sql]}\n"
    )
    (folder / "task.yaml").write_text("requirements: {python: 0.5, sql: 0.5}\nroles: {coder: [python]}\n")
    shown = victor("form", "pool.yaml", "task.yaml")
    assert shown == "ann, bob: cost 4, the cheapest\n  python: ann\n  sql: bob\n  coder: ann (0.90)\n"
    (folder / "task.yaml").write_text("requirement: [cooking]\n")
    assert "task.yaml:1:1: 'requirement' is unknown; did you mean 'requirements'?" in victor(
        "form", "pool.yaml", "task.yaml", code=1
    )
    (folder / "task.yaml").write_text("requirements: [cooking]\n")
    assert "cooking: nobody can do it" in victor("form", "pool.yaml", "task.yaml", code=1)


def test_nobody_commands_the_terminal_by_what_they_say(folder, victor, monkeypatch):
    Path("own.py").write_text(OWN.replace("ask.text.upper()", "'hi\\x1b[2J\\x07 there'"))
    import victor.core.cli.terminal as terminal

    assert "hi\x1b[2J\x07 there" in victor("run", "teams.yaml#talk", "-q", "t")  # nobody reads a pipe
    monkeypatch.setattr(terminal, "is_terminal", lambda stream=None: True)
    for arguments in (("run", "teams.yaml#talk", "t"), ("run", "teams.yaml#talk", "-q", "t")):
        shown = victor(*arguments)
        assert "\x1b" not in shown
        assert "hi\ufffd[2J\ufffd there" in shown
    (journal, *_) = sorted((folder / ".victor" / "teams").glob("*.jsonl"))
    assert "\x1b" not in victor("replay", str(journal))


def test_what_cannot_be_listed_or_written_is_said(folder, victor):
    assert "there is no folder nowhere" in victor("list", "nowhere", code=1)
    assert "cannot be written" in victor("schema", "-o", "nowhere/x.json", code=1)

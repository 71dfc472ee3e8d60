"""``victor team``, as a person types it."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from victor.core.plugins import set_plugins

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


def test_json_and_stdin(folder, victor):
    data = json.loads(victor("run", "teams.yaml#talk", "-", "--json", stdin="hello"))
    assert (data["stop_reason"], data["output"], len(data["turns"])) == ("completed", "shout: HELLOshout: HELLO", 2)


def test_a_question_is_answered_later(folder, victor):
    shown = victor("run", "teams.yaml#ask", "hello", "--journal", "j.jsonl", code=3)
    assert "victor team run teams.yaml#ask --resume --journal j.jsonl --answer 1='...'" in shown
    shown = victor("run", "teams.yaml#ask", "--resume", "--journal", "j.jsonl", "-a", "1=fine")
    assert "Answer\nfine" in shown
    assert "shout: HELLO\n" not in shown.partition("boss")[0]  # the recorded turn was not taken again


def test_limits_and_wrong_usage(folder, victor):
    assert "max_turns (1 turns)" in victor("run", "teams.yaml#talk", "hello", "--max-turns", "1", code=1)
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
    assert "'own_team:other' is a int, not a Team" in victor("run", "own_team:other", "x", code=1)


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

"""Teams from files: what is right runs, what is wrong is told all at once with its place."""

from __future__ import annotations

import contextlib
import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core.yaml_file import read_text
from victor.teams import AgentMember, FunctionMember, Human, SubTeam
from victor.teams.yaml import TeamFileError, load_team, load_teams
from victor.teams.yaml.schema import SCHEMA_FILE, make_schema

GOOD = """
teams:
  inner:
    pattern: pipeline
    members:
      - {name: up, type: function, function: "./own.py:shout"}
  whole:
    description: does it all
    pattern: {type: selector, choose: "./own.py:pick"}
    until:
      max_turns: 9
      all: [{said: "[0-9]+"}, {spoken_by: [boss]}]
    limits: {turns: 20, cost_usd: null}
    on_failure:
      "*": skip
      writer: {then: replace, stand_in: inner, retries: 1}
    sees: last:2
    memory: {town: Ulm}
    memory_tools: true
    seed: 7
    members:
      - {name: writer, instructions: Write., model: test, temperature: 0.2, max_steps: 3, sees: all}
      - {name: boss, type: human, description: decides}
      - {name: inner, type: team, team: inner}
"""
OWN = "def shout(ask):\n    return ask.text.upper()\ndef pick(turns):\n    return None if turns else 'inner'\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "teams.yaml").write_text(GOOD)
    return tmp_path


async def test_everything_that_may_stand_there(folder):
    team = load_team(f"{folder / 'teams.yaml'}#whole")
    writer, boss, inner = team.members.values()
    assert isinstance(writer, AgentMember)
    assert (writer.agent.instructions, writer.agent.settings.temperature, writer.agent.limits.steps) == (
        "Write.",
        0.2,
        3,
    )
    assert isinstance(boss, Human)
    assert isinstance(inner, SubTeam)
    assert isinstance(inner.team.members["up"], FunctionMember)
    assert (team.limits.turns, team.limits.cost_usd, team.limits.tokens) == (20, None, 1_000_000)
    assert (team.on_failure["writer"].stand_in, team.on_failure["boss"].then) == ("inner", "skip")
    assert repr(team.until) == "(MaxTurns(9) | (Said('[0-9]+') & SpokenBy('boss')))"
    assert (team.pattern_name, team.memory, team.seed, team.memory_tools) == ("selector", {"town": "Ulm"}, 7, True)
    assert (await team.run("hello")).output == "HELLO"


def test_one_team_needs_no_name_and_several_do(folder):
    with pytest.raises(TeamFileError, match="there are several teams; name one: inner, whole"):
        load_team(folder / "teams.yaml")
    with pytest.raises(TeamFileError, match="there is no team 'hole'; did you mean 'whole'"):
        load_team(folder / "teams.yaml", "hole")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("teams: {}", ["1:8: 'teams'"]),
        ("team: {}", ["'teams' is required", "'team' is unknown; did you mean 'teams'?"]),
        ("- a", ["a team file begins with the key 'teams'"]),
        ("", ["a team file begins with the key 'teams'"]),
        ("teams:\n  a: {members: []}", ["2:16: 'members'"]),
        (
            "teams:\n  a:\n    members:\n      - {nam: x, type: agnt}",
            ["4:9: 'name' is required", "4:10: 'nam' is unknown; did you mean 'name'?", "4:24: 'type' must be one of"],
        ),
        (
            "teams:\n  a:\n    patern: x\n    members: [{name: x, model: 'opnai:x', tools: [nope]}]",
            ["3:5: 'patern' is unknown"],
        ),
        (
            "teams:\n  a:\n    pattern: debat\n    members: [{name: x, model: 'opnai:x', tools: [nope]}]",
            [
                "3:14: unknown pattern 'debat'; did you mean 'debate'?",
                "4:32: unknown model",
                "4:51: unknown tool",
            ],
        ),
        (
            "teams:\n  a:\n    pattern: {type: debate, juge: x, rounds: 0, judge: x}\n    members: [{name: x}]",
            ["3:29: unknown setting 'juge'; did you mean 'judge'?", "debate.rounds must be a whole number"],
        ),
        ("teams:\n  a:\n    pattern: {judge: x}\n    members: [{name: x}]", ["a mapping with 'type: name'"]),
        (
            "teams:\n  a:\n    pattern: {type: debate, judge: z}\n    members: [{name: x}, {name: y}, {name: w}]",
            ["3:5: ", "debate.judge names no member: 'z'"],
        ),
        ("teams:\n  a:\n    members: [{name: x, team: b}]", ["3:25: belongs to a member of type 'team', not 'agent'"]),
        ("teams:\n  a:\n    members: [{name: x, type: team, team: b}]", ["unknown team 'b'; there is: a"]),
        ("teams:\n  a:\n    members: [{name: x, type: team, team: a}]", ["the team 'a' would be a member of itself"]),
        ("teams:\n  a:\n    members: [{name: x, type: team}]", ["needs the key 'team'"]),
        ("teams:\n  a:\n    members: [{name: x, type: function}]", ["needs the key 'function'"]),
        (
            "teams:\n  a:\n    members: [{name: x, type: function, function: './no.py:f'}]",
            ["3:51: there is no file"],
        ),
        ("teams:\n  a:\n    sees: most\n    members: [{name: x}]", ["what a member sees is"]),
        ("teams:\n  a:\n    members: [{name: x, sees: most}]", ["3:31: what a member sees is"]),
        ("teams:\n  a:\n    until: {}\n    members: [{name: x}]", ["3:12: says nothing"]),
        ("teams:\n  a:\n    until: {said: '['}\n    members: [{name: x}]", ["Said takes a regular expression"]),
        ("teams:\n  a:\n    until: {by: x, max_turns: 2}\n    members: [{name: x}]", ["goes with text_mention"]),
        (
            "teams:\n  a:\n    on_failure: {x: {then: replace}, zoe: skip}\n    members: [{name: x}]",
            ["'replace' and a stand_in belong together"],
        ),
        ("teams:\n  a:\n    members: [{name: x}, {name: x}]", ["twice there is: x"]),
        ("teams:\n  a:\n    limits: {turns: 0}\n    members: [{name: x}]", ["3:21: 'turns' must be at least 1"]),
        ("teams: [a: b", ["not YAML"]),
    ],
)
def test_what_is_wrong_and_where(text, told):
    with pytest.raises(TeamFileError) as caught:
        load_teams(text=text)
    for part in told:
        assert part in str(caught.value)


def test_tools_of_a_file_stand_beside_the_team(tmp_path):
    (tmp_path / "own.py").write_text("def shout(text: str) -> str:\n    return text.upper()\n")
    (tmp_path / "t.yaml").write_text("teams:\n  a:\n    members: [{name: x, tools: ['./own.py:shout']}]\n")
    (member,) = load_team(tmp_path / "t.yaml").members.values()
    assert isinstance(member, AgentMember)
    assert list(member.agent.tools) == ["shout"]


def test_a_module_that_does_not_import_is_told(tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "t.yaml").write_text(
        "teams:\n  a:\n    members:\n      - {name: x, type: function, function: './broken.py:f'}\n"
        "      - {name: y, type: function, function: './fine.py:shot'}\n"
    )
    (tmp_path / "fine.py").write_text(OWN)
    with pytest.raises(TeamFileError) as caught:
        load_team(tmp_path / "t.yaml")
    assert "does not import: ZeroDivisionError" in str(caught.value)
    assert "has no 'shot'; did you mean 'shout'?" in str(caught.value)


def test_the_published_schema_is_the_one_the_loader_uses():
    assert json.loads(SCHEMA_FILE.read_text()) == make_schema()
    jsonschema.validate(read_text(GOOD).value, make_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"teams": {"a": {"members": [{"nam": "x"}]}}}, make_schema())


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_change_of_a_file_gives_anything_but_its_own_error(data):
    lines = GOOD.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        kind = data.draw(st.sampled_from(["drop", "twice", "cut", "put"]))
        if kind == "drop":
            lines.pop(at)
        elif kind == "twice":
            lines.insert(at, lines[at])
        elif kind == "cut":
            lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
        else:
            lines[at] += data.draw(st.text(max_size=5))
        if not lines:
            break
    with contextlib.suppress(TeamFileError):
        load_teams(text="\n".join(lines))


def test_what_is_wrong_hides_nothing_else_that_is() -> None:
    text = """teams:
  typo:
    pattern: round_robbin
    limits: {turns: -1}
    until: {spoken_by: [critc], text_mention: x, by: nobody}
    sees: from:nobody
    on_failure: {critc: skip}
    members: [{name: critic, instructions: x, sees: "from:crtic"}]
  fine:
    pattern: round_robin
    members: [{name: a, instructions: x}, {name: b, instructions: x}]
  v1.2:
    patern: x
    members:
      - {nam: w}
"""
    with pytest.raises(TeamFileError) as raised:
        load_teams(text=text)
    assert [(one.line, one.column, one.message) for one in raised.value.problems] == [
        (3, 14, "unknown pattern 'round_robbin'; did you mean 'round_robin'?"),
        (4, 21, "'turns' must be at least 1, got -1"),
        (5, 24, "unknown member 'critc'; did you mean 'critic'?"),
        (5, 54, "unknown member 'nobody'; there is: critic"),
        (6, 11, "unknown member 'nobody'; there is: critic"),
        (7, 17, "unknown member 'critc'; did you mean 'critic'?"),
        (8, 53, "unknown member 'crtic'; did you mean 'critic'?"),
        (13, 5, "'patern' is unknown; did you mean 'pattern'?"),
        (15, 9, "'name' is required (a string): unique in the team"),
        (15, 10, "'nam' is unknown; did you mean 'name'?"),
    ]

"""A team as a step of a workflow, by the contract of node types alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from victor.teams import Team, TeamError
from victor.teams.node import TeamNode

TEAM = (
    'teams:\n  talk:\n    pattern: sequential\n    members: [{name: s, type: function, function: "./own.py:shout"}]\n'
)


def context(folder, goal="hello", inputs=None):
    return SimpleNamespace(
        id="n", inputs=inputs or {}, check=SimpleNamespace(folder=folder), folder=folder, text=lambda key: goal
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "t.yaml").write_text(TEAM)
    (tmp_path / "own.py").write_text(
        "from victor.teams import Team\n"
        "def shout(ask):\n    return ask.text.upper()\n"
        "def make():\n    return Team([shout], 'sequential')\n"
        "number = 3\n"
    )
    return tmp_path


@pytest.mark.parametrize("team", ["t.yaml#talk", "t.yaml", "./own.py:make"])
async def test_the_answer_is_the_output(folder, team):
    node = TeamNode(team=team, goal="{{ x }}")
    assert list(node.check(context(folder))) == []
    assert await node.run(context(folder, inputs={"town": "Ulm"})) == "HELLO\n\n<TOWN>\nULM\n</TOWN>"


async def test_other_outputs(folder):
    assert await TeamNode("t.yaml", "x", result="transcript").run(context(folder)) == "s: HELLO"
    whole = await TeamNode("t.yaml", "x", result="all").run(context(folder))
    assert whole == {"answer": "HELLO", "transcript": "s: HELLO", "turns": 1, "cost_usd": 0.0}


async def test_the_nodes_own_budget(folder, monkeypatch):
    team = Team([lambda ask: "x", Team([lambda ask: "y"], name="b")])
    monkeypatch.setattr(TeamNode, "_team", lambda self, folder: team)
    with pytest.raises(TeamError, match=r"node 'n': the team 'team' ended without an answer \(max_turns\)"):
        await TeamNode("t.yaml", "x", max_turns=1).run(context(folder))
    assert team.limits.turns == 200


@pytest.mark.parametrize(
    ("node", "told"),
    [
        (TeamNode("t.yaml#tok", "x"), ("team", "there is no team 'tok'")),
        (TeamNode("no.yaml", "x"), ("team", "there is no such file")),
        (TeamNode("./own.py:number", "x"), ("team", "is a int, not a Team")),
        (TeamNode("t.yaml", "x", result="most"), ("result", "is one of answer, transcript, all; not 'most'")),
    ],
)
def test_what_is_wrong_is_told_when_the_file_is_checked(folder, node, told):
    problems = list(node.check(context(folder)))
    assert [(key, told[1] in text) for key, text in problems] == [(told[0], True)]


def test_in_a_real_workflow_where_victor_graph_is_installed(folder):
    yaml = pytest.importorskip("victor.graph.yaml", reason="not applicable: victor-graph is not installed")
    (folder / "w.yaml").write_text(
        "workflows:\n  w:\n    inputs: {name: {type: string}}\n    nodes:\n"
        "      - {id: talk, type: team, team: t.yaml#talk, goal: 'Greet {{ name }}'}\n"
    )
    workflow = yaml.load_workflow(folder / "w.yaml")
    assert workflow.compile().invoke({"name": "Ann"})["talk"] == "GREET ANN"


HUMAN = """
teams:
  hum:
    pattern: sequential
    members:
      - {name: a, type: function, function: "./own.py:one"}
      - {name: boss, type: human}
      - {name: chief, type: human}
"""


def test_people_in_a_team_are_asked_by_the_workflow_and_nobody_is_asked_twice(folder):
    yaml = pytest.importorskip("victor.graph.yaml", reason="not applicable: victor-graph is not installed")
    from victor.graph import Command, InMemorySaver

    (folder / "hum.yaml").write_text(HUMAN)
    with (folder / "own.py").open("a") as file:
        file.write(
            "from pathlib import Path\n"
            "def one(ask):\n"
            "    with (Path(__file__).parent / 'calls').open('a') as calls:\n"
            "        calls.write('one ')\n"
            "    return 'one'\n"
        )
    (folder / "w.yaml").write_text(
        "workflows:\n  w:\n    nodes:\n      - {id: t, type: team, team: hum.yaml#hum, goal: x, result: transcript}\n"
    )
    workflow = yaml.load_workflow(folder / "w.yaml").compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    workflow.invoke({}, config)
    question = workflow.get_state(config).interrupts[0].value
    assert (question["node"], question["member"], question["prompt"]) == ("t", "boss", "Go on with the task: x")
    workflow.invoke(Command(resume="fine"), config)
    assert workflow.get_state(config).interrupts[0].value["member"] == "chief"
    assert workflow.invoke(Command(resume=5), config)["t"] == "a: one\n\nboss: fine\n\nchief: 5"
    assert (folder / "calls").read_text() == "one "


async def test_where_nobody_can_be_asked_that_is_the_end(folder):
    (folder / "hum.yaml").write_text(HUMAN.replace("./own.py:one", "./own.py:shout"))
    with pytest.raises(TeamError, match=r"ended without an answer \(waiting\): boss is asked"):
        await TeamNode("hum.yaml", "x").run(context(folder))

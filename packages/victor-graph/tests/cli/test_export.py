"""``victor workflow export`` and ``schema``, and the commands that look at files."""

from __future__ import annotations

import json

import pytest

from victor.graph.yaml.schema import SCHEMA_FILE

ANN = ("--input", "name=Ann", "-a", "yes", "-q")


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_is_exported_runs_and_gives_the_same(victor, flow, place, form):
    victor("export", "greet.yaml", "--to", form, "-o", "out.yaml")
    assert victor("validate", "out.yaml").code == 0
    assert victor("run", "out.yaml", *ANN).out == victor("run", "greet.yaml", *ANN).out == "sent: Hello Ann\n"


def test_with_the_workflows_it_runs_and_no_others(victor, place):
    (place / "w.yaml").write_text(
        "workflows:\n  a: {nodes: [{id: x, type: workflow, workflow: b}]}\n"
        "  b: {nodes: [{id: y, type: transform, template: |-\n      two\n      lines\n    }]}\n".replace(
            "|-\n      two\n      lines\n    ", "'two'"
        )
        + "  c: {nodes: [{id: z, type: transform, template: z}]}\n"
    )
    done = victor("export", "w.yaml", "a", "--to", "json")
    assert list(done.data["workflows"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("args", "says"),
    [(("--to", "xml"), "to yaml, json or python"), (("-o", "no/where.yaml"), "cannot be written")],
)
def test_wrong_use(victor, flow, args, says):
    done = victor("export", "greet.yaml", *args)
    assert (done.code, says in done.err) == (1, True)


GRAPH = """
from operator import add
from typing import Annotated, TypedDict
from victor.graph import END, START, StateGraph


class State(TypedDict, total=False):
    n: int
    seen: Annotated[list[str], add]


def up(state: State) -> State:
    "Counts up."
    return {"n": state["n"] + 1, "seen": [f"up {state['n']}"]}


def way(state: State) -> bool:
    return state["n"] < 3


graph = StateGraph(State, name="counting").add_node(up).add_edge(START, "up")
graph.add_conditional_edges("up", way, {True: "up", False: END})
stopping = graph.compile(interrupt_before=["up"])
wrong = StateGraph(State).add_node("a", lambda state: {}).add_node("b", lambda state: {}).add_sequence(
    [("c", lambda state: {})]
).add_edge(START, "a").add_edge("a", "b").add_edge("b", "c")
"""


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_graph_in_python_becomes_a_file_that_gives_the_same(victor, place, form):
    (place / "mine.py").write_text(GRAPH)
    victor("export", "mine:graph", "--to", form, "-o", "out.yaml")
    assert victor("validate", "out.yaml").out == "out.yaml: fine, 1 workflow\n"
    made = victor("run", "out.yaml", "-i", "n=1", "--json", "-q").data
    assert made["outputs"] == {"n": 3, "seen": ["up 1", "up 2"]}
    assert "handler: mine:up" in victor("export", "mine:graph").out
    assert "handler: ../mine.py:up" in _exported_below(victor, place)


def _exported_below(victor, place):
    (place / "below").mkdir()
    victor("export", "mine.py:graph", "-o", "below/out.yaml")
    text = (place / "below" / "out.yaml").read_text()
    assert victor("run", "below/out.yaml", "-i", "n=2", "--json", "-q").data["outputs"]["n"] == 3
    return text


def test_places_to_stop_go_with_a_compiled_graph(victor, place):
    (place / "mine.py").write_text(GRAPH)
    victor("export", "mine:stopping", "-o", "out.yaml")
    assert "interrupt_before: '*'" in (place / "out.yaml").read_text()
    assert victor("run", "out.yaml", "-i", "n=2", "--thread", "t", "-q").code == 3
    assert victor("run", "out.yaml", "--thread", "t", "--resume", "-q", "--json").data["outputs"]["n"] == 3


def test_all_that_has_no_form_in_a_file_is_told_at_once(victor, place):
    (place / "mine.py").write_text(GRAPH)
    done = victor("export", "mine:wrong")
    assert done.code == 1
    assert [f"node '{name}': a lambda has no name; write it as a function" in done.err for name in "abc"] == [True] * 3


class TestToPython:
    def test_what_is_exported_runs_and_gives_the_same(self, victor, flow, place):
        victor("export", "greet.yaml", "--to", "python", "-o", "out.py")
        assert (
            victor("run", "out.py:workflow", *ANN).out == victor("run", "greet.yaml", *ANN).out == "sent: Hello Ann\n"
        )
        assert (
            victor("show", "out.py:workflow", "--json").data["inputs"]
            == victor("show", "greet.yaml", "--json").data["inputs"]
        )

    def test_its_runs_can_be_gone_on_with_and_looked_at(self, victor, flow, place):
        victor("export", "greet.yaml", "--to", "python", "-o", "out.py")
        waiting = victor("run", "out.py:workflow", "-i", "name=Ann", "-q", "--thread", "t")
        assert (waiting.code, "out.py:workflow --thread t --resume" in waiting.err) == (3, True)
        assert victor("run", "--thread", "t", "--resume", "-a", "yes", "-q").out == "sent: Hello Ann\n"
        assert "send" in victor("visualize", "--run", "t", "--format", "unicode").out
        assert victor("history", "t").code == 0

    def test_inputs_are_checked_as_those_of_the_file_are(self, victor, flow, place):
        victor("export", "greet.yaml", "--to", "python", "-o", "out.py")
        done = victor("run", "out.py:workflow", "-i", "nmae=Ann", "-i", "loud=perhaps")
        assert "unknown input 'nmae'; did you mean 'name'?" in done.err
        assert "'loud' must be true or false" in done.err
        assert "'name' (whom to greet) is missing" in done.err

    def test_and_back_again(self, victor, flow, place):
        victor("export", "greet.yaml", "--to", "python", "-o", "out.py")
        victor("export", "out.py:workflow", "-o", "back.yaml")
        assert victor("run", "back.yaml", *ANN).out == "sent: Hello Ann\n"
        assert "is a graph in Python already" in victor("export", "out.py:workflow", "--to", "python").err

    def test_below_another_folder_it_finds_what_stands_beside_the_file(self, victor, flow, place):
        (place / "below").mkdir()
        victor("export", "greet.yaml", "--to", "python", "-o", "below/out.py")
        assert victor("run", "below/out.py:workflow", *ANN).out == "sent: Hello Ann\n"


def test_the_schema(victor, place):
    done = victor("schema")
    assert done.data == json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert victor("schema", "-o", "s.json").code == 0
    assert (place / "s.json").read_text(encoding="utf-8") == done.out
    assert victor("schema", "-o", "no/s.json").code == 1


class TestLookingAtFiles:
    def test_hidden_folders_and_those_of_node_are_left_out(self, victor, flow, place):
        for folder in (".cache", "node_modules/x", "kept"):
            (place / folder).mkdir(parents=True)
            (place / folder / "w.yml").write_text(flow.read_text())
        assert [row["file"] for row in victor("list", "--json").data] == ["greet.yaml", "kept/w.yml"]

    def test_list(self, victor, flow, place):
        (place / "broken.yaml").write_text("workflows: [")
        rows = {row["file"]: row for row in victor("list", "--json").data}
        assert rows["greet.yaml"]["workflow"] == "greet"
        assert rows["broken.yaml"]["description"].startswith("not readable")
        assert "greet" in victor("list").out
        (place / "empty").mkdir()
        assert "There are no workflow files" in victor("list", "empty").out

    def test_show(self, victor, flow):
        text = victor("show", "greet.yaml").out
        assert "Greets somebody." in text
        assert "required" in text
        data = victor("show", "greet.yaml", "--json").data
        assert [node["id"] for node in data["nodes"]] == ["write", "which", "shout", "ask", "send"]
        assert data["inputs"][0] == {
            "name": "name",
            "type": "string",
            "required": True,
            "default": None,
            "description": "whom to greet",
        }

    def test_validate_tells_what_run_refuses(self, victor, flow, place):
        (place / "bad.yaml").write_text(
            "workflows: {w: {nodes: [{id: a, goal: x, tools: [nothing]}, {id: b, goal: '{{ c }}'}]}}"
        )
        checked = victor("validate", "bad.yaml", "--json")
        run = victor("run", "bad.yaml")
        assert (checked.code, run.code, len(checked.data["problems"])) == (1, 1, 2)
        for problem in checked.data["problems"]:
            assert f"{problem['file']}:{problem['line']}:{problem['column']}: {problem['message']}" in run.err
        assert victor("validate", ".").code == 1
        assert victor("validate", "greet.yaml").out == "greet.yaml: fine, 1 workflow\n"

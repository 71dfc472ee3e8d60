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
    [(("--to", "xml"), "to yaml or json"), (("-o", "no/where.yaml"), "cannot be written")],
)
def test_wrong_use(victor, flow, args, says):
    done = victor("export", "greet.yaml", *args)
    assert (done.code, says in done.err) == (1, True)


def test_a_graph_in_python_is_refused(victor, place):
    (place / "mine.py").write_text(
        "from victor.graph import StateGraph, START\n"
        "graph = StateGraph(dict).add_node('a', lambda state: state).add_edge(START, 'a')\n"
    )
    assert "its functions have no form in a file" in victor("export", "mine:graph").err


def test_the_schema(victor, place):
    done = victor("schema")
    assert done.data == json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert victor("schema", "-o", "s.json").code == 0
    assert (place / "s.json").read_text(encoding="utf-8") == done.out
    assert victor("schema", "-o", "no/s.json").code == 1


class TestLookingAtFiles:
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

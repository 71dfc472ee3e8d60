"""``victor workflow visualize``: formats, places, and what a run did laid over the picture."""

from __future__ import annotations

import json

import pytest

ANN = ("greet.yaml", "--input", "name=Ann")


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("mermaid", ("flowchart", "graph", "---", "%%")),
        ("dot", ("digraph",)),
        ("svg", ("<svg", "<?xml")),
        ("json", ("{",)),
    ],
)
def test_formats_go_to_stdout(victor, flow, form, begins):
    done = victor("visualize", "greet.yaml", "--format", form)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(begins)
    assert "shout" in done.out


def test_boxes_for_terminals_and_plain_characters(victor, flow):
    boxes = victor("visualize", "greet.yaml").out
    assert "┌" in boxes
    assert "shout" in boxes
    plain = victor("visualize", "greet.yaml", "-f", "ascii", "--direction", "LR").out
    assert plain.isascii()
    assert "shout" in plain


@pytest.mark.parametrize(
    ("name", "begins"),
    [("a.mmd", "flowchart"), ("a.svg", "<svg"), ("a.json", "{"), ("a.dot", "digraph"), ("a.md", "```mermaid\n")],
)
def test_the_ending_says_the_format(victor, flow, place, name, begins):
    done = victor("visualize", "greet.yaml", "-o", name)
    assert (done.code, done.out) == (0, "")
    assert f"greet is drawn in {name}" in done.err
    assert (place / name).read_text(encoding="utf-8").startswith(begins)


def test_png(victor, real_victor, flow, place):
    pytest.importorskip("resvg_py", reason="needs resvg-py: pip install 'victor-graph[png]'")
    assert victor("visualize", "greet.yaml", "-o", "a.png", "--width", "300").code == 0
    assert (place / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_python_graph(victor, place):
    (place / "drawn_here.py").write_text(
        "from victor.graph import StateGraph, START\n"
        "graph = StateGraph(dict).add_node('only_step', lambda state: state).add_edge(START, 'only_step').compile()\n"
    )
    assert "only_step" in victor("visualize", "drawn_here:graph", "-f", "mermaid").out
    assert "only_step" in victor("visualize", "drawn_here.py:graph", "-f", "mermaid").out


def marks(done):
    return {node["id"]: node.get("mark") for node in json.loads(done.out)["nodes"]}


def test_a_run_laid_over_it(victor, flow, place):
    victor("run", *ANN, "--thread", "waiting")
    assert marks(victor("visualize", "--run", "waiting", "-f", "json")) == {
        "__start__": None, "write": "visited", "which": "visited", "shout": None, "ask": "interrupted", "send": None,
        "__end__": None,
    }  # fmt: skip
    (place / "down").touch()
    victor("run", "--thread", "waiting", "--resume", "-a", "yes")
    done = victor("visualize", "greet.yaml", "--run", "waiting", "-f", "json")
    assert marks(done)["send"] == "failed"
    assert marks(done)["ask"] == "visited"
    times = {node["id"]: node["duration_ms"] for node in json.loads(done.out)["nodes"]}
    assert times["write"] > 0
    assert times["shout"] is None


@pytest.mark.parametrize("changes", [(), ("--set", "write=Hi")])
def test_the_time_between_a_fork_and_its_first_step_is_no_steps(victor, flow, changes):
    victor("run", *ANN, "-a", "yes", "--thread", "old")
    assert victor("fork", "old", "--checkpoint", "1", *changes, "--as", "new").code == 0
    assert victor("run", "--thread", "new", "--resume", "-a", "yes").code == 0
    nodes = json.loads(victor("visualize", "--run", "new", "-f", "json").out)["nodes"]
    times = {node["id"]: node["duration_ms"] for node in nodes}
    assert times["which"] is None
    assert times["write"] > 0
    assert times["send"] > 0


def test_maps_loops_and_subworkflows_of_a_run(victor, place):
    (place / "w.yaml").write_text(
        "workflows:\n"
        "  w:\n    nodes:\n"
        "      - {id: m, type: map, over: [1, 2], nodes: [{id: a, type: transform, template: x}, {id: b, type: transform, template: y}]}\n"
        "      - {id: one, type: map, over: [1], node: {id: single, type: transform, template: x}}\n"
        "      - {id: l, type: loop, until: l_round >= 2, nodes: [{id: c, type: transform, template: z}]}\n"
        "      - {id: s, type: workflow, workflow: inner}\n"
        "      - {id: never, type: condition, condition: false, branches: {true: d, false: end}}\n"
        "      - {id: d, type: transform, template: x}\n"
        "  inner:\n    nodes:\n      - {id: d, type: transform, template: inner}\n"
    )
    victor("run", "w.yaml", "w", "--thread", "t", "-q")
    found = marks(victor("visualize", "--run", "t", "-f", "json"))
    assert {id for id, mark in found.items() if mark == "visited"} == {
        "m",
        "a",
        "b",
        "one",
        "single",
        "l",
        "c",
        "s",
        "never",
    }


def test_subgraphs_of_a_python_run(victor, place):
    (place / "deep.py").write_text(
        "from typing import TypedDict\nfrom victor.graph import StateGraph, START\n"
        "class State(TypedDict, total=False):\n    x: int\n"
        "inner = StateGraph(State).add_node('leaf', lambda s: {'x': 1}).add_edge(START, 'leaf').compile()\n"
        "graph = StateGraph(State).add_node('sub', inner).add_edge(START, 'sub').add_node('after', lambda s: {'x': 2}).add_edge('sub', 'after')\n"
    )
    assert victor("run", "deep:graph", "-i", "x=0", "--thread", "t", "-q").code == 0
    found = marks(victor("visualize", "--run", "t", "-f", "json"))
    assert found["sub:leaf"] == "visited"
    assert found["after"] == "visited"


class TestOpening:
    @pytest.fixture
    def browser(self, monkeypatch):
        opened: list[str] = []
        monkeypatch.setattr("webbrowser.open", lambda uri: opened.append(uri) or True)
        return opened

    def test_when_asked(self, victor, flow, place, browser):
        done = victor("visualize", "greet.yaml", "--open")
        assert (done.code, done.out) == (0, "")
        path = place / ".victor" / "pictures" / "greet.svg"
        assert browser == [path.as_uri()]
        assert path.read_text().lstrip().startswith("<svg")
        victor("visualize", "greet.yaml", "--open", "-o", "mine.svg")
        assert browser[1].endswith("/mine.svg")

    def test_where_there_is_a_display_and_a_terminal(self, victor, flow, browser, monkeypatch):
        monkeypatch.setenv("DISPLAY", ":0")
        victor("visualize", "greet.yaml")
        assert browser == [], "stdout is no terminal"
        monkeypatch.setattr("victor.graph.cli.visualize.is_terminal", lambda stream=None: True)
        victor("visualize", "greet.yaml")
        assert len(browser) == 1
        victor("visualize", "greet.yaml", "--no-open")
        victor("visualize", "greet.yaml", "-f", "mermaid")
        victor("visualize", "greet.yaml", "-o", "a.svg")
        assert len(browser) == 1

    def test_no_browser_is_told(self, victor, flow, monkeypatch):
        monkeypatch.setattr("webbrowser.open", lambda uri: False)
        assert "no browser could be started" in victor("visualize", "greet.yaml", "--open").err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ((), "name a workflow file"),
        (("greet.yaml", "-f", "mermade"), "mermaid"),
        (("greet.yaml", "-o", "a.xyz"), "does not say the format"),
        (("greet.yaml", "-o", "no/such/folder.svg"), "cannot be written"),
        (("greet.yaml", "--theme", "pink"), "no theme 'pink'"),
        (("greet.yaml", "--direction", "XX"), "no direction 'XX'"),
        (("greet.yaml", "--open", "-f", "mermaid"), "a browser does not show mermaid"),
        (("--run", "nothere"), "nothing is recorded yet"),
        (("nothere:graph",), "nothere"),
        (("json:dumps",), "was called to make a graph and failed"),
        (("json:decoder",), "is of type module, not a graph"),
    ],
)
def test_wrong_use(victor, flow, args, says):
    done = victor("visualize", *args)
    assert (done.code, done.out) == (1, "")
    assert says in done.err


def test_a_picture_is_not_written_over_a_terminal(victor, flow, monkeypatch):
    monkeypatch.setattr("victor.graph.cli.visualize.is_terminal", lambda stream=None: True)
    pytest.importorskip("resvg_py", reason="needs resvg-py: pip install 'victor-graph[png]'")
    assert "a terminal does not show png" in victor("visualize", "greet.yaml", "-f", "png").err


def test_as_a_subprocess(real_victor, flow):
    assert "shout" in real_victor("visualize", "greet.yaml").out

"""What workflow files share with a StateGraph: a state with reducers, functions of it, routes, joins, places to stop."""

from __future__ import annotations

import textwrap

import pytest

from victor.core.errors import ConfigurationError
from victor.graph import END, START
from victor.graph.command import Command
from victor.graph.yaml import WorkflowFileError, load_workflow, parse_workflow

PROGRAM = """
from operator import add
from typing import Annotated, Literal, TypedDict

from attrs import define, field
from victor.graph import Command, Send
from victor.graph.yaml import Input


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[str], add]


@define
class Record:
    n: int = 0
    log: Annotated[list[str], add] = field(factory=list)


class Declared(TypedDict):
    n: Annotated[int, Input(default=5)]


class Less(TypedDict):
    n: int


class Private(TypedDict):
    n: int
    secret: str


def up(state):
    n = state["n"] if isinstance(state, dict) else state.n
    return {"n": n + 1, "log": [f"up {n}"]}


def say(state):
    return {"log": ["say"]}


def hide(state: State):
    return {"secret": "s"}


def tell(state):
    return {"log": [state["secret"]]}


def jump(state) -> Command[Literal["c"]]:
    return Command(update={"log": ["jump"]}, goto="c")


def anywhere(state):
    return Command(goto="c")


def often(state):
    return state["n"] < 3


def both(state):
    return [Send("a", {"n": 10}), "b"]


def fail(state):
    raise KeyError("no")


def mend(state, error):
    return {"log": [f"{error.node}: {type(error.error).__name__}"]}


def key(state):
    return str(state["n"])


def needs_more(state, other):
    return {}


def no_reducer(one):
    return one
"""


@pytest.fixture
def load(tmp_path):
    """Loads a workflow beside the program."""
    (tmp_path / "app.py").write_text(PROGRAM)

    def load(body: str):
        text = "workflows:\n  w:\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
        (tmp_path / "w.yaml").write_text(text)
        return load_workflow(tmp_path / "w.yaml")

    return load


def problems(load, body: str) -> list[str]:
    with pytest.raises(WorkflowFileError) as caught:
        load(body)
    return [f"{one.line}:{one.column}: {one.message}" for one in caught.value.problems]


class TestState:
    def test_keys_with_reducers(self, load):
        workflow = load(
            """
            state: {n: integer, log: {type: list, reducer: "operator:add"}, best: {type: integer, reducer: "builtins:max"}}
            nodes:
              - {id: a, type: compute, handler: "./app.py:up", takes: state}
              - {id: b, type: compute, handler: "./app.py:up", takes: state}
              - {id: c, type: transform, set: {log: ["{{ n }}"], best: 7}}
            """
        )
        assert workflow.run_sync(n=1) == {"n": 3, "log": ["up 1", "up 2", 3], "best": 7}
        assert workflow.run_sync(n="1", log=["x"])["log"][0] == "x"

    @pytest.mark.parametrize("kind", ["State", "Record"])
    def test_a_class_with_functions_of_it_and_other_nodes(self, load, kind):
        workflow = load(
            f"""
            state: ./app.py:{kind}
            nodes:
              - {{id: a, type: compute, handler: "./app.py:up", takes: state}}
              - {{id: t, type: transform, template: "n is {{{{ n }}}}"}}
              - {{id: c, type: condition, condition: n >= 3, branches: {{true: end, false: a}}}}
            """
        )
        assert workflow.run_sync(n=1) == {"n": 3, "log": ["up 1", "up 2"], "t": "n is 3"}

    def test_only_a_class(self, load):
        workflow = load(
            '{state: "./app.py:Record", nodes: [{id: a, type: compute, handler: "./app.py:up", takes: state}]}'
        )
        assert workflow.run_sync(n=1) == {"n": 2, "log": ["up 1"]}
        with pytest.raises(ConfigurationError, match="unknown input 'm'; the inputs are: n, log"):
            workflow.run_sync(m=1)

    def test_inputs_and_outputs_as_classes(self, load):
        workflow = load(
            """
            state: ./app.py:State
            inputs: ./app.py:Declared
            outputs: ./app.py:Less
            nodes: [{id: a, type: compute, handler: "./app.py:up", takes: state}]
            """
        )
        assert workflow.run_sync() == {"n": 6}
        assert workflow.run_sync(n="7") == {"n": 8}

    def test_inputs_beside_a_state_are_checked_as_ever(self, load):
        workflow = load(
            """
            state: ./app.py:State
            inputs: {n: integer}
            nodes: [{id: a, type: compute, handler: "./app.py:up", takes: state}]
            """
        )
        assert workflow.run_sync(n=1) == {"log": ["up 1"]}
        with pytest.raises(ConfigurationError, match="'n' is missing"):
            workflow.run_sync()

    def test_a_function_may_take_a_class_of_its_own(self, load):
        workflow = load(
            """
            state: ./app.py:State
            nodes:
              - {id: a, type: compute, handler: "./app.py:hide", takes: "./app.py:Private"}
              - {id: b, type: compute, handler: "./app.py:tell", takes: "./app.py:Private"}
            """
        )
        assert workflow.run_sync(n=1) == {"n": 1, "log": ["s"]}

    def test_everything_wrong_is_told_with_its_place(self, load):
        assert problems(
            load,
            """
            state: ./app.py:Stat
            inputs: {n: integer}
            nodes:
              - {id: a, type: compute, handler: "./app.py:needs_more", takes: state, inputs: {n: 1}, output: x}
              - {id: b, type: compute, tools: ["os.path:basename"], takes: state}
              - {id: c, type: compute, handler: "./app.py:up", takes: "./app.py:up"}
            """,
        ) == [
            "3:12: ./app.py has no 'Stat'; did you mean 'State'?",
            "6:41: its function needs 'other', which nobody passes; besides the state it can have config, context, "
            "error, previous, runtime, store, writer",
            "6:86: a node that takes the state has no inputs of its own",
            "6:102: a node that takes the state writes into that; it has no output",
            "7:68: 'takes: state' goes with a 'handler', which is called with the state",
            "8:63: './app.py:up' is no class with fields, such as a TypedDict or a dataclass",
        ]  # fmt: skip
        said = problems(
            load,
            """
            state:
              n: {type: integer, reducer: "./app.py:no_reducer"}
              m: {type: integer, reducer: "./app.py:State"}
              ctx: list
              k: {tpye: list}
            nodes: [{id: a, type: transform, template: x}]
            """,
        )
        assert [line.partition(": ")[0] for line in said] == ["4:35", "5:35", "6:7", "7:11"]
        assert "must take (value, update)" in said[0]
        assert "is no function" in said[1]
        assert problems(load, '{state: "builtins:dict", nodes: [{id: a, type: transform, template: x}]}')[0].startswith(
            "3:13: 'builtins:dict' is no class with fields"
        )


class TestEdges:
    def test_routes_and_joins_and_several_starts(self, load):
        workflow = load(
            """
            state: ./app.py:State
            start_node: [a, b]
            nodes:
              - {id: a, type: compute, handler: "./app.py:say", takes: state}
              - {id: b, type: compute, handler: "./app.py:up", takes: state, routes: [{function: "./app.py:often", to: {true: b, false: end}}]}
              - {id: c, type: compute, handler: "./app.py:say", takes: state, after: [a, b]}
            """
        )
        out = workflow.run_sync(n=1)
        assert (out["n"], sorted(out["log"])) == (3, ["say", "say", "up 1", "up 2"])
        ends = {(edge.source, edge.target, edge.label) for edge in workflow.topology().edges}
        assert ends == {
            ("__start__", "a", ""), ("__start__", "b", ""), ("a", "c", ""), ("b", "c", ""), ("b", "b", "true"),
            ("b", "__end__", "false"), ("c", "__end__", ""),
        }  # fmt: skip

    def test_start_routes_send(self, load):
        workflow = load(
            """
            state: ./app.py:State
            start_routes: [{function: "./app.py:both"}]
            nodes:
              - {id: a, type: compute, handler: "./app.py:up", takes: state, next: end}
              - {id: b, type: compute, handler: "./app.py:say", takes: state, next: end}
            """
        )
        assert workflow.run_sync(n=1) == {"n": 11, "log": ["say", "up 10"]}
        assert [(e.source, e.target) for e in workflow.topology().edges][:3] == [
            ("__start__", "a"), ("__start__", "b"), ("__start__", "__end__"),
        ]  # fmt: skip

    def test_jumps_and_deferred_nodes_and_error_handlers(self, load):
        workflow = load(
            """
            state: ./app.py:State
            nodes:
              - {id: a, type: compute, handler: "./app.py:jump", takes: state, next: d}
              - {id: c, type: compute, handler: "./app.py:fail", takes: state, error_handler: "./app.py:mend", next: end}
              - {id: d, type: compute, handler: "./app.py:say", takes: state, defer: true, metadata: {owner: me}}
            """
        )
        assert workflow.run_sync(n=1)["log"] == ["jump", "c: KeyError", "say"]
        assert workflow.graph.nodes["d"].metadata["owner"] == "me"
        other = load(
            """
            state: ./app.py:State
            nodes:
              - {id: a, type: compute, handler: "./app.py:anywhere", takes: state, destinations: {c: over there}, next: end}
              - {id: c, type: compute, handler: "./app.py:say", takes: state}
            """
        )
        assert other.run_sync(n=1)["log"] == ["say"]
        assert ("a", "c", "over there") in {(e.source, e.target, e.label) for e in other.topology().edges}

    def test_what_waits_for_parallel_nodes_and_maps(self, load):
        workflow = load(
            """
            start_node: [m, p]
            nodes:
              - {id: m, type: map, over: [1, 2], node: {type: transform, template: "{{ item }}"}}
              - {id: p, type: parallel, parallel_nodes: [x, y]}
              - {id: x, type: transform, template: x}
              - {id: y, type: transform, template: y}
              - {id: last, type: transform, template: "{{ m }}{{ x }}{{ y }}", after: [[m, p]]}
            """
        )
        assert workflow.run_sync()["last"] == "['1', '2']xy"

    def test_places_to_stop(self, load):
        workflow = load(
            """
            state: ./app.py:State
            interrupt_after: [a]
            nodes:
              - {id: a, type: compute, handler: "./app.py:up", takes: state}
              - {id: b, type: compute, handler: "./app.py:up", takes: state}
            """
        )
        graph = workflow.compile("memory:")
        assert graph.invoke({"n": 1}, thread_id="t")["n"] == 2
        assert graph.invoke(None, thread_id="t")["n"] == 3
        with pytest.raises(ConfigurationError, match=r"it stops there \(interrupt_before, interrupt_after\)"):
            workflow.run_sync(n=1)

    def test_everything_wrong_is_told_with_its_place(self, load):
        assert problems(
            load,
            """
            state: ./app.py:State
            start_node: [a, z]
            start_routes: [{function: "./app.py:bth", to: [a, y]}]
            interrupt_before: [aa]
            interrupt_after: [l]
            nodes:
              - {id: a, type: transform, template: x, routes: [{function: "./app.py:needs_more", to: {x: q}}], after: [u], destinations: [v]}
              - {id: b, type: transform, template: x, after: [[a], a]}
              - {id: l, type: loop, until: true, defer: true, nodes: [{id: k, type: transform, template: x, after: [a]}]}
              - {id: d, type: transform, template: x, after: [l]}
              - {id: e, type: transform, template: x, retry: {retry_on: "builtins:len2"}, cache: {key: "./app.py:kee"}, error_handler: "./app.py:mnd"}
              - {id: f, type: transform, template: x, retry: [{retry_on: ["builtins:ValueError", "./app.py:often"]}], error_handler: "./app.py:key2"}
              - {id: w, type: workflow, workflow: w, takes: state}
            """,
        ) == [
            "4:21: unknown node 'z'; there are: a, b, l, d, e, f, w",
            "5:31: ./app.py has no 'bth'; did you mean 'both'?",
            "5:51: unknown node 'y'; there are: a, b, l, d, e, f, w",
            "6:24: unknown node 'aa'; did you mean 'a'?",
            "7:23: 'l' is a loop; name what comes at its end",
            "9:67: its function needs 'other', which nobody passes; besides the state it can have config, context, "
            "error, previous, runtime, store, writer",
            "9:94: unknown node 'q'; there are: a, b, l, d, e, f, w, end",
            "9:111: unknown node 'u'; there are: a, b, l, d, e, f, w",
            "9:130: unknown node 'v'; there are: a, b, l, d, e, f, w, end",
            "10:9: nothing leads to the node 'b'; name it in a 'next' or in a branch",
            "10:54: 'after' takes a list of nodes, or a list of such lists",
            "11:9: nothing leads to the node 'l'; name it in a 'next' or in a branch",
            "11:49: 'defer' has no meaning at a loop; put it at the node before or behind",
            "11:108: 'after' has no meaning inside another node; put the node into a workflow of its own, and run that "
            "with type: workflow",
            "11:108: unknown node 'a'; there are: k",
            "12:9: nothing leads to the node 'd'; name it in a 'next' or in a branch",
            "12:54: 'l' is a loop; name what comes at its end",
            "13:9: nothing leads to the node 'e'; name it in a 'next' or in a branch",
            "13:65: the target: 'builtins' has no 'len2'; did you mean 'len'?",
            "13:96: ./app.py has no 'kee'; did you mean 'key'?",
            "13:128: ./app.py has no 'mnd'; did you mean 'mend'?",
            "14:9: nothing leads to the node 'f'; name it in a 'next' or in a branch",
            "14:66: ['builtins:ValueError', './app.py:often'] names neither exception classes nor one function of an error",
            "14:126: ./app.py has no 'key2'; did you mean 'key'?",
            "15:9: nothing leads to the node 'w'; name it in a 'next' or in a branch",
            "15:9: the workflow 'w' cannot be a part of its own state",
        ]  # fmt: skip

    def test_a_workflow_cannot_be_a_part_of_itself_by_way_of_another(self):
        text = (
            "workflows:\n  a: {state: {n: any}, nodes: [{id: x, type: workflow, workflow: b, takes: state}]}\n"
            "  b: {state: {n: any}, nodes: [{id: y, type: workflow, workflow: a, takes: state}]}\n"
        )
        with pytest.raises(WorkflowFileError, match="cannot be a part of its own state"):
            parse_workflow(text, "a")

    def test_nodes_nothing_leads_to(self, load):
        assert problems(
            load,
            """
            state: ./app.py:State
            nodes:
              - {id: a, type: compute, handler: "./app.py:up", takes: state, next: end}
              - {id: b, type: compute, handler: "./app.py:up", takes: state}
            """,
        ) == ["6:9: nothing leads to the node 'b'; name it in a 'next' or in a branch"]


def test_a_workflow_that_works_on_the_same_state(load):
    text = """
workflows:
  w:
    state: {n: integer, log: {type: list, reducer: "operator:add"}}
    nodes:
      - {id: a, type: transform, set: {log: [a]}}
      - {id: sub, type: workflow, workflow: inner, takes: state}
      - {id: b, type: transform, set: {log: ["{{ n }}"]}}
  inner:
    state: {n: integer, log: {type: list, reducer: "operator:add"}}
    nodes:
      - {id: i, type: transform, set: {n: 5, log: [i]}}
"""
    out = parse_workflow(text, "w").run_sync(n=1)
    assert out["n"] == 5
    assert out["log"] == ["a", "a", "i", 5]


def test_retries_and_caches_by_functions(load):
    workflow = load(
        """
        state: ./app.py:State
        nodes:
          - id: a
            type: compute
            handler: ./app.py:fail
            takes: state
            timeout: {run: 5, idle: 4, refresh_on: heartbeat}
            cache: {key: "./app.py:key", ttl: 9}
            retry:
              - {max_attempts: 2, initial_interval: 0.001, jitter: false, retry_on: [builtins:OSError]}
              - {max_attempts: 3, initial_interval: 0.001, jitter: false, retry_on: transient}
              - {max_attempts: 4, retry_on: "./app.py:often"}
        """
    )
    node = workflow.graph.nodes["a"]
    assert [one.covers(OSError()) for one in node.retry[:2]] == [True, False]
    assert (node.timeout.run_s, node.timeout.idle_s, node.timeout.refresh_on) == (5, 4, "heartbeat")
    assert (node.cache.key_func({"n": 3}), node.cache.ttl) == ("3", 9)
    assert node.retry[2].retry_on({"n": 1}) is True


def test_answers_of_routes_are_found_by_their_text():
    from victor.graph.yaml.edges import Answers

    answers = Answers({"true": "a", "2": "b", "null": "c", "x": END})
    assert [answers[True], answers[2], answers[None], answers["x"], answers["true"]] == ["a", "b", "c", END, "a"]
    with pytest.raises(KeyError):
        answers[False]
    with pytest.raises(KeyError):
        answers["y"]


def test_a_stopped_run_goes_on(load):
    workflow = load(
        """
        interrupt_before: "*"
        nodes: [{id: a, type: transform, template: x}]
        """
    )
    graph = workflow.compile("memory:")
    graph.invoke({}, thread_id="t")
    assert graph.invoke(Command(resume=True), thread_id="t") == {"a": "x"}
    assert workflow.graph.edges[0].from_ in (START, "a")

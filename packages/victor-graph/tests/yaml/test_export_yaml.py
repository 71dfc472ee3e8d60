"""Graphs in Python as workflow files: what has no form there is told, all of it at once; what has, is kept."""

from __future__ import annotations

import textwrap

import pytest

from victor.core.errors import VictorError
from victor.graph.yaml import ExportError, export_yaml, load_object, load_workflow, parse_workflow
from victor.graph.yaml.export.imports import NotImportableError, import_string
from victor.graph.yaml.source import read_text

PROGRAM = '''
from __future__ import annotations

import functools
from operator import add
from typing import Annotated, Literal, TypedDict

from attrs import define, field
from victor.graph import END, START, CachePolicy, Command, RetryPolicy, StateGraph, TimeoutPolicy
from victor.graph.yaml import Steps, Workflow


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[str], add]


class In(TypedDict):
    n: int


class Out(TypedDict, total=False):
    log: Annotated[list[str], add]


class Context(TypedDict):
    user: str


def one(state):
    """Does one thing.

    And says so.
    """
    return {"log": ["one"]}


def two(state):
    return {"log": ["two"]}


def way(state):
    return True


def key(state):
    return "k"


def mend(state, error):
    return {}


class Service:
    def run(self, state):
        return {"log": ["service"]}

    def __call__(self, state):
        return {"log": ["called"]}


class Runnable:
    def invoke(self, state):
        return {}


service = Service()
part = functools.partial(two)
renamed = one


def graph(**more):
    return StateGraph(State, name="g", **more)


def fine():
    made = graph(input_schema=In, output_schema=Out)
    made.add_node("a", one, retry_policy=[RetryPolicy(retry_on=KeyError), RetryPolicy(retry_on=way, jitter=False)],
                  timeout=TimeoutPolicy(run_timeout=3, idle_timeout=2, refresh_on="heartbeat"),
                  cache_policy=CachePolicy(key_func=key, ttl=5), error_handler=mend, metadata={"title": "The first"})
    made.add_node("b", service.run, timeout=2, cache_policy=CachePolicy(), destinations={"c": "over there"})
    made.add_node("c", service, input_schema=In, defer=True)
    made.add_node("d", part, timeout=TimeoutPolicy(idle_timeout=7), destinations=["c"])
    made.add_edge(START, "a").add_edge(START, "b").add_edge(["a", "b"], "d").add_edge(["a", "d"], "c").add_edge("a", END)
    made.add_edge(["c", "d"], "c")
    return made


def wrong():
    def inner(state):
        return {}

    class Local:
        pass

    made = graph(context_schema=Context)
    made.add_node("lambda", lambda state: {})
    made.add_node("inner", inner, error_handler=lambda state, error: {}, cache_policy=CachePolicy(key_func=inner))
    made.add_node("partial", functools.partial(one))
    made.add_node("object", Service())
    made.add_node("runnable", Runnable())
    made.add_node("end", one, retry_policy=RetryPolicy(initial_interval=0, retry_on=lambda error: True))
    made.add_node("odd", one, metadata={"thing": object()})
    sub = graph().add_node("x", one).add_edge(START, "x").compile(checkpointer=True)
    made.add_node("sub", sub)
    made.add_conditional_edges(START, lambda state: "end")
    made.add_conditional_edges("odd", way, {True: "sub", "true": "end"})
    for name in ("lambda", "inner", "partial", "object", "runnable", "odd"):
        made.add_edge(START, name)
    return made


def local():
    class Local(TypedDict, total=False):
        n: int
        kind: str
        log: Annotated[list, add]

    return StateGraph(Local, name="local").add_node("one", one).add_edge(START, "one")


def local_class():
    @define
    class Local:
        n: int = 0
        log: Annotated[list, add] = field(factory=list)

    return StateGraph(Local).add_node("one", one).add_edge(START, "one")


def odd_reducer():
    class Local(TypedDict, total=False):
        n: Annotated[tuple, add]
        m: Annotated[int, lambda a, b: b]

    return StateGraph(Local).add_node("one", one).add_edge(START, "one")


def nameless():
    return StateGraph(dict).add_node("one", one).add_edge(START, "one")


def twins():
    inner = StateGraph(State, name="inner").add_node("x", one).add_edge(START, "x")
    same = inner.compile()
    made = graph().add_node("a", same).add_node("b", same).add_node("c", inner.compile(interrupt_before=["x"]))
    return made.add_sequence([("d", one)]).add_edge(START, "a").add_edge("a", "b").add_edge("b", "c").add_edge("c", "d")


def steps():
    first = Steps(State, model="offline")
    made = graph().add_node("t", first.transform("t", set={"n": "{{ n + 1 }}"}), cache_policy=CachePolicy(key_func=first.key("n")))
    return Workflow.of(made.add_edge(START, "t"), description="Counts.", timeout=5, max_iterations=7, interrupt_after=["t"])


def two_models():
    made = graph().add_node("t", Steps(State, model="offline").transform("t", set={"n": 1}))
    return made.add_node("u", Steps(State).transform("u", set={"n": 2})).add_edge(START, "t").add_edge("t", "u")
'''


@pytest.fixture
def app(tmp_path):
    """What the program makes, by name."""
    (tmp_path / "app.py").write_text(PROGRAM)
    return lambda name: load_object(f"app.py:{name}", tmp_path)()


def test_everything_a_graph_says_is_kept(app, tmp_path):
    graph = app("fine")
    (tmp_path / "w.yaml").write_text(export_yaml(graph, folder=tmp_path))
    workflow = load_workflow(tmp_path / "w.yaml")
    assert workflow.run_sync(n=1) == graph.compile().invoke({"n": 1})
    made = workflow.graph
    for name, node in graph.nodes.items():
        other = made.nodes[name]
        assert (other.action, other.timeout, other.defer, other.destinations) == (
            node.action, node.timeout, node.defer, node.destinations,
        )  # fmt: skip
        assert (other.error_handler, other.input_schema) == (node.error_handler, node.input_schema)
        assert [(r.max_attempts, r.jitter, r.covers(KeyError())) for r in other.retry] == [
            (r.max_attempts, r.jitter, r.covers(KeyError())) for r in node.retry
        ]
        assert (other.cache is None) == (node.cache is None)
    assert sorted(made.joins) == sorted(graph.joins)
    assert {edge for edge in made._plain if edge[1] != "__end__"} == {e for e in graph._plain if e[1] != "__end__"}
    assert workflow.definition.scope.nodes["a"].title == "The first"
    assert workflow.definition.scope.nodes["a"].common.description == "Does one thing."


def test_everything_that_has_no_form_is_told_at_once(app, tmp_path):
    with pytest.raises(ExportError) as caught:
        export_yaml(app("wrong"), folder=tmp_path)
    said = caught.value.problems
    for place, what in [
        ("the graph 'g'", "drop context_schema"),
        ("node 'lambda'", "a lambda has no name"),
        ("node 'inner'", "the function 'inner' is defined inside 'wrong'"),
        ("the error handler of node 'inner'", "a lambda"),
        ("the key of the cache of node 'inner'", "is defined inside"),
        ("node 'partial'", "a partial of one has no name"),
        ("node 'object'", "is no object of a module; give it a name there"),
        ("node 'runnable'", "is no function; write one that calls its invoke"),
        ("node 'end'", "the name is reserved"),
        ("the retry policy of node 'end'", "a wait of 0 seconds"),
        ("what the retry policy of node 'end' covers", "a lambda"),
        ("the metadata of node 'odd'", "cannot hold a object"),
        ("node 'sub'", "compile it without"),
        ("the conditional edge after START", "a lambda"),
        ("the conditional edge after node 'odd'", "are the same text in a file"),
    ]:
        assert any(line.startswith(place + ":") and what in line for line in said), (place, what)
    assert len(said) == 15
    assert str(caught.value).startswith("the graph 'g' cannot be exported:\n  - ")


class TestStates:
    def test_one_that_is_no_class_of_a_module_is_listed_key_by_key(self, app, tmp_path):
        (tmp_path / "w.yaml").write_text(export_yaml(app("local"), folder=tmp_path))
        assert read_text((tmp_path / "w.yaml").read_text()).value["workflows"]["local"]["state"] == {
            "n": "integer", "kind": "string", "log": {"type": "list", "reducer": "_operator:add"},
        }  # fmt: skip
        assert load_workflow(tmp_path / "w.yaml").run_sync(n=1, log=["x"]) == {"n": 1, "log": ["x", "one"]}

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("local_class", "the class 'Local' is defined inside 'local_class'"),
            ("odd_reducer", "a reducer that begins with () needs its state class"),
            ("odd_reducer", "the reducer of key 'm'"),
            ("nameless", "has no keys; use a TypedDict or a data class"),
        ],
    )
    def test_others_are_refused(self, app, tmp_path, name, says):
        with pytest.raises(ExportError) as caught:
            export_yaml(app(name), folder=tmp_path)
        assert says in str(caught.value)


def test_subgraphs_become_workflows_once_each(app, tmp_path):
    graph = app("twins")
    text = export_yaml(graph, folder=tmp_path)
    table = read_text(text).value["workflows"]
    assert list(table) == ["g", "inner", "inner_2"]
    assert [node.get("workflow") for node in table["g"]["nodes"]] == ["inner", "inner", "inner_2", None]
    assert table["inner_2"]["interrupt_before"] == "*"
    (tmp_path / "w.yaml").write_text(text)
    workflow = load_workflow(tmp_path / "w.yaml", "g")
    for made in (graph.compile("memory:"), workflow.compile("memory:")):
        assert made.invoke({"n": 1}, thread_id="t", version="v2").status == "interrupted"
        assert made.invoke(None, thread_id="t")["log"] == graph_log()


def graph_log() -> list[str]:
    return ["one", "one", "one", "one", "one", "one", "one", "one"]


def test_steps_and_workflows_become_what_they_are_in_files(app, tmp_path):
    workflow = app("steps")
    made = read_text(export_yaml(workflow, folder=tmp_path)).value["workflows"]["g"]
    assert made == {
        "description": "Counts.",
        "state": "./app.py:State",
        "interrupt_after": ["t"],
        "execution": {"timeout": 5, "max_iterations": 7},
        "start_node": "t",
        "model": "offline",
        "nodes": [{"id": "t", "type": "transform", "set": {"n": "{{ n + 1 }}"}, "next": "end", "cache": True}],
    }
    with pytest.raises(ExportError, match="its steps have several models"):
        export_yaml(app("two_models"), folder=tmp_path)


def test_a_graph_without_nodes_is_refused():
    from typing import TypedDict

    from victor.graph import StateGraph

    with pytest.raises(ExportError, match="has no nodes"):
        export_yaml(StateGraph(TypedDict("Empty", {"n": int})))


def test_a_workflow_of_a_file_is_written_by_itself():
    text = "workflows: {a: {nodes: [{id: x, type: workflow, workflow: b}]}, b: {nodes: [{id: y, type: transform, template: y}]}, c: {nodes: [{id: z, goal: x}]}}"
    made = export_yaml(parse_workflow(text, "a"))
    assert list(read_text(made).value["workflows"]) == ["a", "b"]
    assert parse_workflow(made, "a").run_sync() == {"x": {"y": "y"}}


def test_nodes_of_other_files_keep_a_workflow_where_it_is(tmp_path):
    (tmp_path / "lib.yaml").write_text("workflows: {l: {nodes: [{id: x, type: transform, template: x}]}}")
    (tmp_path / "w.yaml").write_text("workflows: {w: {nodes: [{$ref: './lib.yaml#x'}]}}")
    with pytest.raises(VictorError, match=r"node 'x' comes from .*lib.yaml \(\$ref\)"):
        export_yaml(load_workflow(tmp_path / "w.yaml"))


class TestImportStrings:
    def test_what_a_module_holds_under_another_name_is_found(self, tmp_path):
        (tmp_path / "names.py").write_text(
            textwrap.dedent(
                """
                import functools
                class Service:
                    def run(self, state):
                        return {}
                    @staticmethod
                    def go(state):
                        return {}
                service = Service()
                part = functools.partial(service.run)
                def make():
                    def inner(state):
                        return {}
                    return inner
                made = make()
                """
            )
        )
        module = {name: load_object(f"names.py:{name}", tmp_path) for name in ("service", "part", "made", "Service")}
        assert import_string(module["made"], tmp_path) == "./names.py:made"
        assert import_string(module["part"], tmp_path) == "./names.py:part"
        assert import_string(module["service"].run, tmp_path / "below") == "../names.py:service.run"
        assert import_string(module["Service"].go, tmp_path) == "./names.py:Service.go"
        for name in ("service.run", "Service.go"):
            assert load_object(f"names.py:{name}", tmp_path)({}) == {}

    def test_a_function_that_was_replaced_is_told(self, tmp_path):
        (tmp_path / "gone.py").write_text("def f(state):\n    return {}\n")
        found = load_object("gone.py:f", tmp_path)
        del vars(__import__("sys").modules[found.__module__])["f"]
        with pytest.raises(NotImportableError, match="'f' is not to be found in its module"):
            import_string(found, tmp_path)

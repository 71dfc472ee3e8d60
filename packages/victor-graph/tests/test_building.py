"""Building graphs: what `add_*` refuse at once, and what `compile` reports all together."""

from __future__ import annotations

import operator
import time
from typing import Annotated, Any, Literal, TypedDict

import pytest

from victor.core.errors import ConfigurationError
from victor.core.topology import Topology
from victor.graph import END, START, Command, GraphValidationError, MemorySaver, RetryPolicy, StateGraph
from victor.graph.conflicts import surely_writes


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[Any], operator.add]


def nothing(state: State) -> None:
    return None


def problems(graph: StateGraph[Any], **options: Any) -> tuple[str, ...]:
    with pytest.raises(GraphValidationError) as caught:
        graph.compile(**options)
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    return caught.value.problems


def test_everything_wrong_is_said_at_once_with_names_and_near_matches() -> None:
    graph = (
        StateGraph(State)
        .add_node("fetch", nothing)
        .add_node("lost", lambda state: {"n": 1})
        .add_node("odd", lambda state, what: None)
    )
    graph.add_edge(START, "fetch").add_edge("fetch", "fetsch").add_edge("nowhere", END).add_edge(["fetch", "gone"], END)
    graph.add_conditional_edges("fetch", lambda state: "x", {"x": "ftch", "y": END})
    found = "\n".join(problems(graph, interrupt_before=["fetchh"]))
    for text in (
        "ends at 'fetsch', which is no node; did you mean 'fetch'?",
        "starts at 'nowhere'",
        "waits for 'gone'",
        "answer 'x' of the conditional edge '<lambda>' after 'fetch' leads to 'ftch'",
        "node 'odd': its function needs 'what'",
        "cannot interrupt at 'fetchh'",
    ):
        assert text in found


def test_unreachable_nodes() -> None:
    graph = (
        StateGraph(State)
        .add_node("a", nothing)
        .add_node("b", nothing)
        .add_node("c", nothing)
        .add_edge(START, "a")
        .add_edge("b", "c")
    )
    assert [text.split(":")[0] for text in problems(graph)] == ["node 'b' can never run", "node 'c' can never run"]


def jumper(state: State) -> Any:
    return Command(goto="b")


def helper() -> Any:
    return jumper({})


def declared(state: State) -> Command[Literal["b"]]:
    return Command(goto="b")


@pytest.mark.parametrize("node", [jumper, lambda state: helper(), declared])
def test_a_node_that_a_command_leads_to_is_not_unreachable(node: Any) -> None:
    graph = StateGraph(State).add_node("a", node).add_node("b", nothing).add_edge(START, "a").compile()
    graph.invoke({})


def test_a_conditional_edge_that_may_lead_anywhere_makes_nothing_unreachable() -> None:
    StateGraph(State).add_node("a", nothing).add_node("b", nothing).add_edge(START, "a").add_conditional_edges(
        "a", lambda s: "b"
    ).compile()


def test_the_answers_of_a_literal_are_known() -> None:
    def choose(state: State) -> Literal["b", "c"]:
        return "b"

    graph = (
        StateGraph(State)
        .add_node("a", nothing)
        .add_node("b", nothing)
        .add_edge(START, "a")
        .add_conditional_edges("a", choose)
    )
    assert "answer 'c' of the conditional edge 'choose'" in problems(graph)[0]


def test_no_entry_and_no_nodes() -> None:
    assert "no nodes" in problems(StateGraph(State))[0]
    assert "START" in problems(StateGraph(State).add_node("a", nothing))[0]


def writes_n(state: State) -> State:
    if state:
        return {"n": 1}
    else:
        return {"n": 2, "log": []}


def also_writes_n(state: State) -> State:
    with open("x"):
        return {"n": 3}


def maybe_writes_n(state: State) -> State | None:
    if state:
        return {"n": 1}
    return None


def writes_log(state: State) -> State:
    return {"log": ["x"]}


def test_a_missing_reducer_is_found_where_it_is_certain() -> None:
    graph = StateGraph(State).add_node(writes_n).add_node(also_writes_n).add_node(writes_log)
    for name in ("writes_n", "also_writes_n", "writes_log"):
        graph.add_edge(START, name)
    (problem,) = problems(graph)
    assert "'n' has no reducer, but 'also_writes_n' and 'writes_n'" in problem


def test_a_missing_reducer_is_not_suspected_where_it_is_not_certain() -> None:
    for other in (maybe_writes_n, writes_log, nothing):
        graph = (
            StateGraph(State)
            .add_node(writes_n)
            .add_node("other", other)
            .add_edge(START, "writes_n")
            .add_edge(START, "other")
        )
        graph.compile()
    StateGraph(State).add_node(writes_n).add_node(also_writes_n).add_edge(START, "writes_n").add_edge(
        "writes_n", "also_writes_n"
    ).compile()
    assert surely_writes(print) == surely_writes(lambda state: {"n": 1}) == frozenset()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda g: g.add_node("a", nothing), "already"),
        (lambda g: g.add_node(START, nothing), "reserved"),
        (lambda g: g.add_node(END, nothing), "reserved"),
        (lambda g: g.add_node("", nothing), "reserved"),
        (lambda g: g.add_node("b"), "nothing to run"),
        (lambda g: g.add_node(nothing, nothing), "first argument"),
        (lambda g: g.add_node(5), "no name"),
        (lambda g: g.add_edge(END, "a"), "END cannot start"),
        (lambda g: g.add_edge("a", START), "START cannot end"),
        (lambda g: g.add_edge([], "a"), "starts nowhere"),
        (lambda g: g.add_edge([START], "a"), "START"),
        (lambda g: g.add_conditional_edges(END, nothing), "END"),
        (lambda g: g.add_conditional_edges("a", nothing).add_conditional_edges("a", nothing), "attached"),
        (lambda g: g.add_sequence([]), "at least one"),
    ],
)
def test_what_is_refused_at_once(wrong: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        wrong(StateGraph(State).add_node("a", nothing))


def test_wrong_states() -> None:
    class Bad(TypedDict):
        x: Annotated[list[int], lambda one: one]

    with pytest.raises(GraphValidationError, match=r"reducer of key 'x' must take \(value, update\)"):
        StateGraph(Bad)

    class Missing(TypedDict):
        x: NoSuchName  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(GraphValidationError, match="NoSuchName"):
        StateGraph(Missing)

    class One(TypedDict):
        x: Annotated[list[int], operator.add]

    class Other(TypedDict):
        x: Annotated[list[int], max]

    graph = StateGraph(One, output_schema=Other).add_node("a", nothing).add_edge(START, "a")
    assert "'x' has two reducers" in problems(graph)[0]


def test_nodes_and_edges_can_be_looked_at() -> None:
    graph = (
        StateGraph(State)
        .add_sequence([("a", nothing), ("b", nothing), ("c", nothing)])
        .set_entry_point("a")
        .set_finish_point("c")
    )
    graph.add_conditional_edges("a", lambda state: True, {True: "b", False: END}).add_edge(["a", "b"], "c")
    assert list(graph.nodes) == ["a", "b", "c"]
    assert graph.nodes["a"].name == "a"
    assert [(edge.from_, edge.to, edge.condition) for edge in graph.edges] == [
        ("a", "b", None), ("b", "c", None), (START, "a", None), ("c", END, None), ("a", "c", None), ("b", "c", None),
        ("a", "b", "True"), ("a", END, "False"),
    ]  # fmt: skip


def test_the_topology() -> None:
    def documented(state: State) -> None:
        """Does what it says.

        And more.
        """

    inner = (
        StateGraph(State)
        .add_node("x", nothing)
        .add_node("y", nothing)
        .add_edge(START, "x")
        .add_conditional_edges("x", lambda s: "y", ["y", END])
    )
    graph = (
        StateGraph(State, name="outer")
        .add_node(documented, metadata={"kind": "agent"})
        .add_node("sub", inner.compile())
        .add_node("z", nothing)
    )
    graph.add_edge(START, "documented").add_edge("documented", "sub").add_edge("sub", "z")
    picture = graph.topology()
    assert isinstance(picture, Topology)
    assert [(node.id, node.kind, node.cluster) for node in picture.nodes] == [
        (START, "start", None), ("documented", "agent", None), ("sub:x", "step", "sub"), ("sub:y", "step", "sub"), ("z", "step", None),
        (END, "end", None),
    ]  # fmt: skip
    assert picture.node("documented").description == "Does what it says."
    assert {(edge.source, edge.target, edge.style) for edge in picture.edges} == {
        (START, "documented", "solid"), ("documented", "sub:x", "solid"), ("sub:x", "sub:y", "dashed"), ("sub:x", "z", "dashed"),
        ("sub:y", "z", "solid"), ("z", END, "solid"),
    }  # fmt: skip
    closed = graph.compile().topology(xray=False)
    assert closed.node("sub").kind == "workflow"
    assert graph.compile().get_graph().nodes.keys() == {START, "documented", "sub", "z", END}
    assert "sub" in [name for name, _ in graph.compile().get_subgraphs()]


def test_compiling_a_thousand_nodes_is_quick() -> None:
    graph = StateGraph(State)
    for number in range(1000):
        graph.add_node(f"n{number}", nothing)
        graph.add_edge(START if number == 0 else f"n{number - 1}", f"n{number}")
    began = time.process_time()
    graph.compile()
    assert time.process_time() - began < 2  # a guard against something quadratic; the benchmarks measure


def test_pictures_of_what_leads_anywhere() -> None:
    graph = StateGraph(State).add_node("a", nothing).add_node("b", nothing, defer=True, timeout=3).add_edge(START, "a")
    graph.add_conditional_edges("a", lambda state: "b")
    picture = graph.compile(name="named").topology()
    assert {(edge.source, edge.target, edge.style) for edge in picture.edges} == {
        (START, "a", "solid"), ("a", "b", "dashed"), ("a", END, "dashed"), ("b", END, "solid"),
    }  # fmt: skip
    assert picture.node("b").attributes == {"defer": True, "timeout_s": 3.0}


def test_drawings_for_langgraphs_users() -> None:
    graph = StateGraph(State).add_node("a", declared).add_node("b", nothing).add_edge(START, "a").compile()
    drawing = graph.get_graph()
    assert "a" in drawing.draw_mermaid()
    assert "b" in drawing.draw_ascii()
    data = drawing.to_json()
    assert {"source": "a", "target": "b", "data": None, "conditional": True} in data["edges"]


def test_subgraphs_can_be_listed() -> None:
    leaf = StateGraph(State).add_node("x", nothing).add_edge(START, "x").compile()
    middle = StateGraph(State).add_node("leaf", leaf).add_edge(START, "leaf").compile()
    graph = StateGraph(State).add_node("middle", middle).add_edge(START, "middle").compile()
    assert list(graph.get_subgraphs()) == [("middle", middle)]
    assert list(graph.get_subgraphs(recurse=True)) == [("middle", middle), ("middle|leaf", leaf)]
    assert list(graph.get_subgraphs(namespace="other")) == []


def test_settings_can_be_bound() -> None:
    def look(state: State, config: Any) -> State:
        return {"log": [config["configurable"]["a"], config["configurable"]["b"]]}

    graph = StateGraph(State).add_node(look).add_edge(START, "look").compile()
    bound = graph.with_config({"configurable": {"a": 1, "b": 1}}, recursion_limit=1)
    assert bound.invoke({}, {"configurable": {"b": 2}})["log"] == [1, 2]
    with pytest.raises(KeyError):
        graph.invoke({}, {"configurable": {"b": 2}})


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        (lambda graph: graph.compile(checkpointer=5), "checkpointer takes a store, its URL"),
        (lambda graph: graph.compile(checkpointer={}), "checkpointer takes a store, its URL"),
        (lambda graph: graph.compile(checkpointer=MemorySaver), r"make one: MemorySaver\(\.\.\.\)"),
        (lambda graph: graph.compile(checkpointer="memory"), "'memory' is no URL of a checkpoint store; did you mean"),
        (lambda graph: graph.compile(checkpointer=""), "is no URL of a checkpoint store"),
        (lambda graph: graph.compile().invoke({}, "t1"), "config is a dict, not str 't1'; the thread is named by"),
        (lambda graph: graph.compile("memory:").get_state("t1"), "config is a dict, not str 't1'"),
        (lambda graph: graph.compile().invoke({}, {"configurable": "x"}), r'config\["configurable"\] is a dict'),
        (lambda graph: graph.compile().invoke({}, recursion_limit="5"), "recursion_limit is a number of supersteps"),
        (lambda graph: graph.compile().invoke({}, max_concurrency=0), "max_concurrency is a number of nodes"),
        (lambda graph: graph.compile("memory:").invoke({}, thread_id="\ud800"), "cannot name a thread"),
        (lambda graph: graph.add_node("b", len, retry_policy=3), "retry_policy takes a RetryPolicy or a list"),
        (lambda graph: graph.add_node("b", len, timeout="5s"), "a timeout is a number of seconds"),
        (lambda graph: RetryPolicy(max_attempts=0), "max_attempts counts the first attempt too"),
        (lambda graph: StateGraph({"log": []}), "described by its class, not by an instance"),
    ],
)
def test_beginners_mistakes_are_told_in_our_words(mistake: Any, says: str) -> None:
    graph: Any = StateGraph(State).add_node("a", lambda state: {}).add_edge(START, "a")
    with pytest.raises((GraphValidationError, ConfigurationError), match=says):
        mistake(graph)


def test_a_graph_that_is_not_compiled_says_so() -> None:
    with pytest.raises(AttributeError, match=r"compile the graph first: graph.compile\(\).invoke\("):
        StateGraph(State).invoke({})
    assert not hasattr(StateGraph(State), "anything_else")

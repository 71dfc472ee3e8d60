"""Graphs inside graphs: shared keys, questions, memories of their own, commands to the graph around."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

from victor.graph import (
    START,
    Command,
    InvalidUpdateError,
    MemorySaver,
    Send,
    SqliteSaver,
    StateGraph,
    interrupt,
)
from victor.graph.checkpoint.base import Checkpointer


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[Any], operator.add]


class Inner(TypedDict, total=False):
    n: int
    inner_log: Annotated[list[Any], operator.add]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Checkpointer]:
    with MemorySaver() if request.param == "memory" else SqliteSaver(tmp_path / "s.db", synchronous="normal") as store:
        yield store


@pytest.fixture(params=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    if request.param == "sync":
        return lambda graph, *args, **kwargs: graph.invoke(*args, **kwargs)
    return lambda graph, *args, **kwargs: asyncio.run(graph.ainvoke(*args, **kwargs))


def inc(state: Any) -> Any:
    return {"n": state["n"] + 1}


def inner_graph(**options: Any) -> Any:
    def note(state: Inner) -> Inner:
        return {"inner_log": [state["n"]], "n": state["n"] + 10}

    return StateGraph(Inner).add_sequence([inc, note]).add_edge(START, "inc").compile(**options)


def test_shared_keys_go_in_and_out(run: Any) -> None:
    graph = (
        StateGraph(State)
        .add_node("sub", inner_graph())
        .add_node("after", inc)
        .add_edge(START, "sub")
        .add_edge("sub", "after")
    )
    assert run(graph.compile(), {"n": 1}) == {"n": 13, "log": []}


def test_called_inside_a_function(run: Any) -> None:
    inner = inner_graph()

    def node(state: State) -> State:
        return {"log": [inner.invoke({"n": state["n"]})["n"], inner.invoke({"n": 100})["n"]]}

    graph = StateGraph(State).add_node(node).add_edge(START, "node").compile()
    assert run(graph, {"n": 1})["log"] == [12, 111]


async def test_called_inside_an_async_function() -> None:
    async def ainc(state: Inner) -> Inner:
        await asyncio.sleep(0)
        return {"n": state["n"] + 1}

    inner = StateGraph(Inner).add_node(ainc).add_edge(START, "ainc").compile()

    async def node(state: State) -> State:
        both = await asyncio.gather(inner.ainvoke({"n": 1}), inner.ainvoke({"n": 2}))
        return {"log": [one["n"] for one in both]}

    assert (await StateGraph(State).add_node(node).add_edge(START, "node").compile().ainvoke({}))["log"] == [2, 3]


def test_sent_to(run: Any) -> None:
    graph = StateGraph(State).add_node("sub", inner_graph(), destinations=())
    graph.add_conditional_edges(START, lambda state: Send("sub", {"n": 5}), ["sub"])
    assert run(graph.compile(), {"n": 1})["n"] == 16


def asking(checkpointer: Any = None) -> Any:
    def ask(state: Inner) -> Inner:
        return {"inner_log": [interrupt("one?"), interrupt("two?")], "n": state["n"] + 1}

    return StateGraph(Inner).add_sequence([inc, ask]).add_edge(START, "inc").compile(checkpointer=checkpointer)


@pytest.mark.parametrize("memory", [None, True, False])
def test_questions_come_through_and_answers_go_back(store: Checkpointer, run: Any, memory: Any) -> None:
    graph = (
        StateGraph(State)
        .add_node("sub", asking(memory))
        .add_node("after", inc)
        .add_edge(START, "sub")
        .add_edge("sub", "after")
        .compile(store)
    )
    for thread in ("t", "u"):
        assert [one.value for one in run(graph, {"n": 1}, thread_id=thread)["__interrupt__"]] == ["one?"]
        assert [one.value for one in run(graph, Command(resume="1"), thread_id=thread)["__interrupt__"]] == ["two?"]
        assert run(graph, Command(resume="2"), thread_id=thread) == {"n": 4, "log": []}


@pytest.mark.parametrize("memory", [None, True, False])
def test_questions_of_a_graph_called_inside_a_function(store: Checkpointer, run: Any, memory: Any) -> None:
    inner = asking(memory)
    calls: list[str] = []

    def node(state: State) -> State:
        calls.append("node")
        result = inner.invoke({"n": state["n"]})
        return {"n": result["n"], "log": result["inner_log"]}

    graph = StateGraph(State).add_node(node).add_edge(START, "node").compile(store)
    run(graph, {"n": 1}, thread_id="t")
    run(graph, Command(resume="a"), thread_id="t")
    assert run(graph, Command(resume="b"), thread_id="t") == {"n": 3, "log": ["a", "b"]}
    assert len(calls) == 3


def test_parallel_subgraphs_ask_and_are_answered_by_id(store: Checkpointer, run: Any) -> None:
    def ask(state: State) -> State:
        return {"log": [interrupt("which?")]}

    inner = StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile()
    graph = (
        StateGraph(State)
        .add_node("a", inner)
        .add_node("b", inner)
        .add_edge(START, "a")
        .add_edge(START, "b")
        .compile(store)
    )
    asked = run(graph, {}, thread_id="t")["__interrupt__"]
    assert len({one.id for one in asked}) == 2
    left = run(graph, Command(resume={asked[1].id: "B"}), thread_id="t")
    assert [one.id for one in left["__interrupt__"]] == [asked[0].id]
    assert run(graph, Command(resume="A"), thread_id="t")["log"] == ["A", "B"]


def test_finished_nodes_of_a_subgraph_do_not_run_again(store: Checkpointer, run: Any) -> None:
    runs: list[str] = []

    def work(state: Inner) -> None:
        runs.append("work")

    def ask(state: Inner) -> None:
        runs.append("ask")
        interrupt("?")

    inner = StateGraph(Inner).add_sequence([work, ask]).add_edge(START, "work").compile()
    graph = StateGraph(State).add_node("sub", inner).add_edge(START, "sub").compile(store)
    run(graph, {"n": 1}, thread_id="t")
    run(graph, Command(resume=1), thread_id="t")
    assert runs == ["work", "ask", "ask"]


def test_a_subgraph_that_was_done_when_its_parent_died_does_not_run_again(store: Checkpointer) -> None:
    runs: list[str] = []
    broken = True

    def work(state: Inner) -> Inner:
        runs.append("work")
        return {"n": 5}

    inner = StateGraph(Inner).add_node(work).add_edge(START, "work").compile()

    def node(state: State) -> State:
        n = inner.invoke({"n": 1})["n"]
        if broken:
            raise OSError
        return {"n": n}

    graph = StateGraph(State).add_node(node).add_edge(START, "node").compile(store)
    with pytest.raises(OSError):
        graph.invoke({}, thread_id="t")
    broken = False
    assert graph.invoke(None, thread_id="t")["n"] == 5
    assert runs == ["work"]


def test_a_subgraph_with_a_memory_of_its_own_remembers(store: Checkpointer, run: Any) -> None:
    def add(state: Inner) -> Inner:
        return {"inner_log": [len(state["inner_log"])]}

    counts = {}
    for memory in (None, True):
        inner = StateGraph(Inner).add_node(add).add_edge(START, "add").compile(checkpointer=memory)
        seen: list[Any] = []

        def node(state: State, inner: Any = inner, seen: list[Any] = seen) -> State:
            seen.append(inner.invoke({"n": 0})["inner_log"])
            return {}

        graph = StateGraph(State).add_node(node).add_edge(START, "node").compile(store)
        for _ in range(3):
            run(graph, {"n": 1}, thread_id=f"t{memory}")
        counts[memory] = seen
    assert counts == {None: [[0], [0], [0]], True: [[0], [0, 1], [0, 1, 2]]}


def test_stops_inside_a_subgraph(store: Checkpointer, run: Any) -> None:
    inner = (
        StateGraph(Inner).add_sequence([inc, ("more", inc)]).add_edge(START, "inc").compile(interrupt_before=["more"])
    )
    graph = StateGraph(State).add_node("sub", inner).add_edge(START, "sub").compile(store)
    assert run(graph, {"n": 1}, thread_id="t") == {"n": 1, "log": []}
    assert graph.get_state(thread_id="t").next == ("sub",)
    inside = graph.get_state(thread_id="t", subgraphs=True).tasks[0].state
    assert (inside.values["n"], inside.next) == (2, ("more",))
    assert run(graph, None, thread_id="t") == {"n": 3, "log": []}


def test_the_state_inside_can_be_changed(store: Checkpointer, run: Any) -> None:
    inner = (
        StateGraph(Inner).add_sequence([inc, ("more", inc)]).add_edge(START, "inc").compile(interrupt_before=["more"])
    )
    graph = StateGraph(State).add_node("sub", inner).add_edge(START, "sub").compile(store)
    run(graph, {"n": 1}, thread_id="t")
    config = graph.get_state(thread_id="t").tasks[0].state
    graph.update_state(config, {"n": 50})
    assert run(graph, None, thread_id="t") == {"n": 51, "log": []}


def test_a_command_to_the_graph_around(run: Any) -> None:
    def leave(state: State) -> Command[Any]:
        return Command(graph=Command.PARENT, update={"log": ["left"]}, goto="other")

    def never(state: State) -> State:
        raise AssertionError

    inner = StateGraph(State).add_sequence([leave, never]).add_edge(START, "leave").compile()
    graph = (
        StateGraph(State)
        .add_node("sub", inner)
        .add_node("other", lambda state: {"log": ["other"]})
        .add_edge(START, "sub")
    )
    assert run(graph.compile(), {})["log"] == ["left", "other"]
    with pytest.raises(InvalidUpdateError, match="inside no other"):
        run(inner, {})


def test_three_deep(store: Checkpointer, run: Any) -> None:
    def ask(state: State) -> State:
        return {"log": [interrupt("deep?")]}

    graph = StateGraph(State).add_node("ask", ask).add_edge(START, "ask").compile()
    for name in ("c", "b", "a"):
        graph = StateGraph(State).add_node(name, graph).add_edge(START, name).compile(store if name == "a" else None)
    run(graph, {}, thread_id="t")
    assert [space.count("|") for space in store.namespaces("t")] == [0, 0, 1, 2]
    assert run(graph, Command(resume="yes"), thread_id="t")["log"] == ["yes"]


def test_going_on_from_the_past_runs_the_subgraph_anew(store: Checkpointer, run: Any) -> None:
    runs: list[int] = []

    def work(state: Inner) -> Inner:
        runs.append(state["n"])
        return {"n": state["n"] + 1}

    inner = StateGraph(Inner).add_node(work).add_edge(START, "work").compile()
    graph = StateGraph(State).add_node("sub", inner).add_edge(START, "sub").compile(store)
    run(graph, {"n": 1}, thread_id="t")
    past = next(one for one in graph.get_state_history(thread_id="t") if one.next == ("sub",))
    assert run(graph, None, past.config)["n"] == 2
    assert runs == [1, 1]


def test_context_store_and_limits_reach_inside(run: Any) -> None:
    seen: list[Any] = []

    def look(state: Inner, runtime: Any) -> None:
        seen.append((runtime.context, runtime.store))

    inner = StateGraph(Inner).add_node(look).add_edge(START, "look").compile()
    graph = StateGraph(State).add_node("sub", inner).add_edge(START, "sub").compile(store="the store")
    run(graph, {"n": 1}, context="the context")
    assert seen == [("the context", "the store")]

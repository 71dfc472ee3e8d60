"""Threads: reading states, history, updates, forks, and what is stored."""

from __future__ import annotations

import asyncio
import operator
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import attrs
import pytest

from victor.graph import (
    END,
    START,
    CheckpointError,
    CheckpointNotFoundError,
    GraphValidationError,
    InvalidUpdateError,
    MemorySaver,
    SqliteSaver,
    StateGraph,
)
from victor.graph.checkpoint.base import Batch, Checkpointer, Entry


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[Any], operator.add]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Checkpointer]:
    with MemorySaver() if request.param == "memory" else SqliteSaver(tmp_path / "s.db", synchronous="normal") as store:
        yield store


def says(text: str) -> Any:
    return lambda state: {"log": [text]}


def three(store: Any, **options: Any) -> Any:
    graph = StateGraph(State).add_sequence([(name, says(name)) for name in "abc"]).add_edge(START, "a")
    return graph.compile(store, **options)


def test_a_thread_goes_on_from_run_to_run(store: Checkpointer) -> None:
    graph = three(store)
    graph.invoke({"n": 1}, thread_id="t")
    assert graph.invoke({"log": ["more"]}, thread_id="t") == {"n": 1, "log": ["a", "b", "c", "more", "a", "b", "c"]}
    assert graph.invoke({}, {"configurable": {"thread_id": "u"}}) == {"log": ["a", "b", "c"]}
    assert graph.get_state({"configurable": {"thread_id": "t"}}).values["n"] == 1


def test_a_run_without_a_thread_is_an_error(store: Checkpointer) -> None:
    with pytest.raises(ValueError, match="thread_id"):
        three(store).invoke({})
    with pytest.raises(GraphValidationError, match="thread"):
        three(store).get_state({})
    with pytest.raises(GraphValidationError, match="without a checkpointer"):
        three(None).get_state(thread_id="t")
    with pytest.raises(GraphValidationError, match="durability"):
        three(store).invoke({}, thread_id="t", durability="often")


def test_history(store: Checkpointer) -> None:
    graph = three(store)
    graph.invoke({"n": 1}, {"configurable": {"thread_id": "t"}, "metadata": {"who": "ann"}})
    states = list(graph.get_state_history(thread_id="t"))
    assert [(one.metadata["step"], one.metadata["source"], one.next) for one in states] == [
        (3, "loop", ()), (2, "loop", ("c",)), (1, "loop", ("b",)), (0, "loop", ("a",)), (-1, "input", ("__start__",)),
    ]  # fmt: skip
    assert [one.values.get("log") for one in states] == [["a", "b", "c"], ["a", "b"], ["a"], [], []]
    assert all(one.metadata["who"] == "ann" for one in states)
    assert [one.parent_config for one in states[:-1]] == [one.config for one in states[1:]]
    assert states[-1].parent_config is None
    assert states[0].created_at > states[-1].created_at
    assert [one.metadata["step"] for one in graph.get_state_history(thread_id="t", limit=2)] == [3, 2]
    assert [one.metadata["step"] for one in graph.get_state_history(thread_id="t", before=states[2].config)] == [0, -1]
    assert [one.metadata["step"] for one in graph.get_state_history(thread_id="t", filter={"source": "input"})] == [-1]
    assert graph.get_state(states[2].config) == states[2]


async def test_the_async_faces(store: Checkpointer) -> None:
    graph = three(store)
    await graph.ainvoke({"n": 1}, thread_id="t")
    assert (await graph.aget_state(thread_id="t")).values["log"] == ["a", "b", "c"]
    assert len([one async for one in graph.aget_state_history(thread_id="t")]) == 5
    config = await graph.aupdate_state(None, {"n": 2}, thread_id="t")
    assert (await graph.aget_state(config)).values["n"] == 2


def test_an_unknown_thread_and_an_unknown_checkpoint(store: Checkpointer) -> None:
    graph = three(store)
    assert (graph.get_state(thread_id="t").values, graph.get_state(thread_id="t").next) == ({}, ())
    assert list(graph.get_state_history(thread_id="t")) == []
    with pytest.raises(CheckpointNotFoundError, match="'f00'"):
        graph.get_state(thread_id="t", checkpoint_id="f00")
    with pytest.raises(CheckpointNotFoundError, match="'f00'"):
        graph.invoke(None, thread_id="t", checkpoint_id="f00")


def test_going_on_from_any_checkpoint_makes_a_fork(store: Checkpointer) -> None:
    graph = three(store)
    graph.invoke({"n": 1}, thread_id="t")
    states = list(graph.get_state_history(thread_id="t"))
    for state in states[1:]:
        assert graph.invoke(None, state.config)["log"] == ["a", "b", "c"]
    assert graph.invoke({"log": ["new"]}, states[3].config)["log"] == ["new", "a", "b", "c"]
    assert [one.values for one in states] == [graph.get_state(one.config).values for one in states]


def test_an_update_is_as_if_a_node_had_made_it(store: Checkpointer) -> None:
    graph = three(store)
    graph.invoke({"n": 1}, thread_id="t")
    states = list(graph.get_state_history(thread_id="t"))
    config = graph.update_state(states[2].config, {"log": ["edited"], "n": 5})
    state = graph.get_state(config)
    assert (state.values, state.next, state.metadata["source"]) == ({"n": 5, "log": ["a", "edited"]}, ("b",), "update")
    assert graph.invoke(None, config)["log"] == ["a", "edited", "b", "c"]
    assert graph.get_state(graph.update_state(states[2].config, {"log": ["x"]}, as_node="b")).next == ("c",)
    assert graph.get_state(graph.update_state(states[2].config, {"log": ["x"]}, as_node=END)).next == ()
    assert graph.get_state(graph.update_state(states[2].config, None)).next == ("b",)
    with pytest.raises(InvalidUpdateError, match="as_node='d'"):
        graph.update_state(states[2].config, {}, as_node="d")
    with pytest.raises(InvalidUpdateError, match="'m'"):
        graph.update_state(states[2].config, {"m": 1})


def test_an_update_begins_a_thread(store: Checkpointer) -> None:
    graph = three(store)
    graph.update_state(None, {"n": 3}, thread_id="t")
    assert graph.get_state(thread_id="t").next == ("a",)
    assert graph.invoke(None, thread_id="t") == {"n": 3, "log": ["a", "b", "c"]}


def test_who_made_an_update_must_be_clear(store: Checkpointer) -> None:
    graph = (
        StateGraph(State)
        .add_node("a", says("a"))
        .add_node("b", says("b"))
        .add_edge(START, "a")
        .add_edge(START, "b")
        .compile(store)
    )
    graph.invoke({}, thread_id="t")
    with pytest.raises(InvalidUpdateError, match="as_node"):
        graph.update_state(None, {"n": 1}, thread_id="t")


def test_joins_and_deferred_nodes_survive_a_stop(store: Checkpointer) -> None:
    graph = StateGraph(State)
    for name in ("a", "b", "b2", "c"):
        graph.add_node(name, says(name))
    graph.add_node("last", says("last"), defer=True)
    graph.add_edge(START, "a").add_edge(START, "b").add_edge("b", "b2").add_edge(["a", "b2"], "c").add_edge(
        "a", "last"
    ).add_edge("c", "last")
    compiled = graph.compile(store, interrupt_before=["b2"])
    compiled.invoke({}, thread_id="t")
    assert compiled.invoke(None, thread_id="t")["log"] == ["a", "b", "b2", "c", "last"]


@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
def test_every_durability_ends_with_the_same_state(store: Checkpointer, durability: str) -> None:
    graph = three(store)
    graph.invoke({"n": 1}, thread_id="t", durability=durability)
    asyncio.run(graph.ainvoke({"n": 2}, thread_id="t", durability=durability))
    assert graph.get_state(thread_id="t").values == {"n": 2, "log": list("abcabc")}
    assert len(store.entries("t")) == (2 if durability == "exit" else 10)
    assert graph.invoke(None, graph.get_state(thread_id="t").config) == {"n": 2, "log": list("abcabc")}


def test_a_failed_run_with_durability_exit_can_go_on(store: Checkpointer) -> None:
    broken = True

    def fails(state: State) -> None:
        if broken:
            raise OSError

    graph = StateGraph(State).add_sequence([("a", says("a")), fails]).add_edge(START, "a").compile(store)
    with pytest.raises(OSError):
        graph.invoke({}, thread_id="t", durability="exit")
    assert graph.get_state(thread_id="t").next == ("fails",)
    broken = False
    assert graph.invoke(None, thread_id="t", durability="exit")["log"] == ["a"]


def test_a_store_that_fails_fails_the_run(store: Checkpointer, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = three(store)

    def full(batches: Any) -> None:
        raise CheckpointError("disk full")

    monkeypatch.setattr(store, "write", full)
    for durability in ("sync", "async", "exit"):
        with pytest.raises(CheckpointError, match="disk full"):
            graph.invoke({}, thread_id="t", durability=durability)


@attrs.frozen
class Order:
    number: int
    items: tuple[str, ...]


class Shop(TypedDict, total=False):
    orders: Annotated[list[Order], operator.add]
    current: Order


def test_classes_of_the_state_come_back_as_they_were(store: Checkpointer) -> None:
    graph = (
        StateGraph(Shop)
        .add_node("a", lambda s: {"orders": [Order(1, ("x",))], "current": Order(2, ())})
        .add_edge(START, "a")
        .compile(store)
    )
    graph.invoke({}, thread_id="t")
    assert graph.get_state(thread_id="t").values == {"orders": [Order(1, ("x",))], "current": Order(2, ())}


def test_what_cannot_be_stored_says_where_it_is(store: Checkpointer) -> None:
    class Foreign:
        pass

    graph = StateGraph(State).add_node("a", lambda state: {"log": [Foreign()]}).add_edge(START, "a").compile(store)
    with pytest.raises(CheckpointError, match="Foreign"):
        graph.invoke({}, thread_id="t")
    assert graph.get_state(thread_id="t").next == ("a",)


def test_a_log_grows_with_what_is_new_and_not_with_the_state(tmp_path: Path) -> None:
    async def add(state: State) -> State:
        return {"log": [os.urandom(250).hex()], "n": state["n"] + 1}

    graph = (
        StateGraph(State)
        .add_node(add)
        .add_edge(START, "add")
        .add_conditional_edges("add", lambda s: "add" if s["n"] < 500 else END)
    )
    with SqliteSaver(tmp_path / "s.db", synchronous="normal") as store:
        asyncio.run(graph.compile(store).ainvoke({"n": 0}, thread_id="t"))
        assert len(graph.compile(store).get_state(thread_id="t").values["log"]) == 500
    assert (tmp_path / "s.db").stat().st_size < 1_000_000


def test_a_large_state_that_does_not_change_is_not_stored_again_and_again(tmp_path: Path) -> None:
    async def tick(state: State) -> State:
        return {"n": state["n"] + 1}

    graph = (
        StateGraph(State)
        .add_node(tick)
        .add_edge(START, "tick")
        .add_conditional_edges("tick", lambda s: "tick" if s["n"] < 300 else END)
    )
    with SqliteSaver(tmp_path / "s.db", synchronous="normal") as store:
        asyncio.run(graph.compile(store).ainvoke({"n": 0, "log": [os.urandom(50_000)]}, thread_id="t"))
    assert (tmp_path / "s.db").stat().st_size < 400_000


def test_a_damaged_entry_is_a_typed_error(store: Checkpointer) -> None:
    graph = three(store)
    graph.invoke({"n": 1}, thread_id="t")
    last = store.entries("t")[0]
    for body in (b"", b"\xc1", b"\x91\x00", b"rubbish" * 10):
        store.write([Batch(entries=(Entry("t", "", last.id, last.parent_id, last.base_id, 3, "loop", body),))])
        with pytest.raises(CheckpointError, match=last.id):
            graph.invoke(None, thread_id="t")


def test_a_node_that_is_gone_is_said(store: Checkpointer) -> None:
    three(store, interrupt_before=["b"]).invoke({}, thread_id="t")
    other = StateGraph(State).add_node("a", says("a")).add_edge(START, "a").compile(store)
    with pytest.raises(CheckpointError, match="'b'"):
        other.invoke(None, thread_id="t")
    state = other.get_state(thread_id="t")
    assert state.next == ("b",), "a thread that waits for a node is not done because the node is gone"
    assert "no node 'b' any more" in (state.tasks[0].error or "")


def test_keys_may_come_and_go_between_versions_of_a_program(store: Checkpointer) -> None:
    three(store, interrupt_before=["b"]).invoke({"n": 7}, thread_id="t")

    class New(TypedDict, total=False):
        log: Annotated[list[Any], operator.add]
        extra: Annotated[list[Any], operator.add]

    graph = StateGraph(New).add_sequence([(name, says(name)) for name in "abc"]).add_edge(START, "a").compile(store)
    assert graph.invoke(None, thread_id="t") == {"log": ["a", "b", "c"], "extra": []}


def test_two_programs_may_go_on_with_one_thread_by_turns(tmp_path: Path) -> None:
    for turn in range(3):
        with SqliteSaver(tmp_path / "s.db") as store:
            assert len(three(store).invoke({}, thread_id="t")["log"]) == 3 * (turn + 1)


class OldState(TypedDict, total=False):
    names: Annotated[list[Any], operator.add]


class NewState(TypedDict, total=False):
    people: Annotated[list[Any], operator.add]


def test_a_state_of_an_older_version_is_migrated_as_a_whole(store: Checkpointer) -> None:
    def add(key: str) -> Any:
        return lambda state: {key: [f"{key}{len(state[key])}"]}

    old = StateGraph(OldState).add_sequence([(name, add("names")) for name in "abc"]).add_edge(START, "a")
    old.compile(store, interrupt_before=["c"]).invoke({"names": ["first"]}, thread_id="t")

    new = StateGraph(NewState).add_sequence([(name, add("people")) for name in "abc"]).add_edge(START, "a")
    graph = new.compile(
        store, schema_version=2, migrate={1: lambda values: {"people": [n.upper() for n in values["names"]]}}
    )
    assert graph.get_state(thread_id="t").values == {"people": ["FIRST", "NAMES1", "NAMES2"]}
    assert graph.invoke(None, thread_id="t") == {"people": ["FIRST", "NAMES1", "NAMES2", "people3"]}
    assert [len(one.values["people"]) for one in graph.get_state_history(thread_id="t")] == [4, 3, 2, 1, 0]
    assert graph.get_state(thread_id="t").values == {"people": ["FIRST", "NAMES1", "NAMES2", "people3"]}
    with pytest.raises(CheckpointError, match="version 2"):
        old.compile(store).get_state(thread_id="t")
    with pytest.raises(CheckpointError, match="migrat"):
        new.compile(store, schema_version=3).get_state(thread_id="t")


def test_the_same_join_twice_goes_on_where_it_was() -> None:
    def build(store: MemorySaver) -> Any:
        graph = StateGraph(State)
        for name in "abc":
            graph.add_node(name, lambda state, name=name: {"log": [name]})
        graph.add_edge(START, "a").add_edge("a", "b")
        graph.add_edge(["a", "b"], "c").add_edge(["b", "a"], "c")
        return graph.compile(checkpointer=store)

    expected = build(MemorySaver()).invoke({}, thread_id="t")
    graph = build(MemorySaver())
    result = graph.run({}, thread_id="t", interrupt_after="*")
    while result.status == "interrupted":
        result = graph.run(None, thread_id="t", interrupt_after="*")
    assert result.state == expected

"""The log under a thread: differences, background writing, results saved early, pruning."""

from __future__ import annotations

import asyncio
import operator
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.graph import (
    START,
    CheckpointError,
    CheckpointNotFoundError,
    Command,
    GraphValidationError,
    MemorySaver,
    SqliteSaver,
    StateGraph,
    interrupt,
    open_checkpointer,
    step,
)
from victor.graph.channels import MISSING, Channel
from victor.graph.checkpoint.base import Batch, Entry
from victor.graph.checkpoint.codec import Codec
from victor.graph.checkpoint.delta import APPEND, MERGE, SET, SPLICE, apply, before_change, difference
from victor.graph.checkpoint.writer import Writer


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[Any], operator.add]


# ------------------------------------------------------------------ differences


def thing() -> Any:
    """A value that equals others and is none of them."""
    return {"x": 1}


@st.composite
def changed_lists(draw: st.DrawFn) -> tuple[list[Any], list[Any]]:
    old = [thing() for _ in range(draw(st.integers(0, 12)))]
    new = list(old)
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(new)))
        new[start : start + draw(st.integers(0, 3))] = [thing() for _ in range(draw(st.integers(0, 3)))]
    return old, new


keys = st.text("abc", max_size=2)


@st.composite
def changed_dicts(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    old = {key: thing() for key in draw(st.lists(keys, unique=True, max_size=8))}
    new = dict(old)
    for key in draw(st.lists(keys, max_size=3)):
        new.pop(key, None)
    for key in draw(st.lists(keys, max_size=3)):
        new[key] = thing()
    return old, new


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=50)
changes = st.one_of(
    changed_lists(),
    changed_dicts(),
    st.tuples(scalars, scalars),
    st.tuples(st.text(max_size=60), st.text(max_size=9)).map(lambda pair: (pair[0], pair[0] + pair[1])),
)


@given(changes, st.booleans())
def test_a_difference_makes_the_new_of_the_old(pair: tuple[Any, Any], shared: bool) -> None:
    old, new = pair
    operation = difference("k", old, new)
    copy = old.copy() if isinstance(old, (list, dict)) else old
    values = {"k": old if shared else copy, "other": 1}
    apply(values, operation, shared=shared)
    assert values == {"k": new, "other": 1}
    assert type(values["k"]) is type(new)
    if isinstance(new, dict):
        assert list(values["k"]) == list(new)
    if shared:
        assert old == copy
    codec = Codec()
    values = {"k": codec.decode(codec.encode(old))}
    apply(values, codec.decode(codec.encode(operation)))
    assert values["k"] == new


def test_differences_are_small() -> None:
    items = [thing() for _ in range(100)]
    assert difference("k", items, [*items, 1]) == ["k", SPLICE, 100, 0, [1]]
    assert difference("k", items, [*items[:50], *items[51:]]) == ["k", SPLICE, 50, 1, []]
    assert difference("k", items, [*items[:7], 5, *items[8:]]) == ["k", SPLICE, 7, 1, [5]]
    assert difference("k", items, [1, 2])[1] == SET
    many = {str(n): thing() for n in range(100)}
    assert difference("k", many, {**many, "new": 1}) == ["k", MERGE, {"new": 1}, []]
    assert difference("k", many, {key: many[key] for key in reversed(many)})[1] == SET
    assert difference("k", "x" * 100, "x" * 100 + "more") == ["k", APPEND, "more"]
    assert difference("k", 1, True) == ["k", SET, True]
    assert difference("k", MISSING, [1]) == ["k", SET, [1]]


def test_equal_is_not_the_same() -> None:
    assert difference("k", [1, 1, 1, 1], [1, 1, True, 1]) == ["k", SPLICE, 2, 1, [True]]
    assert difference("k", {"a": 1, "b": 2, "c": 3}, {"a": 1.0, "b": 2, "c": 3})[2] == {"a": 1.0}


def test_a_value_that_a_foreign_reducer_may_change_in_place_is_not_trusted() -> None:
    foreign = Channel("k", lambda old, new: old)
    items, plain = [{"a": 1}], [1, 2]
    assert before_change(foreign, items) is MISSING
    assert before_change(foreign, plain) == plain
    assert before_change(foreign, plain) is not plain
    assert before_change(Channel("k", operator.add), items) is items
    assert before_change(Channel("k"), items) is items


@pytest.mark.parametrize(
    "bad",
    [["k", 9, 1], ["k"], ["k", SPLICE, 0], ["gone", SPLICE, 0, 0, []], ["k", MERGE, {}, ["x"]], ["k", APPEND, "x"]],
)
def test_operations_that_do_not_fit_are_errors(bad: list[Any]) -> None:
    with pytest.raises(ValueError, match="fit|operation|values"):
        apply({"k": 5}, bad)


# ------------------------------------------------------------------ writing


class Slow(MemorySaver):
    """A store that writes when it is let."""

    instant = False

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.sizes: list[int] = []
        self.broken = False

    def write(self, batches: Sequence[Batch]) -> None:
        assert self.gate.wait(10)
        if self.broken:
            raise CheckpointError("broken")
        self.sizes.append(len(batches))
        super().write(batches)


def batch(number: int) -> Batch:
    id = f"{number:016x}00000000"
    return Batch((Entry("t", "", id, None, id, number, "loop", b"b", b"s"),))


def test_what_waits_is_written_together_in_order_and_bounded() -> None:
    store = Slow()
    writer = Writer(store, size=4)
    handed_over = []

    def hand_over() -> None:
        for number in range(1, 13):
            writer.put(batch(number))
            handed_over.append(number)

    producer = threading.Thread(target=hand_over)
    producer.start()
    producer.join(0.2)
    assert producer.is_alive()
    assert len(handed_over) <= 8  # four at most are being written, four at most wait
    store.gate.set()
    producer.join(10)
    writer.flush()
    assert [entry.step for entry in store.entries("t")] == list(range(12, 0, -1))
    assert max(store.sizes) > 1
    writer.close()


async def test_waiting_for_room_does_not_hold_up_the_event_loop() -> None:
    store = Slow()
    writer = Writer(store, size=1)
    await writer.aput(batch(1))
    await asyncio.to_thread(time.sleep, 0.05)
    await writer.aput(batch(2))
    waiting = asyncio.create_task(writer.aput(batch(3)))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    store.gate.set()
    await waiting
    await asyncio.to_thread(writer.close)
    assert len(store.entries("t")) == 3


def test_a_failed_write_is_told_and_nothing_is_written_after_it() -> None:
    store = Slow()
    store.broken = True
    store.gate.set()
    writer = Writer(store)
    writer.put(batch(1))
    with pytest.raises(CheckpointError, match="broken"):
        writer.flush()
    store.broken = False
    with pytest.raises(CheckpointError, match="broken"):
        writer.put(batch(2))
    with pytest.raises(CheckpointError, match="broken"):
        writer.close()
    assert store.entries("t") == []


def test_a_step_is_durable_with_its_checkpoint_also_when_writing_in_the_background() -> None:
    store = Slow()
    store.gate.set()
    seen: list[Any] = []

    def node(state: State) -> None:
        step("effect", lambda: 5)
        (entry, *_) = store.entries("t")
        seen.append([note.key for note in store.notes("t", "", entry.id)])

    StateGraph(State).add_node(node).add_edge(START, "node").compile(store).invoke(
        {}, thread_id="t", durability="async"
    )
    assert seen == [["step:effect:0"]]


@pytest.mark.parametrize("face", ["sync", "async"])
def test_results_are_saved_while_others_still_run(tmp_path: Path, face: str) -> None:
    with SqliteSaver(tmp_path / "s.db") as store:
        seen: list[Any] = []

        def fast(state: State) -> State:
            return {"log": ["fast"]}

        def slow(state: State) -> State:
            until = time.monotonic() + 10
            while not seen and time.monotonic() < until:
                (entry, *_) = store.entries("t")
                seen.extend(note.key for note in store.notes("t", "", entry.id))
                time.sleep(0.005)
            return {"log": ["slow"]}

        graph = (
            StateGraph(State)
            .add_node(fast)
            .add_node(slow)
            .add_edge(START, "fast")
            .add_edge(START, "slow")
            .compile(store)
        )
        run = graph.invoke({}, thread_id="t") if face == "sync" else asyncio.run(graph.ainvoke({}, thread_id="t"))
        assert run["log"] == ["fast", "slow"]
        assert seen == ["result"]
        assert [store.notes("t", "", entry.id) for entry in store.entries("t")] == [[], [], []]


# ------------------------------------------------------------------ keeping less


def asking() -> Any:
    def ask(state: State) -> State:
        return {"log": [interrupt("?")]}

    inner = (
        StateGraph(State)
        .add_node("tick", lambda s: {"n": 1})
        .add_node("ask", ask)
        .add_edge(START, "tick")
        .add_edge("tick", "ask")
    )
    own = (
        StateGraph(State).add_node("own", lambda s: {"log": ["own"]}).add_edge(START, "own").compile(checkpointer=True)
    )
    return (
        StateGraph(State)
        .add_node("sub", inner.compile())
        .add_node("remembers", own)
        .add_edge(START, "sub")
        .add_edge("sub", "remembers")
    )


def test_pruning_takes_subgraphs_of_removed_supersteps_along() -> None:
    store = MemorySaver()
    graph = asking().compile(store)
    for number in range(3):
        graph.invoke({"n": number}, thread_id="t")
        graph.invoke(Command(resume=number), thread_id="t")
    before = len(store.namespaces("t"))
    assert store.prune(keep_last=2, thread_id="t") > 0
    assert len(store.namespaces("t")) < before
    assert len(store.entries("t")) == 2
    assert len(store.entries("t", "remembers")) == 2
    graph.invoke({"n": 9}, thread_id="t")
    assert store.prune(keep_last=1) > 0
    state = graph.get_state(thread_id="t", subgraphs=True)
    assert state.tasks[0].state.next == ("ask",)
    assert graph.invoke(Command(resume="after pruning"), thread_id="t")["log"][-2:] != []
    assert "after pruning" in graph.get_state(thread_id="t").values["log"]


def test_pruning_again_and_again_does_not_pile_up_bodies() -> None:
    store = MemorySaver()
    graph = (
        StateGraph(State)
        .add_node("tick", lambda s: {"n": s["n"] + 1, "log": ["x" * 100]})
        .add_edge(START, "tick")
        .compile(store)
    )
    sizes = []
    for number in range(60):
        graph.invoke({"n": number}, thread_id="t")
        store.prune(keep_last=1)
        chain = store.chain("t")
        assert chain is not None
        assert chain.entries[0].snapshot is not None
        sizes.append(len(chain.entries[0].snapshot))
    assert len(graph.get_state(thread_id="t").values["log"]) == 60
    assert sizes[-1] < 60 * 100 * 4


@pytest.mark.parametrize("options", [{}, {"keep_last": 0}, {"older_than": -1}])
def test_what_pruning_needs_to_know(options: dict[str, Any]) -> None:
    with pytest.raises(GraphValidationError):
        MemorySaver().prune(**options)


async def test_pruning_in_async_programs() -> None:
    async with MemorySaver() as store:
        graph = StateGraph(State).add_node("a", lambda s: {"n": 1}).add_edge(START, "a").compile(store)
        await graph.ainvoke({}, thread_id="t")
        assert await store.aprune(keep_last=1) == 2


# ------------------------------------------------------------------ opening


def test_stores_by_url(tmp_path: Path) -> None:
    assert isinstance(open_checkpointer("memory:"), MemorySaver)
    with open_checkpointer(str(tmp_path / "x.db")) as store:
        assert isinstance(store, SqliteSaver)
    with pytest.raises(LookupError, match="nosuch"):
        open_checkpointer("nosuch://x")
    graph = StateGraph(State).add_node("a", lambda s: {"n": 1}).add_edge(START, "a").compile("memory:")
    assert graph.invoke({}, thread_id="t") == {"n": 1, "log": []}


def test_a_chain_that_has_lost_a_part_says_so(tmp_path: Path) -> None:
    for store in (MemorySaver(), SqliteSaver(tmp_path / "s.db")):
        graph = StateGraph(State).add_node("a", lambda s: {"n": 1}).add_edge(START, "a").compile(store)
        graph.invoke({}, thread_id="t")
        middle = store.entries("t")[1]
        store.rewrite("t", "", remove=[middle.id])
        with pytest.raises(CheckpointError, match="lost"):
            graph.get_state(thread_id="t")
        with pytest.raises(CheckpointNotFoundError):
            graph.get_state(thread_id="t", checkpoint_id=middle.id)
        store.close()

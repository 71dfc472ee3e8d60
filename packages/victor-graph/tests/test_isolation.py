"""Nobody outside a run holds a part of its state: what is given, returned or told can be changed without effect."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime
import enum
import operator
import threading
from typing import Annotated, Any, NamedTuple, TypedDict

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.message import Message
from victor.graph import START, InvalidUpdateError, MemorySaver, Send, StateGraph
from victor.graph.isolate import CONSTANT, isolate


class State(TypedDict, total=False):
    n: int
    items: list[Any]
    log: Annotated[list[Any], operator.add]
    box: dict[str, Any]


def extend(old: list[Any], new: list[Any]) -> list[Any]:
    old.extend(new)
    return old


class Extending(TypedDict, total=False):
    items: Annotated[list[Any], extend]


def spoil(value: Any) -> None:
    """Change everything in a value that can be changed."""
    if isinstance(value, dict):
        for item in list(value.values()):
            spoil(item)
        value["spoiled"] = True
    elif isinstance(value, list):
        for item in value:
            spoil(item)
        value.append("spoiled")
    elif isinstance(value, set):
        value.add("spoiled")


def run_both(graph: Any, input: Any) -> list[Any]:
    return [graph.invoke(input), asyncio.run(graph.ainvoke(input))]


def test_a_node_that_changes_what_it_was_given_changes_nothing() -> None:
    def spoils(state: State) -> None:
        spoil(state)

    def looks(state: State) -> State:
        return {"log": [state["items"], sorted(state)]}

    graph = StateGraph(State).add_sequence([spoils, looks]).add_edge(START, "spoils").compile()
    mine = {"items": [1, {"deep": [2]}], "box": {"a": {"b": {3}}}}
    for result in run_both(graph, mine):
        assert result["items"] == [1, {"deep": [2]}]
        assert result["box"] == {"a": {"b": {3}}}
        assert result["log"] == [[1, {"deep": [2]}], ["box", "items", "log"]]
    assert mine == {"items": [1, {"deep": [2]}], "box": {"a": {"b": {3}}}}


def test_nodes_of_one_superstep_do_not_see_each_other() -> None:
    changed, looked = threading.Event(), threading.Event()

    def changes(state: State) -> None:
        state["items"].append("changed")
        changed.set()
        assert looked.wait(10)

    def looks(state: State) -> State:
        assert changed.wait(10)
        looked.set()
        return {"log": list(state["items"])}

    graph = (
        StateGraph(State)
        .add_node(changes)
        .add_node(looks)
        .add_edge(START, "changes")
        .add_edge(START, "looks")
        .compile()
    )
    assert graph.invoke({"items": [1]})["log"] == [1]


def test_what_a_node_returned_can_be_changed_later() -> None:
    kept: list[Any] = [{"a": [1]}]

    def returns(state: State) -> State:
        return {"items": kept, "box": {"kept": kept}}

    def changes(state: State) -> State:
        spoil(kept)
        return {"log": state["items"]}

    graph = StateGraph(State).add_sequence([returns, changes]).add_edge(START, "returns").compile()
    assert graph.invoke({}) == {"items": [{"a": [1]}], "box": {"kept": [{"a": [1]}]}, "log": [{"a": [1]}]}


def test_what_was_sent_can_be_changed_later() -> None:
    shared = {"x": [1]}

    def fan(state: State) -> list[Send]:
        return [Send("work", shared), Send("work", shared)]

    def work(state: Any) -> State:
        seen = list(state["x"])
        spoil(state)
        return {"log": [seen]}

    graph = StateGraph(State).add_node("work", work).add_conditional_edges(START, fan, ["work"]).compile()
    assert graph.invoke({})["log"] == [[1], [1]]
    assert shared == {"x": [1]}


def test_conditional_edges_cannot_change_the_state() -> None:
    def path(state: State) -> str:
        spoil(state)
        return "end"

    graph = (
        StateGraph(State)
        .add_node("a", lambda s: {"items": [[1]], "log": [[2]]})
        .add_node("end", lambda s: {"n": len(s["items"][0])})
    )
    graph.add_edge(START, "a").add_conditional_edges("a", path, ["end"])
    assert graph.compile().invoke({}) == {"items": [[1]], "log": [[2]], "n": 1}


def test_a_reducer_that_changes_its_first_argument_does_no_harm() -> None:
    mine = {"items": [{"a": 1}]}
    saver = MemorySaver()
    graph = (
        StateGraph(Extending)
        .add_sequence([(name, lambda s, name=name: {"items": [{"by": name}]}) for name in "ab"])
        .add_edge(START, "a")
    )
    graph.add_conditional_edges("a", lambda state: [], {"b": "b"})
    compiled = graph.compile(saver)
    assert compiled.invoke(mine, thread_id="t")["items"] == [{"a": 1}, {"by": "a"}, {"by": "b"}]
    assert mine == {"items": [{"a": 1}]}
    assert [len(one.values["items"]) for one in compiled.get_state_history(thread_id="t")] == [3, 2, 1, 0]


def test_snapshots_are_copies() -> None:
    graph = StateGraph(State).add_node("a", lambda s: {"items": [[1]]}).add_edge(START, "a").compile(MemorySaver())
    graph.invoke({}, thread_id="t")
    spoil(graph.get_state(thread_id="t").values)
    for one in graph.get_state_history(thread_id="t"):
        spoil(one.values)
    assert graph.get_state(thread_id="t").values == {"items": [[1]], "log": []}
    assert graph.invoke(None, thread_id="t") == {"items": [[1]], "log": []}


class Color(enum.Enum):
    RED = 1


class Pair(NamedTuple):
    a: Any
    b: Any


@attrs.frozen
class Frozen:
    name: str
    tags: tuple[str, ...] = ()


@attrs.frozen
class FrozenOfAnything:
    value: Any


@attrs.define
class Mutable:
    items: list[Any]


@dataclasses.dataclass
class Data:
    items: list[Any]


class Model(pydantic.BaseModel):
    items: list[Any]


class Struct(msgspec.Struct):
    items: list[Any]


class Plain:
    def __init__(self, items: list[Any]) -> None:
        self.items = items


class Locked:
    def __init__(self) -> None:
        self.lock = threading.Lock()


@pytest.mark.parametrize("kind", [Mutable, Data, Model, Struct, Plain])
def test_instances_are_copied_deep(kind: Any) -> None:
    mine = kind(items=[[1]])
    theirs = isolate({"x": [mine]})["x"][0]
    assert type(theirs) is kind
    assert theirs is not mine
    theirs.items[0].append(2)
    theirs.items.append(3)
    assert mine.items == [[1]]


@pytest.mark.parametrize(
    "value",
    [
        None, 1, 1.5, "text", b"bytes", True, Color.RED, datetime.datetime(2030, 1, 1), (1, ("a", None)), frozenset({1}), Frozen("x", ("y",)),
        Message("user", "hi"), FrozenOfAnything(5), FrozenOfAnything((1, "x")), Pair(1, 2), len, int, operator.add, threading.Lock(), Locked(),
    ],
)  # fmt: skip
def test_what_cannot_change_or_be_copied_is_shared(value: Any) -> None:
    assert isolate(value) is value or isolate(value) == value
    if not isinstance(value, (Pair,)):
        assert isolate(value) is value


def test_frozen_classes_are_shared_only_as_far_as_they_cannot_change() -> None:
    inner = [1]
    for mine in (
        FrozenOfAnything(inner),
        (inner, 1),
        Pair(inner, 1),
        FrozenOfAnything({"x": inner}),
        Message("user", "x", data={"x": inner}),
    ):
        theirs = isolate(mine)
        assert theirs == mine
        assert theirs is not mine
    isolate(FrozenOfAnything(FrozenOfAnything(inner))).value.value.append(2)
    assert inner == [1]
    isolate(Frozen("x"))
    assert Frozen in CONSTANT
    assert FrozenOfAnything not in CONSTANT


def test_containers_keep_their_types() -> None:
    mine = {
        "deque": collections.deque([[1]], maxlen=3), "default": collections.defaultdict(list, {"a": [1]}),
        "ordered": collections.OrderedDict(b=[1], a=[2]), "bytes": bytearray(b"x"), "set": {1}, "counter": collections.Counter("aab"),
    }  # fmt: skip
    theirs = isolate(mine)
    assert theirs == mine
    assert [type(value) for value in theirs.values()] == [type(value) for value in mine.values()]
    assert theirs["deque"].maxlen == 3
    assert theirs["default"]["new"] == []
    assert all(theirs[name] is not mine[name] for name in mine)


def test_values_that_contain_themselves_can_be_copied() -> None:
    mine: list[Any] = [1]
    mine.append(mine)
    theirs = isolate(mine)
    assert theirs is not mine
    assert theirs[1] is theirs


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.builds(Frozen, st.text(max_size=2)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.tuples(inner, inner)
        | st.builds(Data, st.lists(inner, max_size=2))
    ),
    max_leaves=12,
)


@given(values)
def test_a_copy_is_equal_and_shares_nothing_that_can_change(value: Any) -> None:
    def parts(value: Any) -> list[int]:
        if isinstance(value, dict):
            return [id(value), *(one for item in value.values() for one in parts(item))]
        if isinstance(value, list):
            return [id(value), *(one for item in value for one in parts(item))]
        if isinstance(value, tuple):
            return [one for item in value for one in parts(item)]
        return [id(value), *parts(value.items)] if isinstance(value, Data) else []

    copy = isolate(value)
    assert copy == value
    assert not set(parts(copy)) & set(parts(value))


@pytest.mark.parametrize("odd", [None, {"x": [1]}])
def test_long_lists_of_one_kind(odd: Any) -> None:
    for mine in (
        [Message("user", "x", data=odd) for _ in range(9)],
        [{"role": "user", "more": odd} for _ in range(9)],
        [FrozenOfAnything(odd)] * 9,
    ):
        theirs = isolate(mine)
        assert theirs == mine
        assert theirs is not mine
        for one, other in zip(mine, theirs, strict=True):
            inner = [getattr(item, "data", None) or getattr(item, "value", None) for item in (one, other)]
            if isinstance(one, dict):
                assert one is not other
                inner = [one["more"], other["more"]]
            assert odd is None or inner[0] is not inner[1]


@pytest.mark.parametrize("checkpointer", [None, "memory:"])
def test_what_is_nested_too_deeply_is_a_typed_error(checkpointer: str | None) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    graph = StateGraph(dict).add_node("deepen", lambda state: {"x": deep}).add_edge(START, "deepen")
    with pytest.raises(InvalidUpdateError, match="nested too deeply"):
        graph.compile(checkpointer).invoke({}, thread_id="t")
    while deep:  # or freeing it would recurse as deeply
        deep = deep.pop()

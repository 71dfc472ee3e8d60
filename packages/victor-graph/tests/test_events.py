"""What a run says on the event stream."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Iterator
from typing import Annotated, Any, TypedDict

import pytest

from victor.core.events import Event, EventStream, set_stream
from victor.graph import START, Command, MemorySaver, RetryPolicy, StateGraph, interrupt


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[Any], operator.add]


@pytest.fixture
def stream() -> Iterator[EventStream]:
    stream = EventStream()
    was = set_stream(stream)
    yield stream
    set_stream(was)


@pytest.fixture
def heard(stream: EventStream) -> list[Event]:
    events: list[Event] = []
    stream.subscribe(events.append)
    return events


def said(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(event.kind, event.phase, event.name) for event in events]


def pair(checkpointer: Any = None) -> Any:
    graph = (
        StateGraph(State)
        .add_node("a", lambda s: {"n": 1})
        .add_node("b", lambda s: {"log": ["b"]})
        .add_edge(START, "a")
        .add_edge("a", "b")
    )
    return graph.compile(checkpointer, name="pair")


def test_runs_steps_nodes_and_transitions(heard: list[Event]) -> None:
    pair().invoke({})
    assert said(heard) == [
        ("workflow.run", "start", "pair"),
        ("workflow.step", "start", "pair"), ("workflow.node", "start", "a"), ("workflow.node", "end", "a"),
        ("state.transition", "point", "pair"), ("workflow.step", "end", "pair"),
        ("workflow.step", "start", "pair"), ("workflow.node", "start", "b"), ("workflow.node", "end", "b"),
        ("state.transition", "point", "pair"), ("workflow.step", "end", "pair"),
        ("workflow.run", "end", "pair"),
    ]  # fmt: skip
    by_kind = {(event.kind, event.name, event.phase): event for event in heard}
    run, node = by_kind["workflow.run", "pair", "end"], by_kind["workflow.node", "b", "end"]
    assert {event.run_id for event in heard} == {run.run_id}
    steps = [event.span_id for event in heard if event.kind == "workflow.step"]
    assert node.parent_id in steps
    assert (run.attributes["status"], run.attributes["steps"]) == ("completed", 2)
    assert (node.attributes["step"], node.duration_ns is not None) == (2, True)
    assert [event.attributes["keys"] for event in heard if event.kind == "state.transition"] == [["n"], ["log"]]


async def test_nodes_side_by_side_have_the_step_as_their_parent(heard: list[Event]) -> None:
    async def node(state: State) -> None:
        await asyncio.sleep(0)

    graph = (
        StateGraph(State).add_node("a", node).add_node("b", node).add_edge(START, "a").add_edge(START, "b").compile()
    )
    await graph.ainvoke({})
    step = next(event for event in heard if event.kind == "workflow.step")
    assert {event.parent_id for event in heard if event.kind == "workflow.node"} == {step.span_id}


def test_checkpoints(heard: list[Event]) -> None:
    graph = pair(MemorySaver())
    graph.invoke({}, thread_id="t")
    kinds = [event.kind for event in heard if event.phase == "start" and event.kind.startswith("checkpoint")]
    assert kinds == ["checkpoint.restore"] + ["checkpoint.save"] * 3
    assert all(event.attributes["thread_id"] == "t" for event in heard if event.kind.startswith("checkpoint"))


def test_questions_failures_and_attempts(heard: list[Event]) -> None:
    graph = (
        StateGraph(State)
        .add_node("ask", lambda s: {"log": [interrupt("?")]})
        .add_edge(START, "ask")
        .compile(MemorySaver())
    )
    graph.invoke({}, thread_id="t")
    (asked,) = [event for event in heard if event.kind == "workflow.interrupt"]
    assert asked.attributes["id"] == graph.get_state(thread_id="t").interrupts[0].id
    ends = [event for event in heard if event.kind in ("workflow.run", "workflow.node") and event.phase == "end"]
    assert ends[-1].attributes["status"] == "interrupted"
    assert [event.error for event in ends] == [None, None]
    graph.invoke(Command(resume=1), thread_id="t")

    heard.clear()
    tries: list[int] = []

    def flaky(state: State) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise ConnectionError("secret=abc")

    again = RetryPolicy(initial_interval=0, jitter=False)
    StateGraph(State).add_node("flaky", flaky, retry_policy=again).add_edge(START, "flaky").compile().invoke({})
    (end,) = [event for event in heard if event.kind == "workflow.node" and event.phase == "end"]
    assert end.attributes["attempts"] == 3
    with pytest.raises(ZeroDivisionError):
        StateGraph(State).add_node("bad", lambda s: 1 // 0).add_edge(START, "bad").compile().invoke({})
    assert isinstance(heard[-1].error, ZeroDivisionError)


def test_subgraphs_are_inside_their_node(heard: list[Event]) -> None:
    graph = StateGraph(State).add_node("sub", pair()).add_edge(START, "sub").compile(name="outer")
    graph.invoke({})
    inner = next(event for event in heard if event.kind == "workflow.run" and event.name == "pair")
    node = next(event for event in heard if event.kind == "workflow.node" and event.name == "sub")
    assert inner.parent_id == node.span_id
    assert inner.attributes["namespace"].startswith("sub:")


def test_contents_travel_only_when_asked_for(stream: EventStream, heard: list[Event]) -> None:
    pair().invoke({"n": 5})
    assert all(not event.content for event in heard)
    heard.clear()
    stream.capture_content = True
    pair().invoke({"n": 5})
    ends = [event for event in heard if event.kind == "workflow.node" and event.phase == "end"]
    assert ends[0].content == {"input": {"log": [], "n": 5}, "output": {"n": 1}}


def test_with_nobody_listening_nothing_is_said(stream: EventStream) -> None:
    pair().invoke({})
    assert stream.detached == []

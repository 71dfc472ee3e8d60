"""A node that is tried again says so."""

from __future__ import annotations

from typing import Any, TypedDict

from victor.core.events import Event, EventStream, set_stream
from victor.graph import END, START, RetryPolicy, StateGraph


class State(TypedDict):
    n: int


async def test_each_retry_is_told_with_its_error_and_its_wait() -> None:
    calls = 0

    def flaky(state: State) -> State:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise ConnectionError("gone")
        return {"n": calls}

    graph: Any = StateGraph(State)
    policy = RetryPolicy(max_attempts=3, initial_interval=0.001, jitter=False)
    graph.add_node("flaky", flaky, retry_policy=policy)
    graph.add_edge(START, "flaky")
    graph.add_edge("flaky", END)
    stream, events = EventStream(), list[Event]()
    stream.subscribe(events.append, kinds=["workflow.node", "workflow.retry"], phases=["end", "point"])
    was = set_stream(stream)
    try:
        assert (await graph.compile().ainvoke({"n": 0}))["n"] == 3
    finally:
        set_stream(was)
    *retries, node = events
    assert [(event.kind, event.name, event.parent_id) for event in retries] == [
        ("workflow.retry", "flaky", node.span_id),
        ("workflow.retry", "flaky", node.span_id),
    ]
    assert [event.attributes["attempt"] for event in retries] == [1, 2]
    assert [event.attributes["delay_s"] for event in retries] == [policy.wait_s(1), policy.wait_s(2)]
    assert {event.attributes["error"] for event in retries} == {"ConnectionError"}
    assert node.attributes["attempts"] == 3

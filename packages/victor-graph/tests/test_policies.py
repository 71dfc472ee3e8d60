"""Retries, timeouts, error handlers, caches, cancellation and draining."""

from __future__ import annotations

import asyncio
import operator
import threading
import time
from typing import Annotated, Any, TypedDict

import pytest

from victor.core.errors import ModelRateLimitError, ModelRequestError
from victor.graph import (
    START,
    CachePolicy,
    Command,
    GraphDrained,
    GraphValidationError,
    InMemoryCache,
    InvalidUpdateError,
    MemorySaver,
    NodeCancelledError,
    NodeError,
    NodeTimeoutError,
    RetryPolicy,
    RunControl,
    Runtime,
    Send,
    StateGraph,
    TimeoutPolicy,
)
from victor.graph.retry import default_retry_on


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[Any], operator.add]


FAST = RetryPolicy(initial_interval=0.001, jitter=False)


def one_node(node: Any, **options: Any) -> Any:
    return StateGraph(State).add_node("node", node, **options).add_edge(START, "node").compile()


def both(graph: Any, input: Any, **options: Any) -> list[Any]:
    return [graph.invoke(input, **options), asyncio.run(graph.ainvoke(input, **options))]


def test_a_node_is_tried_again_with_the_input_it_had() -> None:
    attempts: list[Any] = []

    def node(state: State, runtime: Runtime[Any]) -> State:
        assert runtime.execution_info is not None
        attempts.append((list(state["log"]), runtime.execution_info.node_attempt))
        state["log"].append("spoiled")
        if len(attempts) % 3:
            raise ConnectionError
        return {"log": ["fine"]}

    for result in both(one_node(node, retry_policy=FAST), {"log": ["in"]}):
        assert result["log"] == ["in", "fine"]
    assert attempts == [(["in"], 1), (["in"], 2), (["in"], 3)] * 2


def test_it_gives_up_after_the_attempts_and_for_errors_it_does_not_cover() -> None:
    attempts: list[int] = []

    def node(state: State) -> None:
        attempts.append(1)
        raise ConnectionError("gone") if state["n"] else KeyError("mistake")

    graph = one_node(node, retry_policy=FAST)
    with pytest.raises(ConnectionError):
        graph.invoke({"n": 1})
    assert len(attempts) == 3
    with pytest.raises(KeyError):
        graph.invoke({"n": 0})
    assert len(attempts) == 4


def test_the_first_policy_that_covers_the_error_counts() -> None:
    attempts: list[int] = []

    async def node(state: State) -> None:
        attempts.append(1)
        raise KeyError

    few = RetryPolicy(initial_interval=0, max_attempts=2, jitter=False, retry_on=KeyError)
    many = RetryPolicy(initial_interval=0, max_attempts=9, jitter=False, retry_on=lambda error: True)
    with pytest.raises(KeyError):
        one_node(node, retry_policy=[few, many]).invoke({})
    assert len(attempts) == 2


def test_which_errors_are_tried_again() -> None:
    for error in (
        ConnectionResetError(),
        TimeoutError(),
        NodeTimeoutError("x"),
        ModelRateLimitError("x"),
        Exception("odd"),
    ):
        assert default_retry_on(error), error
    for error in (ValueError(), KeyError(), RuntimeError(), FileNotFoundError(), ModelRequestError("x", status=400)):
        assert not default_retry_on(error), error


def test_waits_grow_up_to_a_limit() -> None:
    policy = RetryPolicy(initial_interval=1, backoff_factor=10, max_interval=50, jitter=False)
    assert [policy.wait_s(n) for n in (1, 2, 3, 4000)] == [1, 10, 50, 50]
    assert all(1 <= RetryPolicy(initial_interval=1).wait_s(1) <= 2 for _ in range(20))


def test_a_sync_node_that_takes_too_long_is_abandoned() -> None:
    release = threading.Event()

    def node(state: State) -> State:
        release.wait(30)
        return {"log": ["too late"]}

    graph = one_node(node, timeout=0.05)
    began = time.monotonic()
    with pytest.raises(NodeTimeoutError, match=r"'node' did not finish within 0.05 s") as caught:
        graph.invoke({})
    assert (caught.value.node, caught.value.timeout_s) == ("node", 0.05)
    with pytest.raises(NodeTimeoutError):
        asyncio.run(graph.ainvoke({}))
    assert time.monotonic() - began < 10
    release.set()


def test_an_async_node_that_takes_too_long_is_cancelled() -> None:
    cancelled: list[bool] = []

    async def node(state: State) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    graph = one_node(node, timeout=0.02)
    with pytest.raises(NodeTimeoutError):
        graph.invoke({})
    parallel = (
        StateGraph(State)
        .add_node("a", node, timeout=0.02)
        .add_node("b", lambda state: None)
        .add_edge(START, "a")
        .add_edge(START, "b")
    )
    with pytest.raises(NodeTimeoutError, match="'a'"):
        asyncio.run(parallel.compile().ainvoke({}))
    assert cancelled == [True, True]


def test_a_timeout_error_of_the_node_itself_is_its_own() -> None:
    def node(state: State) -> None:
        raise TimeoutError("mine")

    async def anode(state: State) -> None:
        raise TimeoutError("mine")

    for one in (node, anode):
        for error in (pytest.raises(TimeoutError, match="mine"),):
            with error:
                one_node(one, timeout=5).invoke({})


def test_a_node_in_time_is_not_disturbed_by_its_timeout() -> None:
    async def anode(state: State) -> State:
        await asyncio.sleep(0)
        return {"log": ["ok"]}

    for node in (lambda state: {"log": ["ok"]}, anode):
        for result in both(one_node(node, timeout=TimeoutPolicy(run_timeout=30, idle_timeout=30)), {}):
            assert result["log"] == ["ok"]


def test_an_idle_timeout_is_put_off_by_signs_of_life() -> None:
    async def lively(state: State, runtime: Runtime[Any]) -> State:
        for _ in range(10):
            await asyncio.sleep(0.08)
            runtime.heartbeat()
        return {"log": ["alive"]}

    async def dead(state: State) -> None:
        await asyncio.sleep(30)

    def sync_lively(state: State, writer: Any) -> State:
        for _ in range(10):
            time.sleep(0.08)
            writer("still here")
        return {"log": ["alive"]}

    policy = TimeoutPolicy(idle_timeout=0.7)
    assert one_node(lively, timeout=policy).invoke({})["log"] == ["alive"]
    assert one_node(sync_lively, timeout=policy).invoke({})["log"] == ["alive"]
    with pytest.raises(NodeTimeoutError, match="no sign of life"):
        one_node(dead, timeout=TimeoutPolicy(idle_timeout=0.05)).invoke({})
    with pytest.raises(NodeTimeoutError, match="no sign of life"):
        one_node(sync_lively, timeout=TimeoutPolicy(idle_timeout=0.02, refresh_on="heartbeat")).invoke({})


def test_a_timeout_of_a_send() -> None:
    async def node(seconds: float) -> State:
        await asyncio.sleep(seconds)
        return {"log": ["done"]}

    def graph(timeout: float) -> Any:
        return (
            StateGraph(State).add_node("node", node)
            .add_conditional_edges(START, lambda s: [Send("node", 0), Send("node", 20, timeout=timeout)], ["node"]).compile()
        )  # fmt: skip

    with pytest.raises(NodeTimeoutError):
        graph(0.02).invoke({})


def test_timeouts_are_tried_again() -> None:
    attempts: list[int] = []
    release = threading.Event()

    def node(state: State) -> State:
        attempts.append(1)
        if len(attempts) == 1:
            release.wait(30)
        return {"log": [len(attempts)]}

    assert one_node(node, timeout=0.5, retry_policy=FAST).invoke({})["log"] == [2]
    release.set()


@pytest.mark.parametrize("bad", [0, -1, TimeoutPolicy(run_timeout=0), TimeoutPolicy(run_timeout=1, refresh_on="x")])
def test_a_timeout_that_is_none(bad: Any) -> None:
    with pytest.raises(GraphValidationError):
        one_node(lambda state: None, timeout=bad)


def test_an_error_handler_takes_over() -> None:
    def node(state: State) -> None:
        state["n"] = 99
        raise ValueError("broken")

    def handler(state: State, error: NodeError) -> Command[Any]:
        return Command(update={"log": [state["n"], error.node, str(error.error)]})

    async def ahandler(state: State) -> State:
        return {"log": ["async"]}

    for result in both(one_node(node, error_handler=handler), {"n": 1}):
        assert result["log"] == [1, "node", "broken"]
    assert one_node(node, error_handler=ahandler).invoke({"n": 1})["log"] == ["async"]


def test_a_result_is_used_again_while_it_is_good() -> None:
    runs: list[Any] = []

    def node(state: State) -> State:
        runs.append(state["n"])
        return {"log": [state["n"]]}

    graph = one_node(node, cache_policy=CachePolicy())
    for n in (1, 1, 2, 1):
        assert graph.invoke({"n": n})["log"] == [n]
    assert runs == [1, 2]
    short = one_node(node, cache_policy=CachePolicy(ttl=0))
    short.invoke({"n": 1})
    short.invoke({"n": 1})
    assert runs == [1, 2, 1, 1]
    by_key = one_node(node, cache_policy=CachePolicy(key_func=lambda state: "always"))
    assert [by_key.invoke({"n": n})["log"] for n in (7, 8)] == [[7], [7]]


def test_what_is_cached_cannot_be_changed_from_outside() -> None:
    graph = one_node(lambda state: {"log": [["x"]]}, cache_policy=CachePolicy())
    for _ in range(3):
        result = graph.invoke({})
        assert result["log"] == [["x"]]
        result["log"][0].append("changed")


def test_a_cache_can_be_shared_and_cleared() -> None:
    runs: list[int] = []
    cache = InMemoryCache()
    graph = (
        StateGraph(State)
        .add_node("node", lambda state: runs.append(1), cache_policy=CachePolicy())
        .add_edge(START, "node")
    )
    for _ in range(2):
        graph.compile(cache=cache).invoke({})
    assert len(runs) == 1
    cache.clear(("graph", "node"))
    graph.compile(cache=cache).invoke({})
    cache.clear()
    graph.compile(cache=cache).invoke({})
    assert len(runs) == 3


def test_defaults_for_all_nodes() -> None:
    attempts: list[int] = []

    def node(state: State) -> None:
        attempts.append(1)
        raise ConnectionError

    graph = (
        StateGraph(State).set_node_defaults(retry_policy=FAST).add_node("node", node).add_edge(START, "node").compile()
    )
    with pytest.raises(ConnectionError):
        graph.invoke({})
    assert len(attempts) == 3


async def test_a_failure_cancels_the_others_and_keeps_what_was_done() -> None:
    runs: list[str] = []
    broken = True
    done = asyncio.Event()

    async def good(state: State) -> State:
        runs.append("good")
        done.set()
        return {"log": ["good"]}

    async def bad(state: State) -> State:
        await done.wait()
        await asyncio.sleep(0)
        if broken:
            raise OSError("bad")
        return {"log": ["bad"]}

    async def slow(state: State) -> State:
        runs.append("slow")
        if broken:
            await asyncio.sleep(30)
        return {"log": ["slow"]}

    graph = StateGraph(State)
    for node in (good, bad, slow):
        graph.add_node(node).add_edge(START, node.__name__)
    compiled = graph.compile(MemorySaver())
    with pytest.raises(OSError, match="bad"):
        await compiled.ainvoke({}, thread_id="t")
    assert set(compiled.get_state(thread_id="t").next) == {"bad", "slow"}
    broken = False
    assert (await compiled.ainvoke(None, thread_id="t"))["log"] == ["bad", "good", "slow"]
    assert sorted(runs) == ["good", "slow", "slow"]


async def test_cancelling_reaches_subgraphs_and_leaves_a_run_that_can_go_on() -> None:
    started, cancelled = asyncio.Event(), []
    stuck = True

    async def first(state: State) -> State:
        return {"log": ["first"]}

    async def hang(state: State) -> State:
        started.set()
        if stuck:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                cancelled.append("hang")
                raise
        return {"log": ["went on"]}

    async def beside(state: State) -> State:
        return {"log": ["beside"]}

    inner = StateGraph(State).add_sequence([first, hang]).add_edge(START, "first").compile()

    async def call(state: State) -> State:
        return {"log": (await inner.ainvoke({}))["log"]}

    graph = (
        StateGraph(State)
        .add_node(call)
        .add_node(beside)
        .add_edge(START, "call")
        .add_edge(START, "beside")
        .compile(MemorySaver())
    )
    run = asyncio.create_task(graph.ainvoke({}, thread_id="t"))
    await started.wait()
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert cancelled == ["hang"]
    assert graph.get_state(thread_id="t").next == ("call",)
    stuck = False
    assert (await graph.ainvoke(None, thread_id="t"))["log"] == ["beside", "first", "went on"]


async def test_a_drain_stops_between_supersteps() -> None:
    control = RunControl()

    async def a(state: State, runtime: Runtime[Any]) -> State:
        assert not runtime.drain_requested
        control.request_drain("closing time")
        assert runtime.drain_requested
        assert runtime.drain_reason == "closing time"
        return {"log": ["a"]}

    graph = (
        StateGraph(State)
        .add_sequence([a, ("b", lambda state: {"log": ["b"]})])
        .add_edge(START, "a")
        .compile(MemorySaver())
    )
    with pytest.raises(GraphDrained, match="closing time"):
        await graph.ainvoke({}, thread_id="t", control=control)
    assert graph.get_state(thread_id="t").next == ("b",)
    assert (await graph.ainvoke(None, thread_id="t"))["log"] == ["a", "b"]


def test_what_an_abandoned_node_still_does_has_no_effect() -> None:
    from victor.graph import step

    released, finished = threading.Event(), threading.Event()
    outcome: list[Any] = []

    def node(state: State, writer: Any) -> State:
        released.wait(10)
        writer("too late")
        try:
            step("late", outcome.append, "effect")
        except NodeTimeoutError as error:
            outcome.append(str(error))
        finished.set()
        return {"log": ["late"]}

    graph = one_node(node, timeout=0.05)
    told: list[Any] = []
    with pytest.raises(NodeTimeoutError):
        for part in graph.stream({}, stream_mode=["custom", "values"]):
            told.append(part)
    released.set()
    assert finished.wait(10)
    assert told == [("values", {"log": []})]
    assert outcome == ["node 'node' was given up: its time is over"]


def test_a_subgraph_has_a_timeout_too() -> None:
    release = threading.Event()

    async def ahang(state: State) -> None:
        await asyncio.sleep(30)

    for node in (lambda state: release.wait(30) and None, ahang):
        inner = StateGraph(State).add_node("hang", node).add_edge(START, "hang").compile()
        graph = StateGraph(State).add_node("sub", inner, timeout=0.05).add_edge(START, "sub").compile()
        with pytest.raises(NodeTimeoutError, match="'sub'"):
            graph.invoke({})
    release.set()


async def test_a_node_that_cancels_itself_is_an_error_and_no_cancellation() -> None:
    async def node(state: State) -> None:
        raise asyncio.CancelledError

    graph = StateGraph(State).add_node("a", node).add_edge(START, "a").compile()
    with pytest.raises(NodeCancelledError, match="'a'"):
        await graph.ainvoke({})
    both_of_them = (
        StateGraph(State)
        .add_node("a", node)
        .add_node("b", lambda state: None)
        .add_edge(START, "a")
        .add_edge(START, "b")
    )
    with pytest.raises(NodeCancelledError, match="'a'"):
        await both_of_them.compile().ainvoke({})


def test_control_flow_and_mistakes_of_a_graph_are_not_tried_again() -> None:
    runs: list[int] = []

    def wrong(state: State) -> State:
        runs.append(1)
        return {"typo": 1}  # type: ignore[typeddict-unknown-key]

    inner = StateGraph(State).add_node(wrong).add_edge(START, "wrong").compile()
    graph = StateGraph(State).add_node("sub", inner, retry_policy=FAST).add_edge(START, "sub").compile()
    with pytest.raises(InvalidUpdateError):
        graph.invoke({})
    assert runs == [1]


async def test_nodes_that_never_wait_can_be_cancelled_and_do_not_keep_others_waiting() -> None:
    ticks: list[int] = []

    async def busy(state: State) -> None:
        ticks.append(1)

    graph = StateGraph(State).add_node("busy", busy).add_edge(START, "busy").add_edge("busy", "busy").compile()
    run = asyncio.create_task(graph.ainvoke({}, recursion_limit=10**9))
    for _ in range(3):
        await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert 1 < len(ticks) < 1000

"""Two runs on one thread: the second is told so, and nothing of either is lost."""

from __future__ import annotations

import asyncio
import operator
import subprocess
import sys
import threading
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

from victor.graph import (
    START,
    Command,
    MemorySaver,
    SqliteSaver,
    StateGraph,
    ThreadBusyError,
    ThreadConflictError,
    entrypoint,
    interrupt,
)


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]


@pytest.fixture(params=["memory", "sqlite"])
def saver(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return MemorySaver() if request.param == "memory" else SqliteSaver(tmp_path / "runs.db")


def graph(saver: Any, **nodes: Any) -> Any:
    return StateGraph(State).add_sequence(list(nodes.items())).add_edge(START, next(iter(nodes))).compile(saver)


async def test_the_second_run_is_refused_and_the_first_goes_on(saver: Any) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(state: State) -> State:
        begun.set()
        await go_on.wait()
        return {"log": ["slow"]}

    app = graph(saver, slow=slow, last=lambda state: {"log": ["last"]})
    first = asyncio.create_task(app.ainvoke({"log": ["first"]}, thread_id="t"))
    await begun.wait()
    with pytest.raises(ThreadBusyError, match="'t' is busy.*checkpoint_id") as caught:
        await app.ainvoke({"log": ["second"]}, thread_id="t")
    assert caught.value.thread_id == "t"
    with pytest.raises(ThreadBusyError):
        await app.aupdate_state({"configurable": {"thread_id": "t"}}, {"log": ["update"]})
    go_on.set()
    assert await first == {"log": ["first", "slow", "last"]}
    assert (await app.ainvoke({"log": ["third"]}, thread_id="t"))["log"] == [
        "first",
        "slow",
        "last",
        "third",
        "slow",
        "last",
    ]


def test_threads_too(saver: Any) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(state: State) -> State:
        begun.set()
        go_on.wait(10)
        return {"log": ["slow"]}

    app = graph(saver, slow=slow)
    outputs: list[Any] = []
    first = threading.Thread(target=lambda: outputs.append(app.invoke({"log": ["first"]}, thread_id="t")))
    first.start()
    begun.wait(10)
    with pytest.raises(ThreadBusyError):
        app.invoke({"log": ["second"]}, thread_id="t")
    assert app.run({"log": ["second"]}, thread_id="t").status == "failed"
    with pytest.raises(ThreadBusyError):
        app.update_state(None, {"log": ["x"]}, thread_id="t")
    go_on.set()
    first.join()
    assert outputs == [{"log": ["first", "slow"]}]


async def test_other_threads_and_other_stores_are_free(saver: Any) -> None:
    meet = asyncio.Barrier(3)

    async def node(state: State) -> State:
        await meet.wait()  # passes only when all three are here
        return {}

    app, other = graph(saver, node=node), graph(MemorySaver(), node=node)
    async with asyncio.timeout(10):
        await asyncio.gather(
            app.ainvoke({}, thread_id="a"), app.ainvoke({}, thread_id="b"), other.ainvoke({}, thread_id="a")
        )


async def test_a_fork_from_a_named_checkpoint_is_let_through(saver: Any) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(state: State) -> State:
        if "wait" in state["log"]:
            begun.set()
            await go_on.wait()
        return {"log": ["slow"]}

    app = graph(saver, slow=slow)
    await app.ainvoke({"log": ["one"]}, thread_id="t")
    past = [found.config async for found in app.aget_state_history(thread_id="t")][1]
    first = asyncio.create_task(app.ainvoke({"log": ["wait"]}, thread_id="t"))
    await begun.wait()
    assert (await app.ainvoke({"log": ["fork"]}, past))["log"] == ["one", "fork", "slow"]
    go_on.set()
    with pytest.raises(ThreadConflictError):  # the fork is the head now, and what this run did goes on from another
        await first
    assert app.get_state(thread_id="t").values["log"] == ["one", "fork", "slow"]


async def test_going_on_at_once_after_leaving_a_stream(saver: Any) -> None:
    app = graph(saver, ask=lambda state: {"log": [interrupt("?")]}, end=lambda state: {"log": ["end"]})
    async for part in app.astream({"log": []}, thread_id="t"):
        if "__interrupt__" in part:
            break
    assert await app.ainvoke(Command(resume="yes"), thread_id="t") == {"log": ["yes", "end"]}

    async def hangs(state: State) -> State:
        if len(state["log"]) < 2:
            await asyncio.Event().wait()
        return {"log": ["x"]}

    app = graph(saver, a=lambda state: {"log": ["a"]}, hangs=hangs)
    async for _ in app.astream({"log": []}, thread_id="u"):
        break
    assert (await app.ainvoke({"log": ["b"]}, thread_id="u"))["log"][-1] == "x"


def test_a_thread_is_free_after_an_error(saver: Any) -> None:
    tries: list[int] = []

    def node(state: State) -> State:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError
        return {"log": ["done"]}

    app = graph(saver, node=node)
    with pytest.raises(ValueError):
        app.invoke({"log": []}, thread_id="t")
    assert app.invoke(None, thread_id="t") == {"log": ["done"]}


def test_a_graph_that_calls_itself_in_a_node_is_part_of_its_run() -> None:
    def node(state: State) -> State:
        return {"log": ["leaf"]} if "inner" in state["log"] else app.invoke({"log": ["inner"]})

    app = graph(MemorySaver(), node=node)
    assert app.invoke({"log": ["outer"]}, thread_id="t")["log"] == ["outer", "inner", "leaf"]


async def test_entrypoints_too() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    @entrypoint(checkpointer=MemorySaver())
    async def workflow(n: int) -> int:
        begun.set()
        await go_on.wait()
        return n

    first = asyncio.create_task(workflow.ainvoke(1, thread_id="t"))
    await begun.wait()
    with pytest.raises(ThreadBusyError):
        await workflow.ainvoke(2, thread_id="t")
    go_on.set()
    assert await first == 1


PROGRAM = """
import operator, sys
from typing import Annotated, TypedDict
from victor.graph import START, SqliteSaver, StateGraph, ThreadConflictError
class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
def node(state):
    print("begun", flush=True)
    sys.stdin.readline()
    return {"log": ["process"]}
app = StateGraph(State).add_node("node", node).add_edge(START, "node").compile(SqliteSaver(sys.argv[1]))
try:
    print(app.invoke({"log": ["in process"]}, thread_id="t"))
except ThreadConflictError as error:
    print("refused", error.expected != error.found)
"""


def test_another_process_is_refused_when_it_writes(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    app = graph(SqliteSaver(file), node=lambda state: {"log": ["here"]})
    app.invoke({"log": ["one"]}, thread_id="t")
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "begun\n"
        app.invoke({"log": ["two"]}, thread_id="t")
        out, _ = other.communicate("go\n", timeout=30)
    assert out == "refused True\n"
    assert app.get_state(thread_id="t").values["log"] == ["one", "here", "in process", "two", "here"]

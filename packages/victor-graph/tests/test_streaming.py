"""What a run tells while it runs, and to whom."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import pytest

from victor.core.message import Message
from victor.graph import (
    START,
    Command,
    GraphValidationError,
    MemorySaver,
    MessagesState,
    Overwrite,
    Send,
    StateGraph,
    emit_message,
    get_stream_writer,
    interrupt,
)


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[Any], operator.add]


@pytest.fixture(params=["sync", "async"])
def tell(request: pytest.FixtureRequest) -> Callable[..., list[Any]]:
    """Everything a run tells, by the sync or the async face."""
    if request.param == "sync":
        return lambda graph, *args, **kwargs: list(graph.stream(*args, **kwargs))

    def by_async(graph: Any, *args: Any, **kwargs: Any) -> list[Any]:
        async def collect() -> list[Any]:
            return [part async for part in graph.astream(*args, **kwargs)]

        return asyncio.run(collect())

    return by_async


def says(text: str) -> Callable[[State], State]:
    return lambda state: {"log": [text]}


def pair(**options: Any) -> Any:
    return StateGraph(State).add_sequence([("a", says("a")), ("b", says("b"))]).add_edge(START, "a").compile(**options)


def test_values(tell: Any) -> None:
    assert tell(pair(), {"n": 1}, stream_mode="values") == [
        {"n": 1, "log": []}, {"n": 1, "log": ["a"]}, {"n": 1, "log": ["a", "b"]},
    ]  # fmt: skip


def test_updates_are_the_default(tell: Any) -> None:
    graph = (
        StateGraph(State)
        .add_sequence([("a", says("a")), ("none", lambda s: None), ("empty", lambda s: {})])
        .add_edge(START, "a")
        .compile()
    )
    assert tell(graph, {}) == [{"a": {"log": ["a"]}}, {"none": None}, {"empty": None}]


def test_updates_of_sends_and_of_several_commands(tell: Any) -> None:
    graph = StateGraph(State).add_node("work", lambda n: [Command(update={"log": [n]}), Command(update={"log": [-n]})])
    graph.add_conditional_edges(START, lambda s: [Send("work", 1)], ["work"])
    assert tell(graph.compile(), {}) == [{"work": [{"log": [1]}, {"log": [-1]}]}]


def test_several_modes(tell: Any) -> None:
    parts = tell(pair(), {}, stream_mode=["values", "updates"])
    assert parts == [
        ("values", {"log": []}), ("updates", {"a": {"log": ["a"]}}), ("values", {"log": ["a"]}), ("updates", {"b": {"log": ["b"]}}),
        ("values", {"log": ["a", "b"]}),
    ]  # fmt: skip
    assert tell(pair(), {}, stream_mode=["updates"], version="v2")[0] == {
        "type": "updates",
        "ns": (),
        "data": {"a": {"log": ["a"]}},
    }


def test_custom_by_every_way_to_write(tell: Any) -> None:
    def by_parameter(state: State, writer: Any) -> None:
        writer("parameter")

    async def by_function(state: State) -> None:
        get_stream_writer()({"function": 1})

    def by_runtime(state: State, runtime: Any) -> None:
        runtime.stream_writer("runtime")

    graph = (
        StateGraph(State)
        .add_sequence([by_parameter, by_function, by_runtime])
        .add_edge(START, "by_parameter")
        .compile()
    )
    assert tell(graph, {}, stream_mode="custom") == ["parameter", {"function": 1}, "runtime"]
    assert tell(graph, {}, stream_mode="values") == [{"log": []}]


def test_tasks_and_debug(tell: Any) -> None:
    parts = tell(pair(), {"n": 1}, stream_mode="tasks")
    assert [(part["name"], part.get("input"), part.get("result")) for part in parts] == [
        ("a", {"n": 1, "log": []}, None), ("a", None, {"log": ["a"]}), ("b", {"n": 1, "log": ["a"]}, None), ("b", None, {"log": ["b"]}),
    ]  # fmt: skip
    assert parts[0]["id"] == parts[1]["id"] != parts[2]["id"]
    debug = tell(pair(), {"n": 1}, stream_mode="debug")
    assert [part["type"] for part in debug] == [
        "checkpoint",
        "task",
        "task_result",
        "checkpoint",
        "task",
        "task_result",
        "checkpoint",
    ]
    assert [part["step"] for part in debug] == [0, 1, 1, 1, 2, 2, 2]


def test_a_failed_task_is_told(tell: Any) -> None:
    graph = StateGraph(State).add_node("bad", lambda state: 1 // 0).add_edge(START, "bad").compile()
    parts: list[Any] = []
    with pytest.raises(ZeroDivisionError):
        for part in graph.stream({}, stream_mode="tasks"):
            parts.append(part)
    assert "ZeroDivisionError" in parts[-1]["error"]


def test_checkpoints_can_be_gone_back_to(tell: Any) -> None:
    graph = pair(checkpointer=MemorySaver())
    parts = tell(graph, {"n": 1}, stream_mode="checkpoints", thread_id="t")
    assert [(part["metadata"]["step"], part["next"]) for part in parts] == [(0, ["a"]), (1, ["b"]), (2, [])]
    for part in parts:
        assert graph.get_state(part["config"]).values == part["values"]
    assert parts[1]["parent_config"] == parts[0]["config"]


def test_questions(tell: Any) -> None:
    graph = (
        StateGraph(State)
        .add_node("ask", lambda state: {"log": [interrupt("?")]})
        .add_edge(START, "ask")
        .compile(MemorySaver())
    )
    first = tell(graph, {}, stream_mode=["updates", "values"], thread_id="t")
    (one,) = first[1][1]["__interrupt__"]
    assert one.value == "?"
    assert first == [
        ("values", {"log": []}), ("updates", {"__interrupt__": (one,)}), ("values", {"log": [], "__interrupt__": (one,)}),
    ]  # fmt: skip
    assert tell(graph, Command(resume="x"), thread_id="t") == [{"ask": {"log": ["x"]}}]


def test_subgraphs(tell: Any) -> None:
    def inside(state: State, writer: Any) -> State:
        writer("from inside")
        return {"log": ["inside"]}

    inner = StateGraph(State).add_node(inside).add_edge(START, "inside").compile()
    graph = StateGraph(State).add_node("sub", inner).add_edge(START, "sub").compile()
    assert tell(graph, {}, stream_mode=["updates", "custom"]) == [("updates", {"sub": {"log": ["inside"]}})]
    parts = tell(graph, {}, stream_mode=["updates", "custom"], subgraphs=True)
    assert [(len(namespace), mode, part) for namespace, mode, part in parts] == [
        (1, "custom", "from inside"), (1, "updates", {"inside": {"log": ["inside"]}}), (0, "updates", {"sub": {"log": ["inside"]}}),
    ]  # fmt: skip
    assert parts[0][0][0].startswith("sub:")


def test_messages_in_pieces_and_whole(tell: Any) -> None:
    async def chat(state: Any) -> Any:
        for piece in ("Hel", "lo"):
            emit_message(piece, {"model": "m"})
            await asyncio.sleep(0)
        return {"messages": [Message("assistant", "Hello", id="1")]}

    graph = StateGraph(MessagesState).add_node(chat).add_edge(START, "chat").compile()
    parts = tell(graph, {"messages": "hi"}, stream_mode="messages")
    assert [part if isinstance(part, str) else part.content for part, _ in parts] == ["Hel", "lo", "Hello"]
    assert (parts[0][1]["langgraph_node"], parts[0][1]["model"]) == ("chat", "m")
    graph.invoke({"messages": "hi"})


def test_output_keys(tell: Any) -> None:
    assert tell(pair(), {"n": 1}, stream_mode="values", output_keys=["n"]) == [{"n": 1}] * 3
    assert pair().invoke({"n": 1}, output_keys="n") == 1
    assert pair().invoke({"n": 1}, output_keys=["n"]) == {"n": 1}


def test_invoke_with_another_mode_returns_the_parts() -> None:
    assert pair().invoke({}, stream_mode="updates") == [{"a": {"log": ["a"]}}, {"b": {"log": ["b"]}}]
    assert asyncio.run(pair().ainvoke({}, stream_mode="updates")) == [{"a": {"log": ["a"]}}, {"b": {"log": ["b"]}}]


def test_a_mode_that_is_none() -> None:
    with pytest.raises(GraphValidationError, match="'update'.*'updates'"):
        list(pair().stream({}, stream_mode="update"))


def test_a_reader_that_stops_stops_the_run() -> None:
    ran: list[str] = []

    def node(name: str) -> Any:
        return lambda state: ran.append(name)

    graph = (
        StateGraph(State)
        .add_sequence([(name, node(name)) for name in "abc"])
        .add_edge(START, "a")
        .compile(MemorySaver())
    )
    for _ in graph.stream({}, thread_id="s"):
        break
    assert ran == ["a"]
    assert graph.get_state(thread_id="s").next == ("b",)

    async def reads() -> None:
        stream = graph.astream({}, thread_id="a")
        async for _ in stream:
            break
        await stream.aclose()

    ran.clear()
    asyncio.run(reads())
    assert ran == ["a"]


def test_what_is_told_cannot_change_the_run(tell: Any) -> None:
    graph = (
        StateGraph(State)
        .add_sequence([("a", lambda s: {"log": [["a"]]}), ("b", lambda s: {"log": [s["log"][0][0]]})])
        .add_edge(START, "a")
        .compile()
    )
    for part in graph.stream({}, stream_mode=["values", "updates", "tasks"]):
        for value in part[1].values() if isinstance(part[1], dict) else ():
            log = value if isinstance(value, list) else value.get("log", []) if isinstance(value, dict) else []
            for one in log:
                if isinstance(one, list):
                    one[0] = "changed"
    assert graph.invoke({})["log"] == [["a"], "a"]
    assert tell(graph, {}, stream_mode="values")[-1]["log"] == [["a"], "a"]


def test_errors_come_through(tell: Any) -> None:
    graph = StateGraph(State).add_node("bad", lambda state: 1 // 0).add_edge(START, "bad").compile()
    with pytest.raises(ZeroDivisionError):
        tell(graph, {})


def test_debug_prints(capsys: pytest.CaptureFixture[str]) -> None:
    pair(debug=True).invoke({"n": 1})
    assert "[1] a <- {'n': 1, 'log': []}" in capsys.readouterr().out.replace(
        "{'log': [], 'n': 1}", "{'n': 1, 'log': []}"
    )


def test_overwrites_are_told_as_written(tell: Any) -> None:
    graph = StateGraph(State).add_node("a", lambda s: {"log": Overwrite(["x"])}).add_edge(START, "a").compile()
    assert tell(graph, {"log": ["old"]}) == [{"a": {"log": Overwrite(["x"])}}]
    assert tell(graph, {"log": ["old"]}, stream_mode="values")[-1] == {"log": ["x"]}


@pytest.mark.parametrize("nothing", [None, {}, Command()])
def test_a_node_that_writes_nothing_is_told_as_none(nothing: Any) -> None:
    app = StateGraph(State).add_node("a", lambda state: nothing).add_edge(START, "a").compile()
    assert list(app.stream({})) == [{"a": None}]


def test_a_run_that_goes_on_tells_first_where_it_stands() -> None:
    graph = StateGraph(State).add_node("a", lambda state: {"log": ["a"]})
    graph.add_node("ask", lambda state: {"log": [interrupt("?")]}).add_edge(START, "a").add_edge("a", "ask")
    app = graph.compile("memory:")
    app.invoke({}, thread_id="t")
    parts = list(app.stream(Command(resume="b"), thread_id="t", stream_mode="values"))
    assert [part["log"] for part in parts] == [["a"], ["a", "b"]]

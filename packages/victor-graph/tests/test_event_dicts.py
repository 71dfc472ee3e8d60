"""``astream_events``: a run as the event dicts LangChain's users know."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest

from victor.core import Agent
from victor.core.message import ToolCall
from victor.core.testing import ScriptedModel
from victor.graph import START, GraphValidationError, MemorySaver, StateGraph, entrypoint, interrupt


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[Any], operator.add]


def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


async def speak(state: State) -> State:
    model = ScriptedModel([ToolCall("1", "add", '{"a": 1, "b": 2}'), "it is 3"])
    return {"log": [(await Agent(model=model, tools=[add], name="adder").run("1 + 2")).output]}


def double(state: State) -> State:
    return {"n": state["n"] * 2}


def graph(**options: Any) -> Any:
    inner = StateGraph(State).add_node(speak).add_edge(START, "speak").compile()
    outer: Any = StateGraph(State).add_node(double).add_node("inner", inner)
    return outer.add_edge(START, "double").add_edge("double", "inner").compile(name="sums", **options)


async def events(*args: Any, **options: Any) -> list[dict[str, Any]]:
    return [event async for event in graph().astream_events(*args, **options)]


async def test_all_that_happens_in_order() -> None:
    model = ScriptedModel([""]).name
    found = await events({"n": 1}, {"tags": ["t"], "metadata": {"who": "me"}})
    assert [(event["event"], event["name"]) for event in found] == [
        ("on_chain_start", "sums"),
        ("on_chain_start", "double"),
        ("on_chain_stream", "double"),
        ("on_chain_end", "double"),
        ("on_chain_stream", "sums"),
        ("on_chain_start", "inner"),
        ("on_chain_start", "speak"),
        ("on_chat_model_start", model),
        ("on_chat_model_stream", model),
        ("on_tool_start", "add"),
        ("on_tool_end", "add"),
        ("on_chat_model_end", model),
        ("on_chat_model_start", model),
        *[("on_chat_model_stream", model)] * 3,
        ("on_chat_model_end", model),
        ("on_chain_stream", "speak"),
        ("on_chain_end", "speak"),
        ("on_chain_stream", "inner"),
        ("on_chain_end", "inner"),
        ("on_chain_stream", "sums"),
        ("on_chain_end", "sums"),
    ]
    by_name = {event["name"]: event for event in found}
    assert by_name["sums"]["data"] == {"output": {"n": 2, "log": ["it is 3"]}}
    assert by_name["double"]["data"] == {"input": {"n": 1, "log": []}, "output": {"n": 2}}
    assert by_name["add"]["data"]["output"].content == "3"
    assert by_name["speak"]["metadata"]["langgraph_node"] == "speak"
    assert by_name["speak"]["metadata"]["who"] == "me"
    assert by_name["speak"]["parent_ids"] == [by_name["sums"]["run_id"], by_name["inner"]["run_id"]]
    assert by_name["add"]["parent_ids"][-1] == by_name["speak"]["run_id"]
    assert all(event["tags"] == ["t"] for event in found)
    ends = [event["data"]["output"] for event in found if event["event"] == "on_chat_model_end"]
    assert [(one.content, [call.name for call in one.tool_calls]) for one in ends] == [("", ["add"]), ("it is 3", [])]


async def test_only_some() -> None:
    words = [
        event["data"]["chunk"].content
        for event in await events({"n": 1}, include_types=["chat_model"])
        if event["event"] == "on_chat_model_stream"
    ]
    assert "".join(words) == "it is 3"
    assert {event["name"] for event in await events({"n": 1}, include_names=["double"])} == {"double"}
    left = await events({"n": 1}, exclude_types=["chat_model", "tool"], exclude_names=["sums"])
    assert {event["name"] for event in left} == {"double", "inner", "speak"}


async def test_a_node_that_fails_or_asks_has_no_end() -> None:
    def asks(state: State) -> State:
        return {"log": [interrupt("?")]}

    app = StateGraph(State).add_node(asks).add_edge(START, "asks").compile(MemorySaver())
    found = [event async for event in app.astream_events({}, thread_id="t")]
    assert [(event["event"], event["name"]) for event in found] == [
        ("on_chain_start", "graph"), ("on_chain_start", "asks"), ("on_chain_stream", "graph"), ("on_chain_end", "graph"),
    ]  # fmt: skip
    failing = StateGraph(State).add_node("bad", lambda state: 1 // 0).add_edge(START, "bad").compile()
    seen: list[str] = []
    with pytest.raises(ZeroDivisionError):
        async for event in failing.astream_events({}):
            seen.append(event["event"])
    assert seen == ["on_chain_start", "on_chain_start"]


async def test_entrypoints_and_versions() -> None:
    @entrypoint()
    async def workflow(n: int) -> int:
        return n + 1

    last = [event async for event in workflow.astream_events(1)][-1]
    assert (last["event"], last["data"]) == ("on_chain_end", {"output": 2})
    with pytest.raises(GraphValidationError, match="'v1'"):
        await anext(workflow.astream_events(1, version="v1"))

"""Message lists: appending, replacing by id, removing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.core.message import Message, ToolCall
from victor.graph import (
    REMOVE_ALL_MESSAGES,
    START,
    InvalidUpdateError,
    MemorySaver,
    MessagesState,
    RemoveMessage,
    StateGraph,
    add_messages,
)


def texts(messages: list[Any]) -> list[str]:
    return [one.content for one in messages]


def test_what_becomes_a_message() -> None:
    found = add_messages(
        [],
        [
            "text",
            ("assistant", "pair"),
            {"role": "ai", "content": "dict"},
            {"type": "human", "content": "typed"},
            Message("tool", "real"),
        ],
    )
    assert [(one.role, one.content) for one in found] == [
        ("user", "text"), ("assistant", "pair"), ("assistant", "dict"), ("user", "typed"), ("tool", "real"),
    ]  # fmt: skip
    assert len({one.id for one in found}) == 5
    assert all(found[0].id == one.id for one in add_messages(found, [])[:1])
    assert texts(add_messages(None, "one")) == ["one"]
    assert texts(add_messages("one", ("user", "two"))) == ["one", "two"]


@pytest.mark.parametrize("bad", [5, {"role": "nobody", "content": "x"}, [("nobody", "x")], b"x"])
def test_what_is_no_message(bad: Any) -> None:
    with pytest.raises(InvalidUpdateError, match="no message"):
        add_messages([], bad)


def test_replacing_and_removing() -> None:
    old = add_messages([], [Message("user", name, id=name) for name in "abc"])
    assert texts(add_messages(old, [Message("user", "B", id="b"), Message("user", "d")])) == ["a", "B", "c", "d"]
    assert texts(add_messages(old, [RemoveMessage("a"), RemoveMessage("c")])) == ["b"]
    assert texts(add_messages(old, [RemoveMessage("a"), Message("user", "again", id="a")])) == ["again", "b", "c"]
    assert texts(add_messages(old, [RemoveMessage(REMOVE_ALL_MESSAGES), "new"])) == ["new"]
    assert texts(add_messages(old, [Message("user", "1", id="x"), Message("user", "2", id="x")])) == [
        "a",
        "b",
        "c",
        "2",
    ]
    assert texts(old) == ["a", "b", "c"]
    with pytest.raises(InvalidUpdateError, match="'z'"):
        add_messages(old, [RemoveMessage("z")])


def test_ids_are_kept_in_checkpoints() -> None:
    graph = (
        StateGraph(MessagesState)
        .add_node("reply", lambda s: {"messages": [("assistant", f"{len(s['messages'])}")]})
        .add_edge(START, "reply")
    )
    compiled = graph.compile(MemorySaver())
    first = compiled.invoke({"messages": "hi"}, thread_id="t")["messages"]
    second = compiled.invoke({"messages": "again"}, thread_id="t")["messages"]
    assert second[:2] == first
    assert texts(second) == ["hi", "1", "again", "3"]
    assert [len(one.values["messages"]) for one in compiled.get_state_history(thread_id="t")] == [4, 3, 2, 2, 1, 0]
    compiled.update_state(None, {"messages": [RemoveMessage(first[0].id)]}, thread_id="t")
    assert texts(compiled.get_state(thread_id="t").values["messages"]) == ["1", "again", "3"]


ids = st.sampled_from(["a", "b", "c", None])
message = st.builds(lambda id, text: Message("user", text, id=id), ids, st.text(max_size=2))


@given(st.lists(message, max_size=6), st.lists(message, max_size=6))
def test_the_result_is_what_a_dict_by_id_would_give(left: list[Message], right: list[Message]) -> None:
    old = add_messages([], left)
    both = add_messages(old, right)
    expected: dict[Any, str] = {one.id: one.content for one in old}
    for number, one in enumerate(right):
        expected[number if one.id is None else one.id] = one.content
    assert texts(both) == list(expected.values())
    assert len({one.id for one in both}) == len(both)


@pytest.mark.parametrize(
    "call",
    [
        {"name": "f", "args": {"x": 1}, "id": "c1", "type": "tool_call"},
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
        ToolCall("c1", "f", '{"x":1}'),
    ],
)
def test_dicts_with_tool_calls_become_messages(call: Any) -> None:
    told = {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None}
    answer = {"role": "tool", "content": "no", "tool_call_id": "c1", "status": "error"}
    asked, answered = add_messages([], [told, answer])
    assert asked.tool_calls == (ToolCall("c1", "f", '{"x":1}'),)
    assert (asked.content, answered.tool_call_id, answered.is_error) == ("", "c1", True)


def test_dicts_with_blocks_of_text_become_messages() -> None:
    blocks = [{"type": "text", "text": "one "}, "two"]
    [message] = add_messages([], {"type": "human", "content": blocks, "additional_kwargs": {}})
    assert (message.role, message.content) == ("user", "one two")


def test_a_dict_that_says_remove_removes() -> None:
    assert add_messages([Message("user", "hi", id="1")], {"role": "remove", "content": "", "id": "1"}) == []


def test_what_a_message_cannot_hold_stays_a_dict() -> None:
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}]}
    [kept] = add_messages([], picture)
    assert {key: kept[key] for key in picture} == picture


def test_a_tool_call_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidUpdateError, match="is no tool call"):
        add_messages([], {"role": "assistant", "content": "", "tool_calls": [{"id": "c1"}]})

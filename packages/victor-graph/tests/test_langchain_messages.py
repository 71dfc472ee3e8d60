"""Programs that keep LangChain's messages in their state: lists, removal, checkpoints, streams."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, RemoveMessage, ToolMessage
from langchain_core.runnables import RunnableConfig

from victor.core.message import Message, ToolCall
from victor.graph import (
    REMOVE_ALL_MESSAGES,
    START,
    Command,
    InvalidUpdateError,
    MessagesState,
    StateGraph,
    add_messages,
    interrupt,
)
from victor.graph.checkpoint.codec import Codec, CodecError
from victor.graph.compiled import CompiledGraph

CALL = {"name": "weather", "args": {"city": "Ulm"}, "id": "c1", "type": "tool_call"}


def said(messages: list[Any]) -> list[tuple[str, Any]]:
    return [(one.type, one.content) for one in messages]


def test_a_list_with_one_of_langchains_messages_holds_only_such() -> None:
    old = add_messages([], "hello")
    found = add_messages(old, [AIMessage("yes?"), {"role": "user", "content": "well"}, ("ai", "so?")])
    assert said(found) == [("human", "hello"), ("ai", "yes?"), ("human", "well"), ("ai", "so?")]
    assert found[0].id == old[0].id
    assert said(add_messages(found, "more")) == [*said(found), ("human", "more")]


def test_what_victors_messages_say_is_kept_when_they_become_langchains() -> None:
    call = ToolCall("c1", "weather", '{"city": "Ulm"}')
    broken = ToolCall("c2", "weather", "{city")
    old = [
        Message.system("be brief"),
        Message.assistant("let me see", [call, broken]),
        Message.tool(call, "no such city", is_error=True),
    ]
    _, asked, answer, _ = add_messages(old, HumanMessage("thanks"))
    assert (asked.tool_calls, [one["id"] for one in asked.invalid_tool_calls]) == ([CALL], ["c2"])
    assert (answer.tool_call_id, answer.name, answer.status) == ("c1", "weather", "error")


def test_a_key_annotated_with_langchains_classes_holds_them_from_the_first_message_on() -> None:
    class State(TypedDict):
        messages: Annotated[list[AnyMessage], add_messages]

    seen: list[Any] = []
    app: Any = StateGraph(State).add_node("look", lambda state: seen.extend(state["messages"])).add_edge(START, "look")
    picture = [{"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}]
    app.compile().invoke({"messages": ["hi", {"role": "user", "content": picture}]})
    assert said(seen) == [("human", "hi"), ("human", picture)]


def test_langchains_remove_message_removes() -> None:
    old = [HumanMessage("a", id="1"), AIMessage("b", id="2")]
    assert said(add_messages(old, RemoveMessage(id="1"))) == [("ai", "b")]
    assert said(add_messages(old, [RemoveMessage(id=REMOVE_ALL_MESSAGES), HumanMessage("c")])) == [("human", "c")]
    assert add_messages([Message("user", "a", id="1")], RemoveMessage(id="1")) == []
    with pytest.raises(InvalidUpdateError, match="no message with id '3'"):
        add_messages(old, RemoveMessage(id="3"))


@pytest.mark.parametrize("store", ["memory:", "sqlite"])
def test_checkpoints_keep_langchains_messages(store: str, tmp_path: Path) -> None:
    def work(state: MessagesState) -> dict[str, Any]:
        answer = interrupt("which city?")
        return {"messages": [AIMessage("", tool_calls=[CALL]), ToolMessage(answer, tool_call_id="c1")]}

    url = store if store == "memory:" else f"sqlite:{tmp_path / 'runs.db'}"
    app = StateGraph(MessagesState).add_node(work).add_edge(START, "work").compile(checkpointer=url)
    app.invoke({"messages": [HumanMessage("rain?", additional_kwargs={"lang": "en"})]}, thread_id="1")
    output = app.invoke(Command(resume="dry"), thread_id="1")
    stored = app.get_state(thread_id="1").values
    assert stored == output
    question, asked, answer = stored["messages"]
    assert (question.additional_kwargs, asked.tool_calls, answer.content) == ({"lang": "en"}, [CALL], "dry")
    assert all(isinstance(one, BaseMessage) for one in stored["messages"])


def test_a_program_that_has_not_imported_langchain_is_told_to() -> None:
    data = Codec().encode([HumanMessage("hi")])
    code = f"""
import sys
from victor.graph.checkpoint.codec import decode
from victor.graph import StateGraph, MessagesState
try:
    decode({data!r})
except Exception as error:
    print(type(error).__name__, error)
print([name for name in sys.modules if name.startswith("langchain")])
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.splitlines()[0].startswith("CodecError")
    assert "import langchain_core.messages" in told
    assert told.splitlines()[1] == "[]"


def test_names_in_the_bytes_choose_no_other_class_of_langchains() -> None:
    class Stray(HumanMessage):
        pass

    with pytest.raises(CodecError, match="not allowed in checkpoints"):
        Codec().encode(Stray(content="hi"))
    data = Codec().encode(HumanMessage("hi")).replace(b"human:HumanMessage", b"utils:AnyMessageXY")
    with pytest.raises(CodecError):
        Codec().decode(data)


def model() -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter([AIMessage("I think so")]))


def ask(state: MessagesState) -> dict[str, Any]:
    return {"messages": [model().invoke(state["messages"])]}


def ask_with_config(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
    return {"messages": [model().invoke(state["messages"], config)]}


async def ask_async(state: MessagesState) -> dict[str, Any]:
    return {"messages": [await model().ainvoke(state["messages"])]}


async def ask_streaming(state: MessagesState) -> dict[str, Any]:
    answer: Any = None
    async for piece in model().astream(state["messages"]):
        answer = piece if answer is None else answer + piece
    return {"messages": [answer]}


def chat(node: Any) -> CompiledGraph:
    return StateGraph(MessagesState).add_node("ask", node).add_edge(START, "ask").compile()


async def told(app: CompiledGraph, **options: Any) -> AsyncIterator[Any]:
    async for part in app.astream({"messages": [HumanMessage("really?")]}, stream_mode="messages", **options):
        yield part


@pytest.mark.parametrize("node", [ask, ask_with_config, ask_async, ask_streaming])
async def test_langchains_models_are_heard_word_by_word(node: Any) -> None:
    parts = [part async for part in told(chat(node))]
    assert [piece.content for piece, _ in parts] == ["I", " ", "think", " ", "so"]
    assert len({piece.id for piece, _ in parts}) == 1
    assert {(about["langgraph_node"], about["ls_model_type"]) for _, about in parts} == {("ask", "chat")}


def test_langchains_models_are_heard_without_an_event_loop() -> None:
    parts = list(chat(ask).stream({"messages": [HumanMessage("really?")]}, stream_mode="messages"))
    assert "".join(piece.content for piece, _ in parts) == "I think so"


async def test_models_are_heard_beside_the_callers_own_callbacks() -> None:
    class Counting(BaseCallbackHandler):
        tokens = 0

        def on_llm_new_token(self, token: Any, **more: Any) -> None:
            self.tokens += 1

    counting = Counting()
    parts = [part async for part in told(chat(ask_with_config), config={"callbacks": [counting]})]
    assert len(parts) == counting.tokens == 5


async def test_whole_messages_of_nodes_are_told_once_and_get_an_id() -> None:
    app = chat(lambda state: {"messages": [AIMessage("fixed")]})
    [(message, about)] = [part async for part in told(app)]
    assert (message.content, about["langgraph_node"], bool(message.id)) == ("fixed", "ask", True)


async def test_a_model_tagged_nostream_is_not_heard_in_pieces() -> None:
    def quietly(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model().with_config(tags=["nostream"]).invoke(state["messages"])]}

    assert [piece.content async for piece, _ in told(chat(quietly))] == ["I think so"]

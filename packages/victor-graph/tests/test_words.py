"""Readers of ``stream_mode="messages"`` hear the agents that run inside nodes, word by word."""

from __future__ import annotations

import asyncio
import operator
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from attrs import define

from victor.core import Agent
from victor.core.message import Message, ToolCall
from victor.core.testing import ScriptedModel
from victor.graph import (
    START,
    MemorySaver,
    MessageChunk,
    MessagesState,
    NodeTimeoutError,
    Send,
    StateGraph,
    TimeoutPolicy,
    emit_message,
    entrypoint,
    load_workflow,
    step,
    task,
)


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]


def agent(*answers: Any, name: str = "agent", **options: Any) -> Agent[str]:
    return Agent(model=ScriptedModel(answers), name=name, **options)


def speaks(*answers: Any, name: str = "agent") -> Callable[[Any], Any]:
    """A node whose agent says something."""

    async def node(state: Any) -> Any:
        return {"log": [(await agent(*answers, name=name).run("go")).output]}

    return node


@pytest.fixture(params=["sync", "async"])
def tell(request: pytest.FixtureRequest) -> Callable[..., list[Any]]:
    """Everything a run tells, by the sync or the async face."""
    if request.param == "sync":
        return lambda graph, *args, **kwargs: list(graph.stream(*args, stream_mode="messages", **kwargs))

    def by_async(graph: Any, *args: Any, **kwargs: Any) -> list[Any]:
        async def collect() -> list[Any]:
            return [part async for part in graph.astream(*args, stream_mode="messages", **kwargs)]

        return asyncio.run(collect())

    return by_async


def one_node(node: Any, state: Any = State, **options: Any) -> Any:
    return StateGraph(state).add_node("say", node).add_edge(START, "say").compile(**options)


def test_words_come_one_by_one_and_say_where_from(tell: Any) -> None:
    parts = tell(one_node(speaks("one two three", name="talker")), {})
    chunks = [chunk for chunk, _ in parts]
    assert [chunk.content for chunk in chunks] == ["one ", "two ", "three"]
    assert all(isinstance(chunk, MessageChunk) and chunk.role == "assistant" for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == 1
    assert sum(chunks[1:], start=chunks[0]).content == "one two three"
    about = parts[0][1]
    assert (about["langgraph_node"], about["langgraph_step"], about["agent"]) == ("say", 1, "talker")
    assert about["langgraph_path"] == ("__pregel_pull", "say")
    assert about["langgraph_triggers"] == ("branch:to:say",)
    assert about["langgraph_checkpoint_ns"].startswith("say:")


def test_words_come_while_the_node_still_runs() -> None:
    async def reads() -> list[str]:
        order: list[str] = []
        heard = asyncio.Event()

        async def node(state: State) -> State:
            await agent("early").run("go")
            await heard.wait()  # would wait for ever if the words came only with the superstep's end
            order.append("node done")
            return {}

        async for chunk, _ in one_node(node).astream({}, stream_mode="messages"):
            order.append(chunk.content)
            heard.set()
        return order

    assert asyncio.run(asyncio.wait_for(reads(), 10)) == ["early", "node done"]


def test_sync_nodes_are_heard_in_their_threads(tell: Any) -> None:
    def node(state: State) -> State:
        return {"log": [agent("from a thread").run_sync("go").output]}

    graph = (
        StateGraph(State).add_node("a", node).add_node("b", node).add_edge(START, "a").add_edge(START, "b").compile()
    )
    said: dict[str, str] = defaultdict(str)
    for chunk, about in tell(graph, {}):
        said[about["langgraph_node"]] += chunk.content
    assert said == {"a": "from a thread", "b": "from a thread"}


def test_agents_side_by_side_can_be_told_apart(tell: Any) -> None:
    async def together(state: State) -> State:
        answers = await asyncio.gather(*(agent(f"I am number {n}", name=f"n{n}").run("go") for n in range(3)))
        return {"log": [answer.output for answer in answers]}

    graph: Any = StateGraph(State).add_node(together).add_node("alone", speaks("I am alone"))
    graph.add_edge(START, "together").add_edge(START, "alone")
    graph.add_conditional_edges(START, lambda state: [Send("alone", {})] * 2, ["alone"])
    said: dict[Any, str] = defaultdict(str)
    for chunk, about in tell(graph.compile(), {}):
        said[about["langgraph_node"], about["agent"], chunk.id] += chunk.content
    assert sorted(said.values()) == ["I am alone"] * 3 + [f"I am number {n}" for n in range(3)]
    assert all(text == f"I am number {agent[1]}" for (_, agent, _), text in said.items() if agent != "agent")


def test_tool_calls_and_their_answers_are_told_between(tell: Any) -> None:
    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    talker = agent(ToolCall("c1", "add", '{"a": 1, "b": 2}'), "It is 3", tools=[add])

    async def node(state: Any) -> Any:
        return {"messages": (await talker.run("1 + 2?")).messages}

    parts = tell(one_node(node, MessagesState), {"messages": []})
    told = [(chunk.role, chunk.content, [call.name for call in chunk.tool_calls]) for chunk, _ in parts]
    assert told == [
        ("assistant", "", ["add"]),
        ("tool", "3", []),
        ("assistant", "It ", []),
        ("assistant", "is ", []),
        ("assistant", "3", []),
        ("user", "1 + 2?", []),
    ]
    assert len({chunk.id for chunk, _ in parts}) == 4


def test_a_message_told_in_words_is_not_told_again_and_keeps_its_id(tell: Any) -> None:
    graph = one_node(
        lambda state: {"messages": [("user", "x"), Message("assistant", agent("yes it is").run_sync("go").output)]},
        MessagesState,
        checkpointer=MemorySaver(),
    )
    parts = tell(graph, {"messages": []}, thread_id="t")
    assert [chunk.content for chunk, _ in parts] == ["yes ", "it ", "is"]
    assert graph.get_state(thread_id="t").values["messages"][-1].id == parts[0][0].id


def test_two_messages_of_the_same_words_stay_two(tell: Any) -> None:
    async def node(state: Any) -> Any:
        said = [(await agent("ok").run("go")).output for _ in range(2)]
        return {"messages": [Message("assistant", text) for text in [*said, "ok"]]}

    graph = one_node(node, MessagesState, checkpointer=MemorySaver())
    parts = tell(graph, {"messages": []}, thread_id="t")
    assert [chunk.content for chunk, _ in parts] == ["ok"] * 3
    kept = graph.get_state(thread_id="t").values["messages"]
    assert [one.id for one in kept] == [chunk.id for chunk, _ in parts]
    assert len({one.id for one in kept}) == 3


def test_history_that_a_node_hands_back_is_not_told(tell: Any) -> None:
    graph = one_node(lambda state: {"messages": [*state["messages"], Message("assistant", "new")]}, MessagesState)
    assert [chunk.content for chunk, _ in tell(graph, {"messages": ["old"]})] == ["new"]


def test_words_inside_subgraphs_come_with_their_namespace(tell: Any) -> None:
    async def speak(state: Any) -> Any:
        return {"messages": [Message("assistant", (await agent("in side").run("go")).output)]}

    inner = StateGraph(MessagesState).add_node(speak).add_edge(START, "speak").compile()
    graph: Any = StateGraph(MessagesState).add_node("sub", inner).add_node("calls", lambda state: inner.invoke(state))
    graph = graph.add_edge(START, "sub").add_edge("sub", "calls").compile()
    parts = tell(graph, {"messages": []}, subgraphs=True)
    assert [(namespace[0].partition(":")[0], chunk.content) for namespace, (chunk, _) in parts] == [
        ("sub", "in "), ("sub", "side"), ("calls", "in "), ("calls", "side"),
    ]  # fmt: skip
    assert parts[0][1][1]["langgraph_node"] == "speak"
    assert parts[0][1][1]["langgraph_checkpoint_ns"].startswith(parts[0][0][0] + "|speak:")
    whole = tell(graph, {"messages": []})  # without subgraphs: what their nodes write
    assert [(about["langgraph_node"], chunk.content) for chunk, about in whole] == [
        ("sub", "in side"),
        ("calls", "in side"),
    ]


def test_a_subgraph_streamed_inside_a_node_has_two_readers() -> None:
    inner = one_node(speaks("both hear"))
    heard: list[str] = []

    def outer(state: State) -> State:
        for chunk, _ in inner.stream({}, stream_mode="messages"):
            heard.append(chunk.content)
        return {}

    parts = list(one_node(outer).stream({}, stream_mode="messages", subgraphs=True))
    assert [chunk.content for _, (chunk, _) in parts] == heard == ["both ", "hear"]
    heard.clear()
    assert list(one_node(outer).stream({}, stream_mode="messages")) == []
    assert heard == ["both ", "hear"]


def test_agents_of_workflow_files(tell: Any, tmp_path: Path) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text("workflows:\n  talk:\n    nodes:\n      - {id: speak, type: agent, goal: Say it, model: offline}\n")
    graph = load_workflow(file).compile()
    parts = tell(graph, {})
    assert "".join(chunk.content for chunk, _ in parts) == graph.invoke({})["speak"]
    assert len(parts) > 1
    assert {about["langgraph_node"] for _, about in parts} == {"speak"}


def test_durable_steps_and_tasks(tell: Any) -> None:
    async def stepping(state: State) -> State:
        result = await step("ask", lambda: agent("by step").run("go"))
        return {"log": [result.text]}

    @task
    async def ask() -> str:
        return (await agent("by task").run("go")).output

    @entrypoint()
    async def workflow(n: int) -> Any:
        return await ask()

    assert [chunk.content for chunk, _ in tell(one_node(stepping), {})] == ["by ", "step"]
    assert [chunk.content for chunk, _ in tell(workflow, 1)] == ["by ", "task"]


def test_agents_within_agents(tell: Any) -> None:
    async def ask_expert(question: str) -> str:
        """Asks."""
        return (await agent("inner words", name="expert").run(question)).output

    boss = agent(ToolCall("1", "ask_expert", '{"question": "?"}'), "outer words", tools=[ask_expert], name="boss")

    async def node(state: State) -> State:
        return {"log": [(await boss.run("go")).output]}

    told = [(about["agent"], chunk.role, chunk.content) for chunk, about in tell(one_node(node), {})]
    assert told == [
        ("boss", "assistant", ""), ("expert", "assistant", "inner "), ("expert", "assistant", "words"),
        ("boss", "tool", "inner words"), ("boss", "assistant", "outer "), ("boss", "assistant", "words"),
    ]  # fmt: skip


def test_nothing_is_tapped_when_nobody_asks() -> None:
    model = ScriptedModel(["one two", "one two"])
    streamed: list[bool] = []
    request = model.stream

    def stream(*args: Any) -> Any:
        streamed.append(True)
        return request(*args)

    model.stream = stream  # type: ignore[method-assign, assignment]

    async def node(state: State) -> State:
        return {"log": [(await Agent(model=model).run("go")).output]}

    graph = one_node(node)
    assert list(graph.stream({}, stream_mode="values"))[-1] == {"log": ["one two"]}
    assert not streamed
    list(graph.stream({}, stream_mode=["values", "messages"]))
    assert streamed


def test_a_reader_that_leaves_stops_the_agent() -> None:
    async def reads() -> list[str]:
        ended: list[str] = []

        async def node(state: State) -> State:
            try:
                await agent("a b c d").run("go")
                await asyncio.Event().wait()
            finally:
                ended.append("cancelled")
            return {}

        stream = one_node(node).astream({}, stream_mode="messages")
        async for _ in stream:
            break
        await stream.aclose()
        return ended

    assert asyncio.run(asyncio.wait_for(reads(), 10)) == ["cancelled"]


def test_text_that_a_node_emits_has_content_too(tell: Any) -> None:
    def node(state: State) -> None:
        emit_message("by hand", {"model": "m"})

    ((chunk, about),) = tell(one_node(node), {})
    assert (chunk.content, about["model"]) == ("by hand", "m")


async def test_what_agents_say_is_a_sign_of_life() -> None:
    class Slow(ScriptedModel):
        async def stream(self, request: Any) -> Any:
            async for part in super().stream(request):
                await asyncio.sleep(0.12)
                yield part

    def graph(refresh_on: str) -> Any:
        async def node(state: State) -> State:
            return {"log": [(await Agent(model=Slow(["a b c d e f g h"])).run("go")).output]}

        policy = TimeoutPolicy(idle_timeout=0.7, refresh_on=refresh_on)
        return StateGraph(State).add_node("say", node, timeout=policy).add_edge(START, "say").compile()

    assert (await graph("auto").ainvoke({}))["log"] == ["a b c d e f g h"]
    with pytest.raises(NodeTimeoutError):
        await graph("heartbeat").ainvoke({}, stream_mode="messages")


def test_words_of_a_node_that_was_given_up_are_not_told() -> None:
    import threading

    go_on, said = threading.Event(), threading.Event()

    def node(state: State) -> State:
        emit_message("before")
        go_on.wait(10)
        emit_message("after")
        said.set()
        return {}

    graph = StateGraph(State).add_node("say", node, timeout=0.4).add_edge(START, "say").compile()
    parts: list[Any] = []
    with pytest.raises(NodeTimeoutError):
        for part in graph.stream({}, stream_mode="messages"):
            parts.append(part[0].content)
    go_on.set()
    said.wait(10)
    assert parts == ["before"]


def test_each_of_two_readers_gets_the_keys_it_asked_for() -> None:
    inner = StateGraph(State).add_node("say", lambda state: {"log": ["x"]}).add_edge(START, "say").compile()
    heard: list[Any] = []

    def outer(state: State) -> State:
        heard.extend(inner.stream({}, stream_mode=["values", "updates", "custom"], output_keys=["nothing"]))
        return {}

    graph = one_node(outer)
    parts = [
        (mode, part)
        for namespace, mode, part in graph.stream({}, stream_mode=["values", "updates"], subgraphs=True)
        if namespace
    ]
    assert parts == [("values", {"log": []}), ("updates", {"say": {"log": ["x"]}}), ("values", {"log": ["x"]})]
    assert heard == [("values", {}), ("updates", {"say": {}}), ("values", {})]


def test_an_answer_that_is_rejected_is_a_message_of_its_own(tell: Any) -> None:
    async def node(state: State) -> State:
        counting: Agent[int] = Agent(model=ScriptedModel(["many", "3"]), output_type=int)
        return {"log": [(await counting.run("How many?")).output]}

    parts = tell(one_node(node), {})
    said: dict[str, str] = defaultdict(str)
    for chunk, _ in parts:
        said[chunk.id] += chunk.content
    assert list(said.values()) == ["many", "3"]


def test_messages_are_found_wherever_a_state_has_them(tell: Any) -> None:
    @define
    class Both:
        last: Message | None = None
        pair: tuple[Message, ...] = ()

    def node(state: Both) -> Any:
        assert state.last is not None
        return Both(last=Message("assistant", "a"), pair=(state.last, Message("assistant", "b")))

    question = Message("user", "?", id="q")
    parts = tell(one_node(node, Both), {"last": question})
    assert [chunk.content for chunk, _ in parts] == ["a", "b"]
    assert all(chunk.id for chunk, _ in parts)


def test_pieces_add_up_only_with_messages() -> None:
    with pytest.raises(TypeError):
        MessageChunk("assistant", "a") + "b"  # type: ignore[operator]

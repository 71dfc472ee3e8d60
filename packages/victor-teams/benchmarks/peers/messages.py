"""The same messages and turns in other frameworks; started by ../messages.py with the peers' own Python.

``python peers/messages.py NAME`` prints JSON: median CPU microseconds for each unit of work.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any


async def measure(work: Callable[[], Awaitable[object]], units: int, rounds: int = 9) -> float:
    """Median CPU microseconds of a unit."""
    samples = []
    for number in range(rounds + 1):
        began = time.process_time_ns()
        await work()
        if number:
            samples.append((time.process_time_ns() - began) / 1000 / units)
    return statistics.median(samples)


MessageContext: Any = None  # AutoGen looks annotations up in the module


@dataclass
class Note:
    """What AutoGen's agents send: it wants a type of the program's own."""

    text: str


async def autogen() -> dict[str, Any]:
    """AutoGen core: requests between two agents, and a topic with 100 subscribers."""
    global MessageContext
    from autogen_core import (
        AgentId,
        MessageContext,
        RoutedAgent,
        SingleThreadedAgentRuntime,
        TopicId,
        TypeSubscription,
        message_handler,
    )

    class Echo(RoutedAgent):
        @message_handler
        async def on_note(self, message: Note, ctx: MessageContext) -> Note:
            return message

    class Asker(RoutedAgent):
        @message_handler
        async def on_note(self, message: Note, ctx: MessageContext) -> Note:
            for _ in range(500):
                await self.send_message(Note("x"), AgentId("echo", "default"))
            return message

    class Reader(RoutedAgent):
        @message_handler
        async def on_note(self, message: Note, ctx: MessageContext) -> None:
            return None

    runtime = SingleThreadedAgentRuntime()
    await Echo.register(runtime, "echo", lambda: Echo("echo"))
    await Asker.register(runtime, "asker", lambda: Asker("asker"))
    for number in range(100):
        await Reader.register(runtime, f"r{number}", lambda: Reader("reader"))
        await runtime.add_subscription(TypeSubscription("news", f"r{number}"))
    runtime.start()

    async def ask() -> None:
        await runtime.send_message(Note("go"), AgentId("asker", "default"))

    async def publish() -> None:
        for _ in range(10):
            await runtime.publish_message(Note("x"), TopicId("news", "default"))
            await asyncio.sleep(0)
        await runtime.stop_when_idle()
        runtime.start()

    found = {"request": await measure(ask, 500), "delivery": await measure(publish, 1000)}
    await runtime.stop_when_idle()
    return {"version": version("autogen-core"), **found}


async def agent_framework() -> dict[str, Any]:
    """Microsoft Agent Framework: a group chat of five agents, round robin by a function."""
    from agent_framework import Agent, BaseChatClient, ChatResponse, Message
    from agent_framework_orchestrations import GroupChatBuilder

    class Client(BaseChatClient):  # type: ignore[misc,type-arg]
        async def _inner_get_response(self, *, messages: Any, stream: bool, options: Any, **more: Any) -> Any:
            if stream:
                raise NotImplementedError
            return ChatResponse(messages=[Message("assistant", ["x"])])

    names = [f"a{number}" for number in range(5)]
    found = {}
    for turns in (50, 200, 800):

        def choose(state: Any) -> str:
            return names[state.current_round % 5]

        async def run(turns: int = turns, choose: Any = choose) -> None:
            chat = GroupChatBuilder(
                participants=[Agent(Client(), name=name) for name in names], selection_func=choose, max_rounds=turns
            ).build()
            chat._runner._max_iterations = 10 * turns  # 100 by default: no more than 50 turns
            await chat.run("go")

        found[f"turn, {turns}"] = await measure(run, turns, rounds=3 if turns < 800 else 1)
    return {"version": version("agent-framework-core"), **found}


if __name__ == "__main__":
    peers = {"autogen": autogen, "agent_framework": agent_framework}
    print(json.dumps(asyncio.run(peers[sys.argv[1]]())))

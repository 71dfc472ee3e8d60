"""Who handles a message goes on below the operation that sent it, in this process and in others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

from victor.core.events import Event, EventStream, current_span
from victor.core.trace_context import TRACEPARENT
from victor.teams.communication import AgentMessage, MessageBus, MessageType

numbers = iter(range(1_000_000))


class Watched:
    """A stream that is listened to, and what it told."""

    def __init__(self) -> None:
        self.stream = EventStream()
        self.events: list[Event] = []
        self.stream.subscribe(self.events.append)

    def find(self, kind: str, phase: str = "end") -> Event:
        (found,) = (event for event in self.events if (event.kind, event.phase) == (kind, phase))
        return found


@pytest.fixture
def watched() -> Watched:
    return Watched()


def working(watched: Watched) -> Callable[[AgentMessage], Any]:
    async def handle(message: AgentMessage) -> str:
        with watched.stream.operation("tool.call", "work"):
            await asyncio.sleep(0)
        return "done"

    return handle


async def test_a_handler_goes_on_where_the_sender_was(watched: Watched) -> None:
    async with MessageBus(stream=watched.stream) as bus:
        ann, bob = await bus.join("ann"), await bus.join("bob")
        with watched.stream.operation("team.run", "crew"):
            await bob.serve(working(watched))  # its task is a child of the team's run, and of no member's turn
            with watched.stream.operation("team.turn", "ann"):
                await ann.request("bob", "work!")
        assert current_span() is None
    turn, work = watched.find("team.turn"), watched.find("tool.call")
    assert (work.run_id, work.parent_id) == (turn.run_id, turn.span_id)
    assert {e.parent_id for e in watched.events if e.kind.startswith("message.")} == {turn.span_id}


@pytest.mark.parametrize("how", ["send", "publish", "broadcast"])
async def test_what_nobody_waits_for_does_too(watched: Watched, how: str) -> None:
    done = asyncio.Event()

    async def handle(message: AgentMessage) -> None:
        with watched.stream.operation("tool.call", "work"):
            done.set()

    async with MessageBus(stream=watched.stream) as bus:
        ann, bob = await bus.join("ann"), await bus.join("bob")
        await bob.serve(handle)
        await bob.follow("news")
        with watched.stream.operation("agent.run", "ann"):
            if how == "send":
                await ann.send("bob", "hello")
            elif how == "publish":
                await ann.publish("news", "hello")
            else:
                await ann.broadcast("hello")
        await asyncio.wait_for(done.wait(), 5)
    assert watched.find("tool.call").parent_id == watched.find("agent.run").span_id


async def test_a_message_from_outside_of_operations_is_left_as_it_is(watched: Watched) -> None:
    async with MessageBus(stream=watched.stream) as bus:
        await bus.join("bob")
        message = AgentMessage(sender="ann", receivers=["bob"], content="hello")
        await bus.send(message)
        assert await bus.receive("bob") is message


async def test_a_header_that_is_there_stays(watched: Watched) -> None:
    header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with MessageBus(stream=watched.stream) as bus:
        ann, bob = await bus.join("ann"), await bus.join("bob")
        await bob.serve(working(watched))
        with watched.stream.operation("agent.run", "ann"):
            await ann.request("bob", "work!", metadata={TRACEPARENT: header})
    assert watched.find("tool.call").parent_id == "00f067aa0ba902b7"


@pytest.mark.parametrize("header", [7, None, "nonsense", {"a": 1}])
async def test_a_header_that_is_none_does_no_harm(watched: Watched, header: Any) -> None:
    async with MessageBus(stream=watched.stream) as bus:
        ann, bob = await bus.join("ann"), await bus.join("bob")
        await bob.serve(working(watched))
        assert (await ann.request("bob", "work!", metadata={TRACEPARENT: header})).content == "done"
    assert watched.find("tool.call").parent_id is None


@pytest.mark.parametrize("how", ["send", "request", "delegate"])
async def test_across_machines(nats_server: Any, watched: Watched, how: str) -> None:
    from victor.teams.communication.nats_bus import NatsBus

    there = Watched()
    done = asyncio.Event()

    async def handle(message: AgentMessage) -> str:
        with there.stream.operation("tool.call", "work"):
            done.set()
        return "done"

    name = f"traced {os.getpid()} {next(numbers)}"
    async with (
        NatsBus(nats_server.url, name=name, stream=watched.stream, key="k") as here,
        NatsBus(nats_server.url, name=name, stream=there.stream, key="k") as other,
    ):
        bob = await other.join("bob")
        await bob.serve(handle)
        ann = await here.join("ann")
        with watched.stream.operation("agent.run", "ann"):
            span = current_span()
            assert span is not None
            span.outward = lambda: f"00-{'a' * 32}-{'b' * 16}-01"  # as tracing below another trace calls it
            if how == "send":
                await here.send(AgentMessage(sender="ann", receivers=["bob"], content="work!", type=MessageType.DIRECT))
            elif how == "request":
                assert (await ann.request("bob", "work!")).content == "done"
            else:
                assert (await ann.delegate("bob", "work!")).content == "done"
        await asyncio.wait_for(done.wait(), 10)
    sent = [event for event in watched.events if event.kind == "message.sent"]
    assert {event.parent_id for event in sent} == {watched.find("agent.run").span_id}
    assert {event.parent_id for event in there.events if event.kind == "message.sent"} <= {"b" * 16}
    work = there.find("tool.call")
    assert (work.run_id, work.parent_id) == ("a" * 32, "b" * 16)
    assert there.find("message.received", "point").parent_id == "b" * 16

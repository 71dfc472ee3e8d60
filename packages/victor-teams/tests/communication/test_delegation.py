"""Requests that are stored: they outlive their worker, and their answer the connection."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from victor.teams.communication import (
    AgentMessage,
    MessageBus,
    MessageTooLargeError,
    MessageType,
    RequestTimeoutError,
    ResponseError,
)

numbers = iter(range(1_000_000))


@pytest.fixture
async def make(nats_server):
    """Makes buses of one name that no other test uses."""
    from victor.teams.communication.nats_bus import NatsBus

    name = f"delegation {os.getpid()} {next(numbers)}"
    made = []

    def bus(**options):
        made.append(NatsBus(nats_server.url, **{"name": name, "ack_wait_s": 1.0, **options}))
        return made[-1]

    yield bus
    for each in made:
        await each.close()


async def until(condition, seconds=10.0):
    for _ in range(int(seconds / 0.02)):
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about in time")


WORKER = """
import asyncio, os, sys
from victor.teams.communication.nats_bus import NatsBus
url, name, idempotent, deliveries = sys.argv[1:]
async def main():
    bus = NatsBus(url, name=name, ack_wait_s=1.0, deliveries=int(deliveries))
    async def handle(message):
        print("has", message.content, flush=True)
        await asyncio.sleep(60)
    await bus.serve("bob", handle, concurrency=2, idempotent=idempotent == "yes")
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture
def doomed(nats_server):
    """Starts a worker that never comes to an end, in a process of its own."""
    children = []

    async def start(name, *, idempotent=True, deliveries=5):
        command = [sys.executable, "-c", WORKER, nats_server.url, name, "yes" if idempotent else "no", str(deliveries)]
        children.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert await asyncio.to_thread(children[-1].stdout.readline) == "ready\n"
        return children[-1]

    yield start
    for child in children:
        child.kill()
        child.wait()


@pytest.mark.parametrize("where", ["memory", "nats"])
async def test_answered_failed_and_late(make, where):
    bus = MessageBus() if where == "memory" else make()
    await bus.join("ann")
    await bus.join("bob")

    async def answer(message):
        await asyncio.sleep(message.content if message.content < 1 else 0)
        return [1 / message.content, message.metadata["timeout_s"] <= 5]

    stop = await bus.serve("bob", answer, concurrency=3)
    assert (await bus.delegate("ann", "bob", 2, timeout=5)).content == [0.5, True]
    with pytest.raises(ResponseError, match="'bob' could not answer: ZeroDivisionError"):
        await bus.delegate("ann", "bob", 0, timeout=5)
    with pytest.raises(RequestTimeoutError, match=r"'bob' did not answer 'ann' within 0\.1 s"):
        await bus.delegate("ann", "bob", 0.5, timeout=0.1)
    await stop()
    await stop()
    with pytest.raises(RequestTimeoutError, match=r"nobody serves 'bob' on the bus '.*'; waited 0\.1 s"):
        await bus.delegate("ann", "bob", 2, patience_s=0.1)
    await bus.close()


@pytest.mark.parametrize("where", ["memory", "nats"])
async def test_it_waits_for_somebody_who_serves_the_name(make, where):
    bus = MessageBus() if where == "memory" else make()
    await bus.join("ann")
    asking = asyncio.create_task(bus.delegate("ann", "bob", "?", timeout=None))
    await asyncio.sleep(0.05)
    await bus.join("bob")
    await bus.serve("bob", lambda message: "yes")
    assert (await asking).content == "yes"
    await bus.close()


@pytest.mark.slow
async def test_when_a_worker_is_killed_another_does_it(make, doomed):
    bus = make()
    await bus.open()
    child = await doomed(bus.name)
    asking = asyncio.create_task(bus.delegate("ann", "bob", "it", timeout=60))
    assert await asyncio.to_thread(child.stdout.readline) == "has it\n"
    await make().serve("bob", lambda message: "done")
    child.send_signal(signal.SIGKILL)
    killed = time.perf_counter()
    assert (await asking).content == "done"
    assert time.perf_counter() - killed < 4


@pytest.mark.slow
async def test_what_must_not_be_done_twice_fails_when_its_worker_is_killed(make, doomed):
    bus = make()
    await bus.open()
    child = await doomed(bus.name, idempotent=False)
    asking = asyncio.create_task(bus.delegate("ann", "bob", "pay", timeout=60))
    await asyncio.to_thread(child.stdout.readline)
    done = []
    await make().serve("bob", done.append, idempotent=False)
    child.send_signal(signal.SIGKILL)
    with pytest.raises(ResponseError, match="begun before by a worker that did not answer, and must not be done twice"):
        await asking
    assert done == []


@pytest.mark.slow
async def test_when_the_last_worker_dies_and_none_comes_that_is_said(make, doomed):
    bus = make()
    await bus.open()
    child = await doomed(bus.name)
    asking = asyncio.create_task(bus.delegate("ann", "bob", "it", timeout=60, patience_s=0.3))
    await asyncio.to_thread(child.stdout.readline)
    child.send_signal(signal.SIGKILL)
    with pytest.raises(
        RequestTimeoutError, match="nobody serves 'bob' .* since the one that had the request; waited 0.3"
    ):
        await asking
    done = []  # and it is not done for nobody
    await bus.serve("bob", lambda message: done.append(message.content) or "yes")
    assert (await bus.delegate("ann", "bob", "another", timeout=10)).content == "yes"
    assert done == ["another"]


async def test_what_kills_every_worker_is_not_tried_for_ever(make, doomed):
    bus = make(deliveries=1)
    await bus.join("bob")
    child = await doomed(bus.name, deliveries=1)
    asking = asyncio.create_task(bus.delegate("ann", "bob", "poison", timeout=60))
    await asyncio.to_thread(child.stdout.readline)
    await make(deliveries=1).serve("bob", lambda message: "unharmed")
    child.send_signal(signal.SIGKILL)
    with pytest.raises(ResponseError, match="its workers died 1 times before it was handled"):
        await asking
    (letter,) = await bus.dead()
    assert letter.message.content == "poison"


async def test_long_work_is_not_given_to_another(make):
    bus, one, two = make(), make(), make()
    begun = []

    async def work(message):
        begun.append(message.id)
        await asyncio.sleep(2.5)
        return "done"

    for each in (one, two):
        await each.serve("bob", work)
    assert (await bus.delegate("ann", "bob", "?", timeout=20)).content == "done"
    assert len(begun) == 1


async def test_what_comes_again_to_the_same_worker_is_not_begun_again(make):
    bus, there = make(), make()
    begun = []

    async def work(message):
        begun.append(message.id)
        await asyncio.sleep(2.2)
        return "done"

    await there.serve("bob", work, concurrency=3)
    there._ack_wait = 1000  # it shows no sign of life: the server gives the message out again
    assert (await bus.delegate("ann", "bob", "?", timeout=20)).content == "done"
    assert len(begun) == 1


async def test_a_worker_that_is_alive_is_not_taken_for_dead(make):
    bus, one, two = make(), make(), make()
    begun = []
    plain = asyncio.Event()

    async def work(message):
        begun.append(message.content)
        await asyncio.sleep(2.2)
        plain.set()
        return "done"

    await one.serve("bob", work, idempotent=False, concurrency=2)
    one._ack_wait = 1000
    await bus.join("ann")
    asking = asyncio.create_task(bus.delegate("ann", "bob", "asked", timeout=20))
    await until(lambda: begun)
    await bus.send(AgentMessage(sender="ann", receivers=["bob"], content="sent"))
    await until(lambda: len(begun) == 2)
    await two.serve("bob", work, idempotent=False, concurrency=2)
    assert (await asking).content == "done"
    await plain.wait()
    await asyncio.sleep(0.5)
    assert begun == ["asked", "sent"]
    assert await bus.dead() == []


async def test_what_nobody_waits_for_any_more_is_not_begun(make):
    bus = make()
    begun = []
    await bus.join("bob")
    late = {"answer_to": "nowhere", "timeout_s": 0.05}
    await bus.send(
        AgentMessage(sender="ann", receivers=["bob"], content="late", type=MessageType.DELEGATION, metadata=late)
    )
    await asyncio.sleep(0.1)
    await bus.serve("bob", lambda message: begun.append(message.content))
    await bus.delegate("ann", "bob", "in time", timeout=10)
    assert begun == ["in time"]


@pytest.mark.parametrize("how", ["late", "cancelled"])
async def test_a_worker_stops_when_nobody_waits_any_more(make, how):
    bus, there = make(), make()
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def work(message):
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.set()
            raise

    await there.serve("bob", work)
    asking = asyncio.create_task(bus.delegate("ann", "bob", "?", timeout=0.5 if how == "late" else 60))
    await begun.wait()
    if how == "cancelled":
        asking.cancel()
    with pytest.raises(RequestTimeoutError if how == "late" else asyncio.CancelledError):
        await asking
    await asyncio.wait_for(stopped.wait(), 5)


async def test_what_was_not_begun_is_not_begun_for_nobody(make):
    bus, there = make(), make()
    done = []

    async def work(message):
        done.append(message.content)
        await asyncio.sleep(0.4)

    await there.serve("bob", work)
    results = await asyncio.gather(
        bus.delegate("ann", "bob", "first", timeout=10),
        bus.delegate("ann", "bob", "late", timeout=0.2),
        return_exceptions=True,
    )
    assert sum(isinstance(result, RequestTimeoutError) for result in results) == 1
    await bus.delegate("ann", "bob", "last", timeout=10)
    assert "last" in done
    assert len(done) == 2 + (done[0] == "late")


async def test_a_worker_that_is_stopped_gives_its_work_back(make):
    bus, one, two = make(ack_wait_s=60), make(ack_wait_s=60), make(ack_wait_s=60)
    begun = asyncio.Event()

    async def never(message):
        begun.set()
        await asyncio.sleep(60)

    stop = await one.serve("bob", never)
    asking = asyncio.create_task(bus.delegate("ann", "bob", "?", timeout=30))
    await begun.wait()
    await two.serve("bob", lambda message: "done")
    await stop(0.1)
    assert (await asking).content == "done"
    begun.clear()
    stop = await one.serve("cat", never, idempotent=False)
    asking = asyncio.create_task(bus.delegate("ann", "cat", "?", timeout=30))
    await begun.wait()
    await stop(0.1)
    with pytest.raises(ResponseError, match="stopped in the middle, and it must not be done twice"):
        await asking


@pytest.mark.parametrize("idempotent", [True, False])
async def test_the_server_restarts_while_a_worker_works(own_nats_server, idempotent):
    from victor.teams.communication.nats_bus import NatsBus

    async with (
        NatsBus(own_nats_server.url, ack_wait_s=1) as here,
        NatsBus(own_nats_server.url, ack_wait_s=1) as there,
    ):
        begun, go = [], asyncio.Event()

        async def work(message):
            begun.append(message.id)
            await go.wait()
            return "done"

        await there.serve("bob", work, idempotent=idempotent)
        asking = asyncio.create_task(here.delegate("ann", "bob", "?", timeout=60))
        await until(lambda: begun)
        own_nats_server.kill()
        go.set()
        await asyncio.sleep(0.2)
        own_nats_server.start()
        assert (await asking).content == "done"
        assert len(begun) == 1


async def test_an_answer_that_was_missed_is_found(make):
    bus = make()
    await bus.open()
    delegations = bus._delegations
    missed = []

    async def deaf(raw):
        missed.append(raw)

    delegations._on_reply = deaf  # what comes by itself is lost, as when the connection is away
    await make().serve("bob", lambda message: "yes")
    bus._client().stats["reconnects"] = 0
    asking = asyncio.create_task(bus.delegate("ann", "bob", "?", timeout=20))
    await until(lambda: missed)
    bus._client().stats["reconnects"] = 1
    assert (await asking).content == "yes"


async def test_forged_and_doubled_answers_harm_nothing(make):
    bus, there, eve = make(key="k"), make(key="k"), make()
    await eve.open()
    go = asyncio.Event()
    asked = []

    async def work(message):
        asked.append(message)
        await go.wait()
        return "true"

    await there.serve("bob", work)
    asking = asyncio.create_task(bus.delegate("ann", "bob", "?", timeout=20))
    await until(lambda: asked)
    subject = bus._reply_subject(bus._delegations._inbox, asked[0].id)

    async def say(speaker, response, subject=subject):
        data = speaker._encoded(response)
        await speaker._js.publish(subject, data, headers=speaker._signed(subject, data))

    await say(eve, asked[0].reply("unsigned", sender="bob"))
    await say(there, asked[0].reply("of another sender", sender="eve"))
    await say(there, AgentMessage(sender="bob", type=MessageType.RESPONSE, content="of none", correlation_id="none"))
    other = bus._reply_subject(bus._delegations._inbox, "other")
    await say(there, asked[0].reply("in another place", sender="bob"), other)
    await eve._js.publish(subject, b"\xffgarbage")
    go.set()
    assert (await asking).content == "true"
    await say(there, asked[0].reply("again", sender="bob"))
    await until(lambda: bus.dead())
    reasons = " / ".join(letter.reason for letter in await bus.dead())
    assert "not signed with the key" in reasons
    assert "'eve' answered a request to 'bob'" in reasons


async def test_requests_that_nobody_could_answer_are_dead_letters(make):
    bus = make()
    done = []

    def work(message):
        done.append(message.content)

    await bus.serve("bob", work, idempotent=False)
    await bus.join("bob")
    for details in ({"answer_to": "a.*.>"}, {"answer_to": 7}, {"answer_to": "x", "timeout_s": "soon"}):
        odd = AgentMessage(
            sender="eve", receivers=["bob"], content="odd", type=MessageType.DELEGATION, metadata=details
        )
        await bus.send(odd)
    await bus.send(AgentMessage(sender="eve", receivers=["bob"], content="odd id", id="a b.*.>" * 100))
    await until(lambda: bus.dead())
    await until(lambda: done)
    assert (await bus.delegate("ann", "bob", "right", timeout=10)).content is None
    assert done == ["odd id", "right"]
    assert len(await bus.dead()) == 3


async def test_what_is_too_large(make):
    bus = make(max_bytes=10_000)
    await bus.serve("bob", lambda message: "y" * 20_000)
    with pytest.raises(MessageTooLargeError, match="allows 10,000"):
        await bus.delegate("ann", "bob", "x" * 20_000)
    with pytest.raises(ResponseError, match="a message of 20,.* bytes; the bus .* allows 10,000"):
        await bus.delegate("ann", "bob", "?", timeout=10)

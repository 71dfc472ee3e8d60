"""The bus across machines, on a real server: stored, given to one worker, never lost, never silently twice."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time

import pytest

from victor.core.errors import ConfigurationError
from victor.teams.communication import (
    AgentMessage,
    BusClosedError,
    BusError,
    MailboxFullError,
    MessageBus,
    MessageTooLargeError,
    MessageType,
    RequestTimeoutError,
    ResponseError,
    UnknownReceiverError,
    open_bus,
)

numbers = iter(range(1_000_000))


@pytest.fixture
def make(nats_server):
    """Makes buses of one name that no other test uses."""
    from victor.teams.communication.nats_bus import NatsBus

    name = f"test {os.getpid()} {next(numbers)}"
    made = []

    def bus(**options):
        made.append(NatsBus(nats_server.url, **{"name": name, **options}))
        return made[-1]

    return bus


async def until(condition, seconds=10.0):
    for _ in range(int(seconds / 0.02)):
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about in time")


class TestMessages:
    async def test_what_was_sent_waits_for_a_receiver_in_another_process(self, make):
        async with make() as here:
            ann = await here.join("ann")
            await here.join("bob smith ü.*>")
            for number in range(3):
                await ann.send("bob smith ü.*>", {"n": number, "raw": b"\x00"})
        async with make() as there:
            bob = await there.join("bob smith ü.*>")
            got = [await bob.receive() for _ in range(3)]
            assert [message.content for message in got] == [{"n": n, "raw": b"\x00"} for n in range(3)]
            with pytest.raises(TimeoutError, match="no message for 'bob smith"):
                await bob.receive(timeout=0.05)

    async def test_the_same_message_twice_is_stored_once(self, make):
        async with make() as bus:
            await bus.join("bob")
            message = AgentMessage(sender="ann", receivers=["bob"], content=1)
            await bus.send(message)
            await bus.send(message)
            assert (await bus.receive("bob")).id == message.id
            with pytest.raises(TimeoutError):
                await bus.receive("bob", timeout=0.05)

    async def test_an_unknown_receiver_is_an_error_at_once(self, make):
        async with make() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            with pytest.raises(UnknownReceiverError, match=r"'bobb' \(did you mean 'bob'\?\); there: ann, bob"):
                await ann.send(["bob", "bobb"], "x")
            with pytest.raises(UnknownReceiverError):
                await ann.request("zoe", "x")
            with pytest.raises(TimeoutError):
                await bob.receive(timeout=0.05)

    async def test_broadcasts_and_topics(self, make):
        async with make() as bus, make() as other:
            ann, bob, cat = [await bus.join(name) for name in ("ann", "bob", "cat")]
            await until(lambda: other.members == ["ann", "bob", "cat"])
            await ann.broadcast("all")
            assert [(await end.receive()).content for end in (bob, cat)] == ["all", "all"]
            await cat.follow("news")
            await bob.follow("news")
            await bob.unfollow("news")
            await until(lambda: other._topics.get("news") == {"cat"})
            message = await other.publish("news", 7, sender="ann")
            assert message.receivers == ("cat",)
            got = await cat.receive()
            assert (got.type, got.topic, got.content) == (MessageType.TOPIC, "news", 7)

    async def test_full_mailboxes(self, make):
        async with make(mailbox=2, overflow="reject") as bus:
            ann = await bus.join("ann")
            await bus.join("bob")
            await ann.send("bob", 0)
            await ann.send("bob", 1)
            with pytest.raises(MailboxFullError, match="the mailbox of 'bob' is full: 2 messages wait"):
                await ann.send("bob", 2)
            (dead,) = await bus.dead()
            assert (dead.receiver, dead.message.content) == ("bob", 2)
        async with make(mailbox=2, overflow="drop_oldest") as bus:
            await bus.send(AgentMessage(sender="ann", receivers=["bob"], content=3))
            assert [(await bus.receive("bob")).content for _ in range(2)] == [1, 3]
            assert [dead.message.content for dead in await bus.dead()] == [2, 0]
        async with make(mailbox=2, overflow="wait") as bus:
            sent = []

            async def send():
                for number in range(4):
                    await bus.send(AgentMessage(sender="ann", receivers=["bob"], content=number))
                    sent.append(number)

            sending = asyncio.create_task(send())
            await until(lambda: sent == [0, 1])
            await asyncio.sleep(0.05)
            assert sent == [0, 1]
            assert [(await bus.receive("bob")).content for _ in range(4)] == [0, 1, 2, 3]
            await sending

    async def test_history_and_leaving(self, make):
        async with make() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            await ann.send("bob", "unread")
            await until(lambda: bus.find(sender="ann"))
            assert [message.content for message in await bus.find(receiver="bob")] == ["unread"]
            await bob.leave()
            assert bus.members == ["ann"]
            assert [dead.reason for dead in await bus.dead()] == ["'bob' left the bus before it was read"]

    async def test_what_is_too_large_or_cannot_be_sent(self, make):
        async with make(max_bytes=1000) as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            for content in ("x" * 2000, object()):
                with pytest.raises(MessageTooLargeError):
                    await ann.send("bob", content)
            await bob.serve(lambda message: "y" * 5000)
            with pytest.raises(ResponseError, match="the bus .* allows 1,000"):
                await ann.request("bob", "?")


class TestRequests:
    async def test_answered_failed_and_late(self, make):
        async with make() as here, make() as there:
            ann, bob = await here.join("ann"), await there.join("bob")
            await until(lambda: "bob" in here.members)
            with pytest.raises(RequestTimeoutError, match="no process serves it at present"):
                await ann.request("bob", 1, timeout=5)

            async def answer(message):
                await asyncio.sleep(message.content if message.content < 1 else 0)
                return 1 / message.content

            await bob.serve(answer, concurrency=3)
            assert (await ann.request("bob", 2)).content == 0.5
            with pytest.raises(ResponseError, match="ZeroDivisionError"):
                await ann.request("bob", 0)
            with pytest.raises(RequestTimeoutError, match="within 0.05 s"):
                await ann.request("bob", 0.3, timeout=0.05)

    async def test_trying_again_does_not_do_it_again(self, make):
        async with make() as here, make() as there:
            ann, bob = await here.join("ann"), await there.join("bob")
            await until(lambda: "bob" in here.members)
            done = []

            async def slow(message):
                done.append(message.id)
                await asyncio.sleep(0.1)
                return "done"

            await bob.serve(slow)
            assert (await ann.request("bob", "?", timeout=0.06, retries=5, backoff_s=0.01)).content == "done"
            assert len(done) == 1

    async def test_another_worker_does_not_do_again_what_must_not_be_done_twice(self, make):
        async with make() as here, make() as one, make() as two:
            ann = await here.join("ann")
            done = []
            hang = asyncio.Event()

            async def work(message):
                done.append(message.id)
                await hang.wait()

            from victor.teams.communication.nats_bus import NatsBus

            first: NatsBus = one
            stop = await first.serve("bob", work, idempotent=False)
            await until(lambda: "bob" in here.members)
            asking = asyncio.create_task(ann.request("bob", "pay", timeout=1, retries=3))
            await until(lambda: done)
            await first.close()  # it dies while it works
            await two.serve("bob", work, idempotent=False)
            with pytest.raises(ResponseError, match="begun before by a worker that did not answer"):
                await asking
            assert len(done) == 1
            hang.set()
            await stop()

    async def test_answering_by_hand_is_refused(self, make):
        async with make() as bus:
            bob = await bus.join("bob")
            with pytest.raises(BusError, match="what the handler given to serve"):
                await bob.reply(AgentMessage(sender="a", receivers=["bob"], type=MessageType.REQUEST), 1)


class TestWorkers:
    async def test_each_message_goes_to_one_of_them(self, make):
        async with make() as here, make() as one, make() as two:
            ann = await here.join("ann")
            got: dict[str, list[int]] = {"one": [], "two": []}

            def handler(name):
                async def handle(message):
                    got[name].append(message.content)
                    await asyncio.sleep(0.002)

                return handle

            stops = [await one.serve("bob", handler("one")), await two.serve("bob", handler("two"))]
            await until(lambda: "bob" in here.members)
            await asyncio.gather(*(ann.send("bob", number) for number in range(60)))
            await until(lambda: len(got["one"]) + len(got["two"]) == 60)
            assert sorted(got["one"] + got["two"]) == list(range(60))
            assert got["one"]
            assert got["two"]
            for stop in stops:
                await stop()

    async def test_one_that_cannot_be_handled_is_a_dead_letter(self, make):
        async with make() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            await bob.serve(lambda message: 1 / 0)
            await ann.send("bob", "x")
            await until(lambda: bus.dead())
            assert "could not be handled: ZeroDivisionError" in (await bus.dead())[0].reason

    async def test_subscribers_hear_of_messages_sent_elsewhere(self, make):
        async with make() as here, make() as there:
            ann = await here.join("ann")
            await here.join("bob")
            heard = []
            stop = there.subscribe(MessageType.DIRECT, lambda message: heard.append(message.content))
            await there.open()
            await until(lambda: "bob" in there.members)
            await asyncio.sleep(0.05)
            await ann.send("bob", 1)
            await until(lambda: heard == [1])
            stop()


class TestSignatures:
    async def test_what_is_not_signed_is_not_believed(self, make):
        async with make(key="secret") as bus, make() as eve:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            await until(lambda: "bob" in eve.members)
            await eve.send(AgentMessage(sender="ann", receivers=["bob"], content="forged"))
            await ann.send("bob", "real")
            assert (await bob.receive()).content == "real"
            assert [dead.reason for dead in await bus.dead()] == ["it is not signed with the key of this bus"]
            await bob.serve(lambda message: "yes")
            with pytest.raises(RequestTimeoutError):
                await eve.request("ann", "bob", "?", timeout=0.2)
            assert (await ann.request("bob", "?")).content == "yes"

    async def test_bytes_that_are_no_message(self, make):
        async with make() as bus:
            bob = await bus.join("bob")
            await bus._js.publish(f"{bus._prefix}.mail.bob", b"\xff\x00garbage")
            await bus.send(AgentMessage(sender="ann", receivers=["bob"], content="real"))
            assert (await bob.receive()).content == "real"
            assert "it is no message" in (await bus.dead())[0].reason


WORKER = """
import asyncio, sys
from victor.teams.communication.nats_bus import NatsBus
url, name, file, idempotent = sys.argv[1:]
async def main():
    bus = NatsBus(url, name=name, ack_wait_s=1.0, deliveries=3)
    async def handle(message):
        with open(file, "a") as log:
            log.write(f"{message.content}\\n")
        if message.content == "kill":
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(0.002)
    await bus.serve("worker", handle, concurrency=4, idempotent=idempotent == "yes")
    print("ready", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def worker(url, name, file, *, idempotent=True):
    command = [sys.executable, "-c", WORKER, url, name, str(file), "yes" if idempotent else "no"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


class TestDeath:
    @pytest.mark.slow
    async def test_a_message_that_kills_its_workers_ends_as_a_dead_letter(self, nats_server, make, tmp_path):
        async with make(ack_wait_s=1.0, deliveries=3) as bus:
            await bus.join("worker")
            await bus.send(AgentMessage(sender="ann", receivers=["worker"], content="kill"))
            for _ in range(3):
                child = worker(nats_server.url, bus.name, tmp_path / "log")
                await asyncio.to_thread(child.wait, 20)
            last = worker(nats_server.url, bus.name, tmp_path / "log")
            await until(lambda: bus.dead(), 15)
            last.kill()
            last.wait()
            assert (tmp_path / "log").read_text() == "kill\n" * 3
            assert (await bus.dead())[0].reason == "its workers died 3 times before it was handled"

    @pytest.mark.slow
    async def test_what_must_not_be_handled_twice_is_not(self, nats_server, make, tmp_path):
        async with make(ack_wait_s=1.0, deliveries=3) as bus:
            await bus.join("worker")
            await bus.send(AgentMessage(sender="ann", receivers=["worker"], content="kill"))
            child = worker(nats_server.url, bus.name, tmp_path / "log", idempotent=False)
            await asyncio.to_thread(child.wait, 20)
            last = worker(nats_server.url, bus.name, tmp_path / "log", idempotent=False)
            await until(lambda: bus.dead(), 15)
            last.kill()
            last.wait()
            assert (tmp_path / "log").read_text() == "kill\n"
            assert (await bus.dead())[0].reason == "its worker died, and it must not be handled twice"


class TestSetup:
    async def test_a_server_that_is_not_there_is_named_without_its_password(self):
        pytest.importorskip("nats", reason="needs nats-py: pip install 'victor-teams[nats]'")
        bus = open_bus("nats://ann:secret@127.0.0.1:9", connect_timeout_s=0.3)
        with pytest.raises(BusError, match="cannot be reached") as caught:
            await bus.join("ann")
        assert "secret" not in str(caught.value)

    async def test_without_nats_py_the_extra_is_named(self, monkeypatch):
        for name in [name for name in sys.modules if name.partition(".")[0] == "nats"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "nats", None)  # as if it were not installed
        for call in (lambda bus: bus.join("ann"), lambda bus: bus.request("ann", "bob", "Hello")):
            with pytest.raises(ConfigurationError, match=r"pip install 'victor-teams\[nats\]'"):
                await call(open_bus("nats://127.0.0.1:9"))

    async def test_a_closed_bus_is_closed(self, make):
        bus = make()
        await bus.open()
        await bus.close()
        await bus.close()
        with pytest.raises(BusClosedError):
            await bus.join("ann")

    def test_by_address(self, monkeypatch):
        assert isinstance(open_bus("memory:"), MessageBus)
        monkeypatch.setenv("VICTOR_BUS", "nats://127.0.0.1:1")
        assert type(open_bus()).__name__ == "NatsBus"
        with pytest.raises(ConfigurationError, match="a bus is at nats://host:port"):
            open_bus("redis://user:secret@x")
        with pytest.raises(ConfigurationError, match="may wait, drop_oldest, reject"):
            open_bus("nats://x", overflow="explode")


async def test_a_long_name_is_refused_and_harms_nobody(make):
    async with make() as bus:
        ann, bob = await bus.join("ann"), await bus.join("bob")
        for wrong in ("x" * 5000, "a\nb", "", 5):
            with pytest.raises(ConfigurationError, match="who joins a bus has a name"):
                await bus.join(wrong)
        zoe = await bus.join("ö" * 120)
        await ann.send([zoe.name, "bob"], "hello")
        assert (await zoe.receive()).content == (await bob.receive()).content == "hello"


async def test_who_has_not_the_key_writes_no_history(make):
    async with make(key="secret") as bus, make(key=None, name=bus.name) as stranger:
        await bus.join("ann")
        bob = await bus.join("bob")
        await stranger.send(AgentMessage(sender="bob", receivers=["ann"], content="pay eve"))
        await bob.send("ann", "hello")
        assert [message.content for message in await bus.find(sender="bob")] == ["hello"]


async def test_a_handler_that_blocks_longer_than_the_server_waits_is_alive(make):
    async with make(ack_wait_s=0.3) as one, make(ack_wait_s=0.3, name=one.name) as two:
        ann, bob = await one.join("ann"), await one.join("bob")
        await two.join("bob")
        handled = []

        def blocking(message):
            handled.append(message.content)
            time.sleep(1.0)  # what it is about: nothing happens meanwhile, and no sign of life is given

        await bob.serve(blocking)
        await two.serve("bob", blocking)
        await ann.send("bob", "m1")
        while not handled:
            await asyncio.sleep(0.01)
        await asyncio.sleep(1.5)
        assert handled == ["m1"]
        assert await one.dead() == []


async def test_subscribers_that_block_hold_nobody_up(make):
    async with make() as bus:
        ann, bob = await bus.join("ann"), await bus.join("bob")
        go_on, heard = threading.Event(), []

        def blocking(message):
            assert go_on.wait(30)
            heard.append(message.content)

        bus.subscribe("direct", blocking)
        await bus._settled()
        for number in range(3):
            await ann.send("bob", number)
            assert (await bob.receive()).content == number
        assert heard == []
        go_on.set()
        while len(heard) < 3:
            await asyncio.sleep(0.01)
        assert heard == [0, 1, 2]

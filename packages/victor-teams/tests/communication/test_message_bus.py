"""The bus: what is sent arrives, or is an error at once, or is a dead letter with its reason."""

from __future__ import annotations

import asyncio
import math
import threading

import pytest

from victor.core.errors import ConfigurationError
from victor.core.events import EventStream
from victor.core.testing import capture_events
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
)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class TestSending:
    async def test_messages_arrive_in_order(self):
        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            for number in range(5):
                await ann.send("bob", number)
            assert [(await bob.receive()).content for _ in range(5)] == [0, 1, 2, 3, 4]

    async def test_as_the_plan_writes_it(self):
        bus = MessageBus()
        heard = []
        bus.subscribe(MessageType.DIRECT, heard.append)
        with pytest.raises(TimeoutError, match="no message for 'bob' within 0.01 s"):
            await bus.receive("bob", timeout=0.01)
        await bus.send(
            AgentMessage(sender="ann", receivers=["bob"], content="hi", type=MessageType.DIRECT, metadata={})
        )
        message = await bus.receive("bob")
        await bus.close()
        assert (message.content, heard, [*bus.history]) == ("hi", [message], [message])

    async def test_an_unknown_receiver_is_an_error_and_nobody_gets_anything(self):
        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            with pytest.raises(UnknownReceiverError, match=r"'bobb' \(did you mean 'bob'\?\); there: ann, bob"):
                await ann.send(["bob", "bobb"], "x")
            with pytest.raises(TimeoutError):
                await bob.receive(timeout=0)
            assert len(bus.history) == 0

    async def test_a_broadcast_goes_to_everybody_else(self):
        async with MessageBus() as bus:
            ends = [await bus.join(name) for name in "abc"]
            await ends[0].broadcast("all")
            assert [(await end.receive()).content for end in ends[1:]] == ["all", "all"]
            with pytest.raises(TimeoutError):
                await ends[0].receive(timeout=0)

    async def test_topics(self):
        async with MessageBus() as bus:
            ann, bob, cat = [await bus.join(name) for name in ("ann", "bob", "cat")]
            await bob.follow("news", "sport")
            await cat.follow("news")
            await cat.unfollow("news")
            message = await ann.publish("news", 1)
            assert message.receivers == ("bob",)
            got = await bob.receive()
            assert (got.type, got.topic, got.content) == (MessageType.TOPIC, "news", 1)

    async def test_names_are_unique_and_can_leave(self):
        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            with pytest.raises(BusError, match="'bob' is on the bus 'bus' already"):
                await bus.join("bob")
            await ann.send("bob", "unread")
            await bob.leave()
            (dead,) = bus.dead_letters
            assert (dead.receiver, dead.reason) == ("bob", "'bob' left the bus before it was read")
            await bus.join("bob")
            assert bus.members == ["ann", "bob"]

    @pytest.mark.parametrize("content", [object(), {"a": {1, object()}}, "x" * 1_000_001, ["y" * 2_000_000]])
    async def test_what_is_too_large_or_cannot_be_said(self, content):
        async with MessageBus() as bus:
            ann = await bus.join("ann")
            await bus.join("bob")
            with pytest.raises(MessageTooLargeError):
                await ann.send("bob", content)
            with pytest.raises(MessageTooLargeError):
                await ann.request("bob", content)
            with pytest.raises(MessageTooLargeError):
                await ann.publish("t", content)
            assert len(bus.history) == 0

    async def test_history_can_be_asked_and_is_bounded(self):
        async with MessageBus(history=3) as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            for number in range(4):
                await ann.send("bob", number)
            answer = await bob.send("ann", "back", MessageType.STATUS)
            assert [m.content for m in bus.history] == [2, 3, "back"]
            assert bus.history.find(sender="bob") == [answer]
            assert bus.history.find(receiver="bob", limit=1)[0].content == 3
            assert bus.history.find(type="status") == [answer]
            assert bus.history.find(since=answer.timestamp) == [answer]


class TestFullMailboxes:
    async def test_the_sender_waits(self):
        async with MessageBus(mailbox=2) as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            sent = []

            async def send():
                for number in range(5):
                    await ann.send("bob", number)
                    sent.append(number)

            task = asyncio.create_task(send())
            await settle()
            assert sent == [0, 1]
            assert [(await bob.receive()).content for _ in range(5)] == [0, 1, 2, 3, 4]
            await task

    async def test_a_waiting_sender_that_is_cancelled_leaves_its_room_to_another(self):
        async with MessageBus(mailbox=1) as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            await ann.send("bob", 0)
            first = asyncio.create_task(ann.send("bob", 1))
            second = asyncio.create_task(ann.send("bob", 2))
            await settle()
            assert (await bob.receive()).content == 0
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            got = [(await bob.receive()).content]
            await second
            assert got == [2]

    async def test_the_oldest_is_dropped_and_that_is_told(self):
        async with MessageBus(mailbox=2, overflow="drop_oldest") as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            for number in range(4):
                await ann.send("bob", number)
            assert [(await bob.receive()).content for _ in range(2)] == [2, 3]
            assert [(dead.message.content, "was full" in dead.reason) for dead in bus.dead_letters] == [
                (0, True),
                (1, True),
            ]

    async def test_the_new_one_is_refused_and_the_others_get_it(self):
        async with MessageBus() as bus:
            ann = await bus.join("ann")
            await bus.join("small", mailbox=1, overflow="reject")
            large = await bus.join("large")
            await ann.send("small", 0)
            with pytest.raises(MailboxFullError, match="not delivered to small"):
                await ann.send(["small", "large"], 1)
            assert (await large.receive()).content == 1
            assert bus.dead_letter_counts == {"small": 1}

    async def test_who_publishes_never_waits(self):
        async with MessageBus(mailbox=1) as bus:
            ann, slow, quick = [await bus.join(name) for name in ("ann", "slow", "quick")]
            await slow.follow("t")
            await quick.follow("t")
            for number in range(3):
                await ann.publish("t", number)
                assert (await quick.receive()).content == number
            assert len(bus.dead_letters) == 2
            assert (await slow.receive()).content == 0

    def test_settings_that_make_no_sense(self):
        for options in ({"mailbox": 0}, {"overflow": "explode"}):
            with pytest.raises(ConfigurationError):
                MessageBus(**options)


class TestRequests:
    async def test_the_answer_of_whoever_was_asked(self):
        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")

            async def answer(message):
                return [message.sender, message.content]

            await bob.serve(answer)
            response = await ann.request("bob", {"q": 1})
            assert (response.sender, response.content, response.type) == (
                "bob",
                ["ann", {"q": 1}],
                MessageType.RESPONSE,
            )
            request = bus.history.find(type="request")[0]
            assert bus.history.find(correlation_id=request.id) == [request, response]

    async def test_answering_by_hand(self):
        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            asking = asyncio.create_task(ann.request("bob", "?"))
            await bob.reply(await bob.receive(), "!")
            assert (await asking).content == "!"
            sent = await ann.send("bob", "by the way")
            await bob.reply(await bob.receive(), "oh")
            back = await ann.receive()
            assert (back.content, back.reply_to, back.type) == ("oh", sent.id, MessageType.DIRECT)

    async def test_no_answer_in_time(self):
        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            with pytest.raises(RequestTimeoutError, match="'bob' did not answer 'ann' within 0.01 s"):
                await ann.request("bob", "?", timeout=0.01)
            await bob.reply(await bob.receive(), "too late")
            (dead,) = bus.dead_letters
            assert "nobody waits for this response" in dead.reason

    async def test_trying_again_does_not_do_it_again(self):
        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            done = []

            async def slow(message):
                done.append(message.id)
                await asyncio.sleep(0.03)
                return "done"

            await bob.serve(slow)
            response = await ann.request("bob", "?", timeout=0.02, retries=5, backoff_s=0.001)
            assert (response.content, len(done)) == ("done", 1)

    async def test_an_answer_between_two_attempts_is_not_lost(self):
        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")

            async def slow(message):
                await asyncio.sleep(0.03)
                return "done"

            await bob.serve(slow)
            response = await ann.request("bob", "?", timeout=0.01, retries=1, backoff_s=0.1)
            assert (response.content, [*bus.dead_letters]) == ("done", [])

    async def test_a_failure_is_told_to_whoever_asked_and_the_next_is_answered(self):
        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")

            def answer(message):
                return 1 / message.content

            await bob.serve(answer)
            with pytest.raises(ResponseError, match="'bob' could not answer: ZeroDivisionError") as caught:
                await ann.request("bob", 0)
            assert caught.value.receiver == "bob"
            assert (await ann.request("bob", 2)).content == 0.5

    async def test_a_message_that_cannot_be_handled_is_a_dead_letter(self):
        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            await bob.serve(lambda message: 1 / 0)
            await ann.send("bob", "x")
            await settle()
            assert bus.dead_letters[0].reason == "it could not be handled: ZeroDivisionError: division by zero"

    async def test_an_answer_that_is_too_large(self):
        async with MessageBus(max_bytes=100) as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            await bob.serve(lambda message: "x" * 1000)
            with pytest.raises(ResponseError, match="1,000 bytes; the bus 'bus' allows 100"):
                await ann.request("bob", "?")

    async def test_only_who_was_asked_can_answer(self):
        async with MessageBus() as bus:
            ann, bob, eve = [await bus.join(name) for name in ("ann", "bob", "eve")]
            asking = asyncio.create_task(ann.request("bob", "?"))
            await settle()
            request = bus.history.find(type="request")[0]
            with pytest.raises(BusError, match="'eve' was not asked"):
                await eve.reply(request, "forged")
            await bus.send(request.reply("forged", sender="eve"))
            await bus.send(AgentMessage(sender="bob", receivers=["ann"], type="response", correlation_id="guess"))
            await bob.reply(await bob.receive(), "real")
            assert (await asking).content == "real"
            await bus.send(request.reply("second", sender="bob"))
            assert [("only 'bob' can answer" in d.reason, "nobody waits" in d.reason) for d in bus.dead_letters] == [
                (True, False), (False, True), (False, True),
            ]  # fmt: skip

    async def test_several_at_once_are_bounded(self):
        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            now = most = 0

            async def work(message):
                nonlocal now, most
                now += 1
                most = max(most, now)
                await asyncio.sleep(0.001)
                now -= 1
                return message.content

            await bob.serve(work, concurrency=3)
            answers = await asyncio.gather(*(ann.request("bob", number) for number in range(12)))
            assert [a.content for a in answers] == list(range(12))
            assert most == 3

    async def test_a_full_mailbox_counts_against_the_time(self):
        async with MessageBus(mailbox=1) as bus:
            ann = await bus.join("ann")
            await bus.join("bob")
            await ann.send("bob", "x")
            with pytest.raises(RequestTimeoutError):
                await ann.request("bob", "?", timeout=0.01)
            assert len(bus._pending) == 0


class TestSubscribers:
    async def test_a_slow_one_holds_nobody_up_and_one_that_raises_harms_nobody(self, caplog):
        async with MessageBus(mailbox=2) as bus:
            ann, bob = await bus.join("ann", mailbox=100), await bus.join("bob", mailbox=100)
            go = asyncio.Event()
            heard = []

            async def slow(message):
                await go.wait()
                heard.append(message.content)

            def broken(message):
                raise ValueError("oh")

            bus.subscribe(MessageType.DIRECT, slow)
            stop = bus.subscribe("direct", broken)
            told = []
            bus.subscribe("direct", lambda message: told.append(message.content))
            for number in range(10):
                await ann.send("bob", number)
                while len(told) <= number or len(caplog.records) <= number:
                    await asyncio.sleep(0.001)
            stop()
            await ann.send("bob", 10)
            go.set()
            await settle()
            assert heard[0] == 0
            assert heard[-1] == 10
            assert len(heard) + len(bus.dead_letters) == 11
            assert sum("raised on message" in record.message for record in caplog.records) == 10
            assert (await bob.receive()).content == 0

    async def test_one_that_blocks_holds_up_neither_senders_nor_the_event_loop(self):
        gone_on = threading.Event()
        heard = []

        def blocking(message):
            assert gone_on.wait(30)
            heard.append(message.content)

        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            bus.subscribe("direct", blocking)
            for number in range(20):
                await ann.send("bob", number)
                assert (await bob.receive()).content == number
            assert heard == []
            gone_on.set()
        assert heard == list(range(20))

    async def test_what_one_has_not_heard_when_the_bus_is_closed_is_a_dead_letter(self, monkeypatch):
        monkeypatch.setattr("victor.teams.communication.message_bus._GRACE_S", 0.01)
        never = threading.Event()
        bus = MessageBus()
        bus.subscribe("direct", lambda message: never.wait(30))
        ann, _ = await bus.join("ann"), await bus.join("bob")
        for number in range(3):
            await ann.send("bob", number)
        await bus.close()
        never.set()
        lost = [letter for letter in bus.dead_letters if letter.receiver.startswith("subscriber")]
        assert 2 <= len(lost) <= 3


class TestEnd:
    async def test_closing_tells_everybody(self):
        bus = MessageBus()
        ann = await bus.join("ann")
        await bus.join("bob")
        asking = asyncio.create_task(ann.request("bob", "?"))
        waiting = asyncio.create_task(ann.receive(timeout=None))
        await settle()
        await bus.close()
        await bus.close()
        for task in (asking, waiting):
            with pytest.raises(BusClosedError):
                await task
        assert bus.dead_letters[0].reason == "the bus was closed before it was read"
        for call in (lambda: bus.join("x"), lambda: bus.serve("bob", print)):
            with pytest.raises(BusClosedError):
                await call()

    async def test_a_handler_can_be_ended_when_it_is_done(self):
        async with MessageBus() as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            release = asyncio.Event()

            async def work(message):
                await release.wait()
                return "done"

            stop = await bob.serve(work)
            asking = asyncio.create_task(ann.request("bob", "?"))
            await settle()
            stopping = asyncio.create_task(stop())
            await settle()
            assert not stopping.done()
            release.set()
            await stopping
            assert (await asking).content == "done"

    def test_another_event_loop_is_refused(self):
        bus = MessageBus()

        async def use():
            await bus.receive("ann", timeout=0)

        with pytest.raises(TimeoutError):
            asyncio.run(use())
        with pytest.raises(BusError, match="belongs to another event loop"):
            asyncio.run(use())


async def test_events_without_contents():
    stream = EventStream()
    with capture_events(stream=stream) as events:
        async with MessageBus(stream=stream) as bus:
            ann, bob = await bus.join("ann"), await bus.join("bob")
            await ann.send("bob", "the secret")
            await bob.receive()
            await ann.send("bob", "x")
    assert [event.kind for event in events] == ["message.sent", "message.received", "message.sent", "message.dead"]
    assert events[0].attributes["receivers"] == ["bob"]
    assert "secret" not in str([(event.attributes, event.content) for event in events])


@pytest.mark.parametrize("wrong", [{"timeout": math.nan}, {"timeout": -1}, {"retries": -1}, {"backoff_s": math.nan}])
async def test_a_time_that_is_none_is_refused_and_holds_nobody_up(wrong):
    async with MessageBus() as bus:
        ann, bob, eve = [await bus.join(name) for name in ("ann", "bob", "eve")]
        with pytest.raises(ConfigurationError, match=next(iter(wrong))):
            await eve.request("bob", "x", **wrong)
        with pytest.raises(RequestTimeoutError):
            await asyncio.wait_for(ann.request("bob", "y", timeout=0.01), 10)
        assert len(bob.name) == 3


async def test_what_is_beside_the_content_is_bounded_too():
    big = "y" * 2_000_000
    async with MessageBus() as bus:
        ann, bob = await bus.join("ann"), await bus.join("bob")
        for beside in ({"metadata": {"x": big}}, {"correlation_id": big}, {"reply_to": big}):
            with pytest.raises(MessageTooLargeError):
                await ann.send("bob", "ok", **beside)
        with pytest.raises(MessageTooLargeError):
            await ann.publish(big, 1)
        with pytest.raises(MessageTooLargeError):
            await ann.request("bob", 1, metadata={"x": big})
        with pytest.raises(ConfigurationError, match="at most 120 characters"):
            await bus.join(big)
        assert not len(bus.history)

        async def fails(message):
            raise ValueError(big)

        await bob.serve(fails)
        with pytest.raises(ResponseError) as raised:
            await ann.request("bob", "x")
        assert len(str(raised.value)) < 5_000


async def test_who_is_named_twice_gets_a_message_once():
    async with MessageBus() as bus:
        ann, bob = await bus.join("ann"), await bus.join("bob")
        await ann.send(["bob", "bob"], "x")
        assert (await bob.receive(1)).content == "x"
        with pytest.raises(TimeoutError):
            await bob.receive(0.01)


async def test_who_asks_somebody_that_leaves_need_not_wait_for_the_time_to_be_up():
    async with MessageBus() as bus:
        ann, bob = await bus.join("ann"), await bus.join("bob")
        asked = asyncio.create_task(ann.request("bob", "q", timeout=100))
        await asyncio.sleep(0)
        await bob.leave()
        with pytest.raises(UnknownReceiverError, match="'bob' left the bus"):
            await asyncio.wait_for(asked, 10)


@pytest.mark.parametrize("wrong", [{"mailbox": math.nan}, {"mailbox": 1.5}, {"history": -1}, {"history": 2.5}])
async def test_sizes_are_whole_numbers(wrong):
    with pytest.raises(ConfigurationError):
        MessageBus(**wrong)

"""The bus by which agents of one process talk. Across machines the same calls go over NATS (`nats_bus`).

Who is on the bus has a bounded mailbox. What is sent arrives, or is an error at once, or becomes a dead letter with its
reason; nothing is lost silently. Requests have a deadline, can be tried again without being done twice, and only who
was asked can answer them.

Example:
    >>> import asyncio
    >>> async def main():
    ...     async with MessageBus() as bus:
    ...         ann, bob = await bus.join("ann"), await bus.join("bob")
    ...         await bob.serve(lambda message: message.content.upper())
    ...         return await ann.request("bob", "hello")
    >>> asyncio.run(main()).content
    'HELLO'
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final

import msgspec

from victor.core.errors import ConfigurationError
from victor.core.events import EventStream, get_stream
from victor.teams.communication.bus import Handler, StopServing
from victor.teams.communication.deadlines import Deadlines
from victor.teams.communication.endpoint import Endpoint
from victor.teams.communication.errors import (
    LONGEST_ERROR,
    BusClosedError,
    BusError,
    MailboxFullError,
    MessageTooLargeError,
    NobodyServesError,
    RequestTimeoutError,
    ResponseError,
    UnknownReceiverError,
)
from victor.teams.communication.history import DeadLetter, History
from victor.teams.communication.mailbox import Mailbox, Overflow
from victor.teams.communication.message import AgentMessage, MessageType
from victor.teams.communication.names import checked_name
from victor.teams.communication.observing import Observer
from victor.teams.communication.requests import Answered, Pending, check_patience
from victor.teams.communication.traced import stamped, where_sent

__all__ = ["MessageBus"]

_log = logging.getLogger("victor.teams.bus")
_REMEMBERED: Final = 10_000
_LONG_S: Final = 1e9
_GRACE_S: Final = 1.0
_LONGEST_TEXT: Final = 500


class MessageBus:
    """A bus within one process and one event loop.

    Args:
        name: For events and errors.
        mailbox: Messages that wait for a receiver at most.
        overflow: What happens when a mailbox is full: the sender waits (``"wait"``), the oldest message is dropped
            (``"drop_oldest"``) or the new one refused (``"reject"``). What is broadcast or published never makes the
            sender wait: to a full mailbox that would, it becomes a dead letter.
        history: Messages kept for `history`.
        dead_letters: Dead letters kept; `dead_letter_counts` counts all.
        max_bytes: Size of a content, as JSON.
        stream: The event stream; None for the default one.
    """

    def __init__(
        self,
        name: str = "bus",
        *,
        mailbox: int = 1000,
        overflow: Overflow = "wait",
        history: int = 10_000,
        dead_letters: int = 10_000,
        max_bytes: int = 1_000_000,
        stream: EventStream | None = None,
    ) -> None:
        Mailbox(name, mailbox, overflow, lambda message, why: None)  # says at once what is wrong with these
        self.name = name
        self.history: History = History(history)
        self.dead_letters: deque[DeadLetter] = deque(maxlen=dead_letters)
        self.dead_letter_counts: Counter[str] = Counter()
        self._size = mailbox
        self._overflow: Overflow = overflow
        self._max_bytes = max_bytes
        self._stream = stream or get_stream()
        self._boxes: dict[str, Mailbox] = {}
        self._answered: dict[str, Answered] = {}
        self._asked: deque[tuple[str, str]] = deque()
        self._topics: dict[str, dict[str, Mailbox]] = {}
        self._observers: dict[MessageType, tuple[Observer, ...]] = {}
        self._served: Counter[str] = Counter()
        self._retried: dict[str, str] = {}
        self._pending: dict[str, Pending] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._deadlines: Deadlines | None = None
        self._closed = False

    async def __aenter__(self) -> MessageBus:
        self._here()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def members(self) -> list[str]:
        """Who is on the bus, in the order they joined."""
        return list(self._boxes)

    async def join(self, name: str, *, mailbox: int | None = None, overflow: Overflow | None = None) -> Endpoint:
        """Put a name on the bus.

        Args:
            name: Unique.
            mailbox: Instead of the bus's own size.
            overflow: Instead of the bus's own policy.

        Returns:
            What speaks under this name, and only under this one.

        Raises:
            BusError: The name is taken.
            BusClosedError: The bus was closed.
        """
        if self._closed:
            raise BusClosedError(f"the bus {self.name!r} was closed")
        checked_name(name)
        if name in self._boxes:
            raise BusError(f"{name!r} is on the bus {self.name!r} already; names are unique")
        self._boxes[name] = Mailbox(
            name,
            self._size if mailbox is None else mailbox,
            overflow or self._overflow,
            lambda message, why: self._dead(message, name, why),
        )
        return Endpoint(self, name)

    async def leave(self, name: str) -> None:
        """Take a name off the bus. What waits for it becomes dead letters.

        Raises:
            UnknownReceiverError: It is not there.
        """
        box = self._box(name)
        del self._boxes[name]
        self._answered.pop(name, None)
        for followers in self._topics.values():
            followers.pop(name, None)
        for message in box.close():
            self._dead(message, name, f"{name!r} left the bus before it was read")
        for pending in self._pending.values():
            if pending.receiver == name and not pending.future.done():
                pending.future.set_exception(UnknownReceiverError(f"{name!r} left the bus and will not answer"))

    async def send(self, message: AgentMessage) -> None:
        """Send a message to its receivers; a broadcast goes to everybody but its sender.

        Raises:
            UnknownReceiverError: A receiver is not on the bus; nobody has got the message.
            MailboxFullError: A mailbox is full and rejects; the others have got the message.
            MessageTooLargeError: The content is too large, or nothing that JSON can say.
            BusClosedError: The bus was closed.
        """
        self._here()
        self._check(message.content)
        self._check_rest(message)
        message = stamped(message, leaves=False)
        if message.type == MessageType.RESPONSE:
            self._respond(message)
        elif message.type == MessageType.BROADCAST and not message.receivers:
            self._spread(message, [name for name in self._boxes if name != message.sender])
        elif message.type == MessageType.TOPIC:
            self._spread(message, [name for name in self._topics.get(message.topic, ()) if name != message.sender])
        else:
            await self._send(message)

    async def receive(self, agent_id: str, timeout: float | None = 5.0) -> AgentMessage:
        """Take the oldest message for a receiver; a name that is not on the bus joins it.

        Args:
            agent_id: Its name.
            timeout: Seconds to wait; None waits for ever.

        Raises:
            TimeoutError: There was no message in that time.
        """
        check_patience(timeout)
        self._here()
        box = self._boxes.get(agent_id)
        if box is None:
            await self.join(agent_id)
            box = self._boxes[agent_id]
        if box.messages or timeout is None:
            message = await box.get()
        else:
            try:
                async with asyncio.timeout(timeout):
                    message = await box.get()
            except TimeoutError:
                raise TimeoutError(f"no message for {agent_id!r} within {timeout} s") from None
        self._received(message, agent_id)
        return message

    def subscribe(self, message_type: MessageType | str, callback: Callable[[AgentMessage], Any]) -> Callable[[], None]:
        """Call a function with every message of a type, whoever it is for.

        Each subscriber has a bounded queue of its own, so that it holds nobody up: when it is slower than the messages
        come, the oldest become dead letters. An async function is called in the event loop, a plain one in a thread.
        What it raises is logged. When the bus is closed it hears the rest, if that takes no longer than a second.

        Returns:
            A function that ends the subscription.
        """
        kind = MessageType(message_type)
        observer = Observer(callback, self._size, self._dead)
        self._observers[kind] = (*self._observers.get(kind, ()), observer)

        def unsubscribe() -> None:
            self._observers[kind] = tuple(each for each in self._observers.get(kind, ()) if each is not observer)
            observer.stop()

        return unsubscribe

    async def follow(self, topic: str, name: str) -> None:
        """Let a receiver get what is published to a topic.

        Raises:
            UnknownReceiverError: It is not on the bus.
        """
        self._topics.setdefault(topic, {})[name] = self._box(name)

    async def unfollow(self, topic: str, name: str) -> None:
        """The opposite of `follow`."""
        self._topics.get(topic, {}).pop(name, None)

    async def publish(
        self, topic: str, content: Any, *, sender: str, metadata: Mapping[str, Any] | None = None
    ) -> AgentMessage:
        """Send to all that follow a topic, except the sender. Never waits for them.

        Returns:
            The message; ``receivers`` are those who got it.
        """
        self._here()
        self._check(content)
        followers = tuple(name for name in self._topics.get(topic, ()) if name != sender)
        message = AgentMessage(
            sender=sender, receivers=followers, content=content, type=MessageType.TOPIC, topic=topic,
            metadata=metadata or {},
        )  # fmt: skip
        self._check_rest(message)
        message = stamped(message, leaves=False)
        self._spread(message, followers)
        return message

    async def request(
        self,
        sender: str,
        receiver: str,
        content: Any,
        *,
        timeout: float = 30.0,
        retries: int = 0,
        backoff_s: float = 0.1,
        metadata: Mapping[str, Any] | None = None,
    ) -> AgentMessage:
        """Ask somebody and wait for the response.

        Args:
            sender: Who asks.
            receiver: Who is asked, and alone can answer.
            content: What is asked.
            timeout: Seconds to wait for the response, of each attempt.
            retries: How often it is asked again. The message keeps its id, so a receiver that has it already does
                not do the work again.
            backoff_s: Seconds before the first retry, doubled with every other.
            metadata: Details for programs.

        Returns:
            The response.

        Raises:
            UnknownReceiverError: The receiver is not on the bus.
            RequestTimeoutError: There was no response in time.
            ResponseError: The receiver answered that it failed.
            MailboxFullError: Its mailbox is full and rejects.
            MessageTooLargeError: The content is too large.
        """
        check_patience(timeout, retries, backoff_s)
        deadlines = self._here()
        self._check(content)
        if metadata:
            self._check(metadata)
        if receiver not in self._boxes:
            self._box(receiver)
        message = AgentMessage(
            sender=sender,
            receivers=(receiver,),
            content=content,
            type=MessageType.REQUEST,
            metadata=metadata or {},
        )
        message = stamped(message, leaves=False)
        if retries:
            self._retried[message.id] = receiver
        try:
            for attempt in range(retries + 1):
                if attempt:
                    await asyncio.sleep(backoff_s * 2 ** (attempt - 1))
                future: asyncio.Future[AgentMessage | None] = asyncio.get_running_loop().create_future()
                pending = self._pending[message.id] = Pending(receiver, future)
                deadline = deadlines.after(timeout, pending.expire)
                try:
                    if self._new(message, receiver):
                        await self._put(message, receiver, timeout)
                        if attempt == 0:
                            self._sent(message)
                    response = await future
                finally:
                    deadline.meet()
                    del self._pending[message.id]
                if response is not None:
                    if response.error:
                        raise ResponseError(f"{receiver!r} could not answer: {response.error}", receiver=receiver)
                    return response
        finally:
            self._retried.pop(message.id, None)
            self._over(receiver, message.id)
        times = "" if retries == 0 else f", {retries + 1} attempts"
        raise RequestTimeoutError(f"{receiver!r} did not answer {sender!r} within {timeout:.4g} s{times}")

    async def delegate(
        self,
        sender: str,
        receiver: str,
        content: Any,
        *,
        timeout: float | None = 300.0,
        patience_s: float = 10.0,
        metadata: Mapping[str, Any] | None = None,
    ) -> AgentMessage:
        """Ask as `request` does, and wait for somebody who serves the name. Over NATS it outlives its worker.

        Args:
            sender: Who asks.
            receiver: Who is asked; need not have joined yet.
            content: What is asked.
            timeout: Seconds to wait for the answer, or None.
            patience_s: Seconds for which nobody may serve the name.
            metadata: Details for programs.

        Raises:
            RequestTimeoutError: There was no answer in time.
            NobodyServesError: Nobody serves the name.
            ResponseError: The receiver answered that it failed.
            MailboxFullError: Its mailbox is full and rejects.
            MessageTooLargeError: The content is too large.
        """
        check_patience(timeout)
        check_patience(patience_s)
        self._here()
        self._check(content)
        loop = asyncio.get_running_loop()
        began, left = loop.time(), _LONG_S if timeout is None else timeout
        patience = min(left, patience_s)
        while not self._served[receiver]:
            if loop.time() - began >= patience:
                raise NobodyServesError(f"nobody serves {receiver!r} on the bus {self.name!r}; waited {patience:g} s")
            await asyncio.sleep(min(0.05, patience))
            left = _LONG_S if timeout is None else max(0.001, timeout - (loop.time() - began))
        details = {**(metadata or {}), "timeout_s": None if timeout is None else left}
        return await self.request(sender, receiver, content, timeout=left, metadata=details)

    async def serve(self, name: str, handler: Handler, *, concurrency: int = 1, idempotent: bool = True) -> StopServing:
        """Let a function handle the messages of a receiver from now on.

        What it returns is the response to a request. When it raises, a request is answered with the error, and any
        other message becomes a dead letter; the next message is handled all the same.

        Args:
            name: The receiver.
            handler: The function, sync or async.
            concurrency: Messages handled at once.
            idempotent: For buses across machines: here nothing is handled twice.

        Returns:
            An async function that ends it, once the messages that are being handled are done; ``grace_s`` seconds later
            those that are not done are broken off.
        """
        if concurrency < 1:
            raise ConfigurationError(f"concurrency is at least 1, not {concurrency!r}")
        self._here()
        box = self._box(name)
        workers = [_Worker() for _ in range(concurrency)]
        tasks = [self._start(self._work(box, handler, worker)) for worker in workers]
        self._served[name] += 1
        stopped = False

        async def stop(grace_s: float | None = None) -> None:
            nonlocal stopped
            if not stopped:
                stopped = True
                self._served[name] -= 1
            for worker, task in zip(workers, tasks, strict=True):
                worker.stopping = True
                if worker.idle:
                    task.cancel()
            if grace_s is not None:
                _, late = await asyncio.wait(tasks, timeout=grace_s)
                for task in late:
                    task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        return stop

    async def close(self) -> None:
        """End everything: handlers are cancelled, requests fail, what waits becomes dead letters. Twice is harmless."""
        if self._closed:
            return
        self._closed = True
        observers = [observer for several in self._observers.values() for observer in several]
        await asyncio.gather(*(observer.finish(_GRACE_S) for observer in observers))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for pending in list(self._pending.values()):
            if not pending.future.done():
                pending.future.set_exception(BusClosedError(f"the bus {self.name!r} was closed"))
        for name, box in self._boxes.items():
            for message in box.close():
                self._dead(message, name, "the bus was closed before it was read")
        if self._deadlines is not None:
            self._deadlines.close()

    async def respond(self, message: AgentMessage, content: Any, *, sender: str, error: str = "") -> None:
        """Answer a request.

        Raises:
            MessageTooLargeError: The content is too large.
        """
        self._check(content)
        self._respond(message.reply(content, sender=sender, error=error[:LONGEST_ERROR]))

    def _here(self) -> Deadlines:
        """Check that this is the bus's event loop, which is the first it is used in."""
        if self._deadlines is None or self._loop is not asyncio.get_running_loop():
            self._bind()
        if self._closed:
            raise BusClosedError(f"the bus {self.name!r} was closed")
        assert self._deadlines is not None
        return self._deadlines

    def _bind(self) -> None:
        if self._loop is not None:
            raise BusError(f"the bus {self.name!r} belongs to another event loop; make one for each loop")
        self._loop = asyncio.get_running_loop()
        self._deadlines = Deadlines()

    def _box(self, name: str) -> Mailbox:
        try:
            return self._boxes[name]
        except KeyError:
            raise UnknownReceiverError.of(self.name, [name], self._boxes) from None

    def _check(self, content: Any) -> None:
        kind = type(content)
        if kind is str or kind is bytes:
            size = len(content)
        elif content is None or kind is int or kind is float or kind is bool:
            return
        else:
            try:
                size = len(msgspec.json.encode(content))
            except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
                raise MessageTooLargeError(f"a content must be something that JSON can say: {error}") from error
        if size > self._max_bytes:
            raise MessageTooLargeError(f"a content of {size:,} bytes; the bus {self.name!r} allows {self._max_bytes:,}")

    def _check_rest(self, message: AgentMessage) -> None:
        """What is beside the content must be small as well: names and ids, and the metadata as contents are."""
        texts = (message.id, message.topic, message.reply_to or "", message.correlation_id or "", message.error)
        if sum(map(len, texts)) > LONGEST_ERROR + 4 * _LONGEST_TEXT or max(map(len, texts[:-1])) > _LONGEST_TEXT:
            raise MessageTooLargeError(
                f"id, topic, reply_to and correlation_id have at most {_LONGEST_TEXT} characters, "
                f"an error {LONGEST_ERROR:,}"
            )
        if message.metadata:
            self._check(message.metadata)

    def _new(self, message: AgentMessage, receiver: str) -> bool:
        """Whether the receiver does not have this request yet. If it has answered already, that answer comes again."""
        answered = self._answered.get(receiver)
        if answered is None:
            answered = self._answered[receiver] = Answered(max(1000, self._size))
        if answered.first_time(message.id):
            return True
        response = answered.response(message.id)
        if response is not None:
            self._respond(response)
        return False

    def _over(self, receiver: str, id: str) -> None:
        """A request will not be tried again. The last of them are remembered all the same: messages may be copied."""
        self._asked.append((receiver, id))
        if len(self._asked) > _REMEMBERED:
            receiver, id = self._asked.popleft()
            answered = self._answered.get(receiver)
            if answered is not None:
                answered.forget(id)

    async def _put(self, message: AgentMessage, receiver: str, timeout: float) -> None:
        box = self._box(receiver)
        try:
            if box.put_nowait(message):
                return
            async with asyncio.timeout(timeout):
                await box.put(message)
        except TimeoutError:
            self._answered[receiver].forget(message.id)
        except BaseException:
            self._answered[receiver].forget(message.id)
            raise

    async def _send(self, message: AgentMessage) -> None:
        if not message.receivers:
            raise ConfigurationError("a message needs receivers, or the type 'broadcast'")
        boxes = self._boxes
        unknown = [name for name in message.receivers if name not in boxes]
        if unknown:
            raise UnknownReceiverError.of(self.name, unknown, self._boxes)
        full: list[str] = []
        for name in dict.fromkeys(message.receivers):
            if message.type == MessageType.REQUEST and not self._new(message, name):
                continue
            try:
                if not boxes[name].put_nowait(message):
                    await boxes[name].put(message)
            except (MailboxFullError, BusClosedError, KeyError) as error:
                full.append(name)
                self._dead(message, name, str(error))
        self._sent(message)
        if full:
            raise MailboxFullError(f"not delivered to {', '.join(full)}: their mailboxes are full")

    def _spread(self, message: AgentMessage, names: Iterable[str]) -> None:
        boxes = self._boxes
        for name in names:
            try:
                if not boxes[name].put_nowait(message):
                    self._dead(message, name, f"the mailbox of {name!r} is full, and who publishes does not wait")
            except (MailboxFullError, BusClosedError) as error:
                self._dead(message, name, str(error))
        self._sent(message)

    def _respond(self, response: AgentMessage) -> None:
        """Give a response to whoever waits for it, if it comes from who was asked."""
        id = response.correlation_id or ""
        pending = self._pending.get(id)
        receiver = response.receivers[0] if response.receivers else ""
        if self._retried.get(id) == response.sender and (pending is None or pending.future.done()):
            self._answered[response.sender].answered(id, response)  # it came between two attempts: the next one gets it
        elif pending is None:
            self._dead(
                response, receiver, "nobody waits for this response: the time was up, or there was no such request"
            )
        elif pending.receiver != response.sender:
            why = f"{response.sender!r} answered a request that only {pending.receiver!r} can answer"
            self._dead(response, receiver, why)
        elif pending.future.done():
            self._dead(response, receiver, "the request was answered already, or its time was up")
        else:
            pending.future.set_result(response)
            self._answered[pending.receiver].answered(id, response)
            self._sent(response)

    async def _work(self, box: Mailbox, handler: Handler, worker: _Worker) -> None:
        while not worker.stopping:
            worker.idle = True
            try:
                message = await box.get()
            except BusClosedError:
                return
            worker.idle = False
            with where_sent(message):
                self._received(message, box.name)
                try:
                    await self._handle(message, box.name, handler)
                except asyncio.CancelledError:
                    self._failed(message, box.name, "the handler was cancelled")
                    raise

    async def _handle(self, message: AgentMessage, name: str, handler: Handler) -> None:
        try:
            value = handler(message)
            if inspect.isawaitable(value):
                value = await value
        except Exception as error:  # noqa: BLE001 - told to whoever asked, or kept as a dead letter
            self._failed(message, name, f"{type(error).__name__}: {error}")
            return
        if message.type == MessageType.REQUEST:
            try:
                self._check(value)
            except MessageTooLargeError as error:
                self._failed(message, name, str(error))
            else:
                self._respond(message.reply(value, sender=name))

    def _failed(self, message: AgentMessage, name: str, why: str) -> None:
        """A message could not be handled: whoever asked is told, anything else is a dead letter."""
        why = why[:LONGEST_ERROR]
        if message.type == MessageType.REQUEST:
            self._respond(message.reply(sender=name, error=why))
        else:
            self._dead(message, name, f"it could not be handled: {why}")

    def _sent(self, message: AgentMessage) -> None:
        self.history.add(message)
        observers = self._observers.get(message.type)
        if observers:
            for observer in observers:
                observer(message)
        stream = self._stream
        if stream.active:
            stream.emit(
                "message.sent",
                message.sender,
                {"id": message.id, "type": str(message.type), "receivers": list(message.receivers), "bus": self.name},
                content={"content": message.content},
            )

    def _received(self, message: AgentMessage, name: str) -> None:
        if self._stream.active:
            attributes = {"id": message.id, "type": str(message.type), "sender": message.sender, "bus": self.name}
            self._stream.emit("message.received", name, attributes)

    def _dead(self, message: AgentMessage, receiver: str, reason: str) -> None:
        self.dead_letters.append(DeadLetter(message, receiver, reason))
        self.dead_letter_counts[receiver] += 1
        stream = self._stream
        if stream.active:
            attributes = {"id": message.id, "sender": message.sender, "reason": reason, "bus": self.name}
            stream.emit("message.dead", receiver, attributes)

    def _start(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Worker:
    """One of the tasks that handle a receiver's messages."""

    __slots__ = ("idle", "stopping")

    def __init__(self) -> None:
        self.idle = True
        self.stopping = False

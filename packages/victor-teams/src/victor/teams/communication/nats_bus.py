"""The bus across machines: the same calls as `MessageBus`, over NATS with JetStream (``victor-teams[nats]``).

Mailboxes are a stream on the server: what is sent is stored there when ``send`` returns, waits for its receiver, and is
given out again when a worker dies before it was handled. Several processes may serve one name; each message goes to
one of them. A message that is sent twice with the same id is stored once. Requests go straight to whoever serves the
name and are not stored; they can be tried again without being done twice.

Needs nats-server 2.9 or later, started with ``-js``. Names may be any text.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import Context, copy_context
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from victor.core.errors import ConfigurationError
from victor.core.events import EventStream, get_stream
from victor.teams.communication.bus import Handler, StopServing
from victor.teams.communication.endpoint import Endpoint
from victor.teams.communication.errors import (
    LONGEST_ERROR,
    BusClosedError,
    BusError,
    MailboxFullError,
    MessageTooLargeError,
    RequestTimeoutError,
    ResponseError,
    UnknownReceiverError,
)
from victor.teams.communication.history import DeadLetter
from victor.teams.communication.mailbox import Overflow
from victor.teams.communication.message import AgentMessage, MessageType
from victor.teams.communication.names import PLAIN, checked_name, token_of
from victor.teams.communication.nats_delegation import Delegations
from victor.teams.communication.nats_serving import Serving
from victor.teams.communication.observing import called
from victor.teams.communication.requests import Answered, check_patience
from victor.teams.communication.traced import stamped, where_sent

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

__all__ = ["NatsBus"]

_log = logging.getLogger("victor.teams.bus")
_FULL: Final = 10077  # "maximum messages per subject exceeded", as the server numbers it
_AWAY: Final = 500  # from here on the server says that it cannot do it now
_REPLIES_S: Final = 3600.0
"""Seconds for which an answer waits for whoever asked."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AgentMessage)
_letters = msgspec.msgpack.Decoder(DeadLetter)


class NatsBus:
    """A bus over NATS.

    Args:
        url: Such as ``"nats://127.0.0.1:4222"``, with user and password where the server wants them, or ``tls://``.
        name: Of the bus; buses of different names on one server do not see each other.
        mailbox: Messages that wait for a receiver at most.
        overflow: What happens when a mailbox is full, as in `MessageBus`.
        history: Messages kept for `find`.
        dead_letters: Dead letters kept.
        max_bytes: Size of a message.
        ack_wait_s: Seconds without a sign of life after which a worker counts as dead, and its message goes to another.
        deliveries: How often a message is given out before it becomes a dead letter.
        connect_timeout_s: Seconds to wait for the server at first; later it is waited for as long as it takes.
        key: A secret that all members of the bus share: messages are signed with it, and what is not signed becomes a
            dead letter. Without it, whoever can reach the server can speak under any name; use the server's own
            accounts and TLS.
        stream: The event stream; None for the default one.

    Example:
        >>> async def main():
        ...     async with NatsBus("nats://127.0.0.1:4222") as bus:
        ...         ann = await bus.join("ann")
        ...         return await ann.request("bob", "hello")
    """

    def __init__(
        self,
        url: str = "nats://127.0.0.1:4222",
        *,
        name: str = "bus",
        mailbox: int = 1000,
        overflow: Overflow = "wait",
        history: int = 10_000,
        dead_letters: int = 10_000,
        max_bytes: int = 1_000_000,
        ack_wait_s: float = 30.0,
        deliveries: int = 5,
        connect_timeout_s: float = 5.0,
        key: str | bytes | None = None,
        stream: EventStream | None = None,
    ) -> None:
        if overflow not in {"wait", "drop_oldest", "reject"}:
            raise ConfigurationError(f"a full mailbox may wait, drop_oldest, reject; not {overflow!r}")
        self.url = url
        self.name = name
        self.mailbox = mailbox
        self.overflow: Overflow = overflow
        self._history = history
        self._dead_kept = dead_letters
        self._max_bytes = max_bytes
        self._ack_wait = ack_wait_s
        self._deliveries = deliveries
        self._connect_timeout = connect_timeout_s
        self._key = key.encode() if isinstance(key, str) else key
        self._stream = stream or get_stream()
        token = token_of(name)
        self._prefix = f"victor.{token}"
        self._mail = f"VICTOR-{token}-MAIL"
        self._log_stream = f"VICTOR-{token}-LOG"
        self._dead_stream = f"VICTOR-{token}-DEAD"
        self._bucket = f"VICTOR-{token}-WHO"
        self._claims = f"VICTOR-{token}-DONE"
        self._replies = f"VICTOR-{token}-REPLY"
        self._nc: Client | None = None
        self._js: JetStreamContext
        self._who: Any = None
        self._done: Any = None
        self._known: dict[str, str] = {}
        self._topics: dict[str, set[str]] = {}
        self._pulls: dict[str, Any] = {}
        self._answered: dict[str, Answered] = {}
        self._delegations = Delegations(self)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._notes: deque[tuple[AgentMessage, Context]] = deque()
        self._noting: asyncio.Task[Any] | None = None
        self._closed = False

    async def __aenter__(self) -> NatsBus:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect, and make on the server what is not there yet. `join` and the others do it by themselves.

        Raises:
            BusError: The server cannot be reached, or has no JetStream.
            ConfigurationError: nats-py is not installed.
        """
        if self._closed:
            raise BusClosedError(f"the bus {self.name!r} was closed")
        if self._nc is not None:
            return
        try:
            import nats
            from nats.errors import Error
        except ImportError:
            raise ConfigurationError("a bus over NATS needs nats-py: pip install 'victor-teams[nats]'") from None
        try:
            async with asyncio.timeout(self._connect_timeout):  # it would try for ever by itself
                connected = await nats.connect(
                    self.url,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=0.2,
                    connect_timeout=2,
                    error_cb=_report,
                    disconnected_cb=self._on_lost,
                    reconnected_cb=self._on_found,
                    name=f"victor {self.name}",
                )
        except (TimeoutError, Error, OSError) as error:
            shown = re.sub(r"//[^@/]*@", "//...@", self.url)
            why = (
                f"{type(error).__name__}: {error}"
                if str(error)
                else f"no connection within {self._connect_timeout:g} s"
            )
            raise BusError(
                f"the NATS server {shown} cannot be reached: {why}; "
                "is it running ('nats-server -js'), and is the URL right?"
            ) from error
        self._nc = connected
        self._js = connected.jetstream(timeout=5)
        try:
            await self._prepare()
        except Error as error:
            await connected.close()
            self._nc = None
            where = self.url.rpartition("@")[2]
            raise BusError(f"JetStream at {where} does not answer: {error}; start nats-server with -js") from error

    async def _on_lost(self) -> None:
        if not self._closed:
            _log.warning("the connection to the bus %r is lost; trying again until it is back", self.name)

    async def _on_found(self) -> None:
        _log.warning("the connection to the bus %r is back", self.name)

    async def _prepare(self) -> None:
        from nats.js.api import (
            DiscardPolicy,
            KeyValueConfig,
            RetentionPolicy,
            StreamConfig,
        )

        await self._stream_of(
            StreamConfig(
                name=self._mail, subjects=[f"{self._prefix}.mail.*"], retention=RetentionPolicy.WORK_QUEUE,
                max_msgs_per_subject=self.mailbox, discard=DiscardPolicy.NEW, discard_new_per_subject=True,
                duplicate_window=120,
            )
        )  # fmt: skip
        await self._stream_of(
            StreamConfig(name=self._log_stream, subjects=[f"{self._prefix}.log"], max_msgs=max(1, self._history))
        )
        await self._stream_of(
            StreamConfig(name=self._dead_stream, subjects=[f"{self._prefix}.dead"], max_msgs=max(1, self._dead_kept))
        )
        await self._stream_of(
            StreamConfig(
                name=self._replies, subjects=[f"{self._prefix}.reply.*.*"], max_age=_REPLIES_S, max_msgs=100_000
            )
        )
        self._who = await self._js.create_key_value(KeyValueConfig(bucket=self._bucket))
        self._done = await self._js.create_key_value(KeyValueConfig(bucket=self._claims, ttl=86_400))
        watcher = await self._who.watchall()
        ready = asyncio.Event()
        self._start(self._watch(watcher, ready))
        await asyncio.wait_for(ready.wait(), 5)
        nc = self._client()
        advisory = f"$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{self._mail}.*"
        await nc.subscribe(advisory, queue=f"{self._bucket}-advisories", cb=self._given_up)

    async def _stream_of(self, config: Any) -> None:
        from nats.js.errors import BadRequestError

        try:
            await self._js.add_stream(config)
        except BadRequestError:  # it is there, with other settings: those of now hold
            await self._js.update_stream(config)

    async def _watch(self, watcher: Any, ready: asyncio.Event) -> None:
        """Keep up with who is on the bus and what they follow."""
        from nats.errors import TimeoutError as NatsTimeout

        while not self._closed:
            try:
                entry = await watcher.updates(timeout=30)
            except (TimeoutError, NatsTimeout):
                continue
            if entry is None:
                ready.set()
                continue
            gone = entry.operation in {"DEL", "PURGE"}
            kind, _, rest = entry.key.partition(".")
            if kind == "who":
                if gone:
                    self._known.pop(rest, None)
                else:
                    self._known[rest] = entry.value.decode()
            else:
                topic, _, token = rest.partition(".")
                followers = self._topics.setdefault(topic, set())
                followers.discard(token) if gone else followers.add(token)

    @property
    def members(self) -> list[str]:
        """Who is on the bus, in the order of their names."""
        return sorted(self._known.values())

    async def join(self, name: str) -> Endpoint:
        """Put a name on the bus; several processes may join under one name and share its messages.

        Raises:
            BusError: The server does not answer.
        """
        checked_name(name)
        await self.open()
        from nats.js.api import AckPolicy, ConsumerConfig

        token = token_of(name)
        config = ConsumerConfig(
            durable_name=token, filter_subject=f"{self._prefix}.mail.{token}", ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self._ack_wait, max_deliver=self._deliveries, max_ack_pending=self.mailbox,
        )  # fmt: skip
        await self._insist(lambda: self._js.add_consumer(self._mail, config))
        await self._insist(lambda: self._who.put(f"who.{token}", name.encode()))
        self._known[token] = name
        return Endpoint(self, name)

    async def leave(self, name: str) -> None:
        """Take a name off the bus for all processes. What waits for it becomes dead letters.

        Raises:
            UnknownReceiverError: It is not there.
        """
        await self.open()
        token = self._token_of(name)
        self._known.pop(token, None)
        await self._who.delete(f"who.{token}")
        for topic, followers in self._topics.items():
            if token in followers:
                await self._who.delete(f"topic.{topic}.{token}")
        while True:
            found = await self._fetch(name, 100, 0.2)
            if not found:
                break
            for raw in found:
                await self._bury(raw, name, f"{name!r} left the bus before it was read")
        self._pulls.pop(token, None)
        await self._js.delete_consumer(self._mail, token)

    async def follow(self, topic: str, name: str) -> None:
        """Let a receiver get what is published to a topic."""
        checked_name(topic, "a topic is a text")
        await self.open()
        token = self._token_of(name)
        await self._who.put(f"topic.{token_of(topic)}.{token}", topic.encode())
        self._topics.setdefault(token_of(topic), set()).add(token)

    async def unfollow(self, topic: str, name: str) -> None:
        """The opposite of `follow`."""
        await self.open()
        token = self._token_of(name)
        await self._who.delete(f"topic.{token_of(topic)}.{token}")
        self._topics.get(token_of(topic), set()).discard(token)

    async def send(self, message: AgentMessage) -> None:
        """Send a message; when this returns it is on the server's disk.

        Raises:
            UnknownReceiverError: A receiver is not on the bus; nobody has got the message.
            MailboxFullError: A mailbox is full and rejects; the others have got the message.
            MessageTooLargeError: The content is too large, or nothing that can be sent.
            BusError: The server did not take it.
        """
        await self.open()
        message = stamped(message, leaves=True)
        data = self._encoded(message)
        if message.type == MessageType.BROADCAST and not message.receivers:
            receivers = [token for token, name in self._known.items() if name != message.sender]
        elif message.type == MessageType.TOPIC:
            own = token_of(message.sender)
            receivers = [token for token in self._topics.get(token_of(message.topic), ()) if token != own]
        elif not message.receivers:
            raise ConfigurationError("a message needs receivers, or the type 'broadcast'")
        else:
            receivers = self._tokens(message.receivers)
        patient = message.type not in {MessageType.BROADCAST, MessageType.TOPIC}
        results = await asyncio.gather(
            *(self._deliver(token, message, data, patient) for token in receivers), return_exceptions=True
        )
        await self._sent(message, data)
        failures = [result for result in results if isinstance(result, BaseException)]
        for failure in failures:
            if patient or not isinstance(failure, MailboxFullError):
                raise failure

    async def publish(
        self, topic: str, content: Any, *, sender: str, metadata: Mapping[str, Any] | None = None
    ) -> AgentMessage:
        """Send to all that follow a topic, except the sender.

        Returns:
            The message; ``receivers`` are those whom it was stored for.
        """
        await self.open()
        own = token_of(sender)
        followers = tuple(
            self._known.get(token, token) for token in sorted(self._topics.get(token_of(topic), ())) if token != own
        )
        message = AgentMessage(
            sender=sender, receivers=followers, content=content, type=MessageType.TOPIC, topic=topic,
            metadata=metadata or {},
        )  # fmt: skip
        await self.send(message)
        return message

    async def receive(self, agent_id: str, timeout: float | None = 5.0) -> AgentMessage:
        """Take the oldest message for a receiver off the bus; a name that is not there joins it. Use `serve` where a
        message must not be lost when the process dies while it works on it.

        Raises:
            TimeoutError: There was no message in that time.
        """
        await self.open()
        if token_of(agent_id) not in self._known:
            await self.join(agent_id)
        until = None if timeout is None else asyncio.get_running_loop().time() + timeout
        while True:
            left = 30.0 if until is None else max(0.05, until - asyncio.get_running_loop().time())
            for raw in await self._fetch(agent_id, 1, min(left, 30.0)):
                message = await self._decoded(raw, agent_id)
                if message is not None:
                    await raw.ack_sync()
                    self._received(message, agent_id)
                    return message
            if until is not None and asyncio.get_running_loop().time() >= until:
                raise TimeoutError(f"no message for {agent_id!r} within {timeout} s")

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
        """Ask whoever serves a name, and wait for the response; see `MessageBus.request`.

        Raises:
            UnknownReceiverError: Nobody of that name is on the bus.
            RequestTimeoutError: There was no response in time, or nobody serves the name at present.
            ResponseError: The receiver answered that it failed.
            MessageTooLargeError: The content is too large.
        """
        check_patience(timeout, retries, backoff_s)
        await self.open()
        from nats.errors import NoRespondersError
        from nats.errors import TimeoutError as NatsTimeout

        (token,) = self._tokens([receiver])
        message = AgentMessage(
            sender=sender, receivers=(receiver,), content=content, type=MessageType.REQUEST, metadata=metadata or {}
        )
        message = stamped(message, leaves=True)
        data = self._encoded(message)
        subject = f"{self._prefix}.ask.{token}"
        nobody = False
        for attempt in range(retries + 1):
            if attempt:
                await asyncio.sleep(backoff_s * 2 ** (attempt - 1))
            try:
                raw = await self._client().request(subject, data, timeout=timeout, headers=self._signed(subject, data))
            except NoRespondersError:
                nobody = True
                continue
            except (TimeoutError, NatsTimeout):
                nobody = False
                continue
            response = self._verified(raw, subject)
            if response.sender != receiver or response.correlation_id != message.id:
                await self._dead(response, sender, f"{response.sender!r} answered a request to {receiver!r}")
                continue
            self._note(message)
            if response.error:
                raise ResponseError(f"{receiver!r} could not answer: {response.error}", receiver=receiver)
            return response
        times = "" if retries == 0 else f", {retries + 1} attempts"
        why = "no process serves it at present" if nobody else f"within {timeout} s"
        raise RequestTimeoutError(f"{receiver!r} did not answer {sender!r}: {why}{times}")

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
        """Ask as `request` does, but for work that takes its time: the request is stored, and when the worker that has
        it dies, another one gets it ``ack_wait_s`` after the last sign of life. The answer is stored as well.

        When the time is up, or the caller is cancelled, the request is withdrawn: a worker that has it stops.

        Args:
            sender: Who asks.
            receiver: Who is asked; need not have joined yet.
            content: What is asked.
            timeout: Seconds to wait for the answer; None for as long as somebody serves the name.
            patience_s: Seconds for which nobody may serve the name.
            metadata: Details for programs.

        Raises:
            RequestTimeoutError: There was no answer in time.
            NobodyServesError: Nobody serves the name.
            ResponseError: The receiver answered that it failed.
            MailboxFullError: Its mailbox is full and rejects.
            MessageTooLargeError: The content is too large.
        """
        await self.open()
        return await self._delegations.ask(sender, receiver, content, timeout, patience_s, metadata)

    async def serve(self, name: str, handler: Handler, *, concurrency: int = 1, idempotent: bool = True) -> StopServing:
        """Let a function handle the messages and requests of a name in this process; other processes may do the same.

        A message is taken off the server when it was handled. When the handler raises it becomes a dead letter; when
        the process dies it goes to another after ``ack_wait_s``. What was delegated is answered with what the handler
        returns, or with the error.

        Args:
            name: The receiver.
            handler: The function, sync or async.
            concurrency: Messages handled at once.
            idempotent: False where handling a message twice does harm: then one that was given out before, and a
                request that was begun before, is not handled again but becomes a dead letter, or is refused.

        Returns:
            An async function that ends it, once what is being handled is done; ``grace_s`` seconds later what is not
            done goes to another worker.
        """
        await self.join(name)
        serving = Serving(self, name, handler, concurrency, idempotent)
        await serving.begin()
        return serving.stop

    async def respond(self, message: AgentMessage, content: Any, *, sender: str, error: str = "") -> None:
        """Requests over NATS are answered by what a handler returns.

        Raises:
            BusError: Always.
        """
        raise BusError("over NATS a request is answered by what the handler given to serve() returns")

    def subscribe(self, message_type: MessageType | str, callback: Callable[[AgentMessage], Any]) -> Callable[[], None]:
        """Call a function with every message of a type from now on, whoever it is for and wherever it is sent: an async
        one in the event loop, a plain one in a thread. What it raises is logged.

        Returns:
            A function that ends the subscription.
        """
        kind = MessageType(message_type)
        subscription: Any = None

        async def on_log(raw: Msg) -> None:
            try:
                message = self._verified(raw, f"{self._prefix}.log")
                if message.type == kind:
                    await called(callback, deque([message]))
            except Exception:  # noqa: BLE001 - the subscriber's failure is its own
                _log.exception("the subscriber %r raised", callback)

        async def begin() -> None:
            nonlocal subscription
            await self.open()
            subscription = await self._client().subscribe(f"{self._prefix}.log", cb=on_log)

        task = self._start(begin())

        def unsubscribe() -> None:
            task.cancel()
            if subscription is not None:
                self._start(subscription.unsubscribe())

        return unsubscribe

    async def find(self, *, limit: int = 100, **conditions: Any) -> list[AgentMessage]:
        """The messages to which all conditions apply, oldest first; those of `History.find`.

        Args:
            limit: Messages that are looked at, the last ones.
            conditions: ``sender``, ``receiver``, ``type``, ``topic``, ``correlation_id``, ``since``.
        """
        from victor.teams.communication.history import History

        await self.open()
        kept = History(limit)
        for raw in await self._last(self._log_stream, limit):
            with suppress(BusError):  # who has not the key cannot write history either
                kept.add(self._verified(raw, f"{self._prefix}.log"))
        return kept.find(**conditions)

    async def dead(self, limit: int = 100) -> list[DeadLetter]:
        """The last dead letters of the whole bus, oldest first."""
        await self.open()
        return [_letters.decode(raw.data or b"") for raw in await self._last(self._dead_stream, limit)]

    async def close(self) -> None:
        """Leave the connection; names, messages and dead letters stay on the server. Twice is harmless."""
        if self._closed:
            return
        self._closed = True
        if self._noting is not None:
            await asyncio.wait([self._noting], timeout=1)
        while self._tasks:  # `asyncio.wait_for` before Python 3.12 may lose a cancellation
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=0.2)
        if self._nc is not None:
            with suppress(Exception):
                await self._nc.close()

    def _client(self) -> Client:
        if self._nc is None:
            raise BusError(f"the bus {self.name!r} is not connected")
        return self._nc

    async def _settled(self) -> None:
        """The server knows the subscriptions made so far. nats-py's ping may overtake what it has not written yet; the
        second one cannot.
        """
        for _ in range(2):
            await self._insist(self._client().flush)

    async def _insist(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do something on the server, also when it is away for a while.

        Raises:
            BusError: It does not answer, or refuses.
        """
        from nats.errors import Error
        from nats.js.errors import APIError

        for attempt in range(20):
            try:
                return await work()
            except (TimeoutError, Error, OSError) as error:
                if isinstance(error, APIError) and (error.code or 0) < _AWAY:
                    raise BusError(f"the server of the bus {self.name!r} refuses: {error.description}") from error
                if self._closed or attempt == 19:
                    raise BusError(f"the server of the bus {self.name!r} does not answer: {error}") from error
                await asyncio.sleep(0.1)
        return None

    def _start(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _tokens(self, names: Any) -> list[str]:
        tokens = [token_of(name) for name in names]
        unknown = [name for name, token in zip(names, tokens, strict=True) if token not in self._known]
        if unknown:
            raise UnknownReceiverError.of(self.name, unknown, self.members)
        return tokens

    def _token_of(self, name: str) -> str:
        return self._tokens([name])[0]

    def _encoded(self, message: AgentMessage) -> bytes:
        try:
            data = _encoder.encode(message)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise MessageTooLargeError(f"a content must be plain data: {error}") from error
        if len(data) > self._max_bytes:
            allowed = f"the bus {self.name!r} allows {self._max_bytes:,}"
            raise MessageTooLargeError(f"a message of {len(data):,} bytes; {allowed}")
        return data

    def _signed(self, subject: str, data: bytes) -> dict[str, str] | None:
        if self._key is None:
            return None
        return {"Victor-Signature": hmac.new(self._key, subject.encode() + b"\n" + data, hashlib.sha256).hexdigest()}

    def _verified(self, raw: Msg, subject: str) -> AgentMessage:
        if self._key is not None:
            wanted = hmac.new(self._key, subject.encode() + b"\n" + raw.data, hashlib.sha256).hexdigest()
            given = (raw.headers or {}).get("Victor-Signature", "")
            if not hmac.compare_digest(wanted, given):
                raise BusError("it is not signed with the key of this bus")
        try:
            return _decoder.decode(raw.data)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise BusError(f"it is no message: {error}") from error

    async def _decoded(self, raw: Msg, name: str) -> AgentMessage | None:
        """A message from a mailbox; what is none becomes a dead letter."""
        try:
            return self._verified(raw, raw.subject)
        except BusError as error:
            await raw.term()
            await self._dead(AgentMessage(sender="?", receivers=(name,), content=raw.data[:1000]), name, str(error))
            return None

    async def _deliver(self, token: str, message: AgentMessage, data: bytes, patient: bool) -> int:
        """Store a message in a mailbox; the id keeps it from standing there twice. Its number in the stream."""
        subject = f"{self._prefix}.mail.{token}"
        name = self._known.get(token, token)
        pause = 0.01
        while True:
            stored = await self._store(subject, data, f"{message.id}.{token}")
            if stored is not None:
                return stored
            if not patient or self.overflow == "reject":
                why = f"the mailbox of {name!r} is full: {self.mailbox} messages wait"
                await self._dead(message, name, why)
                raise MailboxFullError(why) from None
            if self.overflow == "drop_oldest":
                await self._drop_oldest(token, name)
                continue
            await asyncio.sleep(pause)
            pause = min(1.0, pause * 1.5)

    async def _store(self, subject: str, data: bytes, id: str) -> int | None:
        """Store something on the server, as often as it takes while the server is away. Its number in the stream, or
        None where there is no room.
        """
        from nats.errors import Error
        from nats.js.errors import APIError

        headers = {**(self._signed(subject, data) or {}), "Nats-Msg-Id": id}
        pause = 0.01
        for _ in range(200):
            try:
                return (await self._js.publish(subject, data, timeout=5, headers=headers)).seq
            except APIError as error:
                if error.err_code == _FULL:
                    return None
                if (error.code or 0) < _AWAY:
                    raise BusError(f"the server did not take a message: {error.description}") from error
            except (TimeoutError, Error, OSError):
                if self._closed:
                    raise BusClosedError(f"the bus {self.name!r} was closed") from None
            await asyncio.sleep(pause)
            pause = min(1.0, pause * 1.5)
        raise BusError(f"the server did not take message {id}")

    def _reply_subject(self, inbox: str, id: str | None) -> str:
        """Where the answer to a delegated request goes; to any request of the inbox where there is no id."""
        return f"{self._prefix}.reply.{inbox}.{'*' if id is None else token_of(id)}"

    async def _drop_oldest(self, token: str, name: str) -> None:
        from nats.js.errors import NotFoundError

        try:
            oldest = await self._js.get_msg(self._mail, seq=1, subject=f"{self._prefix}.mail.{token}", next=True)
        except NotFoundError:
            return
        if oldest.seq is not None:
            await self._js.delete_msg(self._mail, oldest.seq)
        message = _decoder.decode(oldest.data or b"")
        await self._dead(message, name, f"the mailbox of {name!r} was full, and newer messages came")

    async def _fetch(self, name: str, count: int, timeout: float) -> list[Msg]:
        from nats.errors import Error
        from nats.errors import TimeoutError as NatsTimeout

        token = token_of(name)
        try:
            pull = self._pulls.get(token)
            if pull is None:
                pull = self._pulls[token] = await self._js.pull_subscribe_bind(durable=token, stream=self._mail)
            found: list[Msg] = await pull.fetch(count, timeout=timeout)
        except (TimeoutError, NatsTimeout):
            return []
        except (Error, OSError) as error:
            _log.debug("fetching for %s: %s", name, error)
            await asyncio.sleep(min(timeout, 0.2))
            return []
        return found

    async def _reply(self, raw: Msg, subject: str, response: AgentMessage) -> None:
        data = self._encoded(response)
        await self._client().publish(raw.reply, data, headers=self._signed(subject, data))
        self._note(response)

    async def _given_up(self, raw: Msg) -> None:
        """The server has given a message out as often as it may: it becomes a dead letter."""
        from nats.js.errors import NotFoundError

        told = msgspec.json.decode(raw.data)
        sequence = told["stream_seq"]
        try:
            stored = await self._js.get_msg(self._mail, seq=sequence)
        except NotFoundError:
            return
        name = self._known.get(told["consumer"], told["consumer"])
        message = _decoder.decode(stored.data or b"")
        why = f"its workers died {told['deliveries']} times before it was handled"
        await self._dead(message, name, why)
        await self._js.delete_msg(self._mail, sequence)
        if message.type == MessageType.DELEGATION and "answer_to" in message.metadata:
            await self._answer(message, message.reply(sender=name, error=why))

    async def _answer(self, message: AgentMessage, response: AgentMessage) -> None:
        """Store a response where whoever asked finds it, also when the connection was lost meanwhile."""
        inbox = str(message.metadata["answer_to"])
        if not PLAIN.fullmatch(inbox):
            return
        subject = self._reply_subject(inbox, message.id)
        await self._store(subject, self._encoded(response), response.id)
        with where_sent(message):
            self._note(response)

    async def _bury(self, raw: Msg, name: str, reason: str, message: AgentMessage | None = None) -> None:
        if message is None:
            message = await self._decoded(raw, name)
            if message is None:
                return
        await self._dead(message, name, reason)
        await raw.term()

    async def _dead(self, message: AgentMessage, receiver: str, reason: str) -> None:
        data = _encoder.encode(DeadLetter(message, receiver, reason[:LONGEST_ERROR]))
        await self._insist(lambda: self._js.publish(f"{self._prefix}.dead", data, timeout=5))
        if self._stream.active:
            attributes = {"id": message.id, "sender": message.sender, "reason": reason, "bus": self.name}
            self._stream.emit("message.dead", receiver, attributes)

    async def _last(self, stream: str, limit: int) -> list[Any]:
        from nats.js.errors import NotFoundError

        state = (await self._js.stream_info(stream)).state
        found = []
        for sequence in range(max(1, state.first_seq, state.last_seq - limit + 1), state.last_seq + 1):
            with suppress(NotFoundError):
                found.append(await self._js.get_msg(stream, seq=sequence))
        return found

    async def _sent(self, message: AgentMessage, data: bytes, context: Context | None = None) -> None:
        subject = f"{self._prefix}.log"
        with suppress(Exception):  # the record of what was said is kept as far as that is possible
            await self._client().publish(subject, data, headers=self._signed(subject, data))
        if context is None:
            self._emit(message)
        else:
            context.run(self._emit, message)

    def _note(self, message: AgentMessage) -> None:
        """Record a request or a response, without waiting."""
        self._notes.append((message, copy_context()))
        if self._noting is None or self._noting.done():
            self._noting = self._start(self._write_notes())

    async def _write_notes(self) -> None:
        while self._notes:
            message, context = self._notes.popleft()
            await self._sent(message, _encoder.encode(message), context)

    def _emit(self, message: AgentMessage) -> None:
        if self._stream.active:
            attributes = {
                "id": message.id, "type": str(message.type), "receivers": list(message.receivers), "bus": self.name,
            }  # fmt: skip
            self._stream.emit("message.sent", message.sender, attributes, content={"content": message.content})

    def _received(self, message: AgentMessage, name: str) -> None:
        if self._stream.active:
            attributes = {"id": message.id, "type": str(message.type), "sender": message.sender, "bus": self.name}
            self._stream.emit("message.received", name, attributes)


async def _report(error: Exception) -> None:
    _log.debug("NATS: %s", error)

"""The side of `NatsBus` that serves a name: takes messages, shows that it lives while it works on them, and answers.

What is in hand when a process dies goes to another one that serves the same name, ``ack_wait_s`` after the last sign of
life. A message that comes again while it is worked on here is not begun again. Where a handler said that doing it twice
does harm, a worker claims each message on the server before it begins; who finds a claim asks whether the claimant is
alive, and never begins itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import logging
from contextlib import suppress
from datetime import UTC, datetime
from os import urandom
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from victor.teams.communication.bus import Handler
from victor.teams.communication.errors import LONGEST_ERROR, BusError, MessageTooLargeError
from victor.teams.communication.message import AgentMessage, MessageType
from victor.teams.communication.names import PLAIN, token_of
from victor.teams.communication.requests import Answered
from victor.teams.communication.traced import where_sent

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from victor.teams.communication.nats_bus import NatsBus

__all__ = ["Serving"]

_log = logging.getLogger("victor.teams.bus")
_BEGUN: Final = b"?"  # a claim of work that is not done begins with this, and then names who has it
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(AgentMessage)
_TWICE: Final = "its worker died, and it must not be handled twice"
_BEFORE: Final = "it was begun before by a worker that did not answer, and must not be done twice"


class _Work:
    """One message in hand."""

    __slots__ = ("raws", "task", "withdrawn")

    def __init__(self, raw: Msg) -> None:
        self.raws = [raw]
        self.task: asyncio.Task[AgentMessage] | None = None
        self.withdrawn = False


class Serving:
    """One call of `NatsBus.serve`.

    Args:
        bus: The bus.
        name: Whose messages.
        handler: Handles them.
        concurrency: Messages handled at once.
        idempotent: False where none may be handled twice.
    """

    def __init__(self, bus: NatsBus, name: str, handler: Handler, concurrency: int, idempotent: bool) -> None:
        self._bus = bus
        self._name = name
        self._token = token_of(name)
        self._handler = handler
        self._idempotent = idempotent
        self._concurrency = concurrency
        self._room = asyncio.Semaphore(concurrency)
        self._stopping = asyncio.Event()
        self._giving_back = False
        self._in_hand: dict[str, _Work] = {}
        self._open: set[asyncio.Task[Any]] = set()
        self._loops: list[asyncio.Task[Any]] = []
        self._answered: Answered = bus._answered.setdefault(self._token, Answered(10_000))
        self._owner = urandom(8).hex()
        self._busy: set[str] = set()  # claims that are worked on
        self._gone: set[bytes] = set()
        self._subscriptions: list[Any] = []

    async def begin(self) -> None:
        """Serve from now on."""
        nc, prefix = self._bus._client(), self._bus._prefix

        self._subscriptions = [
            await nc.subscribe(f"{prefix}.ask.{self._token}", queue="workers", cb=self._on_ask),
            await nc.subscribe(f"{prefix}.ready.{self._token}", queue="workers", cb=self._on_probe),
            await nc.subscribe(f"{prefix}.alive.{self._token}", queue="workers", cb=self._on_probe),
            await nc.subscribe(f"{prefix}.owner.{self._owner}", cb=self._on_owner),
            await nc.subscribe(f"{prefix}.withdraw.{self._token}", cb=self._on_withdrawal),
        ]
        await self._bus._settled()
        self._loops = [self._bus._start(self._take()) for _ in range(self._concurrency)]

    async def _on_ask(self, raw: Msg) -> None:
        task = self._bus._start(self._on_request(raw))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _on_probe(self, raw: Msg) -> None:
        with suppress(Exception):
            await raw.respond(b"")

    async def _on_owner(self, raw: Msg) -> None:
        with suppress(Exception):
            await raw.respond(b"yes" if raw.data.decode() in self._busy else b"no")

    async def stop(self, grace_s: float | None = None) -> None:
        """Take no more; finish what is in hand, or give it back when the seconds are over."""
        self._stopping.set()
        for subscription in self._subscriptions[:2]:
            with suppress(Exception):
                await subscription.unsubscribe()
        while tasks := [task for task in (*self._loops, *self._open) if not task.done()]:
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            if late:
                self._giving_back = True
                grace_s = None
                for task in self._open:
                    task.cancel()
                for work in self._in_hand.values():
                    if work.task is not None:
                        work.task.cancel()
        for subscription in self._subscriptions[2:]:
            with suppress(Exception):
                await subscription.unsubscribe()

    async def _take(self) -> None:
        while not (self._stopping.is_set() or self._bus._closed):
            for raw in await self._bus._fetch(self._name, 1, 1.0):
                try:
                    if self._stopping.is_set():
                        await raw.nak()
                    else:
                        await self._taken(raw)
                except Exception as error:  # noqa: BLE001 - it was not acknowledged, so it comes again
                    _log.warning("a message for %s is to come again: %s: %s", self._name, type(error).__name__, error)

    async def _taken(self, raw: Msg) -> None:
        message = await self._bus._decoded(raw, self._name)
        if message is None:
            return
        known = self._in_hand.get(message.id)
        if known is not None:
            known.raws.append(raw)
            return
        left = None
        if message.type == MessageType.DELEGATION and "answer_to" in message.metadata:
            try:
                left = _time_left(raw, message)
            except BusError as error:
                await self._bus._bury(raw, self._name, str(error), message)
                return
            if left is not None and left <= 0:  # whoever asked has given up
                await self._acknowledge([raw])
                return
            message = replace(message, metadata={**message.metadata, "timeout_s": left})
        work = self._in_hand[message.id] = _Work(raw)
        alive = self._bus._start(self._show_life(work))
        try:
            await self._claimed(work, message)
        finally:
            alive.cancel()
            del self._in_hand[message.id]

    async def _claimed(self, work: _Work, message: AgentMessage) -> None:
        claim = "" if self._idempotent else f"{_key(message.id)}.{self._token}"
        begun = await self._claim(claim) if claim else None
        if begun is not None:
            if begun.startswith(_BEGUN):
                await self._refuse(work, message)
            else:  # it was handled, and the server has forgotten that, or whoever asked has not heard
                if begun != b"done":
                    await self._bus._answer(message, _decoder.decode(begun))
                await self._acknowledge(work.raws)
            return
        async with self._room:
            if work.withdrawn:
                await self._acknowledge(work.raws)
                return
            with where_sent(message):
                self._bus._received(message, self._name)
            asked = "answer_to" in message.metadata and message.type == MessageType.DELEGATION
            work.task = self._bus._start(self._worked(message, answers=asked))
            try:
                await asyncio.wait({work.task})
            except asyncio.CancelledError:
                work.task.cancel()
                raise
        if work.task.cancelled():
            await self._broken_off(work, message)
            return
        response = work.task.result()
        if claim:
            await self._finish(claim, _encoder.encode(response) if asked else b"done")
        if asked:
            await self._bus._answer(message, response)
        elif response.error:
            await self._bus._bury(work.raws[-1], self._name, f"it could not be handled: {response.error}", message)
            return
        await self._acknowledge(work.raws)

    async def _broken_off(self, work: _Work, message: AgentMessage) -> None:
        if work.withdrawn:
            await self._acknowledge(work.raws)
        elif self._giving_back and self._idempotent:
            for raw in work.raws:
                await raw.nak()
        elif self._giving_back:
            await self._refuse(work, message, "its worker was stopped in the middle, and it must not be done twice")

    async def _refuse(self, work: _Work, message: AgentMessage, why: str = "") -> None:
        """It must not be done again: whoever asked is told, or it becomes a dead letter."""
        if message.type == MessageType.DELEGATION and "answer_to" in message.metadata:
            await self._bus._answer(message, message.reply(sender=self._name, error=why or _BEFORE))
            await self._acknowledge(work.raws)
        else:
            await self._bus._bury(work.raws[-1], self._name, why or _TWICE, message)

    async def _acknowledge(self, raws: list[Msg]) -> None:
        """Take a handled message off the server, also when the server is away for a while."""
        from nats.errors import Error, MsgAlreadyAckdError

        for attempt in range(60):
            try:
                await raws[-1].ack_sync(timeout=1 + attempt * 0.1)
            except MsgAlreadyAckdError:
                return
            except (TimeoutError, Error, OSError):
                await asyncio.sleep(0.1)
            else:
                return
        _log.warning("message %s was handled, and the server could not be told", raws[-1].headers)

    async def _show_life(self, work: _Work) -> None:
        from nats.errors import Error

        while True:
            await asyncio.sleep(self._bus._ack_wait / 3)
            with suppress(Error, OSError):
                await work.raws[-1].in_progress()

    async def _on_withdrawal(self, raw: Msg) -> None:
        """Whoever asked does not want it any more."""
        try:
            message = self._bus._verified(raw, raw.subject)
        except BusError:
            return
        work = self._in_hand.get(message.correlation_id or "")
        if work is not None:
            work.withdrawn = True
            if work.task is not None:
                work.task.cancel()

    async def _on_request(self, raw: Msg) -> None:
        bus, name = self._bus, self._name
        subject = f"{bus._prefix}.ask.{self._token}"
        try:
            message = bus._verified(raw, subject)
        except BusError as error:
            await bus._dead(AgentMessage(sender="?", receivers=(name,), content=raw.data[:1000]), name, str(error))
            return
        with where_sent(message):
            bus._received(message, name)
        answered = self._answered
        if not answered.first_time(message.id):
            response = answered.response(message.id)
            if response is None:
                while response is None:  # being worked on in this process: it is answered when that is done
                    await asyncio.sleep(0.01)
                    response = answered.response(message.id)
            with where_sent(message):
                await bus._reply(raw, subject, response)
            return
        claim = "" if self._idempotent else _key(message.id)
        begun = await self._claim(claim) if claim else None
        if begun is None:
            async with self._room:
                response = await self._worked(message, answers=True)
            if claim:
                await self._finish(claim, _encoder.encode(response))
        elif begun.startswith(_BEGUN):
            response = message.reply(sender=name, error=_BEFORE)
        else:
            response = _decoder.decode(begun)
        answered.answered(message.id, response)
        with where_sent(message):
            await bus._reply(raw, subject, response)

    async def _worked(self, message: AgentMessage, *, answers: bool) -> AgentMessage:
        try:
            with where_sent(message):
                value = await _handled(self._handler, message)
            response = message.reply(value if answers else None, sender=self._name)
            if answers:
                self._bus._encoded(response)
        except Exception as error:  # noqa: BLE001 - told to whoever asked, or kept as a dead letter
            why = str(error) if isinstance(error, MessageTooLargeError) else f"{type(error).__name__}: {error}"
            return message.reply(sender=self._name, error=why[:LONGEST_ERROR])
        return response

    async def _claim(self, claim: str) -> bytes | None:
        """Claim a piece of work. None when it is this worker's; ``?`` and a name when it was begun before and is worked
        on no more; else what came of it.
        """
        from nats.errors import Error
        from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError

        done = self._bus._done
        mine = _BEGUN + self._owner.encode()
        unsure = False
        while True:
            try:
                await done.create(claim, mine)
            except KeyWrongLastSequenceError:
                pass
            except (TimeoutError, Error, OSError):  # the server is away, and may have noted it
                unsure = True
                await asyncio.sleep(0.1)
                continue
            else:
                self._busy.add(claim)
                return None
            try:
                value: bytes = (await done.get(claim)).value or b""
            except (KeyNotFoundError, TimeoutError, Error, OSError):
                await asyncio.sleep(0.1)
                continue
            if unsure and value == mine:
                self._busy.add(claim)
                return None
            if not value.startswith(_BEGUN) or await self._is_left(claim, value[1:]):
                return value
            await asyncio.sleep(0.2)  # another is still at it: what comes of that will do

    async def _is_left(self, claim: str, owner: bytes) -> bool:
        """Whether nobody is at it any more. A worker that was only cut off for a moment has the time to come back."""
        from nats.errors import Error, NoRespondersError

        if owner in self._gone:
            return True
        subject = f"{self._bus._prefix}.owner.{owner.decode()}"
        for _ in range(4):
            try:
                said = await self._bus._client().request(subject, claim.encode(), timeout=2)
            except NoRespondersError:
                await asyncio.sleep(0.25)
            except (TimeoutError, Error, OSError):
                return False
            else:
                return said.data == b"no"
        self._gone.add(owner)
        return True

    async def _finish(self, claim: str, value: bytes) -> None:
        """Note what came of claimed work, also when the server is away for a while."""
        from nats.errors import Error

        self._busy.discard(claim)
        for _ in range(60):
            try:
                await self._bus._done.put(claim, value)
            except (TimeoutError, Error, OSError):
                await asyncio.sleep(0.1)
            else:
                return
        _log.warning("what came of %s could not be noted on the server", claim)


async def _handled(handler: Handler, message: AgentMessage) -> Any:
    """Call a handler: a plain one in a thread, for while it blocked the event loop this worker would show no life."""
    from victor.core.worker_threads import in_thread, start

    if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None)):  # noqa: B004
        value = handler(message)
    else:
        value = await in_thread(start(lambda: handler(message), getattr(handler, "__name__", "handler")))
    return await value if inspect.isawaitable(value) else value


def _time_left(raw: Msg, message: AgentMessage) -> float | None:
    """Seconds until whoever asked gives up. The server's note of when the message came counts, as the message may have
    waited.

    Raises:
        BusError: It is no request that can be answered.
    """
    seconds, inbox = message.metadata.get("timeout_s"), message.metadata.get("answer_to")
    if not isinstance(inbox, str) or not PLAIN.fullmatch(inbox):
        raise BusError("it does not say where the answer goes")
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise BusError(f"its time is no number: {seconds!r:.80}")
    waited = (datetime.now(UTC) - raw.metadata.timestamp).total_seconds()
    return float(seconds) - max(0.0, waited)


def _key(id: str) -> str:
    """An id as a key on the server, whatever is in it."""
    return id if PLAIN.fullmatch(id) else "x-" + hashlib.sha256(id.encode()).hexdigest()

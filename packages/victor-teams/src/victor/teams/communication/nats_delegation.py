"""The side of `NatsBus` that delegates: a request that is stored, and an answer that is stored.

The request lies in the receiver's mailbox until somebody who serves the name has handled it; when that one dies, it
goes to another. The answer is stored too, under an address that only who asked knows: when the connection was away it
is found afterwards, and a second answer is passed over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from os import urandom
from typing import TYPE_CHECKING, Any, Final

from victor.teams.communication.errors import BusError, NobodyServesError, RequestTimeoutError, ResponseError
from victor.teams.communication.message import AgentMessage, MessageType
from victor.teams.communication.names import token_of
from victor.teams.communication.traced import stamped

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from victor.teams.communication.nats_bus import NatsBus

__all__ = ["Delegations"]

_LOOK_S: Final = 1.0


class _Open:
    """A request that waits for its answer."""

    __slots__ = ("future", "receiver", "sender", "storing")

    def __init__(self, sender: str, receiver: str) -> None:
        self.sender = sender
        self.receiver = receiver
        self.future: asyncio.Future[AgentMessage] = asyncio.get_running_loop().create_future()
        self.storing: asyncio.Task[int] | None = None  # its number in the stream


class Delegations:
    """What one bus has delegated.

    Args:
        bus: The bus.
    """

    def __init__(self, bus: NatsBus) -> None:
        self._bus = bus
        self._inbox = urandom(16).hex()
        self._open: dict[str, _Open] = {}
        self._listens: asyncio.Task[Any] | None = None

    async def ask(
        self,
        sender: str,
        receiver: str,
        content: Any,
        timeout: float | None,
        patience_s: float,
        metadata: Mapping[str, Any] | None,
    ) -> AgentMessage:
        """See `NatsBus.delegate`."""
        bus = self._bus
        if self._listens is None:
            self._listens = bus._start(self._listen())
        await asyncio.shield(self._listens)
        details = {**(metadata or {}), "answer_to": self._inbox, "timeout_s": timeout}
        message = AgentMessage(
            sender=sender, receivers=(receiver,), content=content, type=MessageType.DELEGATION, metadata=details
        )
        message = stamped(message, leaves=True)
        bus._encoded(message)
        waiting = self._open[message.id] = _Open(sender, receiver)
        try:
            try:
                async with asyncio.timeout(timeout) as limit:
                    response = await self._until_answered(message, waiting, patience_s)
            except TimeoutError as error:
                if isinstance(error, BusError) or not limit.expired():
                    raise
                raise RequestTimeoutError(f"{receiver!r} did not answer {sender!r} within {timeout:.4g} s") from None
        finally:
            del self._open[message.id]
            if waiting.future.done():
                bus._start(self._forget(message))
            elif waiting.storing is not None:
                with suppress(Exception):
                    async with asyncio.timeout(1):
                        await self._withdraw(message, await waiting.storing)
        if response.error:
            raise ResponseError(f"{receiver!r} could not answer: {response.error}", receiver=receiver)
        return response

    async def _until_answered(self, message: AgentMessage, waiting: _Open, patience_s: float) -> AgentMessage:
        bus, token = self._bus, token_of(waiting.receiver)
        loop = asyncio.get_running_loop()
        alone_since: float | None = None
        pause, reconnects, looks = 0.02, bus._client().stats["reconnects"], 0
        while True:
            asking = asyncio.create_task(self._anybody("alive" if waiting.storing else "ready", token))
            try:
                both: set[asyncio.Future[Any]] = {asking, waiting.future}
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                asking.cancel()
            if waiting.future.done():
                return waiting.future.result()
            if await asking:
                alone_since = None
                if waiting.storing is None:
                    waiting.storing = bus._start(bus._deliver(token, message, bus._encoded(message), True))
                    await asyncio.shield(waiting.storing)
                    await bus._sent(message, bus._encoded(message))
            else:
                alone_since = loop.time() if alone_since is None else alone_since
                if loop.time() - alone_since >= patience_s:
                    raise self._nobody(waiting.receiver, patience_s, begun=waiting.storing is not None)
            pause = _LOOK_S if waiting.storing and alone_since is None else min(0.5, pause * 1.5)
            await asyncio.wait({waiting.future}, timeout=pause)
            looks += 1
            now = bus._client().stats["reconnects"]
            if waiting.storing and (alone_since is not None or looks % 10 == 0 or now != reconnects):
                reconnects = now
                with suppress(Exception):  # the server is away: the next time, then
                    await self._look(message.id)

    def _nobody(self, receiver: str, patience_s: float, *, begun: bool) -> NobodyServesError:
        from victor.core.catalog import near_matches

        near = near_matches(receiver, [name for name in self._bus.members if name != receiver])
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        after = " since the one that had the request" if begun else ""
        return NobodyServesError(
            f"nobody serves {receiver!r}{hint} on the bus {self._bus.name!r}{after}; waited {patience_s:g} s"
        )

    async def _anybody(self, how: str, token: str) -> bool:
        """Whether anybody serves a name. Who is only slow to say so does."""
        from nats.errors import Error, NoRespondersError

        try:
            await self._bus._client().request(f"{self._bus._prefix}.{how}.{token}", b"", timeout=2)
        except NoRespondersError:
            return False
        except (TimeoutError, Error, OSError):
            return True
        return True

    async def _listen(self) -> None:
        await self._bus._client().subscribe(self._bus._reply_subject(self._inbox, None), cb=self._on_reply)
        await self._bus._settled()

    async def _on_reply(self, raw: Msg) -> None:
        await self._judge(raw)

    async def _judge(self, raw: Any) -> None:
        """Take an answer, if it is one to what was asked and from who was asked."""
        bus = self._bus
        try:
            response = bus._verified(raw, raw.subject)
        except BusError as error:
            forged = AgentMessage(sender="?", content=(raw.data or b"")[:1000])
            await bus._dead(forged, self._inbox, str(error))
            return
        waiting = self._open.get(response.correlation_id or "")
        if waiting is None or waiting.future.done():
            return  # a second answer, or one that came too late
        if response.sender != waiting.receiver or not raw.subject.endswith(
            "." + token_of(response.correlation_id or "")
        ):
            why = f"{response.sender!r} answered a request to {waiting.receiver!r}"
            await bus._dead(response, waiting.sender, why)
            return
        waiting.future.set_result(response)

    async def _look(self, id: str) -> None:
        """Look whether an answer was stored that did not come by itself."""
        from nats.js.errors import NotFoundError

        bus, sequence = self._bus, 1
        subject = bus._reply_subject(self._inbox, id)
        while id in self._open and not self._open[id].future.done():
            try:
                stored = await bus._js.get_msg(bus._replies, seq=sequence, subject=subject, next=True)
            except NotFoundError:
                return
            await self._judge(stored)
            sequence = (stored.seq or sequence) + 1

    async def _forget(self, message: AgentMessage) -> None:
        with suppress(Exception):  # what is left there goes by its age
            await self._bus._js.purge_stream(
                self._bus._replies, subject=self._bus._reply_subject(self._inbox, message.id)
            )

    async def _withdraw(self, message: AgentMessage, sequence: int) -> None:
        """Nobody waits any more: a worker that has it stops, and nobody else begins."""
        bus = self._bus
        subject = f"{bus._prefix}.withdraw.{token_of(message.receivers[0])}"
        notice = AgentMessage(sender=message.sender, type=MessageType.STATUS, correlation_id=message.id)
        data = bus._encoded(notice)
        await bus._client().publish(subject, data, headers=bus._signed(subject, data))
        if sequence:
            await bus._js.delete_msg(bus._mail, sequence)
        await bus._client().flush()

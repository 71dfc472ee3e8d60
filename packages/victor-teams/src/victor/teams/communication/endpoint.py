"""What speaks on the bus under one name, and under no other: give members this, and keep the bus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from victor.teams.communication.errors import BusError
from victor.teams.communication.message import AgentMessage, MessageType

if TYPE_CHECKING:
    from victor.teams.communication.bus import Bus, Handler, StopServing

__all__ = ["Endpoint"]


class Endpoint:
    """One name on a bus. Made by `MessageBus.join`.

    Attributes:
        name: The name.
    """

    __slots__ = ("_bus", "name")

    def __init__(self, bus: Bus, name: str) -> None:
        self._bus = bus
        self.name: str = name

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r} on {self._bus.name!r})"

    async def send(
        self,
        receivers: str | Iterable[str],
        content: Any,
        type: MessageType = MessageType.DIRECT,
        *,
        metadata: Mapping[str, Any] | None = None,
        reply_to: str | None = None,
        correlation_id: str | None = None,
    ) -> AgentMessage:
        """Send a message. See `MessageBus.send` for the errors.

        Returns:
            The message.
        """
        message = AgentMessage(
            sender=self.name,
            receivers=(receivers,) if isinstance(receivers, str) else tuple(receivers),
            content=content,
            type=type,
            metadata=metadata or {},
            reply_to=reply_to,
            correlation_id=correlation_id,
        )
        await self._bus.send(message)
        return message

    async def broadcast(self, content: Any, *, metadata: Mapping[str, Any] | None = None) -> AgentMessage:
        """Send to everybody else on the bus; never waits for them."""
        message = AgentMessage(sender=self.name, content=content, type=MessageType.BROADCAST, metadata=metadata or {})
        await self._bus.send(message)
        return message

    async def publish(self, topic: str, content: Any, *, metadata: Mapping[str, Any] | None = None) -> AgentMessage:
        """Send to all that follow a topic; never waits for them."""
        return await self._bus.publish(topic, content, sender=self.name, metadata=metadata)

    async def request(
        self,
        receiver: str,
        content: Any,
        *,
        timeout: float = 30.0,
        retries: int = 0,
        backoff_s: float = 0.1,
        metadata: Mapping[str, Any] | None = None,
    ) -> AgentMessage:
        """Ask somebody and wait for the response. See `MessageBus.request`."""
        return await self._bus.request(
            self.name, receiver, content, timeout=timeout, retries=retries, backoff_s=backoff_s, metadata=metadata
        )

    async def reply(self, message: AgentMessage, content: Any = None, *, error: str = "") -> None:
        """Answer a message: a request gets its response, anything else a direct message that names it.

        Raises:
            BusError: The message was not for this name.
        """
        if message.type == MessageType.REQUEST:
            if self.name not in message.receivers:
                raise BusError(
                    f"{self.name!r} was not asked: request {message.id} is for {', '.join(message.receivers)}"
                )
            await self._bus.respond(message, content, sender=self.name, error=error)
        else:
            await self.send(
                message.sender, content, reply_to=message.id, correlation_id=message.correlation_id or message.id
            )

    async def receive(self, timeout: float | None = 5.0) -> AgentMessage:
        """Take the oldest message; see `MessageBus.receive`."""
        return await self._bus.receive(self.name, timeout)

    async def __aiter__(self) -> AsyncIterator[AgentMessage]:
        while True:
            yield await self._bus.receive(self.name, None)

    async def delegate(
        self,
        receiver: str,
        content: Any,
        *,
        timeout: float | None = 300.0,
        patience_s: float = 10.0,
        metadata: Mapping[str, Any] | None = None,
    ) -> AgentMessage:
        """Ask somebody whose answer may take its time, and outlive who works on it. See `NatsBus.delegate`."""
        return await self._bus.delegate(
            self.name, receiver, content, timeout=timeout, patience_s=patience_s, metadata=metadata
        )

    async def serve(self, handler: Handler, *, concurrency: int = 1, idempotent: bool = True) -> StopServing:
        """Let a function handle the messages; see `MessageBus.serve`."""
        return await self._bus.serve(self.name, handler, concurrency=concurrency, idempotent=idempotent)

    async def follow(self, *topics: str) -> None:
        """Get what is published to these topics."""
        for topic in topics:
            await self._bus.follow(topic, self.name)

    async def unfollow(self, *topics: str) -> None:
        """The opposite of `follow`."""
        for topic in topics:
            await self._bus.unfollow(topic, self.name)

    async def leave(self) -> None:
        """Take the name off the bus."""
        await self._bus.leave(self.name)

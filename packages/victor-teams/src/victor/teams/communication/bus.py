"""What every bus can do, in process or across machines."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from victor.core.errors import ConfigurationError
from victor.teams.communication.message import AgentMessage, MessageType

if TYPE_CHECKING:
    from victor.teams.communication.endpoint import Endpoint

__all__ = ["Bus", "Handler", "StopServing", "open_bus"]

Handler = Callable[[AgentMessage], Any]
"""Gets a message; what it returns (also by way of an awaitable) is the response to a request."""


class StopServing(Protocol):
    """Ends what `Bus.serve` began."""

    async def __call__(self, grace_s: float | None = None) -> None:
        """Take no more messages, and return when those in hand are done.

        Args:
            grace_s: Seconds to wait for them; then they are broken off. None waits as long as it takes.
        """


class Bus(Protocol):
    """A bus. `MessageBus` documents each call; `NatsBus` says what differs across machines."""

    name: str

    async def __aenter__(self) -> Bus:
        """Open it; the end of the ``with`` block closes it."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""

    @property
    def members(self) -> list[str]:
        """Who is on the bus."""

    async def join(self, name: str) -> Endpoint:
        """Put a name on the bus."""

    async def leave(self, name: str) -> None:
        """Take a name off the bus."""

    async def send(self, message: AgentMessage) -> None:
        """Send a message to its receivers."""

    async def receive(self, agent_id: str, timeout: float | None = 5.0) -> AgentMessage:
        """Take the oldest message for a receiver."""

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
        """Ask somebody and wait for the response."""

    async def respond(self, message: AgentMessage, content: Any, *, sender: str, error: str = "") -> None:
        """Answer a request."""

    async def publish(
        self, topic: str, content: Any, *, sender: str, metadata: Mapping[str, Any] | None = None
    ) -> AgentMessage:
        """Send to all that follow a topic."""

    async def follow(self, topic: str, name: str) -> None:
        """Let a receiver get what is published to a topic."""

    async def unfollow(self, topic: str, name: str) -> None:
        """The opposite of `follow`."""

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
        """Ask somebody whose answer may take its time, and outlive who works on it."""

    async def serve(self, name: str, handler: Handler, *, concurrency: int = 1, idempotent: bool = True) -> StopServing:
        """Let a function handle the messages of a receiver."""

    def subscribe(self, message_type: MessageType | str, callback: Callable[[AgentMessage], Any]) -> Callable[[], None]:
        """Call a function with every message of a type."""

    async def close(self) -> None:
        """End it."""


def open_bus(url: str | None = None, **options: Any) -> Bus:
    """A bus by its address.

    Args:
        url: ``nats://host:port`` or ``tls://host:port`` for one across machines, ``memory:`` for one in this process;
            None for what the variable ``VICTOR_BUS`` says, ``memory:`` where it says nothing.
        options: For `NatsBus` or `MessageBus`. The ``key`` of a `NatsBus` is what the variable ``VICTOR_BUS_KEY`` says,
            where none is given.

    Raises:
        ConfigurationError: Nothing is known of that kind of address.

    Example:
        >>> open_bus("memory:", name="talk").name
        'talk'
    """
    url = url or os.environ.get("VICTOR_BUS") or "memory:"
    if url.startswith(("nats://", "tls://")):
        from victor.teams.communication.nats_bus import NatsBus

        options.setdefault("key", os.environ.get("VICTOR_BUS_KEY") or None)
        return NatsBus(url, **options)
    if url == "memory:":
        from victor.teams.communication.message_bus import MessageBus

        return MessageBus(**options)
    shown = url.partition(":")[0]
    raise ConfigurationError(f"a bus is at nats://host:port, tls://host:port or memory:, not at {shown}:...")

"""Where the messages for one receiver wait: a bounded queue with a stated policy for when it is full."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Literal

from victor.core.errors import ConfigurationError
from victor.teams.communication.errors import BusClosedError, MailboxFullError
from victor.teams.communication.message import AgentMessage

__all__ = ["Mailbox", "Overflow"]

Overflow = Literal["wait", "drop_oldest", "reject"]
"""When a mailbox is full: the sender waits, the oldest message becomes a dead letter, or the new one is refused."""

_POLICIES = ("wait", "drop_oldest", "reject")


class Mailbox:
    """The messages that wait for one receiver.

    Args:
        name: Of the receiver.
        size: Messages at most.
        overflow: What happens when it is full.
        dropped: Called with a message that was dropped for a newer one.

    Raises:
        ConfigurationError: The size or the policy makes no sense.
    """

    __slots__ = ("_closed", "_dropped", "_getters", "_putters", "messages", "name", "overflow", "size")

    def __init__(self, name: str, size: int, overflow: Overflow, dropped: Callable[[AgentMessage, str], None]) -> None:
        if overflow not in _POLICIES:
            raise ConfigurationError(f"a full mailbox may {', '.join(_POLICIES)}; not {overflow!r}")
        given: object = size
        if not isinstance(given, int) or size < 1:
            raise ConfigurationError(f"a mailbox holds at least one message, not {size!r}")
        self.name: str = name
        self.size: int = size
        self.overflow = overflow
        self.messages: deque[AgentMessage] = deque()
        self._dropped = dropped
        self._getters: deque[asyncio.Future[None]] = deque()
        self._putters: deque[asyncio.Future[None]] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self.messages)

    def put_nowait(self, message: AgentMessage) -> bool:
        """Put a message in; False where the sender must wait for room.

        Raises:
            MailboxFullError: It is full, and the policy is to reject.
            BusClosedError: The receiver has left.
        """
        if self._closed:
            raise BusClosedError(f"{self.name!r} has left the bus")
        messages = self.messages
        if len(messages) >= self.size:
            if self.overflow == "wait":
                return False
            if self.overflow == "reject":
                raise MailboxFullError(f"the mailbox of {self.name!r} is full: {self.size} messages wait")
            self._dropped(messages.popleft(), f"the mailbox of {self.name!r} was full, and newer messages came")
        messages.append(message)
        if self._getters:
            _wake(self._getters)
        return True

    async def put(self, message: AgentMessage) -> None:
        """Put a message in; wait for room where the policy is to wait."""
        while not self.put_nowait(message):
            room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._putters.append(room)
            try:
                await room
            except asyncio.CancelledError:
                if room.done() and not room.cancelled():
                    _wake(self._putters)  # the room was ours, and is somebody else's now
                raise

    async def get(self) -> AgentMessage:
        """Take the oldest message; wait for one.

        Raises:
            BusClosedError: The receiver has left, and nothing waits.
        """
        messages = self.messages
        while not messages:
            if self._closed:
                raise BusClosedError(f"{self.name!r} has left the bus")
            arrival: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._getters.append(arrival)
            try:
                await arrival
            except asyncio.CancelledError:
                if arrival.done() and not arrival.cancelled() and messages:
                    _wake(self._getters)
                raise
        message = messages.popleft()
        if self._putters:
            _wake(self._putters)
        return message

    def close(self) -> list[AgentMessage]:
        """Let nothing in any more; returns what had waited. Those who wait get an error."""
        self._closed = True
        left = list(self.messages)
        self.messages.clear()
        for waiting in (*self._getters, *self._putters):
            if not waiting.done():
                waiting.set_result(None)
        return left


def _wake(waiting: deque[asyncio.Future[None]]) -> None:
    while waiting:
        future = waiting.popleft()
        if not future.done():
            future.set_result(None)
            return

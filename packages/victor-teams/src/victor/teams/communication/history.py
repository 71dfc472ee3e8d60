"""What was sent, as far as it is kept; and what could not be delivered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec import Struct

from victor.core.errors import ConfigurationError
from victor.teams.communication.message import AgentMessage, MessageType

__all__ = ["DeadLetter", "History"]


class DeadLetter(Struct, frozen=True):
    """A message that did not reach a receiver.

    Args:
        message: The message.
        receiver: Who did not get it.
        reason: Why.
    """

    message: AgentMessage
    receiver: str
    reason: str


class History:
    """The last messages of a bus.

    Args:
        size: Messages kept; 0 keeps none.

    Example:
        >>> history = History(10)
        >>> history.add(AgentMessage(sender="ann", receivers=["bob"], content="Hello"))
        >>> [message.content for message in history.find(sender="ann")]
        ['Hello']
    """

    def __init__(self, size: int) -> None:
        given: object = size
        if not isinstance(given, int) or size < 0:
            raise ConfigurationError(f"a history keeps a whole number of messages, 0 or more, not {size!r}")
        self._messages: deque[AgentMessage] = deque(maxlen=size)
        self.add: Callable[[AgentMessage], None] = self._messages.append

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[AgentMessage]:
        return iter(tuple(self._messages))

    def find(
        self,
        *,
        sender: str | None = None,
        receiver: str | None = None,
        type: MessageType | str | None = None,
        topic: str | None = None,
        correlation_id: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> list[AgentMessage]:
        """The messages to which all of this applies, oldest first.

        Args:
            sender: Who sent it.
            receiver: One of those it was for.
            type: What it was for.
            topic: The topic it was published to.
            correlation_id: A request and its responses.
            since: Made at this time or later.
            limit: The last ones only.
        """
        found = [
            message
            for message in tuple(self._messages)
            if (sender is None or message.sender == sender)
            and (receiver is None or receiver in message.receivers)
            and (type is None or message.type == type)
            and (topic is None or message.topic == topic)
            and (correlation_id is None or correlation_id in {message.correlation_id, message.id})
            and (since is None or message.timestamp >= since)
        ]
        return found if limit is None else found[-limit:] if limit > 0 else []

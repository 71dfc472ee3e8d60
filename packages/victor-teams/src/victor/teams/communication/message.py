"""What agents send each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count
from os import urandom
from typing import Any

from msgspec import Struct, field

__all__ = ["AgentMessage", "MessageType", "new_id"]


class MessageType(StrEnum):
    """What a message is for."""

    DIRECT = "direct"
    BROADCAST = "broadcast"
    REQUEST = "request"
    RESPONSE = "response"
    PROPOSAL = "proposal"
    VOTE = "vote"
    HANDOFF = "handoff"
    DELEGATION = "delegation"
    STATUS = "status"
    TOPIC = "topic"


_process = urandom(8).hex()
_numbers = count(1)


def new_id() -> str:
    """An id that no other message has, in this process or another."""
    return f"{_process}-{next(_numbers)}"


def _now() -> datetime:
    return datetime.now(UTC)


_none: Mapping[str, Any] = {}


class AgentMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message.

    Args:
        sender: Name of who sends it.
        receivers: Names of who shall get it. Of a broadcast: empty, as everybody gets it.
        content: What it says: whatever JSON can say. Treat it as read-only, as all receivers share it.
        type: What it is for.
        topic: Of a `MessageType.TOPIC` message: the topic.
        id: Unique; a message that comes again has the same.
        metadata: Details for programs.
        timestamp: When it was made, in UTC.
        reply_to: Id of the message it answers.
        correlation_id: Common to a request and its responses.
        error: Of a response: why there is no answer, or ``""``.

    Example:
        >>> message = AgentMessage(sender="ann", receivers=["bob"], content="Hello")
        >>> message.type
        <MessageType.DIRECT: 'direct'>
    """

    sender: str
    receivers: Sequence[str] = ()
    content: Any = None
    type: MessageType = MessageType.DIRECT
    topic: str = ""
    id: str = field(default_factory=new_id)
    metadata: Mapping[str, Any] = field(default_factory=lambda: _none)
    timestamp: datetime = field(default_factory=_now)
    reply_to: str | None = None
    correlation_id: str | None = None
    error: str = ""

    def reply(self, content: Any = None, *, sender: str, error: str = "") -> AgentMessage:
        """The response to this message.

        Args:
            content: The answer.
            sender: Who answers.
            error: Instead: why there is none.
        """
        return AgentMessage(
            sender=sender,
            receivers=(self.sender,),
            content=content,
            type=MessageType.RESPONSE,
            reply_to=self.id,
            correlation_id=self.correlation_id or self.id,
            error=error,
        )

"""Messages carry the operation that sends them, and who handles one goes on there.

The metadata of a message sent within an operation have a W3C ``traceparent``, while somebody listens to events.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from msgspec.structs import replace

from victor.core.trace_context import TRACEPARENT, continuing, traceparent
from victor.teams.communication.message import AgentMessage

__all__ = ["stamped", "where_sent"]

_NOWHERE: AbstractContextManager[None] = nullcontext()


def stamped(message: AgentMessage, *, leaves: bool) -> AgentMessage:
    """The message with the operation that sends it; as it is outside of one, or when it names one already.

    Args:
        message: What is sent.
        leaves: Whether it leaves this process, so that tracing may know the operation by ids of its own.
    """
    header = traceparent(own=not leaves)
    if header is None or TRACEPARENT in message.metadata:
        return message
    return replace(message, metadata={**message.metadata, TRACEPARENT: header})


def where_sent(message: AgentMessage) -> AbstractContextManager[None]:
    """Go on, for a ``with`` block, below the operation that sent the message."""
    header = message.metadata.get(TRACEPARENT)
    return continuing(header) if isinstance(header, str) else _NOWHERE

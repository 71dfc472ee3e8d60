"""How agents talk: messages, the bus in process and across machines, requests, topics, dead letters."""

from __future__ import annotations

from victor.teams.communication.bus import Bus, open_bus
from victor.teams.communication.endpoint import Endpoint
from victor.teams.communication.errors import (
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
from victor.teams.communication.mailbox import Overflow
from victor.teams.communication.message import AgentMessage, MessageType
from victor.teams.communication.message_bus import MessageBus

__all__ = [
    "AgentMessage", "Bus", "BusClosedError", "BusError", "DeadLetter", "Endpoint", "History", "MailboxFullError",
    "MessageBus", "MessageTooLargeError", "MessageType", "NobodyServesError", "Overflow", "RequestTimeoutError",
    "ResponseError", "UnknownReceiverError", "open_bus",
]  # fmt: skip

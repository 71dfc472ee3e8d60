"""What can go wrong with messages."""

from __future__ import annotations

from victor.teams.errors import TeamError

__all__ = [
    "BusClosedError", "BusError", "MailboxFullError", "MessageTooLargeError", "NobodyServesError",
    "RequestTimeoutError", "ResponseError", "UnknownReceiverError",
]  # fmt: skip


class BusError(TeamError):
    """Root of the errors of message buses."""


class UnknownReceiverError(BusError):
    """Nobody of that name is on the bus; nothing was sent to anybody."""


class MailboxFullError(BusError):
    """A receiver's mailbox is full and its policy is to reject."""


class MessageTooLargeError(BusError):
    """The content is larger than the bus allows, or nothing that JSON can say."""


class RequestTimeoutError(BusError, TimeoutError):
    """A request was not answered in time, retries included."""


class NobodyServesError(RequestTimeoutError):
    """There is no process that could answer what was delegated, and none came in the time that was given for it."""


class ResponseError(BusError):
    """The receiver of a request answered that it failed.

    Attributes:
        receiver: Who that was.
    """

    def __init__(self, message: str, *, receiver: str = "") -> None:
        super().__init__(message)
        self.receiver = receiver


class BusClosedError(BusError):
    """The bus was closed."""

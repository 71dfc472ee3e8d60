"""What can go wrong with messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from victor.teams.errors import TeamError

__all__ = [
    "LONGEST_ERROR", "BusClosedError", "BusError", "MailboxFullError", "MessageTooLargeError", "NobodyServesError",
    "RequestTimeoutError", "ResponseError", "UnknownReceiverError",
]  # fmt: skip


LONGEST_ERROR: Final = 4_000
"""Characters of the text by which a handler's error is told; more is cut off."""


class BusError(TeamError):
    """Root of the errors of message buses.

    What to do: see the kinds below it; where a server cannot be reached, check its address and that it runs.
    """


class UnknownReceiverError(BusError):
    """Nobody of that name is on the bus; nothing was sent to anybody.

    What to do: correct the name, or let the receiver join the bus first; near matches are in the text.
    """

    @classmethod
    def of(cls, bus: str, unknown: Iterable[str], there: Iterable[str]) -> UnknownReceiverError:
        """The error for names that nobody has, each with the one that was probably meant.

        Args:
            bus: Name of the bus.
            unknown: The names.
            there: Who is on the bus.

        Example:
            >>> print(UnknownReceiverError.of("bus", ["an", "zoe"], ["ann", "bob"]))
            not on the bus 'bus': 'an' (did you mean 'ann'?), 'zoe'; there: ann, bob
        """
        from victor.core.catalog import near_matches

        members = list(there)
        texts = []
        for name in unknown:
            near = near_matches(name, members)
            texts.append(repr(name) + (f" (did you mean {near[0]!r}?)" if near else ""))
        return cls(f"not on the bus {bus!r}: {', '.join(texts)}; there: {', '.join(members[:20]) or 'nobody'}")


class MailboxFullError(BusError):
    """A receiver's mailbox is full and its policy is to reject.

    What to do: let the receiver take its messages, make its mailbox larger, or choose a policy that drops or waits.
    """


class MessageTooLargeError(BusError):
    """The content is larger than the bus allows, or nothing that JSON can say.

    What to do: send plain data, and large content as a reference, such as a path.
    """


class RequestTimeoutError(BusError, TimeoutError):
    """A request was not answered in time, retries included.

    What to do: give more time or retries, and see that the receiver is on the bus and answers.
    """


class NobodyServesError(RequestTimeoutError):
    """There is no process that could answer what was delegated, and none came in the time that was given for it.

    What to do: start ``victor team worker`` for that member, on the same bus.
    """


class ResponseError(BusError):
    """The receiver of a request answered that it failed.

    What to do: look at what the receiver reported; the request arrived, and sending it again may do the work twice.

    Attributes:
        receiver: Who that was.
    """

    def __init__(self, message: str, *, receiver: str = "") -> None:
        super().__init__(message)
        self.receiver = receiver


class BusClosedError(BusError):
    """The bus was closed.

    What to do: make a new bus, or close it later.
    """

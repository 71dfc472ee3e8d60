"""Requests that wait for their response, and responses that may be asked for again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from victor.core.errors import ConfigurationError
from victor.teams.communication.message import AgentMessage

__all__ = ["Answered", "Pending", "check_patience"]


def check_patience(timeout: float | None, retries: int = 0, backoff_s: float = 0.0) -> None:
    """How long somebody waits must be a length of time.

    Raises:
        ConfigurationError: It is none. One that is no number would stand before all other deadlines for ever.
    """
    # Written so that NaN fails, which compares as False with everything.
    if timeout is not None and not timeout >= 0:
        raise ConfigurationError(f"timeout is a number of seconds, 0 or more, not {timeout!r}")
    if not retries >= 0 or not 0 <= backoff_s < float("inf"):
        raise ConfigurationError(f"retries and backoff_s are 0 or more, not {retries!r} and {backoff_s!r}")


class Pending:
    """A request that waits.

    Args:
        receiver: Who alone may answer it.
        future: Gets the response, or None when the time is up.
    """

    __slots__ = ("future", "receiver")

    def __init__(self, receiver: str, future: asyncio.Future[AgentMessage | None]) -> None:
        self.receiver: str = receiver
        self.future: asyncio.Future[AgentMessage | None] = future

    def expire(self) -> None:
        """The time is up."""
        if not self.future.done():
            self.future.set_result(None)


class Answered:
    """What one receiver has been asked, so that a request that comes again is not done again.

    Args:
        size: Requests remembered; the oldest are forgotten first.
    """

    __slots__ = ("_known", "_size")

    def __init__(self, size: int) -> None:
        self._known: OrderedDict[str, AgentMessage | None] = OrderedDict()
        self._size = size

    def first_time(self, id: str) -> bool:
        """Note a request; False when it has come before."""
        known = self._known
        if id in known:
            return False
        known[id] = None
        if len(known) > self._size:
            known.popitem(last=False)
        return True

    def response(self, id: str) -> AgentMessage | None:
        """The response it was given, or None while it is being worked on."""
        return self._known.get(id)

    def answered(self, id: str, response: AgentMessage) -> None:
        """Note the response."""
        if id in self._known:
            self._known[id] = response

    def forget(self, id: str) -> None:
        """It was never begun, or nobody will ask for it again."""
        self._known.pop(id, None)

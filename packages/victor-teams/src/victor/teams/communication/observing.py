"""Subscribers: each hears of messages one after the other, from a queue of its own, and holds nobody up."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from victor.teams.communication.errors import BusClosedError
from victor.teams.communication.mailbox import Mailbox
from victor.teams.communication.message import AgentMessage

__all__ = ["Observer", "called"]

_log = logging.getLogger("victor.teams.bus")
_AT_ONCE: Final = 100


class Observer:
    """One subscriber.

    Args:
        callback: Called with each message. An async one in the event loop; a plain one in a thread, for it may block.
        size: Messages that wait for it at most; then the oldest are dropped.
        dropped: Told of those, with the subscriber's name and the reason.
    """

    def __init__(
        self, callback: Callable[[AgentMessage], Any], size: int, dropped: Callable[[AgentMessage, str, str], None]
    ) -> None:
        name = f"subscriber {getattr(callback, '__name__', callback)!s}"
        self._callback = callback
        self._dropped = dropped
        self._box = Mailbox(name, size, "drop_oldest", lambda message, why: dropped(message, name, why))
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._taken: deque[AgentMessage] = deque()

    def __call__(self, message: AgentMessage) -> None:
        """Let it hear of a message, soon."""
        if self._task is None:  # not before: one may subscribe while no event loop runs yet
            self._task = asyncio.create_task(self._observe())
        self._box.put_nowait(message)

    def stop(self) -> None:
        """It hears of nothing any more."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def finish(self, grace_s: float) -> None:
        """Let it hear what is waiting, for so many seconds; what it has not heard then is told as dropped."""
        left = deque(self._box.close())
        if self._task is None or self._stopped:
            return
        try:
            async with asyncio.timeout(grace_s):
                await self._task
                await called(self._callback, left)
        except TimeoutError:
            for message in (*self._taken, *left):
                self._dropped(message, self._box.name, "the bus was closed before the subscriber heard it")

    async def _observe(self) -> None:
        box, callback = self._box, self._callback
        plain = not inspect.iscoroutinefunction(callback)
        while True:
            try:
                messages = self._taken = deque([await box.get()])
            except BusClosedError:
                return
            # A thread takes what is there at once: going there for each message would cost more than most calls.
            while plain and box.messages and len(messages) < _AT_ONCE:
                messages.append(await box.get())
            await called(callback, messages)


async def called(callback: Callable[[AgentMessage], Any], messages: deque[AgentMessage]) -> None:
    """Call a subscriber with some messages, which are taken from the queue; what it raises is logged.

    Args:
        callback: The subscriber.
        messages: In the order they were sent.
    """
    from victor.core.worker_threads import in_thread, start

    if inspect.iscoroutinefunction(callback):
        while messages:
            message = messages.popleft()
            try:
                await callback(message)
            except Exception:  # noqa: BLE001 - the subscriber's failure is its own
                _log.exception("the subscriber %r raised on message %s", callback, message.id)
        return

    def each() -> None:
        while messages:
            message = messages.popleft()
            try:
                callback(message)
            except Exception:  # noqa: BLE001 - the subscriber's failure is its own
                _log.exception("the subscriber %r raised on message %s", callback, message.id)

    try:
        job = start(each, getattr(callback, "__name__", "subscriber"))
    except RuntimeError:  # where there are no threads it must be quick
        each()
    else:
        await in_thread(job)

"""Time limits for many short pieces of work, at the price of one timer for all of them.

`asyncio.timeout` sets and cancels a timer of the loop each time, which costs more than all the rest of a tool's call. All
pieces here have the same limit, so they run out in the order they began: one timer, for the first, is enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

__all__ = ["Deadlines", "OutOfTime"]

T = TypeVar("T")


class OutOfTime(TimeoutError):
    """A limit of `Deadlines`, and no other, has passed."""


class _Piece:
    __slots__ = ("expired", "task", "when")

    def __init__(self, task: asyncio.Task[Any], when: float) -> None:
        self.task = task
        self.when = when
        self.expired = False


class Deadlines:
    """Runs pieces of work that may each take the same time.

    Args:
        limit_s: Seconds.
        loop: The event loop they run in.

    Example:
        >>> async def main():
        ...     deadlines = Deadlines(0.01, asyncio.get_running_loop())
        ...     await deadlines.run(asyncio.sleep, 60)
        >>> asyncio.run(main())
        Traceback (most recent call last):
        ...
        victor.core.deadlines.OutOfTime
    """

    __slots__ = ("_limit", "_pieces", "_timer", "loop")

    def __init__(self, limit_s: float, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._limit = limit_s
        self._pieces: dict[_Piece, None] = {}  # in the order they began
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._pieces)

    async def run(self, work: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Await ``work(*arguments)``.

        Raises:
            OutOfTime: It took too long and was cancelled.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a task")
        cancelling = task.cancelling()
        piece = _Piece(task, self.loop.time() + self._limit)
        self._pieces[piece] = None
        if self._timer is None:
            self._timer = self.loop.call_at(piece.when, self._expire)
        try:
            return await work(*arguments)
        except asyncio.CancelledError as error:
            if piece.expired:
                piece.expired = False
                # As asyncio.timeout does: a cancellation of somebody else's that came besides stays one.
                if task.uncancel() <= cancelling:
                    raise OutOfTime from error
            raise
        finally:
            self._pieces.pop(piece, None)
            if piece.expired:
                task.uncancel()  # the work ended in another way in the meantime

    def _expire(self) -> None:
        now = self.loop.time()
        self._timer = None
        while self._pieces:
            piece = next(iter(self._pieces))
            if piece.when > now:
                self._timer = self.loop.call_at(piece.when, self._expire)
                return
            del self._pieces[piece]
            piece.expired = True
            piece.task.cancel()

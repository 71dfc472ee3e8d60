"""Time limits for many short pieces of work, at the price of one timer for all of them.

`asyncio.timeout` sets and cancels a timer of the loop each time, which costs more than all the rest of a tool's call.
All pieces here have the same limit, so they run out in the order they began: one timer, for the first, is enough.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

__all__ = ["Deadlines", "OutOfTime"]

T = TypeVar("T")

_LONGEST_LINE_S: Final = 60.0


class OutOfTime(TimeoutError):
    """A limit of `Deadlines`, and no other, has passed.

    What to do: nothing; the tool's call that set the limit turns it into a `ToolTimeoutError`.
    """


class _Piece:
    __slots__ = ("began", "expired", "latest", "task", "when")

    def __init__(self, task: asyncio.Task[Any], when: float, began: Callable[[], float] | None, latest: float) -> None:
        self.task = task
        self.when = when
        self.began = began
        self.latest = latest
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
        self.loop: asyncio.AbstractEventLoop = loop
        self._limit = limit_s
        self._pieces: dict[_Piece, None] = {}  # in the order they began
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._pieces)

    async def run(
        self, work: Callable[..., Awaitable[T]], *arguments: Any, began: Callable[[], float] | None = None
    ) -> T:
        """Await ``work(*arguments)``.

        Args:
            work: An async function.
            *arguments: Its arguments.
            began: Tells since when (`time.monotonic`) work that waits in line is under way, 0 while it waits. That
                time does not count, unless the limit and a minute have passed.

        Raises:
            OutOfTime: It took too long and was cancelled.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a task")
        cancelling = task.cancelling()
        when = self.loop.time() + self._limit
        piece = _Piece(task, when, began, when + _LONGEST_LINE_S)
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
            if piece.began is not None and (more := self._more(piece, piece.began(), now)) > 0:
                piece.when = now + more
                self._pieces[piece] = None
                self._pieces = dict.fromkeys(sorted(self._pieces, key=lambda each: each.when))
                continue
            piece.expired = True
            piece.task.cancel()

    def _more(self, piece: _Piece, began: float, now: float) -> float:
        """Seconds a piece still has whose time has come by the clock of its caller."""
        if began:
            return self._limit - (time.monotonic() - began)
        return min(self._limit, piece.latest - now)

"""Many deadlines, one timer.

A timer of the event loop for each request costs as much as the request. Here the deadlines lie in a heap, and only the
earliest has a timer; one that is met before its time is left in the heap and passed over when it comes up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count

__all__ = ["Deadline", "Deadlines"]


class Deadline:
    """A moment, and what to do then unless it is met before."""

    __slots__ = ("action", "when")

    def __init__(self, when: float, action: Callable[[], None]) -> None:
        self.when: float = when
        self.action: Callable[[], None] | None = action

    def meet(self) -> None:
        """Nothing is to be done any more."""
        self.action = None


class Deadlines:
    """The deadlines of one event loop.

    Example:
        >>> async def main():
        ...     late = asyncio.Event()
        ...     Deadlines().after(0.001, late.set)
        ...     await late.wait()
        >>> asyncio.run(main())
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[float, int, Deadline]] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self._met = 0

    def after(self, seconds: float, action: Callable[[], None]) -> Deadline:
        """Do something after this time, unless the deadline is met before.

        Args:
            seconds: From now.
            action: Called in the event loop; must not block.
        """
        when = self._loop.time() + seconds
        deadline = Deadline(when, action)
        heap = self._heap
        heappush(heap, (when, next(self._numbers), deadline))
        if heap[0][2] is deadline:
            self._set(when)
        elif len(heap) > 1024:
            self._met += 1
            if self._met * 2 > len(heap):  # met ones would pile up behind one that is far away
                self._sweep()
        return deadline

    def __len__(self) -> int:
        return len(self._heap)

    def close(self) -> None:
        """Forget them all."""
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, when: float) -> None:
        if self._timer is not None:
            if self._timer.when() <= when and not self._timer.cancelled():
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._due)

    def _due(self) -> None:
        self._timer = None
        now = self._loop.time() + 1e-9
        heap = self._heap
        while heap and (heap[0][0] <= now or heap[0][2].action is None):
            action = heappop(heap)[2].action
            if action is not None:
                action()
        if heap:
            self._set(heap[0][0])

    def _sweep(self) -> None:
        self._met = 0
        self._heap = [item for item in self._heap if item[2].action is not None]
        heapify(self._heap)

"""Leaves behind what does not end when it is cancelled, so that who waits for it can go on.

A coroutine that swallows its cancellation (``except BaseException: pass`` in a loop) would hold up whoever awaits it
for ever. `awaited` gives it a moment after its cancellation; then it goes on by itself, and nobody hears of it.

That costs next to nothing while nobody is cancelled: the coroutine runs in the task of its caller, and only one
that is left behind gets a task of its own. What it has begun there before (an `asyncio.timeout` it is in) still means
the task of its caller.

Example:
    >>> async def work():
    ...     await asyncio.sleep(0)
    ...     return 7
    >>> asyncio.run(awaited(work(), "work"))
    7
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Generator
from contextlib import suppress
from types import CoroutineType, coroutine
from typing import Any, Final, TypeVar

__all__ = ["GRACE_S", "awaited", "go_on", "leave_behind"]

T = TypeVar("T")
Work = Coroutine[Any, Any, Any]

GRACE_S = 1.0
"""For what is done on a cancellation, such as closing a connection."""

_behind: Final[set[asyncio.Task[Any]]] = set()
"""Kept here, as the event loop keeps only weak references to tasks."""


async def awaited(work: Awaitable[T], name: str, *, grace_s: float | None = None) -> T:
    """What a coroutine returns; where it does not end within a moment after its cancellation, the cancellation.

    Args:
        work: The coroutine, not begun. Other awaitables are awaited, and nothing more.
        name: What to call it in the log ``victor.left_behind``, which tells when it is left behind.
        grace_s: Seconds of that moment; `GRACE_S` where left out.

    Raises:
        asyncio.CancelledError: It was cancelled.
    """
    if type(work) is not CoroutineType:
        return await work
    try:
        waits = work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    rest: T = await go_on(work, waits, name, grace_s)
    return rest


class _Patience:
    """How long a coroutine that was cancelled still has."""

    __slots__ = ("error", "over", "task", "timer")

    def __init__(self, task: asyncio.Task[Any], error: asyncio.CancelledError, grace_s: float) -> None:
        self.task = task
        self.error = error
        self.over = False
        self.timer = task.get_loop().call_later(grace_s, self._end)

    def _end(self) -> None:
        self.over = True
        self.task.cancel()

    def done(self) -> None:
        self.timer.cancel()
        if self.over:
            self.task.uncancel()  # ours, not somebody's


@coroutine
def go_on(work: Work, waits: Any, name: str, grace_s: float | None = None) -> Generator[Any, Any, Any]:
    """The rest of a coroutine that has begun, in the task of the caller; see `awaited`.

    Args:
        work: The coroutine.
        waits: What its first step, ``work.send(None)``, gave.
        name: See `awaited`.
        grace_s: See `awaited`.
    """
    patience: _Patience | None = None
    failure: BaseException | None = None
    thrown: BaseException | None = None
    try:
        while True:
            try:
                given = yield waits
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:  # noqa: BLE001 - handed to the coroutine, whatever it is
                failure = error
            if failure is None:
                waits = work.send(given)
                continue
            if patience is None and type(failure) is asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None:
                    patience = _Patience(task, failure, GRACE_S if grace_s is None else grace_s)
            thrown, failure = failure, None
            waits = work.throw(thrown)
            if patience is not None and patience.over:
                _go_on_alone(work, waits, name)
                raise patience.error
    except StopIteration as stop:
        return stop.value
    finally:
        failure = thrown = None  # with its traceback it would hold this very frame
        if patience is not None:
            patience.done()


@coroutine
def _alone(work: Work, waits: Any) -> Generator[Any, Any, None]:
    """The same with nobody who would hear of it."""
    with suppress(BaseException):
        while True:
            try:
                given = yield waits
            except BaseException as error:  # noqa: BLE001 - handed to the coroutine, whatever it is
                waits = work.throw(error)
            else:
                waits = work.send(given)


async def _rest(work: Work, waits: Any) -> None:
    await _alone(work, waits)


def _go_on_alone(work: Work, waits: Any, name: str) -> None:
    import logging

    leave_behind(asyncio.get_running_loop().create_task(_rest(work, waits), name=f"victor left behind: {name}"))
    logging.getLogger("victor.left_behind").warning(
        "%s did not stop when it was cancelled; it is left behind, and what it answers is not taken", name
    )


def leave_behind(task: asyncio.Task[Any]) -> None:
    """Let a task go on by itself: neither the end of its event loop nor that of the program waits for it.

    Args:
        task: It has been cancelled, and did not end.
    """
    _behind.difference_update([each for each in _behind if each.get_loop().is_closed()])
    _behind.add(task)
    task.add_done_callback(_heard)
    asyncio._unregister_task(task)  # else the end of the event loop would wait for it, which may be for ever
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    # Python closes coroutines when they are thrown away, at the latest when the program ends; one that swallows that as
    # well, in a loop, would never let it end. So it is never thrown away.
    with suppress(ImportError, AttributeError):
        import ctypes

        ctypes.pythonapi.Py_IncRef(ctypes.py_object(task.get_coro()))


def _heard(task: asyncio.Task[Any]) -> None:
    _behind.discard(task)
    if not task.cancelled():
        task.exception()  # asked for, so that asyncio does not complain of an error that nobody looked at

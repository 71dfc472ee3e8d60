"""Awaiting in another context, and waiting without an event loop."""

from __future__ import annotations

import asyncio
import threading
import types
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from contextvars import Context
from typing import TYPE_CHECKING, Any, TypeVar

from victor.core import event_loop

if TYPE_CHECKING:
    from victor.graph.runtime import RunControl

__all__ = ["awaited", "block_on", "finish", "fulfil", "in_thread", "sealed", "to_the_end", "within"]

T = TypeVar("T")


@types.coroutine
def within(coroutine: Any, enter: Callable[..., Any]) -> Generator[Any, Any, Any]:
    """Awaits a coroutine each step of which runs in another context."""
    if not hasattr(coroutine, "send"):
        coroutine = awaited(coroutine)
    cancels = 0
    try:
        waiting = enter(coroutine.send, None)
        while True:
            try:
                answer = yield waiting
            except GeneratorExit:
                enter(coroutine.close)
                raise
            except BaseException as error:  # noqa: BLE001 - passed on to the coroutine, cancellation included
                if isinstance(error, asyncio.CancelledError):
                    cancels = _cancels()
                waiting = enter(coroutine.throw, error)
            else:
                waiting = enter(coroutine.send, answer)
    except StopIteration as stop:
        if cancels and _cancels() >= cancels:
            _cancel_again()
        return stop.value


def _cancels() -> int:
    current = asyncio.current_task()
    return 0 if current is None else current.cancelling()


def _cancel_again() -> None:
    """A node kept a cancellation to itself that was meant for all of the run: let it come again at the next wait."""
    current = asyncio.current_task()
    if current is not None:
        current.uncancel()
        current.cancel()


async def awaited(value: Awaitable[Any]) -> Any:
    """A coroutine of any awaitable."""
    return await value


def block_on(awaitable: Awaitable[Any], context: Context) -> Any:
    """Waits for an awaitable where no event loop is at work for us: in one of its own, in another thread if need be."""
    coroutine = awaited(awaitable)
    if not event_loop.is_running():
        return context.copy().run(event_loop.run, coroutine)
    answer: Future[Any] = Future()
    threading.Thread(target=fulfil, args=(answer, context.copy().run, asyncio.run, coroutine), daemon=True).start()
    return answer.result()


def fulfil(answer: Future[Any], function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Call a function, and let the future have what it returns or raises."""
    try:
        answer.set_result(sealed(function, *args, **kwargs))
    except BaseException as error:  # noqa: BLE001 - handed to whoever waits for the answer
        answer.set_exception(error)


async def in_thread(function: Callable[[], Any], control: RunControl | None = None) -> Any:
    """Call a function in a thread of the event loop's pool.

    A thread cannot be stopped. When this is cancelled, the function is left to itself, unless the run was asked to
    stop: then its end is awaited and what it did counts, so that it need not be done again. What else the run was to do
    is not begun.

    Args:
        function: The function.
        control: Tells whether the run was asked to stop.
    """
    work = asyncio.get_running_loop().run_in_executor(None, sealed, function)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        if control is None or not control.drain_requested or work.cancelled():
            work.cancel()
            raise
        await asyncio.wait((work,))
        return work.result()


async def to_the_end(work: asyncio.Future[T]) -> T:
    """Await something that goes on though we are cancelled: then its end is awaited before we leave."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        if not work.done():
            await asyncio.wait((work,))
            if not work.cancelled():
                work.exception()  # nobody else will ask
        raise


def sealed(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function whose `StopIteration` must not get out: no future can carry it, so nobody would ever be told.

    Raises:
        RuntimeError: It raised `StopIteration`, as a coroutine in its place would.
    """
    try:
        return function(*args, **kwargs)
    except StopIteration as stop:
        raise RuntimeError("a function raised StopIteration: next(...) on something exhausted, perhaps") from stop


def finish(coroutine: Any) -> Any:
    """Runs a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    raise RuntimeError("a blocking run suspended; this is a bug in victor-graph")

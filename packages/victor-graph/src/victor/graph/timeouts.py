"""Calls that have to end in time, or show signs of life: awaited ones are cancelled, threads are left to themselves."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from victor.graph.errors import NodeTimeoutError
from victor.graph.retry import TimeoutPolicy
from victor.graph.within import fulfil

if TYPE_CHECKING:
    from victor.graph.tasks import Task

__all__ = ["in_time", "in_time_or_left"]


async def in_time(task: Task, name: str, policy: TimeoutPolicy, call: Callable[[], Awaitable[Any]]) -> Any:
    """Await a call, and cancel it when its time is up.

    Args:
        task: What shows signs of life.
        name: For the error.
        policy: How long.
        call: What to await.

    Raises:
        NodeTimeoutError: Its time was up.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    run_s, idle_s = policy.run_s, policy.idle_s
    until = None if run_s is None else began + run_s
    try:
        async with asyncio.timeout_at(_sooner(until, None if idle_s is None else began + idle_s)) as timer:
            if idle_s is not None:

                def beat() -> None:
                    loop.call_soon_threadsafe(lambda: timer.reschedule(_sooner(until, loop.time() + idle_s)))

                task.beat = beat
            return await call()
    except TimeoutError:
        if not timer.expired():
            raise
        raise _too_late(name, policy, run_s is not None and loop.time() >= began + run_s) from None


async def in_time_or_left(
    task: Task, name: str, policy: TimeoutPolicy, call: Callable[[], Any], *, blocking: bool
) -> Any:
    """Call a sync function in a thread of its own, which is left to itself when the time is up.

    A thread cannot be stopped: what it still does has no effect on the run, and it does not keep the process alive.

    Args:
        task: What shows signs of life; marked as given up when the time is up.
        name: For the error.
        policy: How long.
        call: The function.
        blocking: Wait here, and never suspend.

    Raises:
        NodeTimeoutError: Its time was up.
    """
    answer: Future[Any] = Future()
    signs = [time.monotonic()]
    if policy.idle_s is not None:
        task.beat = lambda: signs.__setitem__(0, time.monotonic())
    threading.Thread(target=fulfil, args=(answer, copy_context().run, call), name=name, daemon=True).start()
    began = signs[0]
    run_s, idle_s = policy.run_s, policy.idle_s
    while True:
        until = _sooner(None if run_s is None else began + run_s, None if idle_s is None else signs[0] + idle_s)
        assert until is not None
        left = until - time.monotonic()
        if left <= 0:
            task.abandoned = True
            raise _too_late(name, policy, run_s is not None and time.monotonic() >= began + run_s)
        if blocking:
            try:
                return answer.result(left)
            except TimeoutError:
                if answer.done():
                    raise
        else:
            done, _ = await asyncio.wait({asyncio.wrap_future(answer)}, timeout=left)
            if done:
                return done.pop().result()


def _sooner(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else min(a, b)


def _too_late(name: str, policy: TimeoutPolicy, whole: bool) -> NodeTimeoutError:
    limit = (policy.run_s if whole else policy.idle_s) or 0.0
    what = "did not finish within" if whole else "gave no sign of life for"
    return NodeTimeoutError(f"node {name!r} {what} {limit:g} s", node=name, timeout_s=limit)

"""How a member is let act: within its time, and so that nothing it does to its own task becomes the team's.

A member that does not stop when its time is over is left behind: it goes on by itself, and what it answers later is
not taken. A plain function runs in a thread (`victor.core.worker_threads`) and is left behind at once; a coroutine that
swallows its cancellation is left behind after a second, and the end of the event loop does not wait for it either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from victor.core.left_behind import leave_behind
from victor.teams.errors import MemberError

__all__ = ["in_its_own_task", "in_this_task"]

T = TypeVar("T")

_GRACE_S = 1.0
"""For what a member does while it is cancelled, such as closing a connection."""

_GRACE_OF_A_LEVEL_S = 0.05


async def in_this_task(work: Callable[[], Awaitable[T]], name: str) -> T:
    """Let a member act that keeps to its time by itself.

    Raises:
        MemberError: It tried to end the program, or something inside it was cancelled though nobody cancelled the run.
    """
    try:
        return await work()
    except SystemExit as error:
        raise MemberError(f"it tried to end the program: SystemExit({error})", member=name) from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise MemberError("something inside it was cancelled (CancelledError)", member=name) from error


async def in_its_own_task(work: Callable[[], Awaitable[T]], name: str, seconds: float | None, depth: int = 0) -> T:
    """Let a member act for at most so many seconds.

    Args:
        work: What it does.
        name: Its name.
        seconds: How long; None for no limit.
        depth: How many levels of teams there are in it, each of which stops its own members first.

    Raises:
        MemberError: There was no answer in that time, or see `in_this_task`.
    """
    task = asyncio.create_task(_acting(work, name), name=f"victor member {name}")
    try:
        done, _ = await asyncio.wait((task,), timeout=seconds)
    except asyncio.CancelledError:
        await _stop(task, name, depth)
        raise
    if done:
        return task.result()
    await _stop(task, name, depth)
    raise MemberError(f"no answer within {seconds:.4g} s", member=name)


def _acting(work: Callable[[], Awaitable[T]], name: str) -> Coroutine[Any, Any, T]:
    return in_this_task(work, name)


async def _stop(task: asyncio.Task[Any], name: str, depth: int) -> None:
    task.cancel()
    clock = asyncio.get_running_loop().time
    until = clock() + _GRACE_S + _GRACE_OF_A_LEVEL_S * depth
    again: asyncio.CancelledError | None = None
    while not task.done() and (left := until - clock()) > 0:
        try:
            await asyncio.wait((task,), timeout=left)
        except asyncio.CancelledError as error:  # such as the end of a whole run after that of a turn
            again = error
    if task.done():
        if not task.cancelled():
            task.exception()  # asked for, so that asyncio does not complain of an error that nobody looked at
    else:
        _leave_behind(task, name)
    if again is not None:
        raise again


def _leave_behind(task: asyncio.Task[Any], name: str) -> None:
    import logging

    leave_behind(task)
    logging.getLogger("victor.teams").warning(
        "member %r did not stop when it was cancelled; it is left behind, and what it answers is not taken", name
    )

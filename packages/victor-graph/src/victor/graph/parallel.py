"""Runs the tasks of one superstep side by side: in the event loop, or in threads where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from victor.graph.tasks import Task
from victor.graph.within import finish

if TYPE_CHECKING:
    from victor.graph.engine import Run

__all__ = ["in_threads", "side_by_side"]

_THREADS: Final = 32


async def side_by_side(run: Run, todo: list[Task]) -> None:
    """Run tasks in the event loop, an asyncio task each. One that fails cancels the others."""
    limit = run.max_concurrency
    if limit is not None and limit < len(todo):
        gate = asyncio.Semaphore(limit)

        async def one(task: Task) -> None:
            async with gate:
                await run.one(task)

    else:
        one = run.one
    loop = asyncio.get_running_loop()
    running = {loop.create_task(one(task)): task for task in todo}
    keeper = run.log.keeper(run) if run.log is not None else None
    if keeper is not None:
        for future, task in running.items():
            future.add_done_callback(keeper.noting(task))
    try:
        done, pending = await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
        failed = [future for future in running if future in done and future.exception() is not None]
        if failed:
            await _cancel(pending)
            error = failed[0].exception()
            assert error is not None
            raise error
    except BaseException:
        await _cancel(running)
        raise
    finally:
        if keeper is not None:
            await keeper.finish()


async def in_threads(run: Run, todo: list[Task]) -> None:
    """Run tasks in threads, and wait for them in this one. One that fails stops those that have not begun."""
    if len(todo) < 2 or run.max_concurrency == 1:
        for task in todo:
            await run.one(task)
        return
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

    if run.pool is None:
        run.pool = ThreadPoolExecutor(run.max_concurrency or _THREADS, thread_name_prefix=run.program.name)
    running = {run.pool.submit(copy_context().run, _one, run, task): task for task in todo}
    keeper = run.log.keeper(run) if run.log is not None else None
    left = set(running)
    try:
        while left:
            done, left = wait(left, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=lambda one: running[one].plan.rank):
                future.result()
            if keeper is not None and left:
                keeper.save([running[one] for one in done])
    except BaseException:
        for other in left:
            other.cancel()
        wait(left)
        raise


def _one(run: Run, task: Task) -> None:
    """Run a task here. Its coroutine is made here too: one that never had its turn would be awaited by nobody."""
    finish(run.one(task))


async def _cancel(running: Iterable[asyncio.Task[Any]]) -> None:
    futures = list(running)
    for future in futures:
        future.cancel()
    if futures:
        await asyncio.wait(futures)

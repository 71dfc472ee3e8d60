"""Threads that plain (``def``) tools run in, so that one that blocks does not hold up everything else.

The event loop's own pool would do, but it costs up to twice as much per call, and both the loop's end and the
interpreter's wait for every thread in it: a tool that hangs would hang the program after Ctrl-C. These threads are
daemons: what is given up on goes on by itself, and ends with the process at the latest. `running` tells what that is.

Example:
    >>> import asyncio
    >>> async def main():
    ...     return await in_thread(start(lambda: 6 * 7, "the answer"))
    >>> asyncio.run(main())
    42
"""

from __future__ import annotations

import os
import threading
import time
from asyncio import CancelledError, Future, get_running_loop
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any, Final

__all__ = ["Job", "in_thread", "running", "start"]

_MOST: Final = 32
_MOST_GIVEN_UP: Final = 128


class Job:
    """A function on its way. Made by `start`."""

    __slots__ = ("began", "context", "given_up", "name", "result", "work")

    def __init__(self, work: Callable[[], Any], name: str, context: Context, result: Future[Any]) -> None:
        self.work: Callable[[], Any] = work
        self.name: str = name
        self.context: Context = context
        self.result: Future[Any] = result
        self.began: float = 0.0
        self.given_up: bool = False


class _Pool:
    """At most `_MOST` threads that somebody waits for; those given up on are counted apart, and block nobody."""

    def __init__(self) -> None:
        from queue import SimpleQueue

        self.jobs: SimpleQueue[Job] = SimpleQueue()
        self.lock = threading.Lock()
        self.active: set[Job] = set()
        self.threads = self.idle = self.waiting = self.given_up = 0

    def submit(self, job: Job) -> None:
        with self.lock:
            self.waiting += 1
        try:
            self.grow()
        except BaseException:
            with self.lock:
                stuck = self.threads == 0  # nobody would ever take the job
                self.waiting -= stuck
            if stuck:
                raise
        self.jobs.put(job)

    @property
    def room(self) -> int:
        """How many threads there may be now."""
        return _MOST + min(self.given_up, _MOST_GIVEN_UP)

    def grow(self) -> None:
        """One more thread, where a job waits for one and there is room."""
        with self.lock:
            begin = self.idle < self.waiting and self.threads < self.room
            self.threads += begin
        if begin:
            try:
                threading.Thread(target=self.serve, name="victor-tool", daemon=True).start()
            except BaseException:
                with self.lock:
                    self.threads -= 1
                raise

    def serve(self) -> None:
        while True:
            with self.lock:
                self.idle += 1
            job = self.jobs.get()
            with self.lock:
                self.idle -= 1
                self.waiting -= 1
                skip = job.given_up
                if not skip:
                    job.began = time.monotonic()
                    self.active.add(job)
            if not skip:
                self.do(job)
            del job
            with self.lock:
                if self.threads > self.room:  # it stood in for one that was given up and has come back
                    self.threads -= 1
                    return

    def do(self, job: Job) -> None:
        value, error = None, None
        try:
            value = job.context.run(job.work)
        except BaseException as raised:  # noqa: BLE001 - raised again where it is awaited
            error = raised
        with self.lock:
            self.active.discard(job)
            self.given_up -= job.given_up
            told = not job.given_up
        if told:
            try:
                job.result.get_loop().call_soon_threadsafe(_settle, job.result, value, error)
            except RuntimeError:  # the loop was closed: nobody waits any more
                pass

    def give_up(self, job: Job) -> None:
        with self.lock:
            job.given_up = True
            stuck = job in self.active
            self.given_up += stuck
        if stuck:
            with suppress(RuntimeError):  # no more threads can be had: those there are will do
                self.grow()  # for one of those that wait in line behind it


def _settle(result: Future[Any], value: Any, error: BaseException | None) -> None:
    if result.done():
        return
    if error is None:
        result.set_result(value)
    else:
        result.set_exception(error)


_pool: _Pool | None = None


def _forget() -> None:
    """A forked child has none of its parent's threads."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def start(work: Callable[[], Any], name: str = "") -> Job:
    """Have a function run in a thread, with the context variables of the caller.

    Args:
        work: Must not raise StopIteration, which no future can carry.
        name: For `running`.

    Raises:
        RuntimeError: Threads cannot be started here.
    """
    global _pool
    if _pool is None:
        _pool = _Pool()
    job = Job(work, name, copy_context(), get_running_loop().create_future())
    _pool.submit(job)
    return job


async def in_thread(job: Job) -> Any:
    """Wait for what was started.

    Cancelling the wait gives up on the function: one that has not begun never will, one that has goes on unheard.
    """
    try:
        return await job.result
    except CancelledError:
        if job.result.cancelled() and _pool is not None:
            _pool.give_up(job)
        raise


def running() -> list[tuple[str, float]]:
    """Name and seconds of each function that still runs, the oldest first."""
    pool = _pool
    if pool is None:
        return []
    now = time.monotonic()
    with pool.lock:
        return sorted(((job.name, now - job.began) for job in pool.active), key=lambda one: -one[1])

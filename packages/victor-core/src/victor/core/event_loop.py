"""Run a coroutine to its end from a program that has no event loop, so that Ctrl-C always ends it.

`asyncio.run` turns the first Ctrl-C into a cancellation, but a signal that arrives between the loop's last line of
Python and its wait for events is noticed only when something else wakes it: where all that it waits for is a tool in a
thread, that is never (5 of 100 sent at the worst moment were lost). Python writes each signal to a file descriptor, if
it is given one. The loops on Unix give it one only when they handle a signal themselves; here they always do.

Example:
    >>> async def main():
    ...     return 6 * 7
    >>> run(main())
    42
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from victor.core.errors import ConfigurationError

__all__ = ["is_running", "refuse_inside", "run", "woken"]

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """What `asyncio.run` does, with no Ctrl-C lost.

    Args:
        main: Runs in a new event loop, which is closed after it.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; ``main`` was cancelled and has ended.
        RuntimeError: An event loop runs in this thread already.
    """
    return asyncio.run(woken(main))


def is_running() -> bool:
    """True where an event loop runs in this thread: a notebook, an async function. There, `run` cannot be called.

    What is done instead of waiting stands outside the ``except`` this way, so that no error of it drags along that no
    loop was running.

    Example:
        >>> is_running()
        False
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def refuse_inside(called: str, instead: str) -> None:
    """Refuse a call that waits for a loop of its own where one runs already.

    Args:
        called: The function that was called, such as ``run_sync``.
        instead: The one to await there, such as ``agent.run``.

    Raises:
        ConfigurationError: An event loop runs in this thread.
    """
    if is_running():
        raise ConfigurationError(f"{called} was called inside a running event loop; write 'await {instead}(...)' there")


async def woken(main: Coroutine[Any, Any, T]) -> T:
    """Await what is given while signals wake the loop: for an `asyncio.Runner`."""
    with _woken_by_signals():
        return await main


@contextmanager
def _woken_by_signals() -> Iterator[None]:
    """While this is entered, in a coroutine, every signal wakes the running loop, as on Windows it always does."""
    import socket

    loop = asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread() or sys.platform == "emscripten":
        yield
        return
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    try:
        before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        if before != -1:
            signal.set_wakeup_fd(before)
            yield
            return
        loop.add_reader(ours, _drain, ours)
        try:
            yield
        finally:
            loop.remove_reader(ours)
            # A handler that was added to the loop meanwhile has put its own in the place of ours.
            if (current := signal.set_wakeup_fd(-1)) != theirs.fileno():
                signal.set_wakeup_fd(current)
    finally:
        ours.close()
        theirs.close()


def _drain(ours: Any) -> None:
    """That the loop woke up is all that was wanted: Python runs the handlers of signals itself."""
    with suppress(BlockingIOError):
        while ours.recv(4096):
            pass

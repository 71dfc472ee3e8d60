"""One run at a time on a thread, within this process.

A run that goes on from where its thread stands holds the thread until it ends. Another such run, or an update, waits
half a second for it (a run whose reader has left needs a moment to end) and then gets a `ThreadBusyError`, before it
has done anything. Who names a checkpoint asks for a fork and is let through. Between processes the store itself refuses
whoever comes second: `ThreadConflictError`.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from victor.graph.errors import ThreadBusyError

if TYPE_CHECKING:
    from victor.graph.checkpoint.base import Checkpointer
    from victor.graph.engine import Run

__all__ = ["hold", "release"]

_HELD: Final[WeakKeyDictionary[Checkpointer, dict[tuple[str, str], Any]]] = WeakKeyDictionary()
_GRACE_S: Final = 0.5
_ROUNDS: Final = 20


async def hold(run: Run) -> None:
    """Hold the thread that a run is about to go on with.

    Raises:
        ThreadBusyError: Another run of this process holds it.
    """
    log = run.log
    assert log is not None
    held = _HELD.get(log.store)
    if held is None:
        held = _HELD.setdefault(log.store, {})
    place = (log.thread_id, log.namespace)
    if held.setdefault(place, run) is run:  # one step, so that no two threads get it
        return
    until = time.monotonic() + _GRACE_S
    rounds = 0
    while held.setdefault(place, run) is not run:
        if time.monotonic() >= until:
            raise ThreadBusyError(log.thread_id)
        rounds += 1
        pause = 0 if rounds < _ROUNDS else 0.005
        if run.blocking:
            time.sleep(pause)  # noqa: ASYNC251 - there is no event loop to hold up
        else:
            await asyncio.sleep(pause)


def release(run: Run) -> None:
    """Let others have the thread."""
    log = run.log
    assert log is not None
    held = _HELD.get(log.store)
    place = (log.thread_id, log.namespace)
    if held is not None and held.get(place) is run:
        del held[place]

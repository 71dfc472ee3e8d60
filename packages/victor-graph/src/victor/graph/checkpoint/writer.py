"""Writes checkpoints while the run goes on, for durability ``"async"``.

One thread, a bounded queue, and one commit for all that waits.
"""

from __future__ import annotations

import asyncio
from queue import Empty, Full, Queue
from threading import Event, Thread

from victor.graph.checkpoint.base import Batch, Checkpointer

__all__ = ["Writer"]


class Writer:
    """Writes the batches of one run in order.

    When the store is slower than the run, the queue fills up and `put` waits, so memory stays bounded. After a failed
    write nothing more is written, and the next `put` or `close` raises its error.

    Args:
        store: Where to.
        size: How many batches may wait, and how many are written at once.
    """

    def __init__(self, store: Checkpointer, size: int = 64) -> None:
        self._store = store
        self._queue: Queue[Batch | Event | None] = Queue(size)
        self._error: BaseException | None = None
        self._thread = Thread(target=self._work, name="victor-checkpoints", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Hand over a batch; waits while the queue is full."""
        self._check()
        self._queue.put(batch)

    async def aput(self, batch: Batch) -> None:
        """The same without holding up the event loop."""
        self._check()
        try:
            self._queue.put_nowait(batch)
        except Full:
            await asyncio.to_thread(self._queue.put, batch)

    def flush(self) -> None:
        """Wait until all that was handed over is written.

        Raises:
            CheckpointError: Something was not.
        """
        written = Event()
        self._queue.put(written)
        written.wait()
        self._check()

    def close(self) -> None:
        """Wait until all is written.

        Raises:
            CheckpointError: Something was not.
        """
        self._queue.put(None)
        self._thread.join()
        self._check()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        going = True
        while going:
            batches = [self._queue.get()]
            try:
                while len(batches) < self._queue.maxsize:
                    batches.append(self._queue.get_nowait())
            except Empty:
                pass
            going = None not in batches
            ready = [batch for batch in batches if isinstance(batch, Batch)]
            if ready and self._error is None:
                try:
                    self._store.write(ready)
                except BaseException as error:  # noqa: BLE001 - raised in the run by put or close
                    self._error = error
            for waiting in batches:
                if isinstance(waiting, Event):
                    waiting.set()

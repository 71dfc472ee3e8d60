"""Saves results of a superstep's tasks while others still run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from victor.graph.checkpoint.base import Note
from victor.graph.checkpoint.log import dump_result

if TYPE_CHECKING:
    from asyncio import Future
    from asyncio import Task as AsyncTask

    from victor.graph.checkpoint.recorder import Recorder
    from victor.graph.engine import Run
    from victor.graph.tasks import Task

__all__ = ["Keeper"]


class Keeper:
    """Saves results of finished tasks as fast as the store takes them: each write takes all there are."""

    def __init__(self, log: Recorder, run: Run) -> None:
        self._log = log
        self._run = run
        self._new: list[Task] = []
        self._left = 0
        self._writing: AsyncTask[None] | None = None

    def noting(self, task: Task) -> Callable[[Future[Any]], None]:
        """A callback for the future of a task."""
        self._left += 1

        def done(future: Future[Any]) -> None:
            self._left -= 1
            if task.done and self._left:
                self._new.append(task)
                if self._writing is None:
                    self._writing = asyncio.get_running_loop().create_task(self._write())

        return done

    async def _write(self) -> None:
        await asyncio.sleep(0)
        while self._new and self._left:
            tasks, self._new = self._new, []
            await self._log.add_notes(self._run, self._notes(tasks))
        self._writing = None

    def _notes(self, tasks: Iterable[Task]) -> list[Note]:
        return [self._log.note(task.id, "result", dump_result(task)) for task in tasks]

    async def finish(self) -> None:
        """Wait for the write under way."""
        self._left = 0
        if self._writing is not None:
            await self._writing

    def save(self, tasks: Iterable[Task]) -> None:
        """Save at once, from a blocking run."""
        notes = self._notes(task for task in tasks if task.done)
        if notes:
            self._log.store.write((self._log.batch((), notes),))

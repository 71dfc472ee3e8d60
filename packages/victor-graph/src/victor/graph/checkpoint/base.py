"""What a checkpoint store does. It keeps opaque bytes; what they mean is `victor.graph.checkpoint.log`'s affair.

The model
=========

A *thread* is one conversation or job. Within a thread every (sub)graph has a *namespace*, ``""`` for the
outermost. In each namespace lies a log of *entries*, one for each superstep: an entry says how the state
changed relative to its parent (``body``), and now and then also carries the whole state (``snapshot``). A
state is read by starting at the nearest snapshot and applying the bodies up to the entry wanted. Entries are
never changed once written, except by `Checkpointer.prune`; a fork is an entry whose parent already has a child.

Ids sort by time, and an entry's id is greater than its parent's. The latest entry of a namespace is the one
with the greatest id. ``base_id`` names the nearest entry at or above an entry that has a snapshot, so all that is
needed to read an entry has ids between ``base_id`` and ``id``: one range query.

*Notes* belong to an entry and a task: results of tasks that finished before their superstep did, questions
that wait, answers, durable steps. They are small, are read together with the entry, and go when it is *settled*.

Writing a store
===============

Subclass `Checkpointer` and implement its abstract methods. They are synchronous and must be safe to call from
many threads at once. `write` takes a list of batches and makes all of it durable before it returns, in one
transaction or not at all. The async methods run them in a thread; override those that can do better.
`victor.graph.testing.CheckpointerConformance` is a test suite for any implementation.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from attrs import field, frozen

from victor.graph.errors import CheckpointError
from victor.graph.within import to_the_end

__all__ = ["Batch", "Chain", "Checkpointer", "Entry", "Head", "Note", "Settled", "ThreadInfo", "written_ns"]


@frozen(slots=False)  # made twice as fast: a long log is read as thousands of them
class Entry:
    """One superstep of one namespace.

    Args:
        thread_id: The thread.
        namespace: ``""`` for the outermost graph, else such as ``"node:task"``, parts joined by ``"|"``.
        id: Sorts by time; unique within thread and namespace. Begins with `time.time_ns` as 16 hexadecimal digits.
        parent_id: The entry this one continues, or None for the first.
        base_id: The nearest entry at or above this one that has a snapshot; its own id if it has one.
        step: Number of the superstep; -1 for the first input.
        source: ``"input"``, ``"loop"``, ``"update"`` or ``"fork"``.
        body: How the state changed and what runs next, encoded.
        snapshot: The whole state after this entry, encoded, or None.
    """

    thread_id: str
    namespace: str
    id: str
    parent_id: str | None
    base_id: str
    step: int
    source: str
    body: bytes = field(repr=False)
    snapshot: bytes | None = field(default=None, repr=False)

    @property
    def created_ns(self) -> int:
        """When it was written, as `time.time_ns`."""
        return written_ns(self.id)


def written_ns(id: str) -> int:
    """When the entry with this id was written, as `time.time_ns`.

    Raises:
        CheckpointError: No entry has such an id.
    """
    try:
        return int(id[:16], 16)
    except (ValueError, TypeError):
        raise CheckpointError(f"{id!r:.80} is no id of a checkpoint: the store is damaged, or not ours") from None


@frozen
class Note:
    """A fact about a task that runs, or ran, on top of an entry.

    Written again with the same five first fields, it replaces the former one.

    Args:
        thread_id: The thread.
        namespace: The namespace of the entry.
        entry_id: The entry the task started from.
        task_id: The task; ``""`` for the superstep as a whole.
        key: What it is about: ``"result"``, ``"interrupt"``, ``"answer:ID"``, ``"step:charge:0"``, ...
        data: Encoded.
    """

    thread_id: str
    namespace: str
    entry_id: str
    task_id: str
    key: str
    data: bytes = field(repr=False)


@frozen
class Settled:
    """Says that an entry's superstep is complete: the store drops its notes with one of these keys or key prefixes.

    Args:
        thread_id: The thread.
        namespace: The namespace.
        entry_id: The entry.
        keys: Notes to drop: those whose key is one of these or starts with one of these and a colon.
    """

    thread_id: str
    namespace: str
    entry_id: str
    keys: tuple[str, ...] = ("result", "answer", "step", "error", "paused", "command")


@frozen
class Head:
    """Says which entry a writer takes for the latest of a log.

    Args:
        thread_id: The thread.
        namespace: The namespace.
        entry_id: The latest entry; None: there is none yet.
    """

    thread_id: str
    namespace: str
    entry_id: str | None


@frozen
class Batch:
    """What one superstep writes; all of it or nothing. Applied in the order settled, entries, notes.

    Args:
        entries: New entries.
        notes: New notes.
        settled: Whose notes to drop.
        based_on: The latest entry as the writer knows it. If there is a later one, other than those of this batch, or
            it is gone, the batch is refused with `ThreadConflictError`. None: written whatever is there (a fork).
    """

    entries: tuple[Entry, ...] = ()
    notes: tuple[Note, ...] = ()
    settled: tuple[Settled, ...] = ()
    based_on: Head | None = None


@frozen
class Chain:
    """What is needed to read one entry.

    Args:
        entries: From the nearest snapshot down to the entry, each the parent of the next. Only the first need carry
            its snapshot; the others may have None in place of one.
        notes: The notes of the last of them, ordered by task id and key.
    """

    entries: tuple[Entry, ...]
    notes: tuple[Note, ...] = ()


@frozen
class ThreadInfo:
    """A thread in a listing.

    Args:
        thread_id: Its name.
        entries: How many entries it has over all its namespaces.
        created_ns: Time of the oldest.
        updated_ns: Time of the latest.
    """

    thread_id: str
    entries: int
    created_ns: int
    updated_ns: int


class Checkpointer(ABC):
    """A checkpoint store. Safe to share between threads and event loops, and usable in ``with`` and ``async with``."""

    instant: bool = False
    """True when a call takes microseconds and never waits, so that the event loop may make it itself."""

    @abstractmethod
    def write(self, batches: Sequence[Batch]) -> None:
        """Apply batches in order, in one transaction; durable when it returns.

        An entry that exists already (same thread, namespace and id) is replaced.

        Raises:
            ThreadConflictError: A batch is based on an entry that is not the latest any more; nothing was written. A
                batch may be based on what an earlier one of the same call writes.
            CheckpointError: It could not be written (disk full, connection lost, ...); nothing of it was.
        """

    @abstractmethod
    def chain(self, thread_id: str, namespace: str = "", entry_id: str | None = None) -> Chain | None:
        """What is needed to read an entry, the latest if ``entry_id`` is None; None where there is no such entry."""

    @abstractmethod
    def entries(
        self, thread_id: str, namespace: str = "", *, before: str | None = None, limit: int | None = None
    ) -> list[Entry]:
        """Entries of a namespace, newest first, without their snapshots (``snapshot`` is None).

        Args:
            thread_id: The thread.
            namespace: The namespace.
            before: Only entries with a smaller id.
            limit: At most so many.
        """

    @abstractmethod
    def notes(self, thread_id: str, namespace: str, entry_id: str) -> list[Note]:
        """The notes of an entry, ordered by task id and key."""

    @abstractmethod
    def namespaces(self, thread_id: str) -> list[str]:
        """The namespaces of a thread that have entries, sorted."""

    @abstractmethod
    def threads(self, *, limit: int | None = None) -> list[ThreadInfo]:
        """The threads, the latest updated first."""

    @abstractmethod
    def delete_thread(self, thread_id: str) -> None:
        """Remove a thread with all it has; an unknown thread is no error."""

    @abstractmethod
    def copy_thread(self, source: str, target: str) -> None:
        """Copy all a thread has to a new one, ids and all.

        Raises:
            CheckpointNotFoundError: There is no thread ``source``.
            CheckpointError: There is a thread ``target`` already.
        """

    @abstractmethod
    def rewrite(
        self, thread_id: str, namespace: str, *, remove: Sequence[str] = (), replace: Sequence[Entry] = ()
    ) -> None:
        """Remove entries (with their notes) and replace others, in one transaction. For `prune`."""

    def close(self) -> None:
        """Release what is held. Using a closed store raises `CheckpointError`; closing twice is harmless."""

    async def awrite(self, batch: Batch) -> None:
        """`write` one batch without holding up the event loop. Cancelled, it ends when the write has ended."""
        if self.instant:
            self.write((batch,))
        else:
            await to_the_end(asyncio.ensure_future(asyncio.to_thread(self.write, (batch,))))

    async def achain(self, thread_id: str, namespace: str = "", entry_id: str | None = None) -> Chain | None:
        """`chain` without holding up the event loop."""
        if self.instant:
            return self.chain(thread_id, namespace, entry_id)
        return await asyncio.to_thread(self.chain, thread_id, namespace, entry_id)

    def prune(
        self, *, thread_id: str | None = None, keep_last: int | None = None, older_than: float | None = None
    ) -> int:
        """Remove old checkpoints; the latest of each namespace always stays.

        Entries that stay but have lost their snapshot get one, so all that stays can still be read.

        Args:
            thread_id: Only this thread; all threads if None.
            keep_last: How many of the latest checkpoints of the outermost graph to keep.
            older_than: Remove those older than so many seconds. With both, an entry goes when either says so.

        Returns:
            How many entries were removed.
        """
        from victor.graph.checkpoint.retention import prune

        return prune(self, thread_id=thread_id, keep_last=keep_last, older_than=older_than)

    async def aprune(
        self, *, thread_id: str | None = None, keep_last: int | None = None, older_than: float | None = None
    ) -> int:
        """`prune` without holding up the event loop."""
        return await asyncio.to_thread(self.prune, thread_id=thread_id, keep_last=keep_last, older_than=older_than)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

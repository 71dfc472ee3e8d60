"""Commits to an SQLite file: one transaction for all who write at the same time, from any thread or event loop.

A commit that need not wait for the disk (``synchronous="normal"``) takes some ten microseconds, less than to hand it to
another thread and back: the event loop makes it itself. Where several tasks write in turn, theirs are put together
once in each round of the loop. Commits that wait for the disk, are large, or find another process at work on the file
are made by a thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from attrs import define, field

from victor.graph.checkpoint.base import Batch, Entry, Note
from victor.graph.checkpoint.heads import Demand
from victor.graph.checkpoint.sqlite_file import SqliteFile, is_busy
from victor.graph.checkpoint.sqlite_rows import (
    FIND_LOG,
    PUT_SMALL,
    drop_notes,
    latest,
    put_entry,
    put_note,
    small_row,
)
from victor.graph.checkpoint.sqlite_wal import Wal
from victor.graph.errors import CheckpointError
from victor.graph.within import to_the_end

__all__ = ["Commits"]

T = TypeVar("T", Entry, Note)

_QUICK: Final = 128 * 1024
"""Bytes that are written in less than a millisecond."""


@define(eq=False)
class _Ticket:
    """Batches that wait for their commit."""

    batches: Sequence[Batch]
    loop: asyncio.AbstractEventLoop | None = None
    answer: asyncio.Future[None] | None = None
    done: bool = False
    error: BaseException | None = field(default=None)

    def settle(self) -> None:
        """Have the task that waits go on; in its event loop."""
        if self.answer is not None and not self.answer.done():
            if self.error is None:
                self.answer.set_result(None)
            else:
                self.answer.set_exception(self.error)


class Commits:
    """Writes to a file over one connection.

    Args:
        file: The file.
        db: The connection; not patient.
    """

    def __init__(self, file: SqliteFile, db: sqlite3.Connection) -> None:
        self.lock: threading.Lock = threading.Lock()  # held by whoever writes
        self.closed: bool = False
        self._file = file
        self._db = db
        self._wal = Wal(file, self.lock)
        self._logs: dict[tuple[str, str], int] = {}
        self._queueing = threading.Lock()
        self._tickets: list[_Ticket] = []
        self._quick = file.in_memory or file.synchronous == "normal"
        self._last_task = 0
        self._flushing = False
        self._wake = threading.Semaphore(0)
        self._committer: threading.Thread | None = None

    # ---------------------------------------------------------------- who commits

    def write(self, batches: Sequence[Batch]) -> None:
        """Commit batches, and what others wait to write along with them."""
        if not self._tickets and self.lock.acquire(blocking=False):
            try:
                self._commit(batches)
            finally:
                self.lock.release()
            return
        ticket = _Ticket(batches)
        with self._queueing:
            self._tickets.append(ticket)
        with self.lock:
            if not ticket.done:
                self._commit_waiting()
        if ticket.error is not None:
            raise ticket.error

    async def awrite(self, batch: Batch) -> None:
        """Commit a batch without holding up the event loop for longer than it takes to hand it over."""
        quick = self._quick and _weight(batch) < _QUICK
        if quick:
            task = id(asyncio.current_task())
            alone, self._last_task = task == self._last_task, task
            if alone and self._attempt((batch,)):
                return
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        with self._queueing:
            self._tickets.append(_Ticket((batch,), loop, answer))
        if not quick:
            self._hand_over()
        elif not self._flushing:
            self._flushing = True
            loop.call_soon(self._flush)
        await to_the_end(answer)  # who goes on with the thread must find what was written

    def _attempt(self, batches: Sequence[Batch]) -> bool:
        """Commit at once; False if somebody else is writing."""
        if self._tickets or not self.lock.acquire(blocking=False):
            return False
        try:
            return self._commit(batches, patient=False)
        finally:
            self.lock.release()

    def _flush(self) -> None:
        """Commit what tasks wrote in this round of the event loop."""
        self._flushing = False
        with self._queueing:
            heavy = sum(_weight(batch) for ticket in self._tickets for batch in ticket.batches) > 4 * _QUICK
        if heavy or not self.lock.acquire(blocking=False):
            self._hand_over()
            return
        try:
            done = self._commit_waiting(patient=False)
        finally:
            self.lock.release()
        if not done:
            self._hand_over()

    def _hand_over(self) -> None:
        """Have the thread commit what waits."""
        if self._committer is None:
            with self._queueing:
                if self._committer is None:
                    self._committer = threading.Thread(target=self._work, name="victor-sqlite", daemon=True)
                    self._committer.start()
        self._wake.release()

    def _work(self) -> None:
        while True:
            self._wake.acquire()
            with self.lock:
                self._commit_waiting()
            if self.closed:
                return

    def close(self) -> None:
        """Write what waits, and let go of the connection."""
        with self.lock:
            if self.closed:
                return
            self._commit_waiting()
            self.closed = True
        self._wake.release()
        if self._committer is not None:
            self._committer.join()
        self._wal.close()
        self._db.close()

    # ---------------------------------------------------------------- how

    def _commit_waiting(self, *, patient: bool = True) -> bool:
        """Commit all that waits, in one transaction; False if another process is in the way."""
        with self._queueing:
            tickets, self._tickets = self._tickets, []
        if not tickets:
            return True
        try:
            if not self._commit([batch for ticket in tickets for batch in ticket.batches], patient=patient):
                with self._queueing:
                    self._tickets = tickets + self._tickets
                return False
        except BaseException as error:  # noqa: BLE001 - raised where it was written
            if len(tickets) == 1:
                tickets[0].error = error
            else:
                for ticket in tickets:  # one of them may be at fault: each for itself
                    try:
                        self._commit(ticket.batches)
                    except BaseException as own:  # noqa: BLE001 - raised where it was written
                        ticket.error = own
        waiting: dict[asyncio.AbstractEventLoop, list[_Ticket]] = {}
        for ticket in tickets:
            ticket.done = True
            if ticket.loop is not None:
                waiting.setdefault(ticket.loop, []).append(ticket)
        for loop, theirs in waiting.items():
            try:
                loop.call_soon_threadsafe(_settle, theirs)
            except RuntimeError:
                pass  # the event loop is gone, and nobody waits any more
        return True

    def _commit(self, batches: Sequence[Batch], *, patient: bool = True) -> bool:
        """Commit batches; False if another process is in the way, and we are not to wait for it."""
        if self.closed:
            raise CheckpointError(f"{self._file.path}: this store is closed")
        self._file.must_be_there()
        db, file = self._db, self._file
        try:
            row = self._single(batches)
            if row is not None:
                try:
                    file.once(db, PUT_SMALL, row) if patient else db.execute(PUT_SMALL, row)
                    self._wal.grown(_weight(batches[0]))
                    return True
                except sqlite3.IntegrityError:
                    pass  # the long way says why
            try:
                if patient:
                    file.transact(db, lambda db: self._put_all(db, batches))
                else:
                    db.execute("BEGIN IMMEDIATE")
                    file.finish(db, lambda db: self._put_all(db, batches))
            except BaseException:
                self._logs.clear()  # those made in this transaction are gone again
                raise
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            if not patient and is_busy(error):
                return False
            raise file.cannot("write a checkpoint", error) from error
        self._wal.grown(sum(map(_weight, batches)))
        return True

    def _single(self, batches: Sequence[Batch]) -> tuple[Any, ...] | None:
        """The row, when it is only one: then one statement is the whole transaction."""
        if len(batches) != 1:
            return None
        batch = batches[0]
        if len(batch.entries) != 1 or batch.notes or batch.settled:
            return None
        one = batch.entries[0]
        log = self._logs.get((one.thread_id, one.namespace))
        base = batch.based_on
        if log is None or (base is not None and (base.thread_id, base.namespace) != (one.thread_id, one.namespace)):
            return None
        return small_row(log, one, None if base is None else base.entry_id or "")

    def _put_all(self, db: sqlite3.Connection, batches: Sequence[Batch]) -> None:
        for batch in batches:
            base = batch.based_on
            if base is not None:
                place = (base.thread_id, base.namespace)
                own = {one.id for one in batch.entries if (one.thread_id, one.namespace) == place}
                Demand(base.entry_id, own).check(place, latest(db, *place))
            for settled in batch.settled:
                drop_notes(db, self._log(db, settled.thread_id, settled.namespace), settled.entry_id, settled.keys)
            for one in batch.entries:
                self._insert(db, put_entry, one)
            for note in batch.notes:
                self._insert(db, put_note, note)

    def _insert(self, db: sqlite3.Connection, put: Callable[[sqlite3.Connection, int, T], None], one: T) -> None:
        log = self._log(db, one.thread_id, one.namespace)
        try:
            put(db, log, one)
        except sqlite3.IntegrityError:
            del self._logs[one.thread_id, one.namespace]
            again = self._log(db, one.thread_id, one.namespace)
            if again == log:
                raise
            put(db, again, one)

    def _log(self, db: sqlite3.Connection, thread_id: str, namespace: str) -> int:
        """The number of a log, which is made if it is not there."""
        place = (thread_id, namespace)
        log = self._logs.get(place)
        if log is None:
            found = db.execute(FIND_LOG, place).fetchone()
            if found is None:
                made = db.execute("INSERT INTO victor_logs (thread_id, namespace) VALUES (?, ?)", place)
                found = (made.lastrowid,)
            if len(self._logs) > 10_000:
                self._logs.clear()
            log = self._logs[place] = found[0]
        return log

    def forget(self) -> None:
        """Logs may be gone. With the lock held."""
        self._logs.clear()


def _weight(batch: Batch) -> int:
    size = 0
    for one in batch.entries:
        size += len(one.body) + (len(one.snapshot) if one.snapshot else 0)
    for note in batch.notes:
        size += len(note.data)
    return size


def _settle(tickets: Sequence[_Ticket]) -> None:
    for ticket in tickets:
        ticket.settle()

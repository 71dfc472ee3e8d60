"""Checkpoints in an SQLite file: the default for programs that run on one machine.

The file is in WAL mode, so readers never wait for the writer. One connection writes; writes that come at the same
time, from any number of threads and event loops, share one transaction and one commit.

Durability is what it says: with ``synchronous="full"`` (the default) a write is on the disk when it returns, and
survives a power cut. With ``"normal"`` it survives the death of the process at once, but a power cut may undo the
last commits (never more: the file stays sound); that is many times faster.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import parse_qsl

from victor.core.errors import ConfigurationError
from victor.graph.checkpoint.base import Batch, Chain, Checkpointer, Entry, Note, ThreadInfo
from victor.graph.errors import CheckpointError, CheckpointNotFoundError, StoreVersionError

__all__ = ["SqliteSaver", "from_url"]

_VERSION: Final = 1
_BUSY_S: Final = 60.0

_SCHEMA: Final = """
CREATE TABLE victor_schema (version INTEGER NOT NULL);
CREATE TABLE victor_logs (
    log INTEGER PRIMARY KEY AUTOINCREMENT, thread_id TEXT NOT NULL, namespace TEXT NOT NULL,
    UNIQUE (thread_id, namespace)
);
CREATE TABLE victor_entries (
    log INTEGER NOT NULL, id TEXT NOT NULL, parent TEXT, base TEXT NOT NULL, step INTEGER NOT NULL,
    source TEXT NOT NULL, body BLOB NOT NULL, snapshot BLOB, PRIMARY KEY (log, id)
) WITHOUT ROWID;
CREATE TABLE victor_notes (
    log INTEGER NOT NULL, entry TEXT NOT NULL, task TEXT NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (log, entry, task, key)
) WITHOUT ROWID;
"""

# Both write nothing when the log is gone, because somebody else deleted the thread; its number is never used again.
_PUT_ENTRY: Final = (
    "INSERT OR REPLACE INTO victor_entries SELECT log, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM victor_logs WHERE log = ?1"
)
_PUT_NOTE: Final = "INSERT OR REPLACE INTO victor_notes SELECT log, ?2, ?3, ?4, ?5 FROM victor_logs WHERE log = ?1"
_DROP_NOTES: Final = (
    "DELETE FROM victor_notes WHERE log = ? AND entry = ? AND substr(key, 1, instr(key || ':', ':') - 1) = ?"
)
_FIND_LOG: Final = "SELECT log FROM victor_logs WHERE thread_id = ? AND namespace = ?"


class _Ticket:
    """Batches that wait for their commit."""

    __slots__ = ("batches", "done", "error", "notify")

    def __init__(self, batches: Sequence[Batch], notify: Callable[[], None] | None = None) -> None:
        self.batches = batches
        self.notify = notify
        self.done = False
        self.error: BaseException | None = None


class SqliteSaver(Checkpointer):
    """Keeps checkpoints in an SQLite file, which is made if it is not there.

    Args:
        path: The file, or ``":memory:"``; or an open connection, whose file is then used.
        synchronous: ``"full"``: survives a power cut. ``"normal"``: survives the death of the process.

    Raises:
        CheckpointError: The file cannot be opened, or is no SQLite database.
        StoreVersionError: It was made by a newer version of victor-graph.

    Example:
        >>> with SqliteSaver(":memory:") as saver:
        ...     saver.threads()
        []
    """

    def __init__(
        self, path: str | Path | sqlite3.Connection = ":memory:", *, synchronous: Literal["full", "normal"] = "full"
    ) -> None:
        if synchronous not in ("full", "normal"):
            raise ConfigurationError(f"synchronous is 'full' or 'normal', not {synchronous!r}")
        if isinstance(path, sqlite3.Connection):
            path = path.execute("PRAGMA database_list").fetchone()[2] or ":memory:"
        self.path = str(path)
        self._synchronous = synchronous
        self._writing = threading.Lock()
        self._queueing = threading.Lock()
        self._tickets: list[_Ticket] = []
        self._logs: dict[tuple[str, str], int] = {}
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._committer: threading.Thread | None = None
        self._wake = threading.Semaphore(0)
        self._db = self._open()
        self._set_up()

    @classmethod
    def from_conn_string(cls, conn_string: str) -> Self:
        """The same as the class itself, under the name LangGraph's users know."""
        return cls(conn_string)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """A store by its URL: ``sqlite:path``, with ``?synchronous=normal`` if wanted."""
        place, _, query = url.removeprefix("sqlite:").partition("?")
        options = dict(parse_qsl(query))
        synchronous = options.pop("synchronous", "full").lower()
        if options:
            raise ConfigurationError(
                f"{url!r}: there is no option {', '.join(map(repr, options))}; there is 'synchronous'"
            )
        if place.startswith("///"):
            place = place[3:] or ":memory:"
        return cls(place or ":memory:", synchronous=synchronous)  # type: ignore[arg-type]

    # ---------------------------------------------------------------- connections

    def _open(self) -> sqlite3.Connection:
        try:
            if self.path != ":memory:":
                Path(self.path).expanduser().parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(
                str(Path(self.path).expanduser()) if self.path != ":memory:" else self.path,
                timeout=_BUSY_S, isolation_level=None, check_same_thread=False,
            )  # fmt: skip
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA synchronous = {self._synchronous.upper()}")
        except (sqlite3.Error, OSError) as error:
            raise CheckpointError(f"{self.path}: cannot be opened as an SQLite file: {error}") from error
        return db

    def _set_up(self) -> None:
        with self._trouble("set up"):
            known = self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'victor_schema'").fetchone()
            if known is None:
                self._db.execute("BEGIN IMMEDIATE")
                try:  # another process may have been faster
                    if self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'victor_schema'").fetchone() is None:
                        for statement in _SCHEMA.split(";"):
                            self._db.execute(statement)
                        self._db.execute("INSERT INTO victor_schema VALUES (?)", (_VERSION,))
                    self._db.execute("COMMIT")
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
            version = self._db.execute("SELECT version FROM victor_schema").fetchone()[0]
        if version != _VERSION:
            raise StoreVersionError(
                f"{self.path}: this checkpoint store has version {version}, and this victor-graph reads version "
                f"{_VERSION}; upgrade victor-graph (pip install -U victor-graph)"
            )

    @contextmanager
    def _trouble(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise CheckpointError(f"{self.path}: cannot {what}: {error}") from error

    @contextmanager
    def _reading(self, what: str) -> Iterator[sqlite3.Connection]:
        if self._closed:
            raise CheckpointError(f"{self.path}: this store is closed")
        if self.path == ":memory:":
            with self._writing, self._trouble(what):
                yield self._db
            return
        with self._queueing:
            db = self._idle.pop() if self._idle else None
        if db is None:
            db = self._open()
        try:
            with self._trouble(what):
                yield db
        finally:
            self._give_back(db)

    def _give_back(self, db: sqlite3.Connection) -> None:
        with self._queueing:
            if self._closed:
                db.close()
            else:
                self._idle.append(db)

    # ---------------------------------------------------------------- writing

    def write(self, batches: Sequence[Batch]) -> None:
        """Apply batches; commits what other threads wait to write along with it."""
        ticket = _Ticket(batches)
        with self._queueing:
            self._tickets.append(ticket)
        with self._writing:
            if not ticket.done:
                self._commit_waiting()
        if ticket.error is not None:
            raise ticket.error

    async def awrite(self, batch: Batch) -> None:
        """Apply a batch; a thread of the store's own commits what all event loops wait to write."""
        loop = asyncio.get_running_loop()
        written = loop.create_future()

        def notify() -> None:
            loop.call_soon_threadsafe(lambda: None if written.done() else written.set_result(None))

        ticket = _Ticket((batch,), notify)
        with self._queueing:
            self._tickets.append(ticket)
            if self._committer is None:
                self._committer = threading.Thread(target=self._work, name="victor-sqlite", daemon=True)
                self._committer.start()
        self._wake.release()
        await written
        if ticket.error is not None:
            raise ticket.error

    def _work(self) -> None:
        while True:
            self._wake.acquire()
            with self._writing:
                self._commit_waiting()
            if self._closed:
                return

    def _commit_waiting(self) -> None:
        with self._queueing:
            tickets, self._tickets = self._tickets, []
        if not tickets:
            return
        try:
            self._commit([batch for ticket in tickets for batch in ticket.batches])
        except BaseException as error:  # noqa: BLE001 - raised in the threads that wait
            if len(tickets) == 1:
                tickets[0].error = error
            else:
                for ticket in tickets:  # one of them may be at fault: each for itself
                    try:
                        self._commit(ticket.batches)
                    except BaseException as own:  # noqa: BLE001 - raised in the thread that waits
                        ticket.error = own
        for ticket in tickets:
            ticket.done = True
            if ticket.notify is not None:
                try:
                    ticket.notify()
                except RuntimeError:
                    pass  # its event loop is gone, and nobody waits any more

    def _commit(self, batches: Sequence[Batch]) -> None:
        if self._closed:
            raise CheckpointError(f"{self.path}: this store is closed")
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            try:
                for batch in batches:
                    self._put(db, batch)
                db.execute("COMMIT")
            except BaseException:
                self._logs.clear()  # those made in this transaction are gone again
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise CheckpointError(f"{self.path}: a checkpoint could not be written: {error}") from error

    def _put(self, db: sqlite3.Connection, batch: Batch) -> None:
        for settled in batch.settled:
            log = self._log(settled.thread_id, settled.namespace)
            db.executemany(_DROP_NOTES, [(log, settled.entry_id, key) for key in settled.keys])
        for one in batch.entries:
            row = (one.id, one.parent_id, one.base_id, one.step, one.source, one.body, one.snapshot)
            self._insert(db, _PUT_ENTRY, one.thread_id, one.namespace, row)
        for note in batch.notes:
            row_of_note = (note.entry_id, note.task_id, note.key, note.data)
            self._insert(db, _PUT_NOTE, note.thread_id, note.namespace, row_of_note)

    def _insert(
        self, db: sqlite3.Connection, statement: str, thread_id: str, namespace: str, row: tuple[Any, ...]
    ) -> None:
        if db.execute(statement, (self._log(thread_id, namespace), *row)).rowcount < 1:
            del self._logs[thread_id, namespace]
            db.execute(statement, (self._log(thread_id, namespace), *row))

    def _log(self, thread_id: str, namespace: str) -> int:
        """The number of a log, which is made if it is not there."""
        place = (thread_id, namespace)
        log = self._logs.get(place)
        if log is None:
            found = self._db.execute(_FIND_LOG, place).fetchone()
            if found is None:
                made = self._db.execute("INSERT INTO victor_logs (thread_id, namespace) VALUES (?, ?)", place)
                found = (made.lastrowid,)
            if len(self._logs) > 10_000:
                self._logs.clear()
            log = self._logs[place] = found[0]
        return log

    # ---------------------------------------------------------------- reading

    def chain(self, thread_id: str, namespace: str = "", entry_id: str | None = None) -> Chain | None:
        """What is needed to read an entry."""
        with self._reading("read a checkpoint") as db:
            found = db.execute(_FIND_LOG, (thread_id, namespace)).fetchone()
            if found is None:
                return None
            log = found[0]
            if entry_id is None:
                last = db.execute(
                    "SELECT id, base FROM victor_entries WHERE log = ? ORDER BY id DESC LIMIT 1", (log,)
                ).fetchone()
            else:
                last = db.execute(
                    "SELECT id, base FROM victor_entries WHERE log = ? AND id = ?", (log, entry_id)
                ).fetchone()
            if last is None:
                return None
            rows = db.execute(
                "SELECT id, parent, base, step, source, body, CASE WHEN id = ?3 THEN snapshot END FROM victor_entries "
                "WHERE log = ?1 AND id BETWEEN ?3 AND ?2 ORDER BY id DESC",
                (log, last[0], last[1]),
            ).fetchall()
            notes = db.execute(
                "SELECT task, key, data FROM victor_notes WHERE log = ? AND entry = ? ORDER BY task, key",
                (log, last[0]),
            ).fetchall()
        chain = []
        wanted = last[0]
        for id, parent, base, step, source, body, snapshot in rows:
            if id == wanted:
                chain.append(Entry(thread_id, namespace, id, parent, base, step, source, body, snapshot))
                wanted = parent
        if chain[-1].id != last[1]:
            raise CheckpointError(f"{self.path}: checkpoint {last[0]} of thread {thread_id!r} has lost its parent")
        return Chain(
            tuple(reversed(chain)),
            tuple(Note(thread_id, namespace, last[0], task, key, data) for task, key, data in notes),
        )

    def entries(
        self, thread_id: str, namespace: str = "", *, before: str | None = None, limit: int | None = None
    ) -> list[Entry]:
        """Entries of a namespace, newest first, without snapshots."""
        with self._reading("list checkpoints") as db:
            rows = db.execute(
                "SELECT id, parent, base, step, source, body FROM victor_entries JOIN victor_logs USING (log) "
                "WHERE thread_id = ? AND namespace = ? AND id < ? ORDER BY id DESC LIMIT ?",
                (thread_id, namespace, "~" if before is None else before, -1 if limit is None else limit),
            ).fetchall()
        return [Entry(thread_id, namespace, *row) for row in rows]

    def notes(self, thread_id: str, namespace: str, entry_id: str) -> list[Note]:
        """The notes of an entry."""
        with self._reading("read notes") as db:
            rows = db.execute(
                "SELECT task, key, data FROM victor_notes JOIN victor_logs USING (log) "
                "WHERE thread_id = ? AND namespace = ? AND entry = ? ORDER BY task, key",
                (thread_id, namespace, entry_id),
            ).fetchall()
        return [Note(thread_id, namespace, entry_id, *row) for row in rows]

    def namespaces(self, thread_id: str) -> list[str]:
        """The namespaces of a thread."""
        with self._reading("list namespaces") as db:
            rows = db.execute(
                "SELECT namespace FROM victor_logs l WHERE thread_id = ? "
                "AND EXISTS (SELECT 1 FROM victor_entries e WHERE e.log = l.log) ORDER BY namespace",
                (thread_id,),
            ).fetchall()
        return [row[0] for row in rows]

    def threads(self, *, limit: int | None = None) -> list[ThreadInfo]:
        """The threads, the latest updated first."""
        with self._reading("list threads") as db:
            rows = db.execute(
                "SELECT thread_id, count(*), min(id), max(id) FROM victor_entries JOIN victor_logs USING (log) "
                "GROUP BY thread_id ORDER BY max(substr(id, 1, 16)) DESC, thread_id LIMIT ?",
                (-1 if limit is None else limit,),
            ).fetchall()
        return [ThreadInfo(row[0], row[1], int(row[2][:16], 16), int(row[3][:16], 16)) for row in rows]

    # ---------------------------------------------------------------- threads

    def delete_thread(self, thread_id: str) -> None:
        """Remove a thread."""
        with self._changing("delete a thread") as db:
            logs = "SELECT log FROM victor_logs WHERE thread_id = ?"
            for table in ("victor_entries", "victor_notes"):
                db.execute(f"DELETE FROM {table} WHERE log IN ({logs})", (thread_id,))  # noqa: S608 - constants
            db.execute("DELETE FROM victor_logs WHERE thread_id = ?", (thread_id,))

    def copy_thread(self, source: str, target: str) -> None:
        """Copy a thread."""
        with self._changing("copy a thread") as db:
            logs = db.execute("SELECT log, namespace FROM victor_logs WHERE thread_id = ?", (source,)).fetchall()
            if not logs:
                raise CheckpointNotFoundError(f"there is no thread {source!r} to copy")
            if db.execute("SELECT 1 FROM victor_logs WHERE thread_id = ?", (target,)).fetchone():
                raise CheckpointError(f"there is a thread {target!r} already; delete it first, or choose another name")
            for log, namespace in logs:
                new = db.execute(
                    "INSERT INTO victor_logs (thread_id, namespace) VALUES (?, ?)", (target, namespace)
                ).lastrowid
                db.execute(
                    "INSERT INTO victor_entries SELECT ?, id, parent, base, step, source, body, snapshot "
                    "FROM victor_entries WHERE log = ?", (new, log),
                )  # fmt: skip
                db.execute(
                    "INSERT INTO victor_notes SELECT ?, entry, task, key, data FROM victor_notes WHERE log = ?",
                    (new, log),
                )

    def rewrite(
        self, thread_id: str, namespace: str, *, remove: Sequence[str] = (), replace: Sequence[Entry] = ()
    ) -> None:
        """Remove entries and replace others."""
        with self._changing("rewrite checkpoints") as db:
            found = db.execute(_FIND_LOG, (thread_id, namespace)).fetchone()
            if found is None:
                return
            log = found[0]
            db.executemany("DELETE FROM victor_entries WHERE log = ? AND id = ?", [(log, id) for id in remove])
            db.executemany("DELETE FROM victor_notes WHERE log = ? AND entry = ?", [(log, id) for id in remove])
            db.executemany(
                "UPDATE victor_entries SET parent = ?, base = ?, body = ?, snapshot = ? WHERE log = ? AND id = ?",
                [(one.parent_id, one.base_id, one.body, one.snapshot, log, one.id) for one in replace],
            )
            if not db.execute("SELECT 1 FROM victor_entries WHERE log = ?", (log,)).fetchone():
                db.execute("DELETE FROM victor_logs WHERE log = ?", (log,))

    @contextmanager
    def _changing(self, what: str) -> Iterator[sqlite3.Connection]:
        if self._closed:
            raise CheckpointError(f"{self.path}: this store is closed")
        with self._writing, self._trouble(what):
            db = self._db
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            finally:
                self._logs.clear()

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        with self._writing:
            if self._closed:
                return
            self._commit_waiting()
            self._closed = True
            committer = self._committer
        self._wake.release()
        if committer is not None:
            committer.join()
        with self._queueing:
            for db in (self._db, *self._idle):
                db.close()
            self._idle.clear()


def from_url(url: str) -> Any:
    """A store by its URL; what the plugin registers for the scheme ``sqlite``."""
    return SqliteSaver.from_url(url)

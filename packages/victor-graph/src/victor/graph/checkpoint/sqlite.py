"""Checkpoints in an SQLite file: the default for programs that run on one machine.

The file is in WAL mode, so readers never wait for the writer. One connection writes; writes that come at the same
time, from any number of threads and event loops, share one transaction and one commit.

Durability is what it says: with ``synchronous="full"`` (the default) a write is on the disk when it returns, and
survives a power cut. With ``"normal"`` it survives the death of the process at once, but a power cut may undo the
last commits (never more: the file stays sound); that is many times faster.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import parse_qsl

from attrs import evolve

from victor.core.errors import ConfigurationError
from victor.graph.checkpoint.base import Batch, Chain, Checkpointer, Entry, Note, ThreadInfo, written_ns
from victor.graph.checkpoint.sqlite_commits import Commits
from victor.graph.checkpoint.sqlite_file import SqliteFile
from victor.graph.checkpoint.sqlite_rows import (
    FIND_LOG,
    SELECT_CHAIN,
    SELECT_ENTRIES,
    SELECT_NOTES,
    copy_log,
    replace_entry,
)
from victor.graph.errors import CheckpointError, CheckpointNotFoundError

__all__ = ["SqliteSaver", "from_url"]


_TYPES: Final = {(str, parent, str, int, str, bytes) for parent in (str, type(None))}


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
        self.path: str = str(path)
        self._file = SqliteFile(self.path, synchronous)
        self._db = self._file.open(patient=False)
        try:
            self._file.set_up(self._db)
        except BaseException:
            self._db.close()
            raise
        self._commits = Commits(self._file, self._db)
        self._pooling = threading.Lock()
        self._idle: list[sqlite3.Connection] = []

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

    def _check(self) -> None:
        if self._commits.closed:
            raise CheckpointError(f"{self.path}: this store is closed")

    @contextmanager
    def _reading(self, what: str) -> Iterator[sqlite3.Connection]:
        self._check()
        if self._file.in_memory:
            with self._commits.lock, self._file.trouble(what):
                yield self._db
            return
        with self._pooling:
            db = self._idle.pop() if self._idle else None
        if db is None:
            db = self._file.open()
        try:
            with self._file.trouble(what):
                yield db
        finally:
            self._give_back(db)

    def _give_back(self, db: sqlite3.Connection) -> None:
        with self._pooling:
            if self._commits.closed:
                db.close()
            else:
                self._idle.append(db)

    # ---------------------------------------------------------------- writing

    def write(self, batches: Sequence[Batch]) -> None:
        """Apply batches; commits what other threads wait to write along with it."""
        self._commits.write(batches)

    def awrite(self, batch: Batch) -> Coroutine[Any, Any, None]:
        """Apply a batch, along with what other tasks wait to write."""
        return self._commits.awrite(batch)

    # ---------------------------------------------------------------- reading

    def chain(self, thread_id: str, namespace: str = "", entry_id: str | None = None) -> Chain | None:
        """What is needed to read an entry."""
        with self._reading("read a checkpoint") as db:
            found = db.execute(FIND_LOG, (thread_id, namespace)).fetchone()
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
                SELECT_CHAIN,
                (log, last[0], last[1]),
            ).fetchall()
            notes = db.execute(
                f"{SELECT_NOTES} FROM victor_notes WHERE log = ? AND entry = ? ORDER BY task, key",
                (log, last[0]),
            ).fetchall()
        chain = []
        wanted = last[0]
        for row in rows:
            if row[0] == wanted:
                self._check_row(thread_id, row)
                chain.append(Entry(thread_id, namespace, *row))
                wanted = None if row[2] == row[0] else row[1]
        if chain and chain[-1].id == chain[-1].base_id != last[1]:
            chain[-1] = self._with_snapshot(chain[-1], log)
        elif not chain or chain[-1].id != last[1]:
            raise CheckpointError(f"{self.path}: checkpoint {last[0]} of thread {thread_id!r} has lost its parent")
        return Chain(
            tuple(reversed(chain)),
            tuple(self._note(thread_id, namespace, last[0], row) for row in notes),
        )

    def _with_snapshot(self, entry: Entry, log: int) -> Entry:
        """An entry that got a snapshot when those below it were pruned, under a run that still names one of them."""
        with self._reading("read a checkpoint") as db:
            found = db.execute(SELECT_CHAIN, (log, entry.id, entry.id)).fetchall()
        return evolve(entry, snapshot=found[0][6] if found else None)

    def _check_row(self, thread_id: str, row: tuple[Any, ...]) -> None:
        """SQLite keeps any type in any column: what is of another was not written by us."""
        if tuple(map(type, row[:6])) not in _TYPES or (len(row) > 6 and type(row[6]) not in (bytes, type(None))):
            raise CheckpointError(
                f"{self.path}: checkpoint {row[0]!r:.80} of thread {thread_id!r} is damaged, or not written by "
                "victor-graph. Earlier checkpoints may still be read; see get_state_history"
            )

    def _note(self, thread_id: str, namespace: str, entry_id: str, row: tuple[Any, ...]) -> Note:
        if tuple(map(type, row)) != (str, str, bytes):
            raise CheckpointError(f"{self.path}: a note of checkpoint {entry_id} of thread {thread_id!r} is damaged")
        return Note(thread_id, namespace, entry_id, *row)

    def entries(
        self, thread_id: str, namespace: str = "", *, before: str | None = None, limit: int | None = None
    ) -> list[Entry]:
        """Entries of a namespace, newest first, without snapshots."""
        with self._reading("list checkpoints") as db:
            rows = db.execute(
                f"{SELECT_ENTRIES} FROM victor_entries e JOIN victor_logs USING (log) "
                "WHERE thread_id = ? AND namespace = ? AND e.id < ? ORDER BY e.id DESC LIMIT ?",
                (thread_id, namespace, "~" if before is None else before, -1 if limit is None else limit),
            ).fetchall()
        for row in rows:
            self._check_row(thread_id, row)
        return [Entry(thread_id, namespace, *row) for row in rows]

    def notes(self, thread_id: str, namespace: str, entry_id: str) -> list[Note]:
        """The notes of an entry."""
        with self._reading("read notes") as db:
            rows = db.execute(
                f"{SELECT_NOTES} FROM victor_notes JOIN victor_logs USING (log) "
                "WHERE thread_id = ? AND namespace = ? AND entry = ? ORDER BY task, key",
                (thread_id, namespace, entry_id),
            ).fetchall()
        return [self._note(thread_id, namespace, entry_id, row) for row in rows]

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
        return [ThreadInfo(row[0], row[1], written_ns(row[2]), written_ns(row[3])) for row in rows]

    # ---------------------------------------------------------------- threads

    def delete_thread(self, thread_id: str) -> None:
        """Remove a thread."""

        def delete(db: sqlite3.Connection) -> None:
            logs = "SELECT log FROM victor_logs WHERE thread_id = ?"
            for table in ("victor_entries", "victor_notes"):
                db.execute(f"DELETE FROM {table} WHERE log IN ({logs})", (thread_id,))  # noqa: S608 - constants
            db.execute("DELETE FROM victor_logs WHERE thread_id = ?", (thread_id,))

        self._change("delete a thread", delete)

    def copy_thread(self, source: str, target: str) -> None:
        """Copy a thread."""

        def copy(db: sqlite3.Connection) -> None:
            logs = db.execute("SELECT log, namespace FROM victor_logs WHERE thread_id = ?", (source,)).fetchall()
            if not logs:
                raise CheckpointNotFoundError(f"there is no thread {source!r} to copy")
            if db.execute("SELECT 1 FROM victor_logs WHERE thread_id = ?", (target,)).fetchone():
                raise CheckpointError(f"there is a thread {target!r} already; delete it first, or choose another name")
            for log, namespace in logs:
                made = db.execute("INSERT INTO victor_logs (thread_id, namespace) VALUES (?, ?)", (target, namespace))
                copy_log(db, log, made.lastrowid)

        self._change("copy a thread", copy)

    def rewrite(
        self, thread_id: str, namespace: str, *, remove: Sequence[str] = (), replace: Sequence[Entry] = ()
    ) -> None:
        """Remove entries and replace others."""

        def rewrite(db: sqlite3.Connection) -> None:
            found = db.execute(FIND_LOG, (thread_id, namespace)).fetchone()
            if found is None:
                return
            log = found[0]
            db.executemany("DELETE FROM victor_entries WHERE log = ? AND id = ?", [(log, id) for id in remove])
            db.executemany("DELETE FROM victor_notes WHERE log = ? AND entry = ?", [(log, id) for id in remove])
            for one in replace:
                replace_entry(db, log, one)
            if not db.execute("SELECT 1 FROM victor_entries WHERE log = ?", (log,)).fetchone():
                db.execute("DELETE FROM victor_logs WHERE log = ?", (log,))

        self._change("rewrite checkpoints", rewrite)

    def _change(self, what: str, work: Callable[[sqlite3.Connection], None]) -> None:
        """Does what is no ordinary write, in one transaction."""
        self._check()
        with self._commits.lock, self._file.trouble(what):
            try:
                self._file.transact(self._db, work)
            finally:
                self._commits.forget()

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        self._commits.close()
        with self._pooling:
            for db in self._idle:
                db.close()
            self._idle.clear()


def from_url(url: str) -> Any:
    """A store by its URL; what the plugin registers for the scheme ``sqlite``."""
    return SqliteSaver.from_url(url)

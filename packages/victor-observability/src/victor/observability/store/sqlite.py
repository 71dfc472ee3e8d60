"""The store in an SQLite file: the default.

The file is in WAL mode, so readers never wait for a writer. One connection writes; others, which can only read, answer
questions. A batch that was written survives the death of the process; a power cut may undo the last of them, whole.
"""

# ruff: noqa: S608 - statements are put together from names of this package; values are parameters

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from victor.observability.store.errors import StoreError
from victor.observability.store.names import Names
from victor.observability.store.protocol import Table
from victor.observability.store.retention import HOUR_S, Maintained, Retention
from victor.observability.store.schema import RECORD_COLUMNS, VERSION
from victor.observability.store.sql_store import SqlStore
from victor.observability.store.sqlite_file import SqliteFile, is_refusal

__all__ = ["SqliteStore"]

_INSERT: Final = (
    f"INSERT INTO record_rows ({', '.join(RECORD_COLUMNS)}) VALUES ({', '.join('?' * len(RECORD_COLUMNS))})"
)
_ROWS_AT_ONCE: Final = 20_000
_PAGES_AT_ONCE: Final = 2_000
_HOUR_NS: Final = HOUR_S * 1_000_000_000
_LONGEST_VALUE: Final = 16_000_000
_READS: Final = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_INHERITED: Final[list[object]] = []
"""Connections of the parent process: closed here, they would take its locks away."""


class _Transaction:
    """A `Link` of one connection."""

    __slots__ = ("_db",)

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._db.execute(statement, parameters).fetchall()

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        return self._db.execute(statement, parameters).rowcount

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        self._db.executemany(statement, rows)

    def upsert_runs(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> dict[bytes, int]:
        self._db.executemany(statement, rows)
        find = "SELECT run FROM run_rows WHERE run_id = ?"
        return {row[0]: self._db.execute(find, row[:1]).fetchone()[0] for row in rows}

    def upsert_figures(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self._db.executemany(statement, rows)

    def add_records(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._db.executemany(_INSERT, rows)


class SqliteStore(SqlStore):
    """Keeps what happened in an SQLite file, which is made if it is not there.

    A new file can be read by its owner alone, and so can its folder if that is new, too.

    Args:
        path: The file.
        retention: How long to keep what.
        busy_s: How long to wait while another process writes.
        read_only: Whether to open it to read alone, which needs no right to write.

    Raises:
        StoreError: The file cannot be opened, is damaged, or something else.
        StoreVersionError: It was made by a newer version of victor-observability.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, SqliteStore(folder + "/metrics.db") as store:
        ...     store.runs()
        []
    """

    def __init__(
        self,
        path: str | Path,
        *,
        retention: Retention | None = None,
        busy_s: float = 10.0,
        read_only: bool = False,
    ) -> None:
        whole = Path(path).expanduser().absolute()
        super().__init__(str(path), retention)
        self._file = SqliteFile(whole, str(path), busy_s, read_only=read_only)
        self._lock = threading.RLock()
        self._closed = False
        self._stale = False
        self._db: sqlite3.Connection | None = None
        self._idle: list[sqlite3.Connection] = []
        self._open()

    # ---------------------------------------------------------------- connections

    def _open(self) -> None:
        self._pid = os.getpid()
        if self._file.read_only:
            self._idle.append(self._file.open_to_read())
        else:
            self._db = self._file.open_to_write()
        self._stale = False

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one thread at a time, after a look at what happened: a fork, or somebody who removed the file."""
        if os.getpid() != self._pid:
            # Another thread of the parent may have held the lock, and nobody here would ever let go of it.
            _INHERITED.extend([self._db, *self._idle, self._lock])
            self._lock = threading.RLock()
            self._db, self._idle, self._pid = None, [], os.getpid()
            self._names = Names()
            self._stale = True
        with self._lock:
            if self._closed:
                raise StoreError(f"{self.place}: this store is closed")
            if self._stale or not self._file.is_same():
                self._stale = True
                self._drop()
                self._names = Names()
                self._open()
            yield

    def _drop(self) -> None:
        for db in (self._db, *self._idle):
            if db is not None:
                db.close()
        self._db = None
        self._idle.clear()

    @contextmanager
    def reading(self, what: str) -> Iterator[_Transaction]:
        """As `SqlStore.reading`."""
        with self._reader(what) as db:
            db.execute("BEGIN")
            try:
                yield _Transaction(db)
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    @contextmanager
    def _reader(self, what: str) -> Iterator[sqlite3.Connection]:
        with self._alone():
            db = self._idle.pop() if self._idle else None
        with self._file.trouble(what):
            if db is None:
                db = self._file.open_to_read()
            try:
                yield db
            finally:
                with self._lock:
                    if self._closed or os.getpid() != self._pid or not self._file.is_same():
                        db.close()
                    else:
                        self._idle.append(db)

    @contextmanager
    def writing(self, what: str) -> Iterator[_Transaction]:
        """As `SqlStore.writing`."""
        with self._writer(what) as db:
            link = _Transaction(db)
            db.execute("BEGIN IMMEDIATE")
            self._names.begin(link)
            committed = False
            try:
                yield link
                db.execute("COMMIT")
                committed = True
            finally:
                self._names.end(committed=committed)
                if db.in_transaction:
                    db.execute("ROLLBACK")

    @contextmanager
    def _writer(self, what: str) -> Iterator[sqlite3.Connection]:
        with self._alone():
            if self._db is None:
                raise StoreError(f"{self.place}: cannot {what}: the store was opened to read alone")
            with self._file.trouble(what):
                yield self._db

    def close(self) -> None:
        """As `Store.close`."""
        if os.getpid() != self._pid:
            _INHERITED.extend([self._db, *self._idle])
            self._closed = True
            return
        with self._lock:
            if not self._closed:
                self._drop()
            self._closed = True

    def refused(self, error: Exception) -> bool:
        """As `SqlStore.refused`."""
        return is_refusal(error)

    # ---------------------------------------------------------------- questions

    def sql(self, text: str, parameters: Sequence[Any] = (), *, max_rows: int = 1000, timeout_s: float = 10.0) -> Table:
        """As `Store.sql`."""
        if not text.strip():
            raise StoreError(f"{self.place}: cannot run a statement without a word in it")
        with self._alone(), self._file.trouble("read"):
            db = self._file.open_to_read()
        deadline = time.monotonic() + timeout_s
        try:
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
            db.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY)
            db.set_progress_handler(lambda: time.monotonic() > deadline, 1000)
            cursor = db.execute(text, parameters)
            rows = cursor.fetchmany(max_rows + 1)
            columns = tuple(column[0] for column in cursor.description or ())
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
            raise self._wrong(error, text, timeout_s) from error
        finally:
            db.close()
        return Table(columns, rows[:max_rows], truncated=len(rows) > max_rows)

    def _wrong(self, error: Exception, text: str, timeout_s: float) -> StoreError:
        reason = str(error)
        if reason == "interrupted":
            reason = f"it took longer than {timeout_s:g} s"
        elif reason in ("not authorized", "attempt to write a readonly database") or "prohibited" in reason:
            reason = "it does more than read, and statements may only read"
        elif "one statement" in reason:
            reason = "it is more than one statement"
        return StoreError(f"{self.place}: cannot run {' '.join(text.split())[:200]!r}: {reason}")

    def size_bytes(self) -> int:
        """As `SqlStore.size_bytes`."""
        total = 0
        for end in ("", "-wal"):
            with suppress(OSError):
                total += self._file.path.with_name(self._file.path.name + end).stat().st_size
        return total

    def used_bytes(self) -> int:
        """As `SqlStore.used_bytes`."""
        with self._reader("read") as db:
            pages, free, size = (
                db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def check(self) -> list[str]:
        """As `Store.check`."""
        with self._reader("check") as db:
            found = [row[0] for row in db.execute("PRAGMA quick_check(20)").fetchall()]
            version = db.execute("PRAGMA user_version").fetchone()[0]
        problems = [] if found == ["ok"] else [f"{self.place}: damaged: {text}" for text in found]
        if version != VERSION:
            problems.append(f"{self.place}: its version is {version}, and not {VERSION}")
        return problems

    # ---------------------------------------------------------------- maintenance

    def remove_records(self, before_ns: int, done: Maintained) -> None:
        """As `SqlStore.remove_records`."""
        while (some := self._remove_hours(before_ns // _HOUR_NS)) > 0:
            done.records += some

    def remove_oldest(self, done: Maintained) -> bool:
        """As `SqlStore.remove_oldest`."""
        with self.reading("read") as link:
            oldest = link.rows(f"SELECT min(start_ns / {_HOUR_NS}) FROM record_rows")[0][0]
        if oldest is None:
            return False
        removed = self._remove_hours(oldest + 1)
        done.records += removed
        return removed > 0

    def _remove_hours(self, before: int) -> int:
        with self.writing("remove old detail") as link:
            return link.run(
                f"DELETE FROM record_rows WHERE id IN (SELECT id FROM record_rows WHERE start_ns / {_HOUR_NS} < ? "
                f"ORDER BY start_ns / {_HOUR_NS} LIMIT {_ROWS_AT_ONCE})",
                (before,),
            )

    def compact(self) -> None:
        """As `SqlStore.compact`."""
        while True:
            with self._writer("compact") as db:
                free = db.execute("PRAGMA freelist_count").fetchone()[0]
                if free:
                    # As a script, for execute() would take a single step, which is a single page.
                    db.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
                if free <= _PAGES_AT_ONCE:
                    # Without waiting: a reader that is busy with the old state may go on.
                    db.execute("PRAGMA busy_timeout = 0")
                    try:
                        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                    finally:
                        db.execute(f"PRAGMA busy_timeout = {int(self._file.busy_s * 1000)}")
                    return

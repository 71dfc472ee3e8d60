"""A store in an SQLite file, which other processes may use at the same time."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Final, Literal, Self

import msgspec

from victor.graph.errors import StoreVersionError
from victor.graph.store.base import Store
from victor.graph.store.checks import StoreError
from victor.graph.store.rows import Change, Drop, Row, names_of, place_of

__all__ = ["SqliteStore"]


_VERSION: Final = 1
_PURGE_EVERY: Final = 1000
_BUSY_S: Final = 30.0

# A namespace is its names, each ended by a zero byte: so those below a prefix are one range, in the order of the names.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS victor_store_version (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS victor_store_items (
    namespace  BLOB NOT NULL,
    key        TEXT NOT NULL,
    value      BLOB NOT NULL,
    vectors    BLOB,
    fields     BLOB,
    created_ns INTEGER NOT NULL,
    updated_ns INTEGER NOT NULL,
    ttl_s      REAL,
    expires_ns INTEGER,
    PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS victor_store_expiry ON victor_store_items (expires_ns) WHERE expires_ns IS NOT NULL;
"""
_COLUMNS: Final = "namespace, key, value, vectors, fields, created_ns, updated_ns, ttl_s, expires_ns"
_PUT: Final = (
    f"INSERT INTO victor_store_items ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608 - constants
    "ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value, vectors = excluded.vectors, "
    "fields = excluded.fields, updated_ns = excluded.updated_ns, ttl_s = excluded.ttl_s, "
    "expires_ns = excluded.expires_ns, "
    "created_ns = iif(expires_ns IS NULL OR expires_ns > excluded.updated_ns, created_ns, excluded.created_ns)"
)


class SqliteStore(Store):
    """Keeps values in an SQLite file. See `Store` for ``index``, ``ttl``, ``codec`` and ``clock``.

    Args:
        path: The file; made if it is missing. ``":memory:"`` keeps it in memory.
        synchronous: ``"full"``: a write that returned survives a power cut. ``"normal"``: it survives a crash of the
            program, and a power cut may undo the latest writes. Neither ever damages earlier ones.
        **options: For `Store`.

    Raises:
        StoreError: The file cannot be opened, or is no database.
        StoreVersionError: It was made by a newer release.

    Example:
        >>> with SqliteStore(":memory:") as store:
        ...     store.put(("notes",), "a", {"n": 1})
        ...     store.get(("notes",), "a").value
        {'n': 1}
    """

    def __init__(self, path: str | Path, *, synchronous: Literal["full", "normal"] = "full", **options: Any) -> None:
        super().__init__(**options)
        if synchronous not in ("full", "normal"):
            raise StoreError(f"synchronous is 'full' or 'normal', not {synchronous!r}")
        self._path = str(path)
        self._lock = RLock()
        self._writes = 0
        self._connection: sqlite3.Connection | None = None
        with self._reporting():
            self._connection = sqlite3.connect(
                self._path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=32
            )
            try:
                self._prepare(synchronous)
            except BaseException:
                self._connection.close()
                raise

    @classmethod
    def from_conn_string(cls, conn_string: str, **options: Any) -> Self:
        """The same as the constructor, under the name that LangGraph's users know; works with ``with`` too."""
        return cls(conn_string, **options)

    def setup(self) -> None:
        """Does nothing: the tables are made when the store is opened. For programs written for LangGraph."""

    def close(self) -> None:
        """Close the file. A second time is harmless."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _prepare(self, synchronous: str) -> None:
        connection = self._open()
        deadline = time.monotonic() + _BUSY_S
        while connection.execute("PRAGMA journal_mode").fetchone()[0] not in ("wal", "memory"):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except (
                sqlite3.OperationalError
            ) as error:  # others open the file right now; SQLite does not wait for them here
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        with self._transaction() as cursor:
            for statement in _SCHEMA.split(";\n")[:-1]:
                cursor.execute(statement)
            found = cursor.execute("SELECT max(version) FROM victor_store_version").fetchone()[0]
            if found is None:
                cursor.execute("INSERT INTO victor_store_version VALUES (?)", [_VERSION])
            elif found > _VERSION:
                raise StoreVersionError(
                    f"{self._path}: the store has version {found}, and this release of victor-graph reads up to "
                    f"{_VERSION}: upgrade victor-graph, or use another file"
                )

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"{self._path}: this store is closed")
        return self._connection

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
                raise StoreError(f"{self._path}: {error}{_hint(error)}") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        connection = self._open()
        cursor = connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        try:
            yield cursor
            cursor.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise

    def _rows(self, where: str, *parameters: Any) -> list[Row]:
        with self._reporting():
            statement = f"SELECT {_COLUMNS} FROM victor_store_items WHERE {where}"  # noqa: S608 - constants
            rows = self._open().execute(statement, parameters).fetchall()
        try:
            return [_row(*row) for row in rows]
        except (ValueError, TypeError, AttributeError, msgspec.DecodeError) as error:
            raise StoreError(f"{self._path}: an item is damaged, or not written by victor-graph: {error}") from error

    def _read(self, namespace: tuple[str, ...], key: str) -> Row | None:
        rows = self._rows("namespace = ? AND key = ?", place_of(namespace), key)
        return rows[0] if rows else None

    def _scan(self, prefix: tuple[str, ...]) -> list[Row]:
        order = "ORDER BY updated_ns DESC, namespace, key"
        if not prefix:
            return self._rows(f"true {order}")
        start = place_of(prefix)
        return self._rows(f"namespace >= ? AND namespace < ? {order}", start, start[:-1] + b"\x01")

    def _change(self, changes: Sequence[Change]) -> None:
        with self._reporting(), self._transaction() as cursor:
            for change in changes:
                if isinstance(change, Row):
                    fields = None if change.fields is None else msgspec.msgpack.encode(change.fields)
                    cursor.execute(
                        _PUT,
                        [
                            place_of(change.namespace), change.key, change.data, change.vectors, fields,
                            change.created_ns, change.updated_ns, change.ttl_s, change.expires_ns,
                        ],
                    )  # fmt: skip
                elif isinstance(change, Drop):
                    cursor.execute(
                        "DELETE FROM victor_store_items WHERE namespace = ? AND key = ?",
                        [place_of(change.namespace), change.key],
                    )
                else:
                    cursor.execute(
                        "UPDATE victor_store_items SET expires_ns = ? "
                        "WHERE namespace = ? AND key = ? AND updated_ns = ?",
                        [change.expires_ns, place_of(change.namespace), change.key, change.updated_ns],
                    )
            self._writes += 1
            if self._writes % _PURGE_EVERY == 0:
                cursor.execute("DELETE FROM victor_store_items WHERE expires_ns <= ?", [self._clock()])

    def _names(self) -> list[tuple[str, ...]]:
        with self._reporting():
            statement = "SELECT DISTINCT namespace FROM victor_store_items WHERE expires_ns IS NULL OR expires_ns > ?"
            return [names_of(row[0]) for row in self._open().execute(statement, [self._clock()])]

    def _purge(self, now_ns: int) -> int:
        with self._reporting(), self._transaction() as cursor:
            return cursor.execute("DELETE FROM victor_store_items WHERE expires_ns <= ?", [now_ns]).rowcount


def _row(place: bytes, key: str, data: bytes, vectors: bytes | None, fields: bytes | None, *times: Any) -> Row:
    return Row(names_of(place), key, data, vectors, None if fields is None else _fields(fields), *times)


def _fields(data: bytes) -> tuple[str, ...]:
    return tuple(msgspec.msgpack.decode(data, type=list[str]))


def _hint(error: Exception) -> str:
    text = str(error)
    if "full" in text:
        return ". Free some space on the disk; what was written earlier is intact"
    if "not a database" in text or "malformed" in text:
        return ". Is it another kind of file? Give another path, or restore a backup"
    if "locked" in text or "busy" in text:
        return f". Another process has held the file for {_BUSY_S:g} s"
    return ""

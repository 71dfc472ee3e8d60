"""Rows of the tables in an SQLite file.

Small rows lie in trees ordered by their keys. What is large lies apart, under a number: SQLite compares keys in such a
tree by reading the rows whole, so a snapshot of megabytes among them would slow down every search that passes it.
"""

from __future__ import annotations

import sqlite3
from typing import Any, Final

from victor.graph.checkpoint.base import Entry, Note

__all__ = [
    "FIND_LOG",
    "PUT_SMALL",
    "SCHEMA",
    "SELECT_CHAIN",
    "SELECT_ENTRIES",
    "SELECT_NOTES",
    "UPGRADES",
    "copy_log",
    "drop_notes",
    "latest",
    "put_entry",
    "put_note",
    "replace_entry",
    "small_row",
]

_LARGE: Final = 800
"""Bytes; a row must stay below a quarter of a page, or SQLite chains pages to it."""

_TRIGGERS: Final = """
CREATE TRIGGER victor_entry_gone AFTER DELETE ON victor_entries
WHEN old.large_body IS NOT NULL OR old.large_snapshot IS NOT NULL
BEGIN DELETE FROM victor_large WHERE id IN (old.large_body, old.large_snapshot); END;;
CREATE TRIGGER victor_note_gone AFTER DELETE ON victor_notes WHEN old.large_data IS NOT NULL
BEGIN DELETE FROM victor_large WHERE id = old.large_data; END;;
"""
SCHEMA: Final = (
    """
CREATE TABLE victor_schema (version INTEGER NOT NULL);;
CREATE TABLE victor_logs (
    log INTEGER PRIMARY KEY AUTOINCREMENT, thread_id TEXT NOT NULL, namespace TEXT NOT NULL,
    UNIQUE (thread_id, namespace)
);;
CREATE TABLE victor_large (id INTEGER PRIMARY KEY, data BLOB NOT NULL);;
CREATE TABLE victor_entries (
    log INTEGER NOT NULL, id TEXT NOT NULL, parent TEXT, base TEXT NOT NULL, step INTEGER NOT NULL,
    source TEXT NOT NULL, body BLOB NOT NULL, snapshot BLOB, large_body INTEGER, large_snapshot INTEGER,
    PRIMARY KEY (log, id)
) WITHOUT ROWID;;
CREATE TABLE victor_notes (
    log INTEGER NOT NULL, entry TEXT NOT NULL, task TEXT NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL,
    large_data INTEGER, PRIMARY KEY (log, entry, task, key)
) WITHOUT ROWID;;
"""
    + _TRIGGERS
)
"""Makes the tables."""
UPGRADES: Final = {
    1: """
CREATE TABLE victor_large (id INTEGER PRIMARY KEY, data BLOB NOT NULL);;
ALTER TABLE victor_entries ADD COLUMN large_body INTEGER;;
ALTER TABLE victor_entries ADD COLUMN large_snapshot INTEGER;;
ALTER TABLE victor_notes ADD COLUMN large_data INTEGER;;
"""
    + _TRIGGERS
}
"""For each older version what leads to the next; the statements end in two semicolons."""

# The log is NULL, which is refused, when its latest entry is not the one demanded (?9; NULL demands nothing), or when
# it is gone because somebody else deleted the thread: its number is never used again.
_PUT_ENTRY: Final = """
INSERT OR REPLACE INTO victor_entries VALUES (
    CASE WHEN ?9 IS NULL OR coalesce((SELECT max(id) FROM victor_entries WHERE log = ?1), '') IN (?9, ?2)
    THEN (SELECT log FROM victor_logs WHERE log = ?1) END, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?10, ?11)"""
_PUT_NOTE: Final = """
INSERT OR REPLACE INTO victor_notes VALUES ((SELECT log FROM victor_logs WHERE log = ?1), ?2, ?3, ?4, ?5, ?6)"""
_DROP_NOTES: Final = (
    "DELETE FROM victor_notes WHERE log = ? AND entry = ? AND substr(key, 1, instr(key || ':', ':') - 1) IN (%s)"
)
_PUT_LARGE: Final = "INSERT INTO victor_large (data) VALUES (?)"
FIND_LOG: Final = "SELECT log FROM victor_logs WHERE thread_id = ? AND namespace = ?"
"""Finds the log of a thread."""

_BODY: Final = (
    "CASE WHEN large_body IS NULL THEN body ELSE (SELECT data FROM victor_large l WHERE l.id = large_body) END"
)
_SNAPSHOT: Final = (
    "CASE WHEN large_snapshot IS NULL THEN snapshot "
    "ELSE (SELECT data FROM victor_large l WHERE l.id = large_snapshot) END"
)
SELECT_ENTRIES: Final = f"SELECT e.id, parent, base, step, source, {_BODY}"
"""Begins a query for entries."""
SELECT_CHAIN: Final = (
    f"{SELECT_ENTRIES}, CASE WHEN e.id = ?3 THEN {_SNAPSHOT} END FROM victor_entries e "
    "WHERE log = ?1 AND e.id BETWEEN ?3 AND ?2 ORDER BY e.id DESC"
)
"""Reads an entry and those it is based on."""
SELECT_NOTES: Final = (
    "SELECT task, key, CASE WHEN large_data IS NULL THEN data "
    "ELSE (SELECT l.data FROM victor_large l WHERE l.id = large_data) END"
)
"""Reads the notes of an entry."""


def latest(db: sqlite3.Connection, thread_id: str, namespace: str) -> str | None:
    """The id of a log's latest entry, or None."""
    found = db.execute(FIND_LOG, (thread_id, namespace)).fetchone()
    if found is None:
        return None
    row: tuple[str | None] = db.execute("SELECT max(id) FROM victor_entries WHERE log = ?", found).fetchone()
    return row[0]


def small_row(log: int, one: Entry, demanded: str | None) -> tuple[Any, ...] | None:
    """The parameters of `PUT_SMALL`, or None if the entry is too large for it.

    Args:
        log: Number of the log.
        one: The entry.
        demanded: Id of the entry that has to be the latest, ``""`` for none; None demands nothing.
    """
    if len(one.body) + len(one.snapshot or b"") > _LARGE:
        return None
    return (
        log, one.id, one.parent_id, one.base_id, one.step, one.source, one.body, one.snapshot, demanded, None, None,
    )  # fmt: skip


PUT_SMALL: Final = _PUT_ENTRY.replace("INSERT OR REPLACE", "INSERT")
"""The statement that writes a small new entry, if the latest is as demanded; else it violates a constraint.

To replace rows on which there are triggers takes SQLite half as long again, even when there is none to replace.
"""


def _apart(db: sqlite3.Connection, data: bytes | None) -> tuple[bytes | None, int | None]:
    """What to put into the row, and the number of what lies apart."""
    if data is None or len(data) <= _LARGE:
        return data, None
    return b"", db.execute(_PUT_LARGE, (data,)).lastrowid


def put_entry(db: sqlite3.Connection, log: int, one: Entry) -> None:
    """Write an entry of any size, whatever the latest is."""
    body, large_body = _apart(db, one.body)
    snapshot, large_snapshot = _apart(db, one.snapshot)
    db.execute(
        _PUT_ENTRY,
        (
            log, one.id, one.parent_id, one.base_id, one.step, one.source, body, snapshot, None,
            large_body, large_snapshot,
        ),
    )  # fmt: skip


def put_note(db: sqlite3.Connection, log: int, one: Note) -> None:
    """Write a note."""
    db.execute(_PUT_NOTE, (log, one.entry_id, one.task_id, one.key, *_apart(db, one.data)))


def drop_notes(db: sqlite3.Connection, log: int, entry_id: str, keys: tuple[str, ...]) -> None:
    """Drop the notes of an entry with these keys or key prefixes."""
    db.execute(_DROP_NOTES % ", ".join("?" * len(keys)), (log, entry_id, *keys))


def replace_entry(db: sqlite3.Connection, log: int, one: Entry) -> None:
    """Write an entry again, if it is still there."""
    if db.execute("SELECT 1 FROM victor_entries WHERE log = ? AND id = ?", (log, one.id)).fetchone():
        put_entry(db, log, one)


def copy_log(db: sqlite3.Connection, log: int, new: int | None) -> None:
    """Copy the entries and notes of a log."""
    db.execute(
        "INSERT INTO victor_entries SELECT ?, id, parent, base, step, source, body, snapshot, large_body, "
        "large_snapshot FROM victor_entries WHERE log = ?", (new, log),
    )  # fmt: skip
    db.execute(
        "INSERT INTO victor_notes SELECT ?, entry, task, key, data, large_data FROM victor_notes WHERE log = ?",
        (new, log),
    )
    for table, columns in (("victor_entries", ("large_body", "large_snapshot")), ("victor_notes", ("large_data",))):
        for column in columns:
            at = f"{table} WHERE log = ? AND {column}"
            for (large,) in db.execute(f"SELECT {column} FROM {at} IS NOT NULL", (new,)).fetchall():  # noqa: S608
                made = db.execute(
                    "INSERT INTO victor_large (data) SELECT data FROM victor_large WHERE id = ?", (large,)
                )
                db.execute(
                    f"UPDATE {table} SET {column} = ? WHERE log = ? AND {column} = ?",  # noqa: S608 - constants
                    (made.lastrowid, new, large),
                )

"""An SQLite file with checkpoint tables: opening it, making the tables, and saying what is wrong with it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from victor.graph.checkpoint.sqlite_rows import SCHEMA, UPGRADES
from victor.graph.errors import CheckpointError, StoreVersionError

__all__ = ["SqliteFile", "Synchronous", "is_busy"]

T = TypeVar("T")

Synchronous = Literal["full", "normal"]
"""How sure SQLite makes that a commit is on disk."""

_VERSION: Final = 2
_BUSY_S: Final = 60.0
_PAUSES_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)

_LOOK_S: Final[dict[Synchronous, float]] = {"full": 0.0, "normal": 0.02}
"""How often is looked whether the file is still there; a commit that waits for the disk has time for it each time."""

_HAS_TABLES: Final = "SELECT 1 FROM sqlite_master WHERE name = 'victor_schema'"
_HINTS: Final = {
    "full": "Free some space on the disk; what was written earlier is intact",
    "not a database": "Is it another kind of file? Give another path",
    "malformed": "The file is damaged: restore a backup, or give another path",
    "readonly": "Give the program the right to write to the file and its folder, or another path",
    "locked": f"Another process has held the file for {_BUSY_S:g} s",
    "unable to open": "Is it a folder, or may this user not open it? Give another path",
}


class SqliteFile:
    """Opens connections to one file, all with the same settings, and reports their errors as ours.

    Args:
        path: The file, or ``":memory:"``.
        synchronous: As `SqliteSaver` takes it.
    """

    def __init__(self, path: str, synchronous: Synchronous) -> None:
        self.path = path
        self.in_memory: bool = path == ":memory:"
        self.synchronous = synchronous
        self._known: tuple[Path, int, int] | None = None
        self._looked = 0.0

    def must_be_there(self) -> None:
        """Notice that the file was removed or replaced: SQLite would go on writing to one that nobody can open again.

        Raises:
            CheckpointError: It was.
        """
        now = time.monotonic()
        if self._known is None or now - self._looked < _LOOK_S[self.synchronous]:
            return
        self._looked = now
        place, device, number = self._known
        try:
            found = place.stat()
        except OSError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != (device, number):
            raise CheckpointError(
                f"{self.path}: the file was removed or replaced while it was in use, and its checkpoints are gone with "
                "it. Nothing was written; begin again with a new store"
            )

    def open(self, *, patient: bool = True) -> sqlite3.Connection:
        """A connection in autocommit mode.

        Args:
            patient: Whether statements wait while another process writes; else they fail at once.

        Raises:
            CheckpointError: The file cannot be opened, or is no SQLite database.
        """
        place = self.path
        try:
            if not self.in_memory:
                whole = Path(place).expanduser()
                whole.parent.mkdir(parents=True, exist_ok=True)
                place = str(whole)
            db = sqlite3.connect(
                place, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=64
            )
        except (sqlite3.Error, OSError, ValueError) as error:
            raise self._unusable(error) from error
        try:
            # Several processes that open a new file at once: SQLite does not wait for the others by itself here.
            self._until_free(lambda: db.execute("PRAGMA journal_mode = WAL"))
            db.execute(f"PRAGMA synchronous = {self.synchronous.upper()}")
            if not patient:
                db.execute("PRAGMA busy_timeout = 0")
            if self._known is None and not self.in_memory:
                found = Path(place).stat()
                self._known = Path(place), found.st_dev, found.st_ino
        except BaseException as error:
            db.close()
            if isinstance(error, sqlite3.Error):
                raise self._unusable(error) from error
            raise
        return db

    def _unusable(self, error: Exception) -> CheckpointError:
        return CheckpointError(f"{self.path}: cannot be opened as an SQLite file: {error}{_hint(error)}")

    @staticmethod
    def _until_free(attempt: Callable[[], T]) -> T:
        """What ``attempt`` returns, tried again for a while as long as another process holds the file."""
        deadline = time.monotonic() + _BUSY_S
        tries = 0
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
            tries += 1

    def transact(self, db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        """What ``work`` returns, done in one transaction on a connection that is not patient: all or nothing."""
        self._until_free(lambda: db.execute("BEGIN IMMEDIATE"))
        return self.finish(db, work)

    def finish(self, db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        """`transact` where the transaction has begun."""
        try:
            result = work(db)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        return result

    def once(self, db: sqlite3.Connection, statement: str, parameters: tuple[object, ...]) -> sqlite3.Cursor:
        """One statement as a transaction of its own, on a connection that is not patient."""
        try:
            return db.execute(statement, parameters)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
        return self._until_free(lambda: db.execute(statement, parameters))

    def set_up(self, db: sqlite3.Connection) -> None:
        """Make the tables if they are missing, and bring older ones up to date.

        Raises:
            StoreVersionError: They are of a version this release does not know.
        """
        with self.trouble("set up"):
            found = self._version(db)
            if found is None or found in UPGRADES:
                found = self.transact(db, self._bring_up_to_date)
            db.execute("PRAGMA recursive_triggers = ON")  # a row that is replaced counts as deleted
        if found != _VERSION:
            raise StoreVersionError(
                f"{self.path}: this checkpoint store has version {found}, and this victor-graph reads up to version "
                f"{_VERSION}; upgrade victor-graph (pip install -U victor-graph), or use another file"
            )

    @staticmethod
    def _version(db: sqlite3.Connection) -> Any:
        """The version of the tables; None if there are none."""
        if db.execute(_HAS_TABLES).fetchone() is None:
            return None
        return db.execute("SELECT max(version) FROM victor_schema").fetchone()[0] or 0

    def _bring_up_to_date(self, db: sqlite3.Connection) -> Any:
        found = self._version(db)  # another process may have been faster
        if found is None:
            self._execute(db, SCHEMA)
            db.execute("INSERT INTO victor_schema VALUES (?)", (_VERSION,))
            return _VERSION
        while found in UPGRADES:
            self._execute(db, UPGRADES[found])
            found += 1
            db.execute("UPDATE victor_schema SET version = ?", (found,))
        return found

    @staticmethod
    def _execute(db: sqlite3.Connection, statements: str) -> None:
        for statement in statements.split(";;"):
            db.execute(statement)

    @contextmanager
    def trouble(self, what: str) -> Iterator[None]:
        """Reports an SQLite error as a `CheckpointError`."""
        try:
            yield
        except (sqlite3.Error, UnicodeError, OverflowError, ValueError) as error:
            raise self.cannot(what, error) from error

    def cannot(self, what: str, error: Exception) -> CheckpointError:
        """The error that says so."""
        return CheckpointError(f"{self.path}: cannot {what}: {error}{_hint(error)}")


def is_busy(error: Exception) -> bool:
    """Whether another connection is in the way, so that the same may work a moment later."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _hint(error: Exception) -> str:
    text = str(error)
    return next((f". {hint}" for sign, hint in _HINTS.items() if sign in text), "")

"""An SQLite file with the tables of a store: opening it, making or migrating them, and saying what is wrong with it."""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from victor.observability.store import schema
from victor.observability.store.errors import StoreError, StoreVersionError

__all__ = ["SqliteFile", "is_refusal"]

_PAUSES_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
_HINTS: Final = {
    "full": "Free some space on the disk; what was written earlier is intact",
    "disk I/O": "Is the disk full, or a limit on the size of files reached? What was written earlier is intact",
    "not a database": "Is it another kind of file? Give another path",
    "malformed": "The file is damaged: move it away, and a new one is made; victor observability doctor says more",
    "readonly": "Give the program the right to write to the file and its folder, or another path",
    "Read-only": "Give the program the right to write to the file and its folder, or another path",
    "Permission denied": "Give the program the right to write to the file and its folder, or another path",
    "unable to open": "Is it a folder, or may this user not open it? Give another path",
}


def is_refusal(error: Exception) -> bool:
    """Whether SQLite cannot store a value: a number too large, half a character, an object."""
    return isinstance(error, OverflowError | UnicodeError | sqlite3.InterfaceError | sqlite3.ProgrammingError)


class SqliteFile:
    """Opens connections to one file, all with the same settings, and reports their errors as ours.

    Args:
        path: The file.
        place: What messages call it.
        busy_s: How long to wait while another process writes.
        read_only: Whether it may only be read.
    """

    def __init__(self, path: Path, place: str, busy_s: float, *, read_only: bool) -> None:
        self.path = path
        self.place = place
        self.busy_s = busy_s
        self.read_only = read_only
        self._text = str(path)
        self._known: tuple[int, int] | None = None

    def is_same(self) -> bool:
        """Whether the file that was opened is still there: SQLite would go on writing to one that is gone."""
        try:
            found = os.stat(self._text)  # noqa: PTH116 - for each batch: a third of the time
        except OSError:
            return False
        return self._known == (found.st_dev, found.st_ino)

    def _remember(self) -> None:
        found = self.path.stat()
        self._known = (found.st_dev, found.st_ino)

    # ---------------------------------------------------------------- opening

    def open_to_read(self) -> sqlite3.Connection:
        """A connection that cannot write.

        Raises:
            StoreError: There is no such file, or it is no store.
        """
        with self.trouble("open"):
            if not self.path.exists():
                raise StoreError(
                    f"{self.place}: there is no metrics store here; it is made when the first run is recorded. Is it "
                    "another folder?"
                )
            try:
                db = self._connect("mode=ro")
                found = self._version(db)
            except sqlite3.OperationalError as error:
                if "unable to open" not in str(error):
                    raise
                # Beside the file nothing can be made, so nobody writes to it either.
                db = self._connect("mode=ro&immutable=1")
                found = self._version(db)
            if self.read_only:
                self._must_be_known(db, found)
            if self._known is None:
                self._remember()
            return db

    def open_to_write(self) -> sqlite3.Connection:
        """A connection that writes; makes the file, and brings its tables up to date.

        Raises:
            StoreError: It cannot be opened, is damaged, or something else.
            StoreVersionError: It was made by a newer version of victor-observability.
        """
        with self.trouble("open"):
            self._make()
            db = self._connect("mode=rw")
            try:
                self._prepare(db)
                self._remember()
            except BaseException:
                db.close()
                raise
            return db

    def _make(self) -> None:
        folder = self.path.parent
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))

    def _connect(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{quote(self._text)}?{mode}", uri=True, timeout=self.busy_s, isolation_level=None,
            check_same_thread=False, cached_statements=64,
        )  # fmt: skip

    @staticmethod
    def _version(db: sqlite3.Connection) -> tuple[int, int, int]:
        """The file's application id, the version of its tables, and how many tables it has."""
        text = "SELECT * FROM pragma_application_id, pragma_user_version, (SELECT count(*) FROM sqlite_master)"
        found: tuple[int, int, int] = db.execute(text).fetchone()
        return found

    def _must_be_known(self, db: sqlite3.Connection, found: tuple[int, int, int]) -> None:
        application, version, tables = found
        if application != schema.APPLICATION_ID:
            db.close()
            if not tables:
                raise StoreError(f"{self.place}: the file is empty: nothing was recorded in it yet")
            raise StoreError(f"{self.place}: an SQLite file, but of another program. Give another path")
        if version > schema.VERSION:
            db.close()
            raise StoreVersionError(
                f"{self.place}: this metrics store has version {version}, and this victor-observability knows up to "
                f"{schema.VERSION}. Upgrade it (pip install -U victor-observability), or use another file"
            )
        if self.read_only and version < schema.VERSION:
            db.close()
            raise StoreError(
                f"{self.place}: this metrics store has version {version} and must be migrated to {schema.VERSION} "
                "first: open it once with the right to write"
            )

    def _prepare(self, db: sqlite3.Connection) -> None:
        found = self._version(db)
        if found[0] != 0 or found[2]:
            self._must_be_known(db, found)
        else:
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        # Several processes that open a new file at once: SQLite does not wait for the others by itself here.
        self._until_free(lambda: db.execute("PRAGMA journal_mode = WAL"))
        db.execute("PRAGMA synchronous = NORMAL")
        if found[:2] == (schema.APPLICATION_ID, schema.VERSION):
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            found = self._version(db)  # another process may have been faster
            if found[0] == 0:
                for statement in schema.SQLITE:
                    db.execute(statement)
                db.execute("INSERT INTO meta VALUES ('store_id', ?)", (secrets.token_hex(8),))
                db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
            else:
                for version in range(found[1], schema.VERSION):
                    for statement in schema.MIGRATIONS[version]["sqlite"]:
                        db.execute(statement)
            db.execute(f"PRAGMA user_version = {schema.VERSION}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def _until_free(self, attempt: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + self.busy_s
        tries = 0
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
            tries += 1

    # ---------------------------------------------------------------- errors

    @contextmanager
    def trouble(self, what: str) -> Iterator[None]:
        """Reports an error of SQLite or the system as a `StoreError`."""
        try:
            yield
        except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
            raise StoreError(f"{self.place}: cannot {what}: {_reason(error)}{self._hint(error)}") from error

    def _hint(self, error: Exception) -> str:
        if _is_busy(error):
            return f". Another process has held the file for {self.busy_s:g} s; try again when it is done"
        text = str(error)
        return next((f". {hint}" for sign, hint in _HINTS.items() if sign in text), "")


def _reason(error: Exception) -> str:
    return f"{error.strerror}" if isinstance(error, OSError) and error.strerror else str(error)


def _is_busy(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

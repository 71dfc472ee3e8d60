"""Copies the write-ahead log of an SQLite file back into it, aside from those who write.

SQLite does so itself in whichever commit makes the log too long, and that one then waits for the disk, twice.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from typing import Final

from victor.graph.checkpoint.sqlite_file import SqliteFile
from victor.graph.errors import CheckpointError

__all__ = ["Wal"]

_log = logging.getLogger("victor.graph.checkpoint")
_PAGE: Final = 4096
_PAGES: Final = 1000


class Wal:
    """Keeps the log short.

    Args:
        file: The file.
        lock: Held by whoever writes in this process.
    """

    def __init__(self, file: SqliteFile, lock: threading.Lock) -> None:
        self._file = file
        self._lock = lock
        self._grown = 0
        self._thread: threading.Thread | None = None

    def grown(self, size: int) -> None:
        """So many bytes were committed; with the lock held."""
        self._grown += 2 + size // _PAGE
        if self._grown > _PAGES and self._thread is None and not self._file.in_memory:
            self._grown = 0
            self._thread = threading.Thread(target=self._shorten, name="victor-sqlite-wal", daemon=True)
            self._thread.start()

    def _shorten(self) -> None:
        try:
            db = self._file.open()
            try:
                db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # most of it, while others go on
                with self._lock:  # the rest: only a log that is copied back to its end starts anew
                    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            finally:
                db.close()
        except (sqlite3.Error, CheckpointError) as error:  # nothing is lost: all is in the log, which grows
            _log.warning("%s: its write-ahead log could not be copied back: %s", self._file.path, error)
        finally:
            self._thread = None

    def close(self) -> None:
        """Wait until it is done; without the lock."""
        thread = self._thread
        if thread is not None:
            thread.join()

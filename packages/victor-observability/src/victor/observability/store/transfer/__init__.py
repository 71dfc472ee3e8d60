"""Stores as files: to keep, to send, to read with other programs, and to bring into another store.

Example:
    >>> import tempfile
    >>> from victor.observability.store import open_store
    >>> with tempfile.TemporaryDirectory() as folder, open_store(f"{folder}/metrics.db") as store:
    ...     export_store(store, f"{folder}/metrics.jsonl").runs
    0
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from victor.observability.store.errors import StoreError

if TYPE_CHECKING:
    from victor.observability.store.protocol import Store
    from victor.observability.store.sql_store import SqlStore
    from victor.observability.store.transfer.lines import Counts
    from victor.observability.store.transfer.load import Imported

__all__ = ["Format", "export_store", "import_store"]

Format: TypeAlias = Literal["jsonl", "csv", "parquet"]
"""What an export is written as."""
_FORMATS = ("jsonl", "csv", "parquet")


def export_store(
    store: Store,
    path: str | Path,
    format: Format = "jsonl",
    *,
    since: float | None = None,
    until: float | None = None,
) -> Counts:
    """Write what a store holds to a file, or for CSV and Parquet to a folder of three tables.

    It is written under another name and renamed when it is whole. What it shows is the store at one moment.

    Args:
        store: To export.
        path: Of the file or folder, which must not be there.
        format: ``"jsonl"``, ``"csv"`` or ``"parquet"``.
        since: Seconds since 1970; it begins with that day (UTC).
        until: Seconds since 1970; it ends with the day before, or with that day if it is not its beginning.

    Returns:
        How many runs, records and rows of figures there are in it.

    Raises:
        StoreError: It cannot be written, or the store not read; then there is no such file.
    """
    from victor.observability.store.transfer import folder, jsonl
    from victor.observability.store.transfer.unload import header_of, lines_of

    if format not in _FORMATS:
        raise StoreError(f"exports are {', '.join(_FORMATS)}, not {format!r}")
    target = Path(path)
    if target.exists():
        raise StoreError(f"{target}: there is something of that name already; give another, or remove it first")
    source = _of_sql(store)
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.unfinished")
    try:
        with source.reading("export") as link:
            header = header_of(link, since, until)
            lines = lines_of(link, source.names, header)
            if format == "jsonl":
                counts = jsonl.write(unfinished, header, lines)
            else:
                counts = folder.write(unfinished, header, lines, format)
        # What an OSError of these says is about the file, and not about the store.
        _rename(unfinished, target)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written: {error.strerror or error}") from error
    except StoreError as error:
        cause = error.__cause__
        if isinstance(cause, OSError):
            raise StoreError(f"{target}: cannot be written: {cause.strerror or cause}") from cause
        raise
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished, ignore_errors=True)
        else:
            with suppress(OSError):
                unfinished.unlink()
    return counts


def _rename(unfinished: Path, target: Path) -> None:
    for file in [unfinished, *unfinished.rglob("*")]:
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
    unfinished.rename(target)


def import_store(store: Store, path: str | Path) -> Imported:
    """Bring an export into a store, all of it or, when it raises, nothing.

    What came from the same store before, of the same days, is replaced: importing twice is the same as once. Figures
    of hours and days keep their resolution.

    Args:
        store: To write to.
        path: Of the file or folder; its format is seen from it.

    Raises:
        StoreError: It is no export, damaged, not whole, of a newer version, or of this very store.
    """
    from victor.observability.store.transfer import folder, jsonl
    from victor.observability.store.transfer.load import load

    place = Path(path)
    target = _of_sql(store)
    try:
        header, lines = folder.read(place) if place.is_dir() else jsonl.read(place)
    except OSError as error:
        raise StoreError(f"{place}: cannot be read: {error.strerror or error}") from error
    with target.writing("import") as link:
        return load(link, target.names, header, lines, str(place))


def _of_sql(store: Store) -> SqlStore:
    from victor.observability.store.sql_store import SqlStore

    if not isinstance(store, SqlStore):
        raise StoreError(f"{store.place}: only stores in SQLite and PostgreSQL can be exported and imported")
    return store

"""One transaction of PostgreSQL, and what a URL says."""

# ruff: noqa: S608 - statements are put together from names of this package; values are parameters

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from victor.observability.store.errors import StoreError
from victor.observability.store.schema import FIGURE_COLUMNS, FIGURE_KEY, RECORD_COLUMNS, RUN_COLUMNS

if TYPE_CHECKING:
    import psycopg

    from victor.observability.store.postgres_partitions import Partitions

__all__ = ["PostgresLink", "place_of", "split_url"]

DEFAULT_SCHEMA: Final = "victor_metrics"
_SCHEMA: Final = re.compile(r"[?&]victor_schema=([^&]*)")
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_COPY: Final = f"COPY record_rows ({', '.join(RECORD_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_TYPES: Final = [
    "float8" if name == "cost_usd" else "text" if name in ("error_text", "attributes", "content") else "int8"
    for name in RECORD_COLUMNS
]
_START: Final = RECORD_COLUMNS.index("start_ns")
_COLUMN_TYPES: Final = {"run_id": "bytea", "sketch": "bytea", "cost_usd": "float8", "source": "text", "writer": "text"}


@lru_cache(maxsize=500)
def _translated(statement: str) -> str:
    return statement.replace("?", "%s")


@lru_cache(maxsize=10)
def _from_arrays(statement: str, columns: tuple[str, ...]) -> str:
    """The same ``INSERT ... VALUES ... ON CONFLICT ...`` for any number of rows, given as an array for each column."""
    insert, _, rest = statement.partition("ON CONFLICT")
    arrays = ", ".join(f"%s::{_COLUMN_TYPES.get(name, 'int8')}[]" for name in columns)
    return f"{insert[: insert.index('VALUES')]} SELECT * FROM unnest({arrays}) ON CONFLICT {rest}"


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


class PostgresLink:
    """A `Link` of one connection.

    Args:
        db: In a transaction.
        partitions: Of the table of records; None where nothing is written.
    """

    def __init__(self, db: psycopg.Connection[Any], partitions: Partitions | None) -> None:
        self._db = db
        self._partitions = partitions

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All that a query finds."""
        with self._db.cursor(binary=True) as cursor:
            return cursor.execute(_translated(statement), parameters).fetchall()

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """How many rows a statement changed."""
        return self._db.execute(_translated(statement), parameters).rowcount

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of parameters."""
        with self._db.cursor() as cursor:
            cursor.executemany(_translated(statement), rows)

    def upsert_runs(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> dict[bytes, int]:
        """Write rows of runs, all in one statement; the number of each by its id."""
        with self._db.cursor(binary=True) as cursor:
            statement = f"{_from_arrays(statement, RUN_COLUMNS)} RETURNING run_rows.run_id, run_rows.run"
            found = cursor.execute(statement, _columns(rows)).fetchall()
        return {bytes(run_id): number for run_id, number in found}

    def upsert_figures(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write rows of figures, all in one statement."""
        if rows:
            self._db.execute(_from_arrays(statement, (*FIGURE_KEY, *FIGURE_COLUMNS)), _columns(rows))

    def add_records(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Copy rows in the order of `RECORD_COLUMNS` to the server."""
        assert self._partitions is not None
        self._partitions.make(self, {row[_START] for row in rows})
        with self._db.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(_TYPES)
            for row in rows:
                copy.write_row(row)


def split_url(url: str) -> tuple[str, str]:
    """What libpq understands of a URL, and the name of the schema."""
    found = _SCHEMA.search(url)
    if found is None:
        return url, DEFAULT_SCHEMA
    name = found.group(1)
    if not _NAME.fullmatch(name):
        raise StoreError(f"victor_schema={name}: a schema's name has small letters, digits and _, 63 at most")
    rest = url[: found.start()] + ("?" if found.group(0)[0] == "?" else "&") + url[found.end() :].removeprefix("&")
    return rest.rstrip("?&"), name


def place_of(url: str) -> str:
    """What may be told of a connection string: where, but not as whom."""
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise StoreError(
            "a metrics store in PostgreSQL needs psycopg: pip install 'victor-observability[postgres]'"
        ) from error
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # its text would show the password
        raise StoreError(
            "the connection string for PostgreSQL cannot be read; one is postgresql://user:password@host:5432/database"
        ) from None
    return f"PostgreSQL at {parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"

"""The tools for SQL databases."""

from __future__ import annotations

import asyncio
import math
import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import msgspec
from attrs import field, frozen

from victor.core.errors import ToolError, ToolTimeoutError
from victor.core.tool import Tool, ToolCategory
from victor.tools.decorator import tool
from victor.tools.files.root import Root
from victor.tools.toolkit import Toolkit

__all__ = ["Sql"]

_READS: Final = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_WRITES: Final = frozenset(
    {
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_ALTER_TABLE,
        sqlite3.SQLITE_DROP_TABLE,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_DROP_VIEW,
        sqlite3.SQLITE_REINDEX,
        sqlite3.SQLITE_ANALYZE,
    }
)
_PRAGMAS: Final = frozenset(
    {
        "table_info",
        "table_xinfo",
        "table_list",
        "index_list",
        "index_info",
        "index_xinfo",
        "foreign_key_list",
    }
)
_FUNCTIONS_REFUSED: Final = frozenset(
    {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "zeroblob", "randomblob", "printf", "format"}
)
_SCHEMA_TABLES: Final = frozenset({"sqlite_master", "sqlite_schema", "sqlite_temp_master"})
_INSTEAD: Final = (
    "printf and format are refused, as a width can keep them busy for ever, which nothing can interrupt: "
    "use round(x, 2), || and substr"
)
_POSTGRES_STARTS: Final = frozenset({"select", "with", "values", "table", "show", "explain"})
_POSTGRES_REFUSED: Final = (
    "pg_read_file", "pg_read_binary_file", "pg_ls_dir", "pg_stat_file", "pg_ls_", "lo_import", "lo_export",
    "lo_from_bytea", "dblink", "pg_terminate_backend", "pg_cancel_backend", "pg_reload_conf", "pg_rotate_logfile",
    "set_config", "pg_sleep", "pg_execute_server_program", "pg_file_", "pg_logfile", "query_to_xml", "xmltable",
    "pg_advisory", "pg_switch_wal",
)  # fmt: skip

_Value = None | bool | int | float | str


@frozen
class Sql(Toolkit):
    """SQL databases: SQLite files below one directory, and PostgreSQL databases the settings name.

    Reading only, unless ``allow_write`` is set; then each call of ``sql.execute`` still needs approval.

    Args:
        root: Directory of SQLite files; None for the working directory.
        databases: Names for databases: a URL ``postgresql://...``, ``$VARIABLE`` for one out of the environment, or
            the path of an SQLite file.
        allow_write: Offer ``sql.execute``.
        max_rows: Most rows returned.
        max_chars: Most characters of one value.
        timeout_s: Seconds a statement may take.
    """

    section: ClassVar[str] = "sql"

    root: Path | None = None
    databases: Mapping[str, str] = field(factory=dict, repr=False)
    allow_write: bool = False
    max_rows: int = 1_000
    max_chars: int = 10_000
    timeout_s: float = 20.0

    def tools(self) -> list[Tool]:
        """Its tools; without the one that writes unless that is allowed."""
        return [made for made in super().tools() if self.allow_write or made.name != "sql_execute"]

    @tool(
        category=ToolCategory.DATABASE,
        idempotent=True,
        keywords=[
            "select",
            "database",
            "table",
            "rows",
            "sqlite",
            "postgres",
            "postgresql",
            "records",
            "count",
            "join",
            "db",
        ],
    )
    async def query(
        self,
        database: str,
        statement: str,
        parameters: Sequence[_Value] = (),
        limit: Annotated[int, msgspec.Meta(ge=1)] | None = None,
    ) -> dict[str, Any]:
        """Run one SELECT and return its rows. Nothing can be changed with it.

        Args:
            database: Path of an SQLite file, or a name from the settings.
            statement: One statement; write ? (SQLite) or %s (PostgreSQL) where a value goes, never the value itself.
            parameters: The values, in order.
            limit: Most rows.
        """
        most = min(limit or self.max_rows, self.max_rows)
        url = self._url(database)
        if url is not None:
            return await self._postgres(url, statement, parameters, most, write=False)
        return await asyncio.to_thread(self._sqlite, database, statement, parameters, most, False)

    @tool(
        category=ToolCategory.DATABASE,
        idempotent=True,
        keywords=["schema", "columns", "structure", "describe", "database", "sqlite", "postgres", "fields"],
    )
    async def tables(self, database: str) -> dict[str, list[str]]:
        """List the tables and views of a database with their columns and types.

        Args:
            database: Path of an SQLite file, or a name from the settings.
        """
        url = self._url(database)
        if url is None:
            return await asyncio.to_thread(self._sqlite_tables, database)
        statement = (
            "SELECT table_schema || '.' || table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, ordinal_position"
        )
        found = await self._postgres(url, statement, [], 100_000, write=False)
        out: dict[str, list[str]] = {}
        for table, column, kind in found["rows"]:
            out.setdefault(table, []).append(f"{column} {kind}".strip())
        return out

    @tool(
        category=ToolCategory.DATABASE,
        requires_approval=True,
        sequential=True,
        keywords=["insert", "update", "delete", "create", "alter", "change", "write", "database"],
    )
    async def execute(self, database: str, statement: str, parameters: Sequence[_Value] = ()) -> dict[str, Any]:
        """Run one statement that changes a database. Somebody has to allow each call.

        Args:
            database: Path of an SQLite file, or a name from the settings.
            statement: One statement; write ? (SQLite) or %s (PostgreSQL) where a value goes, never the value itself.
            parameters: The values, in order.
        """
        if not self.allow_write:
            raise ToolError("databases may only be read (setting allow_write of [tools.sql])")
        url = self._url(database)
        if url is not None:
            return await self._postgres(url, statement, parameters, self.max_rows, write=True)
        return await asyncio.to_thread(self._sqlite, database, statement, parameters, self.max_rows, True)

    def _url(self, database: str) -> str | None:
        """The PostgreSQL URL of a name from the settings; None for an SQLite file."""
        named = self.databases.get(database)
        if named is not None and named.startswith("$"):
            named = os.environ.get(named[1:])
            if named is None:
                raise ToolError(f"the database {database!r} is not configured: {self.databases[database]} is not set")
        if named is not None and named.startswith(("postgresql://", "postgres://")):
            return named
        if named is None and "://" in database:
            known = ", ".join(self.databases) or "none"
            raise ToolError(f"databases are asked for by name; known are: {known}", retry=True)
        return None

    # --- SQLite ---------------------------------------------------------------------------------------------------

    def _sqlite(
        self, database: str, statement: str, parameters: Sequence[Any], most: int, write: bool
    ) -> dict[str, Any]:
        path = self._file(database)
        with_mode = f"{path.as_uri()}?mode={'rw' if write else 'ro'}"
        try:
            connection = sqlite3.connect(with_mode, uri=True, timeout=5, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise ToolError(f"{database!r} cannot be opened: {error}") from error
        ends = time.monotonic() + self.timeout_s
        late = False

        def tick() -> int:
            nonlocal late
            late = time.monotonic() > ends
            return int(late)

        try:
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000_000)
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            if not write:
                connection.execute("PRAGMA query_only = ON")
            connection.set_authorizer(_authorizer(write))
            connection.set_progress_handler(tick, 5_000)
            cursor = connection.execute(statement, parameters)
            if cursor.description is None and not write:
                raise ToolError("there is no statement in that which reads something", retry=True)
            rows = cursor.fetchmany(most + 1)
            return self._result([d[0] for d in cursor.description or ()], rows, most, cursor.rowcount)
        except sqlite3.DatabaseError as error:
            if late:
                raise ToolTimeoutError(f"the statement took more than {self.timeout_s:g} s and was stopped") from error
            text = str(error)
            if any(f"function: {name}" in text.lower() for name in ("printf", "format")):
                raise ToolError(_INSTEAD, retry=True) from error
            if "not authorized" in text or "readonly" in text or "prohibited" in text or "query_only" in text:
                allowed = "changes to tables and their rows" if write else "reading"
                raise ToolError(f"only {allowed} is allowed here: {text}") from error
            raise ToolError(f"the database says: {text}", retry=True) from error
        except (sqlite3.Warning, sqlite3.Error, OverflowError, ValueError) as error:
            raise ToolError(f"the database says: {error}", retry=True) from error
        finally:
            connection.close()

    def _sqlite_tables(self, database: str) -> dict[str, list[str]]:
        names = (
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        out: dict[str, list[str]] = {}
        for (name,) in self._sqlite(database, names, [], 10_000, False)["rows"]:
            quoted = name.replace('"', '""')
            columns = self._sqlite(database, f'PRAGMA table_info("{quoted}")', [], 10_000, False)["rows"]
            out[name] = [f"{column[1]} {column[2]}".strip() for column in columns]
        return out

    def _file(self, database: str) -> Path:
        named = self.databases.get(database)
        if named is not None:
            path = Path(named).expanduser()
            path = path if path.is_absolute() else Root(self.root).folder / path
        else:
            root = Root(self.root)
            with root.open(database) as (file, _):  # refuses what leads out, is no file, or is none of SQLite's
                head = file.read(16)
            if head and head != b"SQLite format 3\0":
                raise ToolError(f"{database!r} is no SQLite database")
            path = root.folder / root.relative(database)
        if not path.is_file():
            raise ToolError(f"there is no database {database!r}", retry=True)
        return path

    # --- PostgreSQL -----------------------------------------------------------------------------------------------

    async def _postgres(
        self, url: str, statement: str, parameters: Sequence[Any], most: int, *, write: bool
    ) -> dict[str, Any]:
        try:
            import psycopg
        except ImportError as error:
            raise ToolError("PostgreSQL needs: pip install 'victor-tools[postgres]'") from error
        if not write:
            _check_postgres(statement)
        milliseconds = int(self.timeout_s * 1000)
        options = f"-c statement_timeout={milliseconds} -c default_transaction_read_only={'off' if write else 'on'}"
        try:
            async with asyncio.timeout(self.timeout_s + 10):
                connection = await psycopg.AsyncConnection.connect(
                    url, options=options, connect_timeout=10, autocommit=False
                )
                async with connection:
                    await connection.set_read_only(not write)
                    async with connection.cursor() as cursor:
                        # Prepared: the server takes one statement and no more, whatever stands after a semicolon.
                        await cursor.execute(statement.encode(), parameters or None, prepare=True)
                        rows = await cursor.fetchmany(most + 1) if cursor.description else []
                        names = [column.name for column in cursor.description or ()]
                        count = cursor.rowcount
                    if not write:
                        await connection.rollback()
                return self._result(names, rows, most, count)
        except psycopg.errors.QueryCanceled as error:
            raise ToolTimeoutError(f"the statement took more than {self.timeout_s:g} s and was stopped") from error
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise ToolError(f"only reading is allowed here: {error.diag.message_primary}") from error
        except psycopg.Error as error:
            text = error.diag.message_primary or str(error).strip()
            raise ToolError(f"the database says: {_without(text, url)}", retry=True) from error
        except TimeoutError:
            raise ToolTimeoutError("the database did not answer in time") from None

    def _result(self, names: list[str], rows: list[Any], most: int, count: int) -> dict[str, Any]:
        out: dict[str, Any] = {"columns": names, "rows": [[self._shown(value) for value in row] for row in rows[:most]]}
        if len(rows) > most:
            out["more"] = f"there are more than {most} rows; narrow the statement or ask for less with LIMIT and OFFSET"
        if not names:
            out = {"changed_rows": max(count, 0)}
        return out

    def _shown(self, value: Any) -> Any:
        if isinstance(value, (bytes, memoryview, bytearray)):
            return f"[{len(value):,} bytes]"
        if isinstance(value, str) and len(value) > self.max_chars:
            return f"{value[: self.max_chars]} [... {len(value) - self.max_chars:,} more characters]"
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)  # for which JSON has no number
        return value


def _authorizer(write: bool) -> Any:
    """Asked by SQLite for every single thing a statement would do; what is not known to be harmless is refused."""
    allowed = _READS | _WRITES if write else _READS

    def authorize(action: int, first: str | None, second: str | None, database: str | None, inner: str | None) -> int:
        if action in allowed:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_UPDATE and first in _SCHEMA_TABLES:
            # What SQLite asks as it sets up json_each and the like. To change these tables takes a pragma besides,
            # which is refused, and a database that is not opened read-only.
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _FUNCTIONS_REFUSED:
            return sqlite3.SQLITE_OK
        if (
            action == sqlite3.SQLITE_PRAGMA
            and (first or "").lower() in _PRAGMAS
            and (second is None or write or not second.isdigit())
        ):
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    return authorize


def _check_postgres(statement: str) -> None:
    """Refuse what a read-only transaction would let through: COPY to files or programs, functions with side effects."""
    import re

    bare = re.sub(r"/\*.*?\*/|--[^\n]*", " ", statement, flags=re.DOTALL).strip().lower()
    first = re.match(r"[(\s]*([a-z]+)", bare)
    if first is None or first[1] not in _POSTGRES_STARTS:
        raise ToolError(
            "only reading is allowed here: begin the statement with SELECT, WITH, VALUES, TABLE, SHOW or EXPLAIN"
        )
    for name in _POSTGRES_REFUSED:
        if name in statement.lower().replace('"', ""):
            raise ToolError(f"{name} is refused: it does more than reading tables")
    if "\\" in statement and "u&" in statement.lower():
        raise ToolError("names written with U& escapes are refused")


def _without(text: str, url: str) -> str:
    from victor.core.redact import redact

    return redact.text(text.replace(url, "the database"))

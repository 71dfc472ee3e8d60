"""A store in a PostgreSQL database, which many programs may use at the same time.

Works through PgBouncer in transaction mode, like `victor.graph.checkpoint.postgres`: every change is one statement.

Values are stored encoded, so filters, words and vectors are compared here and not by the server: a search reads every
item below its namespace. The extension pgvector is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import msgspec

from victor.graph.checkpoint.postgres_link import Link
from victor.graph.checkpoint.postgres_schema import SynchronousCommit, quoted
from victor.graph.errors import CheckpointError, StoreVersionError
from victor.graph.store.base import Store
from victor.graph.store.checks import StoreError
from victor.graph.store.rows import Change, Drop, Row, Touch, names_of, place_of

if TYPE_CHECKING:
    from psycopg import Cursor

__all__ = ["PostgresStore"]

T = TypeVar("T")

_VERSION: Final = 1
_LOCK: Final = 0x76737472  # any number, the same in every program that makes these tables
_PURGE_EVERY: Final = 1000

_CREATE: Final = """
CREATE TABLE IF NOT EXISTS {items} (
    namespace  bytea NOT NULL,
    key        text COLLATE "C" NOT NULL,
    value      bytea NOT NULL,
    vectors    bytea,
    fields     bytea,
    created_ns bigint NOT NULL,
    updated_ns bigint NOT NULL,
    ttl_s      double precision,
    expires_ns bigint,
    PRIMARY KEY (namespace, key)
);
CREATE INDEX IF NOT EXISTS victor_store_expiry ON {items} (expires_ns) WHERE expires_ns IS NOT NULL;
CREATE TABLE IF NOT EXISTS {version} (version integer NOT NULL);
"""
_COLUMNS: Final = "namespace, key, value, vectors, fields, created_ns, updated_ns, ttl_s, expires_ns"
_PUT: Final = f"""put AS (
    INSERT INTO {{items}} AS old ({_COLUMNS})
    SELECT * FROM unnest(%b::bytea[], %b::text[], %b::bytea[], %b::bytea[], %b::bytea[], %b::bigint[], %b::bigint[],
        %b::float8[], %b::bigint[])
    ON CONFLICT (namespace, key) DO UPDATE SET value = EXCLUDED.value, vectors = EXCLUDED.vectors,
    fields = EXCLUDED.fields, updated_ns = EXCLUDED.updated_ns, ttl_s = EXCLUDED.ttl_s,
    expires_ns = EXCLUDED.expires_ns, created_ns = CASE WHEN old.expires_ns IS NULL
    OR old.expires_ns > EXCLUDED.updated_ns THEN old.created_ns ELSE EXCLUDED.created_ns END)"""  # noqa: S608 - constants
_TOUCH: Final = """touched AS (
    UPDATE {items} AS old SET expires_ns = new.expires_ns
    FROM unnest(%b::bytea[], %b::text[], %b::bigint[], %b::bigint[]) AS new (namespace, key, updated_ns, expires_ns)
    WHERE old.namespace = new.namespace AND old.key = new.key AND old.updated_ns = new.updated_ns)"""
_DROP: Final = """dropped AS (
    DELETE FROM {items} AS old USING unnest(%b::bytea[], %b::text[]) AS gone (namespace, key)
    WHERE old.namespace = gone.namespace AND old.key = gone.key)"""


class PostgresStore(Store):
    """Keeps values in a PostgreSQL database (13 or later); its tables are made when it is first used.

    Finds values by namespace, filter, words and, with ``index=``, by vectors, exactly as the other stores do.

    Args:
        url: Connection string: ``"postgresql://user:password@host:5432/database"``.
        synchronous_commit: What a write waits for; see `PostgresSaver`.
        schema: PostgreSQL schema for the tables, made if it is missing; by default the first of the ``search_path``.
        max_connections: How many connections to open at most.
        patience_s: How long to try again when the server cannot be reached, before giving up with an error.
        timeout_s: How long the server may take over one statement, before it counts as out of reach.
        pool_options: More arguments for `psycopg_pool.ConnectionPool`.
        **options: For `Store`: ``index``, ``ttl``, ``codec``, ``clock``.

    Raises:
        StoreError: psycopg is not installed, or the connection string cannot be read; from any method, the server
            cannot be reached for ``patience_s``, or refuses.
        StoreVersionError: The tables were made by a newer release.

    Example:
        >>> with PostgresStore("postgresql://app@db.example/app") as store:  # doctest: +SKIP
        ...     store.put(("users", "ann"), "food", {"text": "likes green curry"})
        ...     store.search(("users",), query="curry")[0].key
        'food'
    """

    def __init__(
        self,
        url: str,
        *,
        synchronous_commit: SynchronousCommit = "on",
        schema: str | None = None,
        max_connections: int = 10,
        patience_s: float = 10.0,
        timeout_s: float = 30.0,
        pool_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._commit = synchronous_commit
        self._writes = 0
        try:
            self._schema = None if schema is None else quoted(schema)
            prefix = "" if self._schema is None else f"{self._schema}."
            self._tables = {name: f"{prefix}victor_store_{name}" for name in ("items", "version")}
            self._link = Link(
                url,
                prepare=self._create,
                max_connections=max_connections,
                patience_s=patience_s,
                timeout_s=timeout_s,
                pool_options={"name": "victor-store", **(pool_options or {})},
            )
        except CheckpointError as error:
            raise StoreError(str(error)) from error

    @classmethod
    def from_conn_string(cls, conn_string: str, **options: Any) -> Self:
        """The same as the constructor, under the name that LangGraph's users know; works with ``with`` too."""
        return cls(conn_string, **options)

    def setup(self) -> None:
        """Connect and make the tables now, rather than at first use. Does nothing when they are there."""
        self._run(lambda cursor: None)

    def close(self) -> None:
        """Close the connections. A second time is harmless."""
        self._link.close()

    def _run(self, work: Callable[[Cursor[Any]], T]) -> T:
        try:
            return self._link.run(work)
        except StoreVersionError:
            raise
        except CheckpointError as error:
            raise StoreError(str(error)) from error

    def _sql(self, text: str) -> str:
        return text.format(**self._tables)

    def _create(self, cursor: Cursor[Any]) -> None:
        from psycopg import errors

        try:
            found = self._version(cursor)
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            found = None
        if found is None:
            with cursor.connection.transaction():
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
                if self._schema is not None:
                    cursor.execute("SELECT to_regnamespace(%s) IS NULL", [self._schema.replace("%%", "%")])
                    if cursor.fetchone() == (True,):
                        cursor.execute(f"CREATE SCHEMA {self._schema}", [])
                for statement in self._sql(_CREATE).split(";")[:-1]:
                    cursor.execute(statement, [])
                found = self._version(cursor)
                if found is None:
                    cursor.execute(self._sql("INSERT INTO {version} VALUES (%s)"), [_VERSION])
                    found = _VERSION
        if found > _VERSION:
            raise StoreVersionError(
                f"the store's tables have version {found}, and this release of victor-graph reads up to {_VERSION}: "
                "upgrade victor-graph, or use another schema= for this program"
            )

    def _version(self, cursor: Cursor[Any]) -> int | None:
        row = cursor.execute(self._sql("SELECT max(version) FROM {version}"), []).fetchone()
        return None if row is None else row[0]

    def _rows(self, where: str, *parameters: Any) -> list[Row]:
        statement = self._sql(f"SELECT {_COLUMNS} FROM {{items}} WHERE {where}")  # noqa: S608 - constants
        rows = self._run(lambda cursor: cursor.execute(statement, parameters).fetchall())
        return [
            Row(names_of(place), key, data, vectors, None if fields is None else _fields(fields), *times)
            for place, key, data, vectors, fields, *times in rows
        ]

    def _read(self, namespace: tuple[str, ...], key: str) -> Row | None:
        rows = self._rows("namespace = %b AND key = %s", place_of(namespace), key)
        return rows[0] if rows else None

    def _scan(self, prefix: tuple[str, ...]) -> list[Row]:
        order = "ORDER BY updated_ns DESC, namespace, key"
        if not prefix:
            return self._rows(f"true {order}")
        start = place_of(prefix)
        return self._rows(f"namespace >= %b AND namespace < %b {order}", start, start[:-1] + b"\x01")

    def _change(self, changes: Sequence[Change]) -> None:
        parts: list[str] = []
        parameters: list[Any] = []
        # The parts run side by side, and no two changes are of one item. Sorted, so that writers wait one way only.
        puts = sorted((place_of(one.namespace), one.key, one) for one in changes if isinstance(one, Row))
        touches = sorted((place_of(one.namespace), one.key, one) for one in changes if isinstance(one, Touch))
        drops = sorted((place_of(one.namespace), one.key) for one in changes if isinstance(one, Drop))
        if puts:
            parts.append(_PUT)
            parameters += _columns((*place, *_values(one)) for *place, one in puts)
        if touches:
            parts.append(_TOUCH)
            parameters += _columns((*place, one.updated_ns, one.expires_ns) for *place, one in touches)
        if drops:
            parts.append(_DROP)
            parameters += _columns(drops)
        statement = self._sql("WITH " + ", ".join(parts)) + " SELECT set_config('synchronous_commit', %s, true)"
        self._run(lambda cursor: cursor.execute(statement, [*parameters, self._commit]))
        self._writes += 1
        if self._writes % _PURGE_EVERY == 0:
            self._purge(self._clock())

    def _names(self) -> list[tuple[str, ...]]:
        statement = self._sql("SELECT DISTINCT namespace FROM {items} WHERE expires_ns IS NULL OR expires_ns > %s")
        return [names_of(row[0]) for row in self._run(lambda c: c.execute(statement, [self._clock()]).fetchall())]

    def _purge(self, now_ns: int) -> int:
        statement = self._sql("DELETE FROM {items} WHERE expires_ns <= %s")
        return self._run(lambda cursor: cursor.execute(statement, [now_ns]).rowcount)


def _values(row: Row) -> tuple[Any, ...]:
    fields = None if row.fields is None else msgspec.msgpack.encode(row.fields)
    return (row.data, row.vectors, fields, row.created_ns, row.updated_ns, row.ttl_s, row.expires_ns)


def _fields(data: bytes) -> tuple[str, ...]:
    return tuple(msgspec.msgpack.decode(data, type=list[str]))


def _columns(rows: Any) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]

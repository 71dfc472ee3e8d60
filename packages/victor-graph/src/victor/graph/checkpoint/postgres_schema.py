"""The tables of the PostgreSQL store, and the statements that write to them."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal

from victor.graph.errors import CheckpointError, StoreVersionError

if TYPE_CHECKING:
    from psycopg import Cursor

__all__ = ["SynchronousCommit", "Tables", "quoted"]

_VERSION: Final = 1
_LOCK: Final = 0x76696374  # any number, the same in every program that makes these tables

# Ids and names are compared byte by byte (COLLATE "C"), as Python compares text, whatever the database's locale.
_CREATE: Final = """
CREATE TABLE IF NOT EXISTS {entries} (
    thread_id text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    id        text COLLATE "C" NOT NULL,
    parent_id text COLLATE "C",
    base_id   text COLLATE "C" NOT NULL,
    step      bigint NOT NULL,
    source    text NOT NULL,
    body      bytea NOT NULL,
    snapshot  bytea,
    PRIMARY KEY (thread_id, namespace, id)
);
CREATE TABLE IF NOT EXISTS {notes} (
    thread_id text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    entry_id  text COLLATE "C" NOT NULL,
    task_id   text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL,
    data      bytea NOT NULL,
    PRIMARY KEY (thread_id, namespace, entry_id, task_id, key)
);
CREATE TABLE IF NOT EXISTS {version} (version integer NOT NULL);
"""

# One statement of the client, so one round trip, but several here, each of which sees what was committed before it:
# who writes to the same logs waits at the locks, and what is compared afterwards is what the other left. Its plans
# are kept by the connection. A release that needs another one makes it under another name, beside this one.
_WRITE: Final = """
CREATE OR REPLACE FUNCTION {write}(
    commit_ text, locks bigint[],
    head_threads text[], head_namespaces text[], head_ids text[],
    own_threads text[], own_namespaces text[], own_ids text[],
    done_threads text[], done_namespaces text[], done_entries text[], done_keys text[],
    threads text[], namespaces text[], ids text[], parents text[], bases text[], steps bigint[], sources text[],
    bodies bytea[], snapshots bytea[],
    note_threads text[], note_namespaces text[], note_entries text[], note_tasks text[], note_keys text[],
    note_datas bytea[]
) RETURNS TABLE (moved_thread text, moved_namespace text, moved_id text) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan AS $victor$
BEGIN
    PERFORM set_config('synchronous_commit', commit_, true);
    PERFORM pg_advisory_xact_lock(one) FROM unnest(locks) AS one;
    IF head_ids <> '{{}}' THEN
        RETURN QUERY
            SELECT d.thread_id, d.namespace, h.id
            FROM unnest(head_threads, head_namespaces, head_ids) AS d (thread_id, namespace, id)
            CROSS JOIN LATERAL (
                SELECT (SELECT e.id FROM {entries} e WHERE e.thread_id = d.thread_id AND e.namespace = d.namespace
                    ORDER BY e.id DESC LIMIT 1) AS id
            ) h
            WHERE coalesce(h.id, '') <> d.id AND NOT EXISTS (
                SELECT FROM unnest(own_threads, own_namespaces, own_ids) AS o (thread_id, namespace, id)
                WHERE o.thread_id = d.thread_id AND o.namespace = d.namespace AND o.id = h.id);
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    IF done_keys <> '{{}}' THEN
        DELETE FROM {notes} n
        USING unnest(done_threads, done_namespaces, done_entries, done_keys) AS s (thread_id, namespace, entry_id, key)
        WHERE n.thread_id = s.thread_id AND n.namespace = s.namespace AND n.entry_id = s.entry_id
        AND (n.key = s.key OR starts_with(n.key, s.key || ':'));
    END IF;
    IF ids <> '{{}}' THEN
        INSERT INTO {entries} (thread_id, namespace, id, parent_id, base_id, step, source, body, snapshot)
        SELECT * FROM unnest(threads, namespaces, ids, parents, bases, steps, sources, bodies, snapshots)
        ON CONFLICT (thread_id, namespace, id) DO UPDATE SET parent_id = EXCLUDED.parent_id,
        base_id = EXCLUDED.base_id, step = EXCLUDED.step, source = EXCLUDED.source, body = EXCLUDED.body,
        snapshot = EXCLUDED.snapshot;
    END IF;
    IF note_keys <> '{{}}' THEN
        INSERT INTO {notes} (thread_id, namespace, entry_id, task_id, key, data)
        SELECT * FROM unnest(note_threads, note_namespaces, note_entries, note_tasks, note_keys, note_datas)
        ON CONFLICT (thread_id, namespace, entry_id, task_id, key) DO UPDATE SET data = EXCLUDED.data;
    END IF;
END
$victor$"""
_CALL: Final = (
    "SELECT * FROM {write}(%s, %b::bigint[]"
    + ", %b::text[]" * 15
    + ", %b::bigint[], %b::text[], %b::bytea[], %b::bytea[]"
    + ", %b::text[]" * 5
    + ", %b::bytea[])"
)

# The entries and the notes in one statement, so that they belong to one moment.
_CHAIN: Final = """SELECT 0, e.id, e.parent_id, e.base_id, e.step, e.source, e.body,
    CASE e.id WHEN t.base_id THEN e.snapshot END
FROM target t
JOIN {entries} e ON e.thread_id = %s AND e.namespace = %s AND e.id BETWEEN t.base_id AND t.id
UNION ALL
SELECT 1, n.task_id, n.key, '', 0, '', n.data, NULL
FROM target t JOIN {notes} n ON n.thread_id = %s AND n.namespace = %s AND n.entry_id = t.id
ORDER BY 1, 2, 3"""

_TARGET: Final = "WITH target AS (SELECT id, base_id FROM {entries} WHERE thread_id = %s AND namespace = %s "
_LIST: Final = (
    "SELECT id, parent_id, base_id, step, source, body FROM {entries} WHERE thread_id = %s AND namespace = %s "
)


SynchronousCommit = Literal["on", "off", "local", "remote_write", "remote_apply"]
"""PostgreSQL's own words. ``"off"``: a crash of the server may lose the last fraction of a second of writes."""


def quoted(schema: str) -> str:
    """The name of a schema as it stands in a statement with parameters.

    Raises:
        CheckpointError: It is none.
    """
    if not schema or "\x00" in schema:
        raise CheckpointError(f"schema={schema!r} is no name of a PostgreSQL schema")
    return '"' + schema.replace('"', '""').replace("%", "%%") + '"'


class Tables:
    """Names of the tables in a schema of the database, and what is said to them.

    Args:
        schema: Name of the PostgreSQL schema, or None for the first of the ``search_path``.
    """

    def __init__(self, schema: str | None) -> None:
        self._schema = None if schema is None else quoted(schema)
        prefix = "" if self._schema is None else f"{self._schema}."
        names = {"entries": "entries", "notes": "notes", "version": "version", "write": "write_1"}
        self._names = {name: f"{prefix}victor_checkpoint_{own}" for name, own in names.items()}
        self.write: str = self.sql(_CALL)
        self.read_latest: str = self.sql(_TARGET + "ORDER BY id DESC LIMIT 1) " + _CHAIN)
        self.read_entry: str = self.sql(_TARGET + "AND id = %s) " + _CHAIN)
        self.list_all: str = self.sql(_LIST + "ORDER BY id DESC LIMIT %s")
        self.list_before: str = self.sql(_LIST + "AND id < %s ORDER BY id DESC LIMIT %s")

    def sql(self, text: str) -> str:
        """The text with the tables' names in place of ``{entries}``, ``{notes}`` and ``{version}``."""
        return text.format(**self._names)

    def locks_of(self, logs: Iterable[tuple[str, str]]) -> list[int]:
        """The numbers that stand for logs (thread and namespace) where one writer waits for another, in one order."""
        names = ("\0".join((self._names["entries"], *log)).encode("utf-8", "surrogatepass") for log in logs)
        return sorted({int.from_bytes(blake2b(name, digest_size=8).digest(), "big", signed=True) for name in names})

    def create(self, cursor: Cursor[Any]) -> None:
        """Make the tables if they are missing; several programs may do so at once.

        Raises:
            StoreVersionError: They were made by a newer release.
        """
        from psycopg import errors

        try:
            found = self._version(cursor)
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            found = None
        if found is None or (found <= _VERSION and not self._has_function(cursor)):
            with cursor.connection.transaction():
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
                if self._schema is not None:
                    # Asked first: CREATE SCHEMA IF NOT EXISTS wants the right to make schemas even if it need not.
                    cursor.execute("SELECT to_regnamespace(%s) IS NULL", [self._schema.replace("%%", "%")])
                    if cursor.fetchone() == (True,):
                        cursor.execute(f"CREATE SCHEMA {self._schema}", [])
                for statement in (*self.sql(_CREATE).split(";")[:-1], self.sql(_WRITE)):
                    cursor.execute(statement, [])
                found = self._version(cursor)
                if found is None:
                    cursor.execute(self.sql("INSERT INTO {version} VALUES (%s)"), [_VERSION])
                    found = _VERSION
        if found > _VERSION:
            raise StoreVersionError(
                f"the checkpoint tables have version {found}, and this release of victor-graph reads up to {_VERSION}: "
                "upgrade victor-graph, or use another schema= for this program"
            )

    def _has_function(self, cursor: Cursor[Any]) -> bool:
        name = self._names["write"].replace("%%", "%")
        return cursor.execute("SELECT to_regproc(%s) IS NOT NULL", [name]).fetchone() == (True,)

    def _version(self, cursor: Cursor[Any]) -> int | None:
        row = cursor.execute(self.sql("SELECT max(version) FROM {version}"), []).fetchone()
        return None if row is None else row[0]

"""Checkpoints in PostgreSQL: psycopg 3 with a pool of connections, one statement and one round trip for each write.

Works through PgBouncer in transaction mode: no prepared statements on the server, no session state, no
``LISTEN``, advisory locks only within a transaction.

Example:
    >>> with PostgresSaver("postgresql://app@db.example/app") as checkpointer:  # doctest: +SKIP
    ...     graph = builder.compile(checkpointer=checkpointer)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve

from victor.graph.checkpoint.base import Batch, Chain, Checkpointer, Entry, Note, ThreadInfo, written_ns
from victor.graph.checkpoint.heads import demands
from victor.graph.checkpoint.postgres_link import Link
from victor.graph.checkpoint.postgres_schema import SynchronousCommit, Tables
from victor.graph.errors import CheckpointError, CheckpointNotFoundError, ThreadConflictError

if TYPE_CHECKING:
    from psycopg import Cursor

__all__ = ["PostgresSaver", "SynchronousCommit", "from_url"]

_Matrix = list[list[Any]]


class PostgresSaver(Checkpointer):
    """A checkpoint store in a PostgreSQL database (13 or later). Opened, and its tables made, when it is first used.

    Args:
        url: Connection string, as libpq takes it: ``"postgresql://user:password@host:5432/database"``.
        synchronous_commit: What `write` waits for, in PostgreSQL's words. The default, ``"on"``, is set for each write
            whatever the server's default, so a write that returned survives a crash of the server (as long as the
            server itself runs with ``fsync=on``). ``"off"`` returns early and may lose the latest writes in such a
            crash; it never damages earlier ones.
        schema: PostgreSQL schema for the tables, made if it is missing; by default the first of the ``search_path``.
        max_connections: How many connections to open at most; others wait for one to be free.
        patience_s: How long to try again when the server cannot be reached, before giving up with an error.
        timeout_s: How long the server may take over one statement, before it counts as out of reach.
        pool_options: More arguments for `psycopg_pool.ConnectionPool`, such as ``{"max_lifetime": 600}``.

    Raises:
        CheckpointError: From any method, when the server cannot be reached for ``patience_s`` or refuses.
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
    ) -> None:
        self._tables = Tables(schema)
        self._link = Link(
            url,
            prepare=self._tables.create,
            max_connections=max_connections,
            patience_s=patience_s,
            timeout_s=timeout_s,
            pool_options=dict(pool_options or {}),
        )
        self._commit = synchronous_commit

    @classmethod
    def from_conn_string(cls, conn_string: str, **options: Any) -> Self:
        """The same as the constructor, under the name that LangGraph's users know; works with ``with`` too."""
        return cls(conn_string, **options)

    def setup(self) -> None:
        """Connect and make the tables now, rather than at first use. Does nothing when they are there."""
        self._link.run(lambda cursor: None)

    def write(self, batches: Sequence[Batch]) -> None:
        demanded = demands(batches)
        rows = _rows(batches)
        if not any(rows):
            return
        logs = {(one.thread_id, one.namespace) for batch in batches for one in batch.entries} | demanded.keys()
        heads = [(*place, demand.entry_id or "") for place, demand in sorted(demanded.items())]
        own = [(*place, id) for place, demand in sorted(demanded.items()) for id in sorted(demand.own)]
        parameters: list[Any] = [self._commit, self._tables.locks_of(logs), *_columns(heads, 3), *_columns(own, 3)]
        for part, width in zip(rows, (4, 9, 6), strict=True):
            parameters += _columns(part, width)
        for thread_id, namespace, latest in self._link.run_alone(self._tables.write, parameters):
            raise ThreadConflictError(thread_id, namespace, demanded[thread_id, namespace].entry_id, latest)

    def chain(self, thread_id: str, namespace: str = "", entry_id: str | None = None) -> Chain | None:
        statement = self._tables.read_latest if entry_id is None else self._tables.read_entry
        place = [thread_id, namespace]
        parameters = [*place, *([] if entry_id is None else [entry_id]), *place, *place]
        rows = self._link.run(lambda cursor: cursor.execute(statement, parameters).fetchall())
        entries = {row[1]: Entry(thread_id, namespace, *row[1:]) for row in rows if row[0] == 0}
        if not entries:
            return None
        entry = entries[max(entries)]
        path = [entry]
        while entry.id != entry.base_id:
            parent = entries.get(entry.parent_id or "")
            if parent is None:
                raise CheckpointError(
                    f"thread {thread_id!r}: checkpoint {path[0].id} cannot be read: {entry.parent_id}, which it builds "
                    "on, is gone. Earlier checkpoints may still be read; see get_state_history"
                )
            entry = parent
            path.append(entry)
        if entry.id != path[0].base_id:  # it got a snapshot when those below were pruned, under a run that named one
            statement = self._tables.sql(
                "SELECT snapshot FROM {entries} WHERE thread_id = %s AND namespace = %s AND id = %s"
            )
            found = self._link.run(lambda cursor: cursor.execute(statement, [*place, entry.id]).fetchone())
            path[-1] = evolve(entry, snapshot=found[0] if found else None)
        notes = tuple(Note(thread_id, namespace, path[0].id, row[1], row[2], row[6]) for row in rows if row[0] == 1)
        return Chain(tuple(reversed(path)), notes)

    def entries(
        self, thread_id: str, namespace: str = "", *, before: str | None = None, limit: int | None = None
    ) -> list[Entry]:
        statement = self._tables.list_all if before is None else self._tables.list_before
        parameters = [thread_id, namespace, *([] if before is None else [before]), limit]
        rows = self._link.run(lambda cursor: cursor.execute(statement, parameters).fetchall())
        return [Entry(thread_id, namespace, *row) for row in rows]

    def notes(self, thread_id: str, namespace: str, entry_id: str) -> list[Note]:
        statement = self._tables.sql(
            "SELECT task_id, key, data FROM {notes} "
            "WHERE thread_id = %s AND namespace = %s AND entry_id = %s ORDER BY 1, 2"
        )
        rows = self._link.run(lambda cursor: cursor.execute(statement, [thread_id, namespace, entry_id]).fetchall())
        return [Note(thread_id, namespace, entry_id, *row) for row in rows]

    def namespaces(self, thread_id: str) -> list[str]:
        statement = self._tables.sql("SELECT DISTINCT namespace FROM {entries} WHERE thread_id = %s ORDER BY 1")
        return [row[0] for row in self._link.run(lambda cursor: cursor.execute(statement, [thread_id]).fetchall())]

    def threads(self, *, limit: int | None = None) -> list[ThreadInfo]:
        statement = self._tables.sql(
            "SELECT thread_id, count(*), min(id), max(id) FROM {entries} "
            "GROUP BY 1 ORDER BY left(max(id), 16) DESC, 1 LIMIT %s"
        )
        rows = self._link.run(lambda cursor: cursor.execute(statement, [limit]).fetchall())
        return [ThreadInfo(name, count, written_ns(low), written_ns(high)) for name, count, low, high in rows]

    def delete_thread(self, thread_id: str) -> None:
        statement = self._tables.sql(
            "WITH gone AS (DELETE FROM {notes} WHERE thread_id = %s) DELETE FROM {entries} WHERE thread_id = %s"
        )
        self._link.run(lambda cursor: cursor.execute(statement, [thread_id, thread_id]))

    def copy_thread(self, source: str, target: str) -> None:
        columns = {
            "entries": "namespace, id, parent_id, base_id, step, source, body, snapshot",
            "notes": "namespace, entry_id, task_id, key, data",
        }

        def copy(cursor: Cursor[Any]) -> None:
            with cursor.connection.transaction():
                # Two copies to one target wait for each other, so that the second finds it taken.
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('victor.copy:' || %s, 0))", [target])
                exists = self._tables.sql("SELECT EXISTS (SELECT FROM {entries} WHERE thread_id = %s)")
                if cursor.execute(exists, [target]).fetchone() == (True,):
                    raise CheckpointError(f"cannot copy thread {source!r}: there is a thread {target!r} already")
                for table, names in columns.items():
                    cursor.execute(
                        self._tables.sql(
                            f"INSERT INTO {{{table}}} (thread_id, {names}) "  # noqa: S608 - names are those above
                            f"SELECT %s, {names} FROM {{{table}}} WHERE thread_id = %s"
                        ),
                        [target, source],
                    )
                    if table == "entries" and not cursor.rowcount:
                        raise CheckpointNotFoundError(f"cannot copy thread {source!r}: there is no such thread")

        self._link.run(copy)

    def rewrite(
        self, thread_id: str, namespace: str, *, remove: Sequence[str] = (), replace: Sequence[Entry] = ()
    ) -> None:
        delete_notes = self._tables.sql(
            "DELETE FROM {notes} WHERE thread_id = %s AND namespace = %s AND entry_id = ANY(%s)"
        )
        delete = self._tables.sql("DELETE FROM {entries} WHERE thread_id = %s AND namespace = %s AND id = ANY(%s)")
        update = self._tables.sql(
            "UPDATE {entries} SET parent_id = %s, base_id = %s, step = %s, source = %s, body = %b, snapshot = %b "
            "WHERE thread_id = %s AND namespace = %s AND id = %s"
        )
        rows = [
            (e.parent_id, e.base_id, e.step, e.source, e.body, e.snapshot, thread_id, namespace, e.id) for e in replace
        ]

        def rewrite(cursor: Cursor[Any]) -> None:
            with cursor.connection.transaction():
                cursor.execute("SELECT set_config('synchronous_commit', %s, true)", [self._commit])
                if remove:
                    cursor.execute(delete_notes, [thread_id, namespace, list(remove)])
                    cursor.execute(delete, [thread_id, namespace, list(remove)])
                for row in rows:  # an entry that went in the meantime is not brought back
                    cursor.execute(update, row)

        self._link.run(rewrite)

    def close(self) -> None:
        self._link.close()


def from_url(url: str) -> PostgresSaver:
    """A store by its URL, ``postgres://`` or ``postgresql://``, for the catalog of stores."""
    return PostgresSaver(url)


def _rows(batches: Iterable[Batch]) -> tuple[list[Any], list[Any], list[Any]]:
    """The keys of notes to drop, the entries and the notes that the batches come to, taken in order.

    They are written in this order, all at once, so notes that are written and dropped by later batches are left out.
    Each in one order for every writer: two writers of the same rows then wait for each other, and never both ways.
    """
    entries: dict[tuple[str, str, str], Entry] = {}
    notes: dict[tuple[str, str, str, str, str], Note] = {}
    settled: dict[tuple[str, str, str, str], None] = {}
    for batch in batches:
        for done in batch.settled:
            place = (done.thread_id, done.namespace, done.entry_id)
            settled |= dict.fromkeys((*place, key) for key in done.keys)
            prefixes = tuple(f"{key}:" for key in done.keys)
            for key in [k for k in notes if k[:3] == place and (k[4] in done.keys or k[4].startswith(prefixes))]:
                del notes[key]
        entries |= {(e.thread_id, e.namespace, e.id): e for e in batch.entries}
        notes |= {(n.thread_id, n.namespace, n.entry_id, n.task_id, n.key): n for n in batch.notes}
    return (
        sorted(settled),
        [(*key, e.parent_id, e.base_id, e.step, e.source, e.body, e.snapshot) for key, e in sorted(entries.items())],
        [(*key, notes[key].data) for key in sorted(notes)],
    )


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> _Matrix:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]

"""The store in PostgreSQL (13 or later), for programs on many machines: psycopg 3, ``COPY``, a partition for each day.

The tables have a schema of their own. Writers take turns, batch by batch, which makes the numbers of records grow in
the order in which they can be seen. A batch that was written survives the death of the process; a crash of the server
may undo the last of them, whole.
"""

from __future__ import annotations

import os
import re
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from victor.observability.store import schema
from victor.observability.store.errors import StoreError, StoreVersionError
from victor.observability.store.names import Names
from victor.observability.store.postgres_link import PostgresLink, place_of, split_url
from victor.observability.store.postgres_partitions import DAY_NS, Partitions
from victor.observability.store.protocol import Table
from victor.observability.store.retention import Maintained, Retention
from victor.observability.store.sql_store import SqlStore

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgresStore"]

_LOCK: Final = 0x56634D74
_TURN: Final = f"BEGIN; SELECT pg_advisory_xact_lock({_LOCK}, hashtext(current_schema())), pg_current_xact_id()::text"
_GONE: Final = (None, "57P01", "57P02", "57P03", "08003", "08006")  # the connection, or the server
_DROP_WAITS = "5s"
_REFUSED: Final = "22"  # the class of errors about values
_READS: Final = re.compile(r"(?:\s|--.*?\n|/\*.*?\*/|\()*(?:select|with|values|table)\b", re.IGNORECASE | re.DOTALL)
_WAYS_BACK: Final = re.compile(r'set_config|query_to_xml|ts_stat|ts_rewrite|dblink|crosstab|u&"', re.IGNORECASE)
"""How a query could become a superuser's again: itself, by a text that is run, or by names without their letters. A
role that is no superuser is better, and the reference says so.
"""

_HINTS: Final = {
    "53100": "Its disk is full: free some space there. What was written earlier is intact",
    "42501": "The role lacks the right: grant CREATE on the database, or let an administrator make the schema",
    "25006": "The server is read-only, perhaps a standby: connect to the primary, or open the store to read alone",
    "55P03": "Somebody reads the tables for long; the next maintenance tries again",
    "57014": "It took too long, or another process writes for long; try again",
}
_INHERITED: Final[list[object]] = []
"""Connections of the parent process: closed here, they would end its sessions."""


class PostgresStore(SqlStore):
    """Keeps what happened in a database of PostgreSQL, in tables that are made when they are missing.

    Args:
        url: Connection string, as libpq takes it; with ``?victor_schema=NAME`` if the tables are to be in another
            schema than ``victor_metrics``.
        retention: How long to keep what.
        timeout_s: How long the server may take over a statement, or another writer over its batch.
        read_only: Whether to open it to read alone.
        create: Whether to make the tables when they are missing.

    Raises:
        StoreError: The server cannot be reached, or refuses.
        StoreVersionError: The tables were made by a newer version of victor-observability.
    """

    def __init__(
        self,
        url: str,
        *,
        retention: Retention | None = None,
        timeout_s: float = 30.0,
        read_only: bool = False,
        create: bool = True,
    ) -> None:
        self.schema: str
        self._url, self.schema = split_url(url)
        super().__init__(f"{place_of(self._url)} schema {self.schema}", retention)
        self._timeout_s = timeout_s
        self._read_only = read_only
        self._create = create and not read_only
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._closed = False
        self._db: psycopg.Connection[Any] | None = None
        self._idle: list[psycopg.Connection[Any]] = []
        self._partitions = Partitions()
        with self._trouble("open"):
            self._idle.append(self._set_up())

    # ---------------------------------------------------------------- connections

    def _connect(self) -> psycopg.Connection[Any]:
        import psycopg

        db = psycopg.connect(self._url, connect_timeout=10, autocommit=True, prepare_threshold=None)
        try:
            # Not as start-up options, which poolers refuse; one that stands between must keep sessions, though.
            db.execute("SELECT set_config('search_path', %s, false)", [f'"{self.schema}"'])
            db.execute("SELECT set_config('statement_timeout', %s, false)", [f"{int(self._timeout_s * 1000)}"])
            db.execute("SELECT set_config('timezone', 'UTC', false)")
            # What a crash of the server may undo is the last batches, whole: as with SQLite, and many times faster.
            db.execute("SELECT set_config('synchronous_commit', 'off', false)")
        except BaseException:
            db.close()
            raise
        return db

    def _set_up(self) -> psycopg.Connection[Any]:
        db = self._connect()
        try:
            found = self._version(db)
            if found is None and not self._create:
                raise StoreError(f"{self.place}: there is no metrics store here; it is made when a run is recorded")
            if found != schema.VERSION and not self._read_only:
                with db.transaction():
                    found = self._bring_up_to_date(db)
            if found is not None and found > schema.VERSION:
                raise StoreVersionError(
                    f"{self.place}: this metrics store has version {found}, and this victor-observability knows up to "
                    f"{schema.VERSION}. Upgrade it (pip install -U victor-observability), or use another schema"
                )
            if found != schema.VERSION:
                raise StoreError(
                    f"{self.place}: this metrics store has version {found} and must be migrated to {schema.VERSION} "
                    "first: open it once with the right to write"
                )
        except BaseException:
            db.close()
            raise
        return db

    def _version(self, db: psycopg.Connection[Any]) -> int | None:
        # Asked of the table itself: what to_regclass() says may be older than the lock that was waited for.
        there = (
            "SELECT 1 FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = %s AND relname = 'meta'"
        )
        if db.execute(there, [self.schema]).fetchone() is None:
            return None
        row = db.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        return int(row[0]) if row else None

    def _bring_up_to_date(self, db: psycopg.Connection[Any]) -> int:
        db.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, self.schema])
        found = self._version(db)  # another process may have been faster
        if found is None:
            exists = db.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [self.schema]).fetchone()
            if not exists:  # asked first, for IF NOT EXISTS needs the right to make one even when it is there
                db.execute(f'CREATE SCHEMA "{self.schema}"')
            for statement in schema.POSTGRES:
                db.execute(statement)
            values = [("version", str(schema.VERSION)), ("store_id", secrets.token_hex(8))]
            with db.cursor() as cursor:
                cursor.executemany("INSERT INTO meta VALUES (%s, %s)", values)
            return schema.VERSION
        if found < schema.VERSION:
            for version in range(found, schema.VERSION):
                for statement in schema.MIGRATIONS[version]["postgres"]:
                    db.execute(statement)
            db.execute("UPDATE meta SET value = %s WHERE key = 'version'", [str(schema.VERSION)])
            return schema.VERSION
        return found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if os.getpid() != self._pid:
            _INHERITED.extend([self._db, *self._idle, self._lock])
            self._lock = threading.RLock()
            self._db, self._idle, self._pid = None, [], os.getpid()
            self._names = Names()
        with self._lock:
            if self._closed:
                raise StoreError(f"{self.place}: this store is closed")
            yield

    @contextmanager
    def _trouble(self, what: str) -> Iterator[None]:
        import psycopg

        try:
            yield
        except (psycopg.Error, OSError, ValueError, OverflowError) as error:
            state = getattr(error, "sqlstate", None) or ""
            hint = _HINTS.get(state, "")
            text = " ".join(str(error).split()).rstrip(".")
            raise StoreError(f"{self.place}: cannot {what}: {text}{hint and '. '}{hint}") from error

    @contextmanager
    def reading(self, what: str) -> Iterator[PostgresLink]:
        """As `SqlStore.reading`."""
        import psycopg

        with self._alone():
            db = self._idle.pop() if self._idle else None
        with self._trouble(what):
            if db is not None and (db.closed or not _answers(db)):
                db.close()
                db = None
            if db is None:
                db = self._connect()
            try:
                db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                db.read_only = True
                with db.transaction():
                    yield PostgresLink(db, None)
            finally:
                with self._lock:
                    if self._closed or os.getpid() != self._pid:
                        db.close()
                    elif not db.closed:
                        self._idle.append(db)

    @contextmanager
    def writing(self, what: str) -> Iterator[PostgresLink]:
        """As `SqlStore.writing`."""
        import psycopg

        with self._alone():
            if self._read_only:
                raise StoreError(f"{self.place}: cannot {what}: the store was opened to read alone")
            with self._trouble(what):
                db, number = self._begin()
                link = PostgresLink(db, self._partitions)
                self._names.begin(link)
                committed = False
                try:
                    yield link
                    self._commit(db, number)
                    committed = True
                finally:
                    self._names.end(committed=committed)
                    self._partitions.end(committed=committed)
                    if not committed and not db.closed:
                        with suppress(psycopg.Error):
                            db.execute("ROLLBACK")

    def _begin(self) -> tuple[psycopg.Connection[Any], str]:
        """A connection in a transaction that keeps all other writers out, and the transaction's number."""
        import psycopg

        for fresh in (False, True):
            db = self._db
            if fresh or db is None or db.closed:
                self._db = db = self._connect()
                fresh = True
            try:
                cursor = db.execute(_TURN)  # two statements, one way there and back
                cursor.nextset()
                row = cursor.fetchone()
            except psycopg.Error as error:
                db.close()  # for it may be in a transaction that has failed
                if fresh or not isinstance(error, psycopg.OperationalError) or error.sqlstate not in _GONE:
                    raise
                continue  # the server was restarted since it was used last
            assert row is not None
            return db, row[1]
        raise AssertionError("not reached")

    def _commit(self, db: psycopg.Connection[Any], number: str) -> None:
        import psycopg

        try:
            db.execute("COMMIT")
        except psycopg.OperationalError:
            # The connection broke while the server may have done it already: another one is asked.
            if not self._was_committed(number):
                raise

    def _was_committed(self, transaction: str) -> bool:
        deadline = time.monotonic() + self._timeout_s
        while True:
            with self._connect() as db:
                row = db.execute("SELECT pg_xact_status(%s::xid8)", [transaction]).fetchone()
            if row is None or row[0] != "in progress" or time.monotonic() > deadline:
                return row == ("committed",)
            time.sleep(0.05)

    def close(self) -> None:
        """As `Store.close`."""
        if os.getpid() != self._pid:
            _INHERITED.extend([self._db, *self._idle])
            self._closed = True
            return
        with self._lock:
            self._closed = True
            for db in (self._db, *self._idle):
                if db is not None:
                    db.close()
            self._idle.clear()

    def refused(self, error: Exception) -> bool:
        """As `SqlStore.refused`."""
        import psycopg

        state = getattr(error, "sqlstate", None) or ""
        return state.startswith(_REFUSED) or isinstance(error, psycopg.DataError | UnicodeError | OverflowError)

    # ---------------------------------------------------------------- questions

    def sql(self, text: str, parameters: Sequence[Any] = (), *, max_rows: int = 1000, timeout_s: float = 10.0) -> Table:
        """As `Store.sql`."""
        import psycopg

        if not _READS.match(text):
            shown = " ".join(text.split())[:200]
            raise StoreError(f"{self.place}: cannot run {shown!r}: it is no SELECT, and statements may only read")
        with self._alone(), self._trouble("open"):
            db = self._connect()
        try:
            with db:
                db.read_only = True
                with db.transaction():
                    db.execute("SELECT set_config('statement_timeout', %s, true)", [f"{max(1, int(timeout_s * 1000))}"])
                    # What a superuser may is not all in the tables: files, large objects, other people's sessions.
                    if db.execute("SELECT current_setting('is_superuser')").fetchone() == ("on",):
                        if found := _WAYS_BACK.search(text):
                            raise StoreError(f"{self.place}: cannot run it: a superuser's may not use {found[0]!r}")
                        if db.execute("SELECT to_regrole('pg_read_all_data')").fetchone() != (None,):  # since 14
                            db.execute("SET LOCAL ROLE pg_read_all_data")
                    # A cursor on the server takes one statement that reads, and sends no more rows than are asked for.
                    text = text.strip().rstrip(";")
                    with psycopg.ServerCursor(db, "victor_sql") as cursor:
                        cursor.execute(_escaped(text, parameters), list(parameters))
                        rows = cursor.fetchmany(max_rows + 1)
                        columns = tuple(column.name for column in cursor.description or ())
        except (psycopg.Error, ValueError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            if getattr(error, "sqlstate", None) == "57014":
                reason = f"it took longer than {timeout_s:g} s"
            elif "multiple commands" in reason:
                reason = "it is more than one statement"
            raise StoreError(f"{self.place}: cannot run {' '.join(text.split())[:200]!r}: {reason}") from error
        return Table(columns, rows[:max_rows], truncated=len(rows) > max_rows)

    def size_bytes(self) -> int:
        """As `SqlStore.size_bytes`."""
        with self.reading("read its size") as link:
            return _size(link)

    def check(self) -> list[str]:
        """As `Store.check`."""
        problems = []
        with self.reading("check") as link:
            version = link.rows("SELECT value FROM meta WHERE key = 'version'")
            if version != [(str(schema.VERSION),)]:
                problems.append(f"{self.place}: its version is {version}, and not {schema.VERSION}")
            for name, question in {
                "record_rows": "SELECT count(*) FROM record_rows WHERE NOT EXISTS "
                "(SELECT 1 FROM run_rows WHERE run_rows.run = record_rows.run)",
                "figure_rows": "SELECT count(*) FROM figure_rows WHERE NOT EXISTS "
                "(SELECT 1 FROM keys WHERE keys.id = figure_rows.key)",
            }.items():
                lost = link.rows(question)[0][0]
                if lost:
                    problems.append(f"{self.place}: {lost} rows of {name} belong to nothing")
        return problems

    # ---------------------------------------------------------------- maintenance

    def remove_records(self, before_ns: int, done: Maintained) -> None:
        """As `SqlStore.remove_records`."""
        with self.reading("read") as link:
            old = [day for day in self._partitions.days(link) if (day + 1) * DAY_NS <= before_ns]
        for day in old:
            if not self._drop(day, done):
                return
        with self.writing("remove old detail") as link:
            done.records += link.run("DELETE FROM record_rows_rest WHERE start_ns < ?", (before_ns,))

    def remove_oldest(self, done: Maintained) -> bool:
        """As `SqlStore.remove_oldest`."""
        with self.reading("read") as link:
            days = self._partitions.days(link)
            rest = link.rows("SELECT min(start_ns) FROM record_rows_rest")[0][0]
        if days and (rest is None or days[0] * DAY_NS <= rest):
            return self._drop(days[0], done)
        if rest is None:
            return False
        with self.writing("remove old detail") as link:
            end = (rest // DAY_NS + 1) * DAY_NS
            done.records += link.run("DELETE FROM record_rows_rest WHERE start_ns < ?", (end,))
        return True

    def _drop(self, day: int, done: Maintained) -> bool:
        try:
            with self.writing("remove a day of detail") as link:
                link.run(f"SET LOCAL lock_timeout = '{_DROP_WAITS}'")
                done.records += self._partitions.drop(link, day)
        except StoreError as error:
            if getattr(error.__cause__, "sqlstate", None) != "55P03":
                raise
            done.problems.append(str(error))
            return False
        return True

    def compact(self) -> None:
        """As `SqlStore.compact`: what was deleted is free for new rows; autovacuum sees to that, and sooner here."""
        with self._alone(), self._trouble("compact"):
            db = self._connect()
            with db:
                db.execute("SET statement_timeout = 0")
                db.execute("VACUUM (ANALYZE) figure_rows")


def _answers(db: psycopg.Connection[Any]) -> bool:
    """Whether a connection is of use still: the server may have been restarted since it was used last."""
    import psycopg

    try:
        db.execute("")
    except psycopg.Error:
        return False
    return True


def _size(link: PostgresLink) -> int:
    rows = link.rows(
        "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class "
        "WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'm')"
    )
    return int(rows[0][0])


def _escaped(text: str, parameters: Sequence[Any]) -> Any:
    # With parameters psycopg reads % as a placeholder; a list of none makes it send one statement alone.
    return text if parameters else text.replace("%", "%%")

"""The link to a PostgreSQL server: a pool, and trying again when the server was away for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from victor.graph.errors import CheckpointError

if TYPE_CHECKING:
    import psycopg
    from psycopg import Cursor
    from psycopg_pool import ConnectionPool

__all__ = ["Link"]

T = TypeVar("T")

_log = logging.getLogger("victor.graph.checkpoint")
_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0

_CLOSED: Final = "this store is closed: make a new one, or close it later"
_HINTS: Final = {
    "53100": "Its disk is full: free some space there. What was written earlier is intact",
    "53200": "The server is out of memory",
    "42501": "The role lacks the right: let an administrator call setup() once, or grant CREATE on the schema",
    "54000": "Names that long cannot be found again: keep a thread's name and namespace below 2,000 bytes",
    "25006": "The server is read-only, perhaps a standby: connect to the primary",
}
_AGAIN: Final = ("40001", "40P01")  # serialization failure, deadlock: the same again may work
_AWAY: Final = ("08", "57P")  # connection lost, server shuts down or starts up
_HOPELESS: Final = ("password authentication failed", "no pg_hba.conf entry", "does not exist", "no password supplied")
"""Refusals before there is a connection have no code, only text; in another language they are found out by waiting."""


class Link:
    """Runs functions with a cursor, on a connection of a pool.

    What is run may be run again when the connection broke, so it must come to the same when it is done twice.

    Args:
        url: Connection string.
        prepare: Run once, with the first connection.
        max_connections: Size of the pool at most.
        patience_s: How long to try to reach the server before an error.
        timeout_s: How long the server may take over one statement.
        pool_options: For `psycopg_pool.ConnectionPool`.
    """

    def __init__(
        self,
        url: str,
        *,
        prepare: Callable[[Cursor[Any]], None],
        max_connections: int,
        patience_s: float,
        timeout_s: float,
        pool_options: Mapping[str, Any],
    ) -> None:
        self._url = url
        self._place = _place_of(url)
        self._prepare = prepare
        self._max_connections = max_connections
        self._patience_s = patience_s
        self._timeout_s = timeout_s
        self._options = pool_options
        self._lock = Lock()
        self._pool: ConnectionPool[psycopg.Connection[Any]] | None = None
        self._closed = False
        self._strict = False  # whether transactions see, by default, only what was committed before they began

    def run(self, work: Callable[[Cursor[Any]], T]) -> T:
        """What ``work`` returns, given a cursor of a connection in autocommit mode.

        Raises:
            CheckpointError: The server could not be reached for ``patience_s``, or refused.
        """
        import psycopg
        from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

        deadline = time.monotonic() + self._patience_s
        pause = _PAUSE_S
        while True:
            pool = self._pool
            try:
                if pool is None:
                    pool = self._open()
                with (
                    pool.connection(timeout=max(0.1, deadline - time.monotonic())) as connection,
                    connection.cursor(binary=True) as cursor,
                ):
                    return work(cursor)
            except PoolClosed:
                raise CheckpointError(_CLOSED) from None
            except (PoolTimeout, TooManyRequests) as error:
                raise CheckpointError(self._no_connection()) from error
            except (UnicodeEncodeError, psycopg.DataError) as error:
                raise CheckpointError(f"PostgreSQL cannot store this: {_text(error)}") from error
            except psycopg.Error as error:
                if not _worth_another_try(error):
                    raise CheckpointError(self._refused(error)) from error
                left = deadline - time.monotonic()
                if left <= 0:
                    raise CheckpointError(self._unreachable(_text(error))) from error
                _log.debug("PostgreSQL at %s: %s; trying again", self._place, _text(error))
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            if pool is not None and not pool.closed:
                pool.check()  # throws out the other connections that broke along with this one

    def run_alone(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        """The rows of one statement, whose parts each see what others committed before.

        Raises:
            CheckpointError: As `run`.
        """
        import psycopg

        def execute(cursor: Cursor[Any]) -> list[Any]:
            if not self._strict:
                return cursor.execute(statement, parameters).fetchall()
            connection = cursor.connection
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            with connection.transaction():
                return cursor.execute(statement, parameters).fetchall()

        return self.run(execute)

    def close(self) -> None:
        """Close the connections. A second time is harmless."""
        with self._lock:
            self._closed = True
            if self._pool is not None:
                self._pool.close()

    def _open(self) -> ConnectionPool[psycopg.Connection[Any]]:
        """The pool, opened after a first connection of our own has shown that the server is there and right.

        A pool tries again and again in the background, also with a wrong password, and keeps the reason to itself.
        """
        from psycopg_pool import ConnectionPool

        with self._lock:
            if self._closed:
                raise CheckpointError(_CLOSED)
            if self._pool is not None:
                return self._pool
            with self._connect() as connection, connection.cursor(binary=True) as cursor:
                self._prepare(cursor)
                isolation = cursor.execute("SHOW default_transaction_isolation").fetchone()
                self._strict = isolation != ("read committed",)
                if cursor.execute("SHOW fsync").fetchone() == ("off",):
                    _log.warning("PostgreSQL at %s has fsync=off: a crash of its machine may lose data", self._place)
            options: dict[str, Any] = {
                "min_size": 1,
                "max_size": self._max_connections,
                "name": "victor-checkpoints",
                "reconnect_timeout": self._patience_s,
                **self._options,
            }
            self._pool = ConnectionPool(
                self._url, open=True, connection_class=self._class(), **{**options, "kwargs": self._arguments()}
            )
            return self._pool

    def _arguments(self) -> dict[str, Any]:
        # prepare_threshold: statements prepared on the server do not survive a PgBouncer in transaction mode.
        return {"connect_timeout": 10, **self._options.get("kwargs", {}), "autocommit": True, "prepare_threshold": None}

    def _class(self) -> type[psycopg.Connection[Any]]:
        """A connection that does not wait for ever on a network that swallows packets, or a pooler without a server."""
        import psycopg

        timeout_s = self._timeout_s

        class Bounded(psycopg.Connection[Any]):
            def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
                began = time.monotonic()
                try:
                    return super().wait(gen, *arguments, **{"timeout": timeout_s, **options})
                except psycopg.Error:
                    if time.monotonic() - began < timeout_s:
                        raise
                    self.close()  # an answer that comes now must not be taken for that to another question
                    raise psycopg.OperationalError(f"no answer for {timeout_s:g} s") from None

        return Bounded

    def _connect(self) -> psycopg.Connection[Any]:
        return self._class().connect(self._url, **self._arguments())

    def _no_connection(self) -> str:
        """Why the pool had no connection to give: it asks the server itself, for the pool does not say."""
        import psycopg

        try:
            self._connect().close()
        except psycopg.Error as error:
            return self._unreachable(_text(error))
        return (
            f"all {self._max_connections} connections to PostgreSQL at {self._place} were busy for "
            f"{self._patience_s:g} s: raise max_connections= or patience_s="
        )

    def _unreachable(self, reason: str) -> str:
        return (
            f"PostgreSQL at {self._place} could not be reached for {self._patience_s:g} s: {reason}. What was to be "
            "written now is not acknowledged; what was written earlier is intact. When the server is back, resume the "
            "thread, or try again"
        )

    def _refused(self, error: psycopg.Error) -> str:
        hint = _HINTS.get(error.sqlstate or "", "")
        return f"PostgreSQL at {self._place}: {_text(error)}{hint and '. '}{hint}"


def _place_of(url: str) -> str:
    """What may be told of a connection string: where, but not as whom."""
    try:
        import psycopg
        import psycopg_pool  # noqa: F401 - missing now rather than in the middle of a run
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise CheckpointError("stores in PostgreSQL need psycopg: pip install 'victor-graph[postgres]'") from error
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:  # its text would show the password
        raise CheckpointError(
            "the connection string for PostgreSQL cannot be read; one is postgresql://user:password@host:5432/database"
        ) from None
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"


def _worth_another_try(error: psycopg.Error) -> bool:
    import psycopg

    if error.sqlstate is not None:
        return error.sqlstate in _AGAIN or error.sqlstate.startswith(_AWAY)
    # Without a state it comes from the client: connection refused, lost, never made.
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and not any(
        sign in str(error) for sign in _HOPELESS
    )


def _text(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")

"""Where what happened is kept and queried: an SQLite file, or PostgreSQL.

Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, open_store(f"sqlite:{folder}/metrics.db") as store:
    ...     store.breakdown(by=["kind"])
    []
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from victor.observability.store.errors import StoreError

if TYPE_CHECKING:
    from victor.observability.store.protocol import Store
    from victor.observability.store.retention import Retention

__all__ = ["DEFAULT_URL", "StoreError", "open_store"]

DEFAULT_URL = "sqlite:.victor/metrics.db"
"""Where a store is when nothing else is said."""


def open_store(
    url: str = DEFAULT_URL, *, retention: Retention | None = None, read_only: bool = False, create: bool = True
) -> Store:
    """Open a store by its URL; it is made if it is not there.

    Args:
        url: ``sqlite:PATH``, or a path by itself, or ``postgresql://user:password@host:5432/database``; there
            ``?victor_schema=NAME`` says in which schema, ``victor_metrics`` if nothing does.
        retention: How long to keep what.
        read_only: Whether to open it to read alone. It must be there then.
        create: Whether to make it if it is not there.

    Raises:
        StoreError: It cannot be opened; the message says why, and what to do.
    """
    scheme, colon, rest = url.partition(":")
    if colon and scheme in ("postgres", "postgresql"):
        from victor.observability.store.postgres import PostgresStore

        return PostgresStore(url, retention=retention, read_only=read_only, create=create)
    if colon and scheme == "sqlite":
        path = rest.removeprefix("//").partition("?")[0] if rest.startswith("//") else rest
    elif colon and rest.startswith("//"):
        raise StoreError(f"{scheme}: is no kind of metrics store; there are sqlite:PATH and postgresql://...")
    else:
        path = url
    if not path or path == ":memory:":
        raise StoreError(f"{url!r}: a metrics store is a file, such as {DEFAULT_URL}, or postgresql://...")
    from pathlib import Path

    from victor.observability.store.sqlite import SqliteStore

    return SqliteStore(path, retention=retention, read_only=read_only or (not create and not Path(path).exists()))

"""Opens a key-value store by its URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from victor.graph.store.base import Store
from victor.graph.store.checks import StoreError

__all__ = ["open_store"]


def open_store(url: str, **options: Any) -> Store:
    """A key-value store.

    Args:
        url: ``"memory:"``; ``"sqlite:path"`` (``"sqlite:///path"`` is the same, ``"sqlite:////path"`` absolute), with
            ``?synchronous=normal`` for commits that a power cut may undo; a path that ends in ``.db`` or ``.sqlite``;
            or ``"postgresql://user:password@host:5432/database"``.
        **options: For the store: ``index``, ``ttl``, ``codec``; see `Store`.

    Raises:
        StoreError: There is no store of that kind, or it cannot be opened.

    Example:
        >>> with open_store("memory:") as store:
        ...     store.put(("notes",), "a", {"n": 1})
        ...     store.get(("notes",), "a").value
        {'n': 1}
    """
    scheme, colon, rest = url.partition(":")
    if not colon or len(scheme) == 1:
        scheme, rest = "sqlite", url
    if scheme == "memory":
        from victor.graph.store.memory import InMemoryStore

        return InMemoryStore(**options)
    if scheme == "sqlite":
        from victor.graph.store.sqlite import SqliteStore

        path, _, query = rest.partition("?")
        settings = dict(parse_qsl(query))
        synchronous: Any = settings.pop("synchronous", "full").lower()
        if settings:
            raise StoreError(f"{url!r}: there is no option {', '.join(map(repr, settings))}; there is 'synchronous'")
        if path.startswith("///"):
            path = path[3:]
        return SqliteStore(path or ":memory:", synchronous=synchronous, **options)
    if scheme in ("postgres", "postgresql"):
        from victor.graph.store.postgres import PostgresStore

        return PostgresStore(url, **options)
    raise StoreError(f"there is no store {scheme!r}; there are memory:, sqlite:path and postgresql://...")

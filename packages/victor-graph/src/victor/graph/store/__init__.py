"""A key-value store that nodes share across threads: memories, preferences, facts, by namespace and key.

Example:
    >>> store = InMemoryStore()
    >>> store.put(("users", "ann"), "food", {"text": "likes green curry"})
    >>> store.get(("users", "ann"), "food").value
    {'text': 'likes green curry'}
    >>> [(item.key, item.value["text"]) for item in store.search(("users",), query="curry")]
    [('food', 'likes green curry')]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.graph.store.base import BaseStore as BaseStore
    from victor.graph.store.base import Store as Store
    from victor.graph.store.checks import StoreError as StoreError
    from victor.graph.store.memory import InMemoryStore as InMemoryStore
    from victor.graph.store.operations import GetOp as GetOp
    from victor.graph.store.operations import Item as Item
    from victor.graph.store.operations import ListNamespacesOp as ListNamespacesOp
    from victor.graph.store.operations import MatchCondition as MatchCondition
    from victor.graph.store.operations import PutOp as PutOp
    from victor.graph.store.operations import SearchItem as SearchItem
    from victor.graph.store.operations import SearchOp as SearchOp
    from victor.graph.store.postgres import PostgresStore as PostgresStore
    from victor.graph.store.sqlite import SqliteStore as SqliteStore
    from victor.graph.store.urls import open_store as open_store

_PLACES = {
    "base": ("BaseStore", "Store"),
    "checks": ("StoreError",),
    "memory": ("InMemoryStore",),
    "operations": ("GetOp", "Item", "ListNamespacesOp", "MatchCondition", "PutOp", "SearchItem", "SearchOp"),
    "postgres": ("PostgresStore",),
    "sqlite": ("SqliteStore",),
    "urls": ("open_store",),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "BaseStore",
    "GetOp",
    "InMemoryStore",
    "Item",
    "ListNamespacesOp",
    "MatchCondition",
    "PostgresStore",
    "PutOp",
    "SearchItem",
    "SearchOp",
    "SqliteStore",
    "Store",
    "StoreError",
    "open_store",
]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module 'victor.graph.store' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"victor.graph.store.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

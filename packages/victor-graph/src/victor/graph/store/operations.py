"""What goes into a store's `batch`, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from attrs import field, frozen

__all__ = [
    "NOT_PROVIDED",
    "GetOp",
    "Item",
    "ListNamespacesOp",
    "MatchCondition",
    "NotProvided",
    "Op",
    "PutOp",
    "SearchItem",
    "SearchOp",
]


class NotProvided:
    """The type of `NOT_PROVIDED`: not even None was passed."""

    def __repr__(self) -> str:
        return "NOT_PROVIDED"


NOT_PROVIDED: Final = NotProvided()
"""Stands for a time to live that was left out."""


@frozen(kw_only=True)
class Item:
    """A stored value.

    Args:
        value: What was stored: a copy, yours to change.
        key: Its key, unique within the namespace.
        namespace: Where it lies, such as ``("users", "ann")``.
        created_at: When there first was a value under this key.
        updated_at: When this value was put.
    """

    value: dict[str, Any] = field(hash=False)
    key: str
    namespace: tuple[str, ...]
    created_at: datetime
    updated_at: datetime

    def dict(self) -> dict[str, Any]:
        """The item as plain values, for JSON."""
        return {
            "namespace": list(self.namespace),
            "key": self.key,
            "value": self.value,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


@frozen(kw_only=True)
class SearchItem(Item):
    """A stored value that a search found.

    Args:
        score: How well it fits the query, the more the better; None when there was no query.
    """

    score: float | None = None

    def dict(self) -> dict[str, Any]:
        """The item as plain values, for JSON."""
        return {**super().dict(), "score": self.score}


@frozen
class GetOp:
    """Get one item; see `Store.get`."""

    namespace: tuple[str, ...]
    key: str
    refresh_ttl: bool | None = None


@frozen
class PutOp:
    """Put a value, or delete it when it is None; see `Store.put`."""

    namespace: tuple[str, ...]
    key: str
    value: Mapping[str, Any] | None = field(hash=False)
    index: Literal[False] | Sequence[str] | None = field(default=None, hash=False)
    ttl: float | NotProvided | None = NOT_PROVIDED


@frozen
class SearchOp:
    """Search below a namespace; see `Store.search`."""

    namespace_prefix: tuple[str, ...]
    filter: Mapping[str, Any] | None = field(default=None, hash=False)
    limit: int = 10
    offset: int = 0
    query: str | None = None
    refresh_ttl: bool | None = None


@frozen
class MatchCondition:
    """Which namespaces to list.

    Args:
        match_type: Whether ``path`` is their beginning or their end.
        path: Names; ``"*"`` stands for any one.
    """

    match_type: Literal["prefix", "suffix"]
    path: tuple[str, ...]

    def fits(self, namespace: tuple[str, ...]) -> bool:
        """Whether a namespace is meant."""
        size = len(self.path)
        if size > len(namespace):
            return False
        part = namespace[:size] if self.match_type == "prefix" else namespace[len(namespace) - size :]
        return all(want in ("*", name) for want, name in zip(self.path, part, strict=True))


@frozen
class ListNamespacesOp:
    """List namespaces; see `Store.list_namespaces`.

    Args:
        match_conditions: Beginnings and ends that a namespace has to have.
    """

    match_conditions: tuple[MatchCondition, ...] | None = None
    max_depth: int | None = None
    limit: int = 100
    offset: int = 0


Op = GetOp | PutOp | SearchOp | ListNamespacesOp
"""What a batch holds."""

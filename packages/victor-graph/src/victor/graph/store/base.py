"""The store's interface, and all of it that does not depend on where the rows lie.

A backend keeps rows and implements four methods: `_read`, `_scan`, `_change` and `_names`.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, cast

from victor.graph.checkpoint.codec import Codec
from victor.graph.store.checks import StoreError, check
from victor.graph.store.filters import passes
from victor.graph.store.operations import (
    NOT_PROVIDED,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    NotProvided,
    Op,
    PutOp,
    SearchItem,
    SearchOp,
)
from victor.graph.store.ranking import by_vectors, by_words, pack_vector, texts_at
from victor.graph.store.rows import Change, Drop, Row, Touch, alive

__all__ = ["BaseStore", "Embed", "IndexConfig", "Store", "StoreError", "TTLConfig"]

Embed = Callable[[list[str]], Sequence[Sequence[float]] | Awaitable[Sequence[Sequence[float]]]]
"""Turns texts into vectors of one length; a plain or an async function."""


class IndexConfig(TypedDict, total=False):
    """How values are found by meaning."""

    embed: Embed
    """Makes vectors of texts. Required."""
    dims: int
    """Length of the vectors; checked when given."""
    fields: Sequence[str]
    """Which texts of a value to index, as paths (``"title"``, ``"parts[*].text"``); all of it (``"$"``) by default."""


class TTLConfig(TypedDict, total=False):
    """How long items live unless `Store.put` says otherwise. Times are minutes."""

    default_ttl: float | None
    """Minutes an item lives; None is for ever."""
    refresh_on_read: bool
    """Whether being read starts an item's time anew; True by default."""


class Store(ABC):
    """Values by namespace and key. Safe to share between threads; every method has an async twin (``aget``, ...).

    Args:
        index: Finds values by meaning: an `IndexConfig`, or only the function that makes vectors. Without it a query
            is matched by words.
        ttl: How long items live by default.
        codec: For values with classes of your own; by default Python's own types, numpy and messages can be stored.
        clock: Tells the time as `time.time_ns` does.
    """

    supports_ttl = True

    def __init__(
        self,
        *,
        index: IndexConfig | Embed | None = None,
        ttl: TTLConfig | None = None,
        codec: Codec | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.index_config: IndexConfig | None = {"embed": index} if callable(index) else index
        if self.index_config is not None and "embed" not in self.index_config:
            raise StoreError("index= needs 'embed': a function that makes vectors of a list of texts")
        self.ttl_config: TTLConfig = ttl or {}
        self._fields = tuple((self.index_config or {}).get("fields") or ("$",))
        self._codec = codec or Codec()
        self._clock = clock

    # what a backend does --------------------------------------------------------------------

    @abstractmethod
    def _read(self, namespace: tuple[str, ...], key: str) -> Row | None:
        """One row, expired or not."""

    @abstractmethod
    def _scan(self, prefix: tuple[str, ...]) -> list[Row]:
        """The rows whose namespace starts with these names, the latest updated first."""

    @abstractmethod
    def _change(self, changes: Sequence[Change]) -> None:
        """Make changes in order, all or none. A row that replaces one keeps its ``created_ns``, unless that expired."""

    @abstractmethod
    def _names(self) -> list[tuple[str, ...]]:
        """The namespaces that have a row which has not expired."""

    @abstractmethod
    def _purge(self, now_ns: int) -> int:
        """Delete what expired before ``now_ns``; says how many."""

    blocking = True
    """Whether a call may take long, so that the async methods run it in a thread."""

    def close(self) -> None:
        """Release what is held."""

    # operations ------------------------------------------------------------------------------

    def batch(self, ops: Iterable[Op]) -> list[Any]:
        """Do several things at once: first all that is read, then all puts and deletes, together or not at all.

        Args:
            ops: `GetOp`, `SearchOp`, `ListNamespacesOp` and `PutOp`. Of several puts to one key the last counts.

        Returns:
            For each the result: an `Item` or None, a list of `SearchItem`, a list of namespaces, None.

        Raises:
            StoreError: An argument makes no sense, or the store cannot be read or written.
        """
        ops = list(ops)
        texts = self._texts(ops)
        vectors: Sequence[Sequence[float]] = ()
        if texts:
            made = self._embed(texts)
            if inspect.isawaitable(made):
                if inspect.iscoroutine(made):
                    made.close()
                raise StoreError(
                    "the index's embed function is async: use the store's async methods (aput, asearch, ...)"
                )
            vectors = made
        return self._apply(ops, self._checked(texts, vectors))

    async def abatch(self, ops: Iterable[Op]) -> list[Any]:
        """`batch` without holding up the event loop; the embed function may be async."""
        ops = list(ops)
        texts = self._texts(ops)
        vectors: Sequence[Sequence[float]] = ()
        if texts:
            if inspect.iscoroutinefunction(self._embed) or not self.blocking:
                made = self._embed(texts)
            else:
                made = await asyncio.to_thread(self._embed, texts)
            vectors = await made if inspect.isawaitable(made) else made
        found = self._checked(texts, vectors)
        return await asyncio.to_thread(self._apply, ops, found) if self.blocking else self._apply(ops, found)

    def get(self, namespace: tuple[str, ...], key: str, *, refresh_ttl: bool | None = None) -> Item | None:
        """The item under a key, or None.

        Args:
            namespace: Where to look.
            key: The key.
            refresh_ttl: Whether this starts the item's time anew; by default as the store is set.
        """
        return cast("Item | None", self.batch([GetOp(tuple(namespace), key, refresh_ttl)])[0])

    def search(
        self,
        namespace_prefix: tuple[str, ...],
        /,
        *,
        query: str | None = None,
        filter: Mapping[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """Items below a namespace: the best first for a query, else the latest first.

        Looks at every item below the namespace: right for thousands, slow for millions.

        Args:
            namespace_prefix: First names of the namespaces to look in; ``()`` looks in all.
            query: Words to find, or, with an index, a meaning. Items that have nothing of it are left out.
            filter: Field values that items must have; see `victor.graph.store.filters.passes`.
            limit: At most so many.
            offset: Leave out so many of the first.
            refresh_ttl: Whether this starts the items' time anew; by default as the store is set.
        """
        op = SearchOp(tuple(namespace_prefix), filter, limit, offset, query, refresh_ttl)
        return cast("list[SearchItem]", self.batch([op])[0])

    def put(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Literal[False] | Sequence[str] | None = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """Store a value; a former one under the key is replaced.

        Args:
            namespace: Where to put it: one or more names.
            key: The key.
            value: A dictionary with text keys.
            index: Fields to search by, as paths; False keeps the item out of queries. By default as the store is set.
            ttl: Minutes it lives; None is for ever. By default as the store is set.

        Raises:
            StoreError: The namespace, key or value cannot be stored; nothing was.
        """
        self.batch([PutOp(tuple(namespace), key, value, index, ttl)])

    def delete(self, namespace: tuple[str, ...], key: str) -> None:
        """Remove the item under a key; if there is none, nothing happens."""
        self.batch([PutOp(tuple(namespace), key, None)])

    def list_namespaces(
        self,
        *,
        prefix: tuple[str, ...] | None = None,
        suffix: tuple[str, ...] | None = None,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[tuple[str, ...]]:
        """Namespaces that have items, sorted.

        Args:
            prefix: Only those that begin so; ``"*"`` stands for any one name.
            suffix: Only those that end so.
            max_depth: Cut them off after so many names.
            limit: At most so many.
            offset: Leave out so many of the first.
        """
        return cast("list[tuple[str, ...]]", self.batch([_list_op(prefix, suffix, max_depth, limit, offset)])[0])

    async def aget(self, namespace: tuple[str, ...], key: str, *, refresh_ttl: bool | None = None) -> Item | None:
        """`get` for async programs."""
        return cast("Item | None", (await self.abatch([GetOp(tuple(namespace), key, refresh_ttl)]))[0])

    async def asearch(
        self,
        namespace_prefix: tuple[str, ...],
        /,
        *,
        query: str | None = None,
        filter: Mapping[str, Any] | None = None,
        limit: int = 10,
        offset: int = 0,
        refresh_ttl: bool | None = None,
    ) -> list[SearchItem]:
        """`search` for async programs."""
        op = SearchOp(tuple(namespace_prefix), filter, limit, offset, query, refresh_ttl)
        return cast("list[SearchItem]", (await self.abatch([op]))[0])

    async def aput(
        self,
        namespace: tuple[str, ...],
        key: str,
        value: Mapping[str, Any],
        index: Literal[False] | Sequence[str] | None = None,
        *,
        ttl: float | NotProvided | None = NOT_PROVIDED,
    ) -> None:
        """`put` for async programs."""
        await self.abatch([PutOp(tuple(namespace), key, value, index, ttl)])

    async def adelete(self, namespace: tuple[str, ...], key: str) -> None:
        """`delete` for async programs."""
        await self.abatch([PutOp(tuple(namespace), key, None)])

    async def alist_namespaces(
        self,
        *,
        prefix: tuple[str, ...] | None = None,
        suffix: tuple[str, ...] | None = None,
        max_depth: int | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[tuple[str, ...]]:
        """`list_namespaces` for async programs."""
        op = _list_op(prefix, suffix, max_depth, limit, offset)
        return cast("list[tuple[str, ...]]", (await self.abatch([op]))[0])

    def sweep_ttl(self) -> int:
        """Delete for good what has expired. Expired items are never returned; this only frees their space.

        Returns:
            How many were deleted.
        """
        return self._purge(self._clock())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # how it is done --------------------------------------------------------------------------

    @property
    def _embed(self) -> Embed:
        assert self.index_config is not None
        return self.index_config["embed"]

    def _texts(self, ops: list[Op]) -> list[str]:
        """Checks the operations, and says which texts need vectors."""
        texts: dict[str, None] = {}
        for op in ops:
            check(op)
            if self.index_config is not None:
                if isinstance(op, SearchOp) and op.query:
                    texts[op.query] = None
                elif isinstance(op, PutOp) and op.value is not None and op.index is not False:
                    texts |= dict.fromkeys(texts_at(op.value, op.index or self._fields))
        return list(texts)

    def _checked(self, texts: list[str], vectors: Sequence[Sequence[float]]) -> dict[str, Sequence[float]]:
        if len(texts) != len(vectors):
            raise StoreError(f"the index's embed function made {len(vectors)} vectors of {len(texts)} texts")
        sizes = {len(vector) for vector in vectors}
        wanted = (self.index_config or {}).get("dims")
        if len(sizes) > 1 or (wanted is not None and sizes and sizes != {wanted}):
            raise StoreError(f"the index's embed function made vectors of length {sorted(sizes)}; dims is {wanted}")
        return dict(zip(texts, vectors, strict=True))

    def _apply(self, ops: list[Op], vectors: Mapping[str, Sequence[float]]) -> list[Any]:
        now = self._clock()
        results: list[Any] = []
        changes: dict[tuple[tuple[str, ...], str], Change] = {}
        for op in ops:
            if isinstance(op, GetOp):
                row = self._read(op.namespace, op.key)
                rows = [row] if row is not None and alive(row, now) else []
                results.append(self._item(rows[0], Item) if rows else None)
                self._touch(changes, rows, op.refresh_ttl, now)
            elif isinstance(op, SearchOp):
                found = self._search(op, vectors, now)
                results.append([self._item(row, SearchItem, score=score) for row, score in found])
                self._touch(changes, [row for row, _ in found], op.refresh_ttl, now)
            elif isinstance(op, PutOp):
                results.append(None)
            else:
                results.append(_listed(self._names(), op))
        for op in ops:
            if isinstance(op, PutOp):
                drop = op.value is None
                changes[op.namespace, op.key] = Drop(op.namespace, op.key) if drop else self._row(op, vectors, now)
        if changes:
            self._change(list(changes.values()))
        return results

    def _touch(
        self,
        changes: dict[tuple[tuple[str, ...], str], Change],
        rows: list[Row],
        refresh: bool | None,
        now: int,
    ) -> None:
        if refresh if refresh is not None else self.ttl_config.get("refresh_on_read", True):
            for row in rows:
                if row.ttl_s is not None:
                    changes[row.namespace, row.key] = Touch(
                        row.namespace, row.key, row.updated_ns, now + int(row.ttl_s * 1e9)
                    )

    def _item(self, row: Row, kind: type[Item], **more: Any) -> Item:
        return kind(
            value=self._codec.decode(row.data),
            key=row.key,
            namespace=row.namespace,
            created_at=datetime.fromtimestamp(row.created_ns / 1e9, UTC),
            updated_at=datetime.fromtimestamp(row.updated_ns / 1e9, UTC),
            **more,
        )

    def _row(self, op: PutOp, vectors: Mapping[str, Sequence[float]], now: int) -> Row:
        assert op.value is not None
        minutes = self.ttl_config.get("default_ttl") if isinstance(op.ttl, NotProvided) else op.ttl
        ttl_s = None if minutes is None else minutes * 60.0
        packed = None
        if self.index_config is not None and op.index is not False:
            packed = pack_vector([vectors[text] for text in texts_at(op.value, op.index or self._fields)])
        fields = () if op.index is False else None if op.index is None else tuple(op.index)
        data = self._codec.encode(dict(op.value), root=f"value of {op.key!r}")
        expires_ns = None if ttl_s is None else now + int(ttl_s * 1e9)
        return Row(op.namespace, op.key, data, packed, fields, now, now, ttl_s, expires_ns)

    def _search(self, op: SearchOp, vectors: Mapping[str, Sequence[float]], now: int) -> list[tuple[Row, float | None]]:
        rows = [row for row in self._scan(op.namespace_prefix) if alive(row, now)]
        if op.filter:
            rows = [row for row in rows if passes(self._codec.decode(row.data), op.filter)]
        found: list[tuple[Row, float | None]] = [(row, None) for row in rows]
        if op.query:
            scores: Sequence[float | None]
            if self.index_config is not None:
                scores = by_vectors(vectors[op.query], [row.vectors for row in rows])
            else:
                texts = [
                    texts_at(self._codec.decode(row.data), self._fields if row.fields is None else row.fields)
                    for row in rows
                ]
                scores = [score or None for score in by_words(op.query, texts)]
            found = [(row, score) for row, score in zip(rows, scores, strict=True) if score is not None]
            found.sort(key=lambda pair: -cast("float", pair[1]))
        return found[op.offset : op.offset + op.limit]


BaseStore = Store
"""The same under the name LangGraph's users know."""


def _list_op(
    prefix: tuple[str, ...] | None, suffix: tuple[str, ...] | None, max_depth: int | None, limit: int, offset: int
) -> ListNamespacesOp:
    conditions: list[MatchCondition] = []
    if prefix:
        conditions.append(MatchCondition("prefix", tuple(prefix)))
    if suffix:
        conditions.append(MatchCondition("suffix", tuple(suffix)))
    return ListNamespacesOp(tuple(conditions) or None, max_depth, limit, offset)


def _listed(names: list[tuple[str, ...]], op: ListNamespacesOp) -> list[tuple[str, ...]]:
    fitting = [name for name in names if all(one.fits(name) for one in op.match_conditions or ())]
    return sorted({name[: op.max_depth] for name in fitting})[op.offset : op.offset + op.limit]

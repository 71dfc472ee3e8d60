"""Removes old checkpoints, and keeps what stays readable."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from attrs import evolve

from victor.graph.checkpoint.base import Checkpointer, Entry
from victor.graph.errors import CheckpointError, GraphValidationError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["prune"]


def prune(store: Checkpointer, *, thread_id: str | None, keep_last: int | None, older_than: float | None) -> int:
    """See `Checkpointer.prune`.

    Raises:
        GraphValidationError: Nothing says what to remove, or ``keep_last`` is less than 1.
    """
    if keep_last is None and older_than is None:
        raise GraphValidationError("prune needs keep_last=, older_than= or both; delete_thread removes a whole thread")
    if keep_last is not None and keep_last < 1:
        raise GraphValidationError("keep_last must be at least 1; delete_thread removes a whole thread")
    if older_than is not None and older_than < 0:
        raise GraphValidationError("older_than is a number of seconds, at least 0")
    threads = [thread_id] if thread_id is not None else [one.thread_id for one in store.threads()]
    return sum(_prune_thread(store, one, keep_last, older_than) for one in threads)


def _prune_thread(store: Checkpointer, thread_id: str, keep_last: int | None, older_than: float | None) -> int:
    oldest = "" if older_than is None else f"{max(0, time.time_ns() - int(older_than * 1e9)):016x}"
    removed = 0
    cut = oldest
    for namespace in store.namespaces(thread_id):
        entries = store.entries(thread_id, namespace)
        own = not namespace or ":" not in namespace  # the outermost graph, or a subgraph with a memory of its own
        limit = oldest
        if own and keep_last is not None and len(entries) > keep_last:
            limit = max(limit, entries[keep_last - 1].id)
        if not namespace:
            cut = limit
        if not own:
            limit = max(limit, cut)
            if entries[0].id < limit:  # all of it belongs to supersteps that are gone
                store.rewrite(thread_id, namespace, remove=[entry.id for entry in entries])
                removed += len(entries)
                continue
        removed += _cut(store, thread_id, namespace, entries, limit)
    return removed


def _cut(store: Checkpointer, thread_id: str, namespace: str, entries: Sequence[Entry], limit: str) -> int:
    """Removes the entries with ids below ``limit``, except the latest."""
    from victor.graph.checkpoint.log import compose

    gone = [entry.id for entry in entries[1:] if entry.id < limit]
    if not gone:
        return 0
    lost = set(gone)
    stay = [entry for entry in entries if entry.id not in lost]
    replaced = []
    bases: dict[str, str] = {}
    for entry in reversed(stay):
        chain = store.chain(thread_id, namespace, entry.id)
        if chain is None:
            raise CheckpointError(f"thread {thread_id!r} was changed by somebody else while it was pruned; prune again")
        full = chain.entries[-1]
        if full.base_id not in lost and not any(one.id in lost for one in chain.entries):
            if full.parent_id in lost:
                replaced.append(evolve(full, parent_id=None))
            continue
        parent = full.parent_id
        if parent in lost or parent is None:
            replaced.append(evolve(full, parent_id=None, base_id=full.id, snapshot=compose(chain)))
            bases[full.id] = full.id
        else:
            bases[full.id] = bases[parent]
            replaced.append(evolve(full, base_id=bases[parent]))
    store.rewrite(thread_id, namespace, remove=gone, replace=replaced)
    return len(gone)

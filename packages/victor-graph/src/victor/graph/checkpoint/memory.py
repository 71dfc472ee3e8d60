"""Checkpoints in this process's memory: for tests, notebooks and runs that need not outlive it."""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock

from attrs import evolve

from victor.graph.checkpoint.base import Batch, Chain, Checkpointer, Entry, Note, ThreadInfo
from victor.graph.checkpoint.heads import demands
from victor.graph.errors import CheckpointError, CheckpointNotFoundError

__all__ = ["InMemorySaver", "MemorySaver"]


class MemorySaver(Checkpointer):
    """Keeps checkpoints in memory, encoded as in any other store.

    Example:
        >>> MemorySaver().threads()
        []
    """

    instant = True

    def __init__(self) -> None:
        self._threads: dict[str, dict[str, dict[str, Entry]]] = {}
        self._notes: dict[tuple[str, str, str], dict[tuple[str, str], Note]] = {}
        self._heads: dict[tuple[str, str], str] = {}
        self._lock = RLock()
        self._closed = False

    def write(self, batches: Sequence[Batch]) -> None:
        """Apply batches."""
        with self._lock:
            self._check()
            if any(batch.based_on is not None for batch in batches):
                self._check_heads(batches)
            for batch in batches:
                for settled in batch.settled:
                    self._settle((settled.thread_id, settled.namespace, settled.entry_id), settled.keys)
                for entry in batch.entries:
                    self._threads.setdefault(entry.thread_id, {}).setdefault(entry.namespace, {})[entry.id] = entry
                    place = (entry.thread_id, entry.namespace)
                    if entry.id > self._heads.get(place, ""):
                        self._heads[place] = entry.id
                for note in batch.notes:
                    about = (note.thread_id, note.namespace, note.entry_id)
                    self._notes.setdefault(about, {})[note.task_id, note.key] = note

    def _check_heads(self, batches: Sequence[Batch]) -> None:
        if len(batches) == 1 and (base := batches[0].based_on) is not None:
            if self._heads.get((base.thread_id, base.namespace)) == base.entry_id:
                return
        for place, demand in demands(batches).items():
            demand.check(place, self._heads.get(place))

    def _settle(self, place: tuple[str, str, str], keys: tuple[str, ...]) -> None:
        notes = self._notes.get(place)
        if notes is None:
            return
        for known in [one for one in notes if one[1].partition(":")[0] in keys]:
            del notes[known]
        if not notes:
            del self._notes[place]

    def chain(self, thread_id: str, namespace: str = "", entry_id: str | None = None) -> Chain | None:
        """What is needed to read an entry."""
        with self._lock:
            self._check()
            log = self._threads.get(thread_id, {}).get(namespace)
            if not log:
                return None
            entry = log.get(self._heads[thread_id, namespace] if entry_id is None else entry_id)
            if entry is None:
                return None
            place = (thread_id, namespace, entry.id)
            found = [entry]
            while found[-1].id != found[-1].base_id:
                parent = log.get(found[-1].parent_id or "")
                if parent is None:
                    raise CheckpointError(f"thread {thread_id!r}: checkpoint {found[-1].id} has lost its parent")
                found.append(parent)
            return Chain(tuple(reversed(found)), tuple(self._sorted(place)))

    def _sorted(self, place: tuple[str, str, str]) -> list[Note]:
        return [note for _, note in sorted(self._notes.get(place, {}).items())]

    def entries(
        self, thread_id: str, namespace: str = "", *, before: str | None = None, limit: int | None = None
    ) -> list[Entry]:
        """Entries of a namespace, newest first, without snapshots."""
        with self._lock:
            self._check()
            log = self._threads.get(thread_id, {}).get(namespace, {})
            ids = sorted((id for id in log if before is None or id < before), reverse=True)
            return [evolve(log[id], snapshot=None) for id in ids[:limit]]

    def notes(self, thread_id: str, namespace: str, entry_id: str) -> list[Note]:
        """The notes of an entry."""
        with self._lock:
            self._check()
            return self._sorted((thread_id, namespace, entry_id))

    def namespaces(self, thread_id: str) -> list[str]:
        """The namespaces of a thread."""
        with self._lock:
            self._check()
            return sorted(name for name, log in self._threads.get(thread_id, {}).items() if log)

    def threads(self, *, limit: int | None = None) -> list[ThreadInfo]:
        """The threads, the latest updated first."""
        with self._lock:
            self._check()
            found = []
            for thread_id, namespaces in self._threads.items():
                times = [entry.created_ns for log in namespaces.values() for entry in log.values()]
                if times:
                    found.append(ThreadInfo(thread_id, len(times), min(times), max(times)))
            return sorted(found, key=lambda one: (-one.updated_ns, one.thread_id))[:limit]

    def delete_thread(self, thread_id: str) -> None:
        """Remove a thread."""
        with self._lock:
            self._check()
            for namespace in self._threads.pop(thread_id, {}):
                del self._heads[thread_id, namespace]
            for place in [one for one in self._notes if one[0] == thread_id]:
                del self._notes[place]

    def copy_thread(self, source: str, target: str) -> None:
        """Copy a thread."""
        with self._lock:
            self._check()
            if source not in self._threads:
                raise CheckpointNotFoundError(f"there is no thread {source!r} to copy")
            if target in self._threads:
                raise CheckpointError(f"there is a thread {target!r} already; delete it first, or choose another name")
            self._threads[target] = {
                namespace: {id: evolve(entry, thread_id=target) for id, entry in log.items()}
                for namespace, log in self._threads[source].items()
            }
            self._heads.update({(target, name): max(log) for name, log in self._threads[target].items()})
            for place in [one for one in self._notes if one[0] == source]:
                self._notes[target, place[1], place[2]] = {
                    key: evolve(note, thread_id=target) for key, note in self._notes[place].items()
                }

    def rewrite(
        self, thread_id: str, namespace: str, *, remove: Sequence[str] = (), replace: Sequence[Entry] = ()
    ) -> None:
        """Remove entries and replace others."""
        with self._lock:
            self._check()
            log = self._threads.get(thread_id, {}).get(namespace, {})
            for id in remove:
                log.pop(id, None)
                self._notes.pop((thread_id, namespace, id), None)
            for entry in replace:
                if entry.id in log:
                    log[entry.id] = entry
            if log:
                self._heads[thread_id, namespace] = max(log)
            else:
                self._heads.pop((thread_id, namespace), None)
                self._threads.get(thread_id, {}).pop(namespace, None)
                if not self._threads.get(thread_id, True):
                    del self._threads[thread_id]

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._closed = True
            self._threads.clear()
            self._notes.clear()
            self._heads.clear()

    def _check(self) -> None:
        if self._closed:
            raise CheckpointError("this MemorySaver is closed")


InMemorySaver = MemorySaver
"""The same under the name LangGraph's users know."""


def from_url(url: str) -> MemorySaver:
    """A store in memory; what the plugin registers for the scheme ``memory``."""
    return MemorySaver()

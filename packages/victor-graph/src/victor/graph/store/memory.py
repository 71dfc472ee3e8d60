"""A store in this process's memory: for tests, notebooks, and what need not outlive the process."""

from __future__ import annotations

from collections.abc import Sequence
from threading import RLock
from typing import Any

from attrs import evolve

from victor.graph.store.base import Store
from victor.graph.store.rows import Change, Drop, Row, alive

__all__ = ["InMemoryStore"]


class InMemoryStore(Store):
    """Keeps values in memory, encoded, so that nobody's changes to a value reach anybody else. See `Store`.

    Example:
        >>> store = InMemoryStore()
        >>> store.put(("notes",), "a", {"n": 1})
        >>> store.get(("notes",), "a").value["n"]
        1
    """

    blocking = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._rows: dict[tuple[str, ...], dict[str, Row]] = {}
        self._lock = RLock()

    def _read(self, namespace: tuple[str, ...], key: str) -> Row | None:
        with self._lock:
            return self._rows.get(namespace, {}).get(key)

    def _scan(self, prefix: tuple[str, ...]) -> list[Row]:
        with self._lock:
            size = len(prefix)
            rows = [row for name, held in self._rows.items() if name[:size] == prefix for row in held.values()]
        return sorted(rows, key=lambda row: (-row.updated_ns, row.namespace, row.key))

    def _change(self, changes: Sequence[Change]) -> None:
        with self._lock:
            for change in changes:
                if isinstance(change, Drop):
                    self._remove(change.namespace, change.key)
                    continue
                former = self._rows.get(change.namespace, {}).get(change.key)
                if isinstance(change, Row):
                    if former is not None and alive(former, change.updated_ns):
                        change = evolve(change, created_ns=former.created_ns)
                    self._rows.setdefault(change.namespace, {})[change.key] = change
                elif former is not None and former.updated_ns == change.updated_ns:
                    self._rows[change.namespace][change.key] = evolve(former, expires_ns=change.expires_ns)

    def _names(self) -> list[tuple[str, ...]]:
        now = self._clock()
        with self._lock:
            return [name for name, held in self._rows.items() if any(alive(row, now) for row in held.values())]

    def _purge(self, now_ns: int) -> int:
        with self._lock:
            gone = [
                (name, key) for name, held in self._rows.items() for key, row in held.items() if not alive(row, now_ns)
            ]
            for place in gone:
                self._remove(*place)
            return len(gone)

    def _remove(self, namespace: tuple[str, ...], key: str) -> None:
        held = self._rows.get(namespace, {})
        held.pop(key, None)
        if not held:
            self._rows.pop(namespace, None)

"""Using a node's result again when it is asked the same."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from threading import Lock
from typing import Any, Protocol

from attrs import frozen

__all__ = ["Cache", "CachePolicy", "InMemoryCache", "default_cache_key"]


def default_cache_key(value: Any) -> bytes:
    """A digest of a node's input: equal for inputs that are stored alike."""
    from victor.graph.checkpoint.codec import encode

    return blake2b(encode(_ordered(value)), digest_size=20).digest()


def _ordered(value: Any) -> Any:
    if type(value) is dict:
        return [[key, _ordered(value[key])] for key in sorted(value, key=repr)]
    return value


@frozen(kw_only=True)
class CachePolicy:
    """Lets a node's result be used again.

    Args:
        key_func: Makes the key from the node's input; by default a digest of all of it.
        ttl: Seconds a result stays good; None means as long as the cache keeps it.
    """

    key_func: Callable[[Any], str | bytes] = default_cache_key
    ttl: float | None = None


class Cache(Protocol):
    """What ``compile(cache=...)`` takes."""

    def get(self, namespace: tuple[str, ...], key: bytes) -> Any | None:
        """What was stored, or None."""

    def set(self, namespace: tuple[str, ...], key: bytes, value: Any, ttl: float | None) -> None:
        """Store a value for at most ``ttl`` seconds."""

    def clear(self, namespace: tuple[str, ...] | None = None) -> None:
        """Forget a namespace, or everything."""


class InMemoryCache:
    """A cache in this process; forgets what was used longest ago.

    Args:
        maxsize: How many results it keeps.

    Example:
        >>> cache = InMemoryCache(maxsize=1)
        >>> cache.set(("n",), b"a", 1, None); cache.set(("n",), b"b", 2, None)
        >>> cache.get(("n",), b"a"), cache.get(("n",), b"b")
        (None, 2)
    """

    def __init__(self, maxsize: int = 10_000) -> None:
        self._maxsize = maxsize
        self._kept: OrderedDict[tuple[tuple[str, ...], bytes], tuple[float, Any]] = OrderedDict()
        self._lock = Lock()

    def get(self, namespace: tuple[str, ...], key: bytes) -> Any | None:
        """What was stored, or None."""
        with self._lock:
            found = self._kept.get((namespace, key))
            if found is None:
                return None
            if found[0] <= time.monotonic():
                del self._kept[namespace, key]
                return None
            self._kept.move_to_end((namespace, key))
            return found[1]

    def set(self, namespace: tuple[str, ...], key: bytes, value: Any, ttl: float | None) -> None:
        """Store a value for at most ``ttl`` seconds."""
        with self._lock:
            self._kept[namespace, key] = (float("inf") if ttl is None else time.monotonic() + ttl, value)
            self._kept.move_to_end((namespace, key))
            while len(self._kept) > self._maxsize:
                self._kept.popitem(last=False)

    def clear(self, namespace: tuple[str, ...] | None = None) -> None:
        """Forget a namespace, or everything."""
        with self._lock:
            if namespace is None:
                self._kept.clear()
            else:
                for known in [one for one in self._kept if one[0] == namespace]:
                    del self._kept[known]

"""Keeps results for calls with equal arguments."""

from __future__ import annotations

import copy
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from victor.core.tool import Next, ToolContext

__all__ = ["ResultCache"]

_PLAIN: Final = (str, int, float, bool, bytes, type(None))


class ResultCache:
    """Middleware that answers a call from memory when the same was asked lately. Errors are not kept.

    Equal means: the same arguments after validation, and the same ``deps`` of the run. Values that could be
    changed by whoever gets them are copied.

    Args:
        ttl_s: Seconds a result is kept.
        size: Most results kept; the least recently used goes first.
        clock: Seconds that only grow; for tests.
    """

    def __init__(self, ttl_s: float, size: int = 256, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ttl = ttl_s
        self._size = size
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget all results."""
        with self._lock:
            self._kept.clear()

    async def __call__(self, context: ToolContext, next_: Next) -> Any:
        """Answer from memory, or go on and remember."""
        key = _key(context)
        if key is None:
            return await next_(context)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                if found[0] > self._clock():
                    self._kept.move_to_end(key)
                else:
                    del self._kept[key]
                    found = None
        if found is not None:
            context.scope.stream.emit("tools.cache_hit", context.tool.name, {"call_id": context.call_id})
            return _copy(found[1])
        value = await next_(context)
        kept = _copy(value)
        with self._lock:
            self._kept[key] = (self._clock() + self._ttl, kept)
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return value


def _key(context: ToolContext) -> Hashable | None:
    """What makes two calls equal, or None when that cannot be said."""
    try:
        arguments = msgspec.json.encode(context.arguments, enc_hook=_encoded, order="deterministic")
        key = (arguments, context.deps)
        hash(key)
    except (TypeError, ValueError, msgspec.MsgspecError):
        return None
    return key


def _encoded(value: Any) -> Any:
    from pathlib import PurePath

    if isinstance(value, PurePath):
        return str(value)
    dump = getattr(value, "model_dump", None)  # pydantic
    if callable(dump):
        return dump(mode="json")
    raise TypeError(type(value).__name__)


def _copy(value: Any) -> Any:
    return value if isinstance(value, _PLAIN) else copy.deepcopy(value)

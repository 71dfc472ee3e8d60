"""How a value changed: small operations in place of whole values, so that a log grows with what is new.

Only identity is compared, never equality: what is the same object cannot have changed (the state is private to the
run, and its parts are never changed in place), and ``1 == True`` is no reason to store one for the other.
"""

from __future__ import annotations

from itertools import takewhile
from operator import is_
from typing import Any, Final

from victor.graph.channels import MISSING, Channel
from victor.graph.isolate import CONSTANT

__all__ = ["APPEND", "MERGE", "SET", "SPLICE", "apply", "before_change", "difference"]

SET: Final = 0
"""``key, SET, value``: the key has this value."""
SPLICE: Final = 1
"""``key, SPLICE, start, count, items``: in the list, these items stand in place of ``count`` from ``start``."""
MERGE: Final = 2
"""``key, MERGE, changed, removed``: in the dict, these items are set and these keys gone."""
APPEND: Final = 3
"""``key, APPEND, text``: the text goes on with this."""

_SHORT: Final = 32


def before_change(channel: Channel, value: Any) -> Any:
    """What to remember of a value before a write, to find the difference afterwards; `MISSING` for nothing."""
    kind = type(value)
    if (kind is not list and kind is not dict) or channel.reducer is None or channel.pure:
        return value
    parts = value if kind is list else value.values()
    if CONSTANT.issuperset(map(type, parts)):
        return value.copy()  # a foreign reducer may change it in place
    return MISSING


def difference(key: str, old: Any, new: Any) -> list[Any]:
    """The operation that makes ``new`` of ``old``: a flat list, so that several can stand in one list."""
    kind = type(new)
    if kind is type(old) and new is not old:
        found = None
        if kind is list:
            found = _splice(old, new)
        elif kind is dict:
            found = _merge(old, new)
        elif kind is str and len(old) > _SHORT and new.startswith(old):
            found = [APPEND, new[len(old) :]]
        if found is not None:
            return [key, *found]
    return [key, SET, new]


def _splice(old: list[Any], new: list[Any]) -> list[Any] | None:
    size = len(old)
    if not size:
        return None
    if len(new) >= size and all(map(is_, old, new)):
        return [SPLICE, size, 0, new[size:]]
    most = min(size, len(new))
    start = sum(1 for _ in takewhile(bool, map(is_, old, new)))
    end = sum(1 for _ in takewhile(bool, map(is_, reversed(old), reversed(new))))
    end = min(end, most - start)
    if start + end < len(new) // 2:
        return None
    return [SPLICE, start, size - start - end, new[start : len(new) - end]]


def _merge(old: dict[Any, Any], new: dict[Any, Any]) -> list[Any] | None:
    changed = {key: item for key, item in new.items() if old.get(key, MISSING) is not item}
    if len(changed) > len(new) // 2:
        return None
    removed = [key for key in old if key not in new]
    kept = [key for key in old if key in new]
    if kept + [key for key in changed if key not in old] != list(new):
        return None  # another order
    return [MERGE, changed, removed]


def apply(values: dict[str, Any], operations: list[Any], *, shared: bool = False) -> None:
    """Apply operations to values, in place; with ``shared``, containers are copied first.

    Raises:
        ValueError: They are no operations, or do not fit the values.
    """
    at, end = 0, len(operations)
    try:
        while at < end:
            key, code = operations[at], operations[at + 1]
            at += 2
            if code == SET:
                values[key] = operations[at]
                at += 1
            elif code == SPLICE:
                start, count, items = operations[at : at + 3]
                value = values[key] = values[key].copy() if shared else values[key]
                value[start : start + count] = items
                at += 3
            elif code == MERGE:
                changed, removed = operations[at : at + 2]
                value = values[key] = values[key].copy() if shared else values[key]
                for one in removed:
                    del value[one]
                value.update(changed)
                at += 2
            elif code == APPEND:
                values[key] = values[key] + operations[at]
                at += 1
            else:
                raise ValueError(f"{code!r} is no operation")
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"its operations do not fit: {type(error).__name__}: {error}") from error

"""Channels: the keys of a state, and how writes to them combine.

A key without a reducer holds the last value written and takes one write in a superstep. A key with a reducer,
``Annotated[list, operator.add]``, takes any number: ``new = reducer(old, update)`` for each, in a fixed order.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from victor.graph.command import Overwrite
from victor.graph.errors import InvalidUpdateError

__all__ = ["MISSING", "Channel", "Reducer", "overwritten", "reduce"]

Reducer = Callable[[Any, Any], Any]
"""Combines what is there with what is written, in this order."""

MISSING: Final[Any] = type("MISSING", (), {"__repr__": lambda self: "MISSING"})()
"""Stands for a key without a value."""

_PURE: Final = frozenset({operator.add, operator.or_, operator.and_, operator.concat, operator.mul, max, min})


class Channel:
    """One key of the state.

    Args:
        name: The key.
        reducer: How a write is combined with what is there; None for last-value keys.
        empty: Makes the value a reducer starts from; None when the first write is the value.
    """

    __slots__ = ("empty", "name", "pure", "reducer")

    def __init__(self, name: str, reducer: Reducer | None = None, empty: Callable[[], Any] | None = None) -> None:
        self.name: str = name
        self.reducer: Reducer | None = reducer
        self.empty: Callable[[], Any] | None = empty
        self.pure: bool = reducer in _PURE or getattr(reducer, "changes_nothing_in_place", False)

    def initial(self) -> Any:
        """The value before any write: that of the annotated type called without arguments, or `MISSING`."""
        if self.empty is None:
            return MISSING
        try:
            return self.empty()
        except Exception:  # noqa: BLE001 - any class may be annotated; one that needs arguments has no empty value
            return MISSING


def overwritten(value: Any) -> Any:
    """The value inside an `Overwrite` (also in its dict form), else `MISSING`."""
    kind = type(value)
    if kind is Overwrite:
        return value.value
    if kind is dict and len(value) == 1 and "__overwrite__" in value:
        return value["__overwrite__"]
    return MISSING


def reduce(channel: Channel, old: Any, update: Any, writer: str) -> Any:
    """``old`` with one more write.

    Raises:
        InvalidUpdateError: The reducer refused; names the key and the node.
    """
    if old is MISSING:
        return update
    assert channel.reducer is not None
    try:
        return channel.reducer(old, update)
    except InvalidUpdateError:
        raise
    except Exception as error:
        raise InvalidUpdateError(
            f"the reducer of key {channel.name!r} failed on what {writer!r} wrote: {type(error).__name__}: {error}"
        ) from error

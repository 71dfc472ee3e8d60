"""Says what is wrong with an operation before anything is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from victor.graph.errors import GraphError
from victor.graph.store.filters import check_filter
from victor.graph.store.operations import GetOp, ListNamespacesOp, NotProvided, Op, PutOp, SearchOp

__all__ = ["StoreError", "check"]


class StoreError(GraphError):
    """A value cannot be stored or read, or an argument makes no sense; says which and why.

    What to do: correct the value or argument the text names; a value must be plain data.
    """


def check(op: Op) -> None:
    """Raises StoreError when an operation makes no sense."""
    if isinstance(op, ListNamespacesOp | SearchOp) and (op.limit < 0 or op.offset < 0):
        raise StoreError(f"limit and offset are numbers from 0, not {op.limit} and {op.offset}")
    if isinstance(op, SearchOp):
        try:
            check_filter(op.filter)
        except ValueError as error:
            raise StoreError(str(error)) from None
        _check_names(op.namespace_prefix, "namespace_prefix")
    elif isinstance(op, GetOp | PutOp):
        _check_names(op.namespace, "namespace")
        if not op.namespace:
            raise StoreError('a namespace is a tuple of one or more names, such as ("users", "ann"); this one is empty')
        _check_names((op.key,), "key")
    if isinstance(op, PutOp):
        value: Any = op.value
        if value is not None and not (isinstance(value, Mapping) and all(isinstance(name, str) for name in value)):
            raise StoreError(
                f"a stored value is a dictionary with text keys, not {type(value).__name__}: {value!r:.80}"
            )
        if not isinstance(op.ttl, NotProvided) and op.ttl is not None and not op.ttl > 0:
            raise StoreError(f"ttl is a number of minutes above 0, or None, not {op.ttl!r}")


def _check_names(names: Sequence[Any], what: str) -> None:
    for name in names:
        if not isinstance(name, str) or not name or "\x00" in name or not _encodable(name):
            raise StoreError(f"{what} {names!r:.80}: {name!r:.40} is no name: a name is a text, not empty, without NUL")


def _encodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Which classes a state schema mentions: the allowlist that need not be written by hand."""

from __future__ import annotations

import enum
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from victor.graph.checkpoint.codec_objects import shape_of

__all__ = ["types_in"]

_Scope = Mapping[str, Any]


def types_in(schema: Any) -> set[type]:
    """The storable classes mentioned by a schema's annotations, and by theirs, all the way down.

    Args:
        schema: A TypedDict, attrs class, dataclass, pydantic model, or any annotation (``list[Order] | None``).

    Returns:
        Classes for ``Codec(allow=...)``: attrs classes, dataclasses, pydantic models, named tuples and enums,
        the schema itself included when it is one. Subclasses that are not mentioned are not allowed: name
        them in a union. An annotation that cannot be resolved at run time (a name imported for the type
        checker only) is passed over; storing such an object says how to allow it.

    Example:
        >>> from collections import namedtuple
        >>> Item = namedtuple("Item", "price")
        >>> types_in(dict[str, list[Item] | None]) == {Item}
        True
    """
    found: set[type] = set()
    seen: set[Any] = set()
    pending: list[tuple[Any, _Scope]] = [(schema, {})]
    while pending:
        annotation, scope = pending.pop()
        if isinstance(annotation, str | typing.ForwardRef):
            annotation = _resolved(annotation, scope)
        try:
            if annotation in seen:
                continue
            seen.add(annotation)
        except TypeError:  # the list of Callable's arguments, unhashable metadata
            pass
        if not isinstance(annotation, type) or typing.get_origin(annotation) is not None:
            scope = _module(annotation.__module__) if isinstance(annotation, typing.TypeVar) else scope
            pending.extend((part, scope) for part in _parts(annotation))
        elif typing.is_typeddict(annotation):
            pending.extend(_annotations(annotation))
        elif _storable(annotation):
            found.add(annotation)
            pending.extend(_annotations(annotation))
    return found


def _module(name: str) -> _Scope:
    return vars(sys.modules.get(name, types))


def _resolved(annotation: str | typing.ForwardRef, scope: _Scope) -> Any:
    text = annotation if isinstance(annotation, str) else annotation.__forward_arg__
    try:
        return eval(text, dict(scope))  # noqa: S307 - the program's own source, as typing.get_type_hints does it
    except Exception:  # noqa: BLE001 - not there at run time; see the docstring of `types_in`
        return None


def _storable(kind: type) -> bool:
    return kind is not enum.Enum and kind.__module__ not in ("builtins", "typing") and shape_of(kind) is not None


def _parts(annotation: Any) -> Iterator[Any]:
    """The annotations inside one: arguments of a generic, members of a union, what a name stands for."""
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        yield from (type(value) for value in typing.get_args(annotation))
    elif origin is typing.Annotated:
        yield typing.get_args(annotation)[0]
    elif origin is not None:
        yield origin
        yield from typing.get_args(annotation)
    elif isinstance(annotation, typing.NewType):
        yield annotation.__supertype__
    elif isinstance(annotation, typing.TypeVar):
        yield annotation.__bound__
        yield from annotation.__constraints__
    elif isinstance(annotation, list | tuple):
        yield from annotation
    elif type(annotation).__name__ == "TypeAliasType":
        yield annotation.__value__


def _annotations(kind: type) -> Iterator[tuple[Any, _Scope]]:
    """The annotations of a class and of its bases, with the names they can be resolved by."""
    if attrs.has(kind):  # make_class() leaves the type on the attribute alone
        yield from ((item.type, {}) for item in attrs.fields(kind) if item.type is not None)
    for base in getattr(kind, "__orig_bases__", ()):
        yield base, {}
    for base in kind.__mro__:
        scope = {**_module(base.__module__), **vars(base), base.__name__: base}
        for annotation in vars(base).get("__annotations__", {}).values():
            yield annotation, scope

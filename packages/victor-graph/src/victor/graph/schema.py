"""Reads a state class: which keys it has, how writes to them combine, how an instance is made and taken apart.

A state may be a TypedDict, an attrs class, a dataclass, a msgspec struct or a pydantic model. A type without
fields, such as ``Annotated[list, operator.add]``, is a state of one nameless value.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints, is_typeddict

from attrs import define, frozen

from victor.graph.channels import Channel
from victor.graph.errors import GraphValidationError

__all__ = ["ROOT", "IsLastStep", "Managed", "RemainingSteps", "Schema", "has_fields", "read_schema"]

ROOT: Final = "__root__"
"""The key under which a state without fields lies."""


@frozen
class Managed:
    """Marks a key the engine fills in, which nobody writes."""

    kind: str


RemainingSteps = Annotated[int, Managed("remaining")]
"""Annotate a state key with it to see how many supersteps the recursion limit still allows."""

IsLastStep = Annotated[bool, Managed("last")]
"""Annotate a state key with it to see whether this is the last superstep the recursion limit allows."""

_STRIP: Final = {"Required", "NotRequired", "ReadOnly"}
_ABSTRACT: Final[Mapping[Any, type]] = {
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    collections.abc.Iterable: list,
    collections.abc.Collection: list,
    collections.abc.Set: set,
    collections.abc.MutableSet: set,
    collections.abc.Mapping: dict,
    collections.abc.MutableMapping: dict,
}


@define(eq=False)
class Schema:
    """A state class taken apart.

    Args:
        type: The class, or the annotation.
        channels: Its keys.
        managed: Keys the engine fills in, with what.
        build: Makes an instance from a dict; None where the state is a dict (or the nameless value) itself.
    """

    type: Any
    channels: dict[str, Channel]
    managed: dict[str, str]
    build: Callable[[dict[str, Any]], Any] | None

    @property
    def is_root(self) -> bool:
        """True for a state of one nameless value."""
        return ROOT in self.channels

    @property
    def name(self) -> str:
        """The class's name."""
        return getattr(self.type, "__name__", str(self.type))


def read_schema(kind: Any) -> Schema:
    """Takes a state class apart.

    Raises:
        GraphValidationError: It cannot be read, or a reducer does not take two arguments.
    """
    annotation, metadata = _peel(kind)
    if not has_fields(annotation):
        channel, managed = _channel(ROOT, kind)
        if managed is not None:
            raise GraphValidationError(f"{kind!r} cannot be a state of its own")
        return Schema(kind, {ROOT: channel}, {}, None)
    del metadata
    try:
        hints = get_type_hints(annotation, include_extras=True)
    except Exception as error:
        raise GraphValidationError(
            f"the annotations of state class {annotation.__name__} cannot be resolved: {error}; "
            "import the names it uses where the class is defined"
        ) from error
    channels: dict[str, Channel] = {}
    managed_keys: dict[str, str] = {}
    for name in _field_names(annotation, hints):
        channel, managed = _channel(name, hints.get(name, Any))
        if managed is None:
            channels[name] = channel
        else:
            managed_keys[name] = managed
    return Schema(annotation, channels, managed_keys, _builder(annotation))


def has_fields(kind: Any) -> bool:
    """True for a class whose fields can be the keys of a state."""
    return isinstance(kind, type) and (
        is_typeddict(kind)
        or hasattr(kind, "__is_typeddict__")
        or hasattr(kind, "__attrs_attrs__")
        or dataclasses.is_dataclass(kind)
        or hasattr(kind, "__struct_fields__")
        or hasattr(kind, "model_fields")
        or (hasattr(kind, "__total__") and hasattr(kind, "__required_keys__"))
    )


def _field_names(kind: Any, hints: Mapping[str, Any]) -> list[str]:
    if hasattr(kind, "model_fields"):
        return list(kind.model_fields)
    if hasattr(kind, "__attrs_attrs__"):
        return [attribute.name for attribute in kind.__attrs_attrs__ if attribute.init]
    if dataclasses.is_dataclass(kind):
        return [one.name for one in dataclasses.fields(kind) if one.init]
    if hasattr(kind, "__struct_fields__"):
        return list(kind.__struct_fields__)
    return list(hints)


def _builder(kind: Any) -> Callable[[dict[str, Any]], Any] | None:
    if is_typeddict(kind) or hasattr(kind, "__required_keys__"):
        return None
    if hasattr(kind, "__attrs_attrs__"):
        aliases = {a.name: a.alias for a in kind.__attrs_attrs__ if a.init and a.alias != a.name}
        if aliases:
            return lambda values: kind(**{aliases.get(key, key): value for key, value in values.items()})
    return lambda values: kind(**values)


def _peel(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type inside ``Annotated``, ``Required`` and the like, and the metadata found on the way."""
    metadata: tuple[Any, ...] = ()
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            metadata = (*annotation.__metadata__, *metadata)
            annotation = annotation.__origin__
        elif getattr(origin, "_name", None) in _STRIP or getattr(origin, "__name__", None) in _STRIP:
            annotation = get_args(annotation)[0]
        else:
            return annotation, metadata


def _channel(name: str, annotation: Any) -> tuple[Channel, str | None]:
    plain, metadata = _peel(annotation)
    for one in metadata:
        if isinstance(one, Managed):
            return Channel(name), one.kind
    for one in reversed(metadata):
        if callable(one) and not isinstance(one, type):
            _check_reducer(name, one)
            fitting = getattr(one, "for_values", None)  # some reducers go by what the annotation says they combine
            return Channel(name, one if fitting is None else fitting(plain), _empty(plain)), None
    return Channel(name), None


def _check_reducer(name: str, reducer: Callable[..., Any]) -> None:
    try:
        parameters = inspect.signature(reducer).parameters.values()
    except (TypeError, ValueError):
        return  # a builtin without a signature: the first call will tell
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return
    if len(positional) < 2 or len(required) > 2:
        raise GraphValidationError(
            f"the reducer of key {name!r} must take (value, update), but {getattr(reducer, '__name__', reducer)!r} "
            f"takes ({', '.join(str(p) for p in parameters)})"
        )


def _empty(annotation: Any) -> Callable[[], Any] | None:
    origin = get_origin(annotation) or annotation
    origin = _ABSTRACT.get(origin, origin)
    return origin if isinstance(origin, type) and origin is not type(None) else None

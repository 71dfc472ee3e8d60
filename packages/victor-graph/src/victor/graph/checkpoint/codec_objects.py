"""How instances of classes are taken apart and put together: attrs, dataclass, pydantic, struct, named tuple, enum.

An object is put together from its fields as they were, without calling its ``__init__``, validators,
converters or ``__post_init__``: these need not give the same object twice, and bytes from a store should
not choose what runs. Fields that the class has got since are filled from their defaults.
"""

from __future__ import annotations

import dataclasses
import enum
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import attrs
import msgspec
from attrs import frozen

__all__ = ["Converted", "Mismatch", "Shape", "shape_of", "type_name"]

_CACHED_HASH: Final = "_attrs_cached_hash"


class Mismatch(ValueError):
    """What was stored does not fit the class as it is now; says how.

    What to do: nothing; the codec turns it into a `CodecError`. Give fields that were added to a class a default, so
    that old checkpoints fit.
    """


class Shape(Protocol):
    """Takes instances of one class apart, and puts them together."""

    def dump(self, value: Any) -> list[Any]:
        """The parts of an instance."""
        ...

    def load(self, parts: list[Any]) -> Any:
        """The instance of these parts.

        Raises:
            Mismatch: They do not fit the class.
        """
        ...


def type_name(kind: type) -> str:
    """The name a class goes by in stored data, such as ``"shop.orders:Order"``."""
    return f"{kind.__module__}:{kind.__qualname__}"


def _check_names(kind: type, state: Any, known: Mapping[str, Any]) -> dict[str, Any]:
    if type(state) is not dict:
        raise Mismatch(f"{type_name(kind)}: its fields are not there")
    if not state.keys() <= known.keys():
        unknown = state.keys() - known.keys()
        raise Mismatch(f"{type_name(kind)} has no field {', '.join(sorted(map(repr, unknown)))} now")
    return state


def _missing(kind: type, name: str) -> Mismatch:
    return Mismatch(f"{type_name(kind)} has got a field {name!r} without a default since")


@frozen
class _Fields:
    """Classes with named fields on ordinary attributes: attrs and dataclasses."""

    kind: type
    defaults: Mapping[str, Callable[[Any], Any] | None]
    optional: frozenset[str]
    has_cached_hash: bool

    def dump(self, value: Any) -> list[Any]:
        try:
            state: dict[str, Any] = {name: getattr(value, name) for name in self.defaults}
        except AttributeError:  # init=False, and not set yet
            state = {
                name: getattr(value, name)
                for name in self.defaults
                if name not in self.optional or hasattr(value, name)
            }
        beside = getattr(value, "__dict__", None)
        if beside and not beside.keys() <= self.defaults.keys():
            hidden = self.defaults.keys() | {"__orig_class__", _CACHED_HASH}
            if extra := {name: item for name, item in beside.items() if name not in hidden}:
                return [state, extra]
        return [state]

    def load(self, parts: list[Any]) -> Any:
        state = _check_names(self.kind, parts[0], self.defaults)
        value: Any = object.__new__(self.kind)
        put = object.__setattr__
        for name, default in self.defaults.items():
            if name in state:
                put(value, name, state[name])
            elif default is not None:
                put(value, name, default(value))
            elif name not in self.optional:
                raise _missing(self.kind, name)
        if len(parts) > 1:
            vars(value).update(parts[1])
        if self.has_cached_hash:
            put(value, _CACHED_HASH, None)
        return value


def _constant(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _without_self(factory: Callable[[], Any]) -> Callable[[Any], Any]:
    return lambda _: factory()


def _attrs_shape(kind: type) -> Shape:
    defaults: dict[str, Callable[[Any], Any] | None] = {}
    optional = set()
    for item in attrs.fields(kind):
        default = item.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
            defaults[item.name] = default.factory if default.takes_self else _without_self(default.factory)
        else:
            defaults[item.name] = None if default is attrs.NOTHING else _constant(default)
        if not item.init:
            optional.add(item.name)
    cached = any(_CACHED_HASH in getattr(base, "__slots__", ()) for base in kind.__mro__)
    return _Fields(kind, defaults, frozenset(optional), cached)


def _dataclass_shape(kind: type) -> Shape:
    defaults: dict[str, Callable[[Any], Any] | None] = {}
    optional = set()
    for item in dataclasses.fields(kind):
        if item.default_factory is not dataclasses.MISSING:
            defaults[item.name] = _without_self(item.default_factory)
        else:
            defaults[item.name] = None if item.default is dataclasses.MISSING else _constant(item.default)
        if not item.init:
            optional.add(item.name)
    return _Fields(kind, defaults, frozenset(optional), has_cached_hash=False)


@frozen
class _Named:
    """Named tuples."""

    kind: Any

    def dump(self, value: Any) -> list[Any]:
        if getattr(value, "__dict__", None):
            raise Mismatch(f"{type_name(self.kind)} is a named tuple with attributes beside its items")
        return [dict(zip(self.kind._fields, value, strict=True))]

    def load(self, parts: list[Any]) -> Any:
        known = dict.fromkeys(self.kind._fields)
        state = {**self.kind._field_defaults, **_check_names(self.kind, parts[0], known)}
        for name in known:
            if name not in state:
                raise _missing(self.kind, name)
        return tuple.__new__(self.kind, [state[name] for name in known])


@frozen
class _Enum:
    """Enumerations: by the member's name; flags, which combine, by their number."""

    kind: type[enum.Enum]

    def dump(self, value: Any) -> list[Any]:
        return [value.value if isinstance(value, enum.Flag) else value.name]

    def load(self, parts: list[Any]) -> Any:
        (key,) = parts
        if issubclass(self.kind, enum.Flag):
            if type(key) is not int:
                raise Mismatch(f"{type_name(self.kind)} has numbers, not {type(key).__name__}")
            known = 0
            for member in self.kind.__members__.values():
                known |= member.value
            # Asked here: what else becomes of unknown bits depends on the Python (3.11.2 leaves them out in silence).
            if getattr(self.kind, "_boundary_", None) is not enum.KEEP and (key < 0 or key & ~known):
                raise Mismatch(f"{type_name(self.kind)} has no flags {key} now")
            return self.kind(key)
        if type(key) is not str or key not in self.kind.__members__:
            raise Mismatch(f"{type_name(self.kind)} has no member {key!r} now")
        return self.kind.__members__[key]


@frozen
class _Pydantic:
    """Pydantic models: fields, which of them were set, extra and private attributes."""

    kind: Any

    def dump(self, value: Any) -> list[Any]:
        fields = self.kind.__pydantic_fields__
        state = {name: item for name, item in vars(value).items() if name in fields}
        private = value.__pydantic_private__
        if private is not None:
            undefined = sys.modules["pydantic_core"].PydanticUndefined
            private = {name: item for name, item in private.items() if item is not undefined}
        return [state, sorted(value.__pydantic_fields_set__), value.__pydantic_extra__, private]

    def load(self, parts: list[Any]) -> Any:
        state, names, extra, private = parts
        fields = self.kind.__pydantic_fields__
        state = dict(_check_names(self.kind, state, fields))
        for name, item in fields.items():
            if name not in state:
                if item.is_required():
                    raise _missing(self.kind, name)
                state[name] = item.get_default(call_default_factory=True, validated_data=state)
        value = object.__new__(self.kind)
        put = object.__setattr__
        put(value, "__dict__", state)
        put(value, "__pydantic_fields_set__", set(names))
        put(value, "__pydantic_extra__", extra)
        put(value, "__pydantic_private__", private)
        return value


@frozen
class _Struct:
    """msgspec structs. Their constructor runs nothing of the class's own unless it has a ``__post_init__``."""

    kind: Any
    names: tuple[str, ...]
    required: frozenset[str]

    def dump(self, value: Any) -> list[Any]:
        state = {name: getattr(value, name) for name in self.names}
        beside = getattr(value, "__dict__", None)
        return [state, dict(beside)] if beside else [state]

    def load(self, parts: list[Any]) -> Any:
        state = _check_names(self.kind, parts[0], dict.fromkeys(self.names))
        for name in self.names:
            if name in self.required and name not in state:
                raise _missing(self.kind, name)
        value = self.kind(**state)
        if len(parts) > 1:
            vars(value).update(parts[1])
        return value


@frozen
class Converted:
    """A shape made of the two functions a user gave for a class of his.

    Args:
        kind: The class.
        to_plain: Makes plain data of a value.
        from_plain: Makes a value of that data.
    """

    kind: type
    to_plain: Callable[[Any], Any]
    from_plain: Callable[[Any], Any]

    def dump(self, value: Any) -> list[Any]:
        """What the user's function makes of the instance."""
        return [self.to_plain(value)]

    def load(self, parts: list[Any]) -> Any:
        """The instance the user's other function makes of that."""
        value = self.from_plain(parts[0])
        if type(value) is not self.kind:
            raise Mismatch(f"convert= made a {type_name(type(value))} where {type_name(self.kind)} was stored")
        return value


def shape_of(kind: type) -> Shape | None:
    """How to store instances of a class, or None when it is of no kind that can be stored.

    Args:
        kind: Any class.

    Returns:
        Its shape. A class whose instances are made by a ``__new__`` of its own (exceptions, subclasses of
        ``dict``) has none: what that would do with stored parts cannot be known. Nor has a struct with a
        ``__post_init__``, which there is no way around.
    """
    if issubclass(kind, enum.Enum):
        return _Enum(kind)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _Named(kind)
    if kind.__new__ is not object.__new__:
        return None
    if "__pydantic_fields__" in vars(kind) and hasattr(kind, "__pydantic_fields_set__"):
        return _Pydantic(kind)
    if issubclass(kind, msgspec.Struct):
        if hasattr(kind, "__post_init__"):
            return None
        fields = msgspec.structs.fields(kind)
        required = frozenset(item.name for item in fields if item.required)
        return _Struct(kind, tuple(item.name for item in fields), required)
    if attrs.has(kind):
        return _attrs_shape(kind)
    if dataclasses.is_dataclass(kind):
        return _dataclass_shape(kind)
    return None

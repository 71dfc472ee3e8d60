"""From a type to its shape."""

from __future__ import annotations

import collections
import collections.abc as abc
import enum
import sys
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Annotated, Any, Final, ForwardRef, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from victor.core.errors import SchemaError
from victor.core.shapes.base import Anything, Number, Shape, Text, Truth, Void
from victor.core.shapes.constraints import Constraints, Narrowed
from victor.core.shapes.containers import Many, Mapped, OneOf, Recursive, Row
from victor.core.shapes.encoded import ENCODED, Choice, PathText
from victor.core.shapes.records import Field, PydanticMarked, PydanticModel, Record, is_for_pydantic

__all__ = ["Builder", "shape_of"]

_ANY: Final = Anything()
_PLAIN: Final[dict[Any, Shape]] = {
    Any: _ANY,
    object: _ANY,
    None: Void(),
    type(None): Void(),
    bool: Truth(),
    int: Number(int),
    float: Number(float),
    str: Text(),
    Path: PathText(),
    PurePath: PathText(PurePath),
    **ENCODED,
}
_LISTS: Final = (list, abc.Sequence, abc.MutableSequence, abc.Iterable, abc.Collection)
_SETS: Final = (set, abc.Set, abc.MutableSet)
_DICTS: Final = (dict, abc.Mapping, abc.MutableMapping)
_SEQUENCES: Final[dict[Any, tuple[Callable[[list[Any]], Any], Any, bool]]] = {
    **dict.fromkeys(_LISTS, (list, list, False)),
    **dict.fromkeys(_SETS, (set, set, True)),
    frozenset: (frozenset, frozenset, True),
    collections.deque: (collections.deque, None, False),
}
_MAPPINGS: Final[dict[Any, tuple[Callable[[dict[Any, Any]], Any], Any]]] = {
    **dict.fromkeys(_DICTS, (dict, dict)),
    collections.OrderedDict: (collections.OrderedDict, None),
    collections.Counter: (collections.Counter, None),
}
_WRAPPERS: Final = {"Required", "NotRequired", "ReadOnly", "Final", "ClassVar"}


def shape_of(type_: Any, *, scope: Mapping[str, Any] | None = None) -> Shape:
    """The shape of a type.

    Args:
        type_: Any type that JSON can describe.
        scope: Names by which text annotations may refer to other types.

    Raises:
        SchemaError: The type cannot be described; the message says which part of it.
    """
    return Builder(scope).build(type_)


class Builder:
    """Makes the shapes of one type or one function; remembers classes, so that they may contain themselves.

    Args:
        scope: Names by which text annotations may refer to other types.
    """

    def __init__(self, scope: Mapping[str, Any] | None = None) -> None:
        self._scope: Mapping[str, Any] = {} if scope is None else scope
        self._made: dict[Any, Shape] = {}
        self._open: dict[Any, Recursive] = {}

    def build(self, kind: Any, bound: Mapping[Any, Any] | None = None) -> Shape:
        """The shape of a type.

        Args:
            kind: The type.
            bound: What type variables stand for.
        """
        try:
            plain = _PLAIN.get(kind)
        except TypeError:  # not hashable, so no plain type
            plain = None
        if plain is not None:
            return plain
        if isinstance(kind, (str, ForwardRef)):
            return self.build(self.resolve(kind if isinstance(kind, str) else kind.__forward_arg__), bound)
        if isinstance(kind, TypeVar):
            return self._variable(kind, bound)
        if hasattr(kind, "__supertype__"):
            return self.build(kind.__supertype__, bound)
        origin = get_origin(kind)
        alias = origin if origin is not None else kind
        if type(alias).__name__ == "TypeAliasType":
            own = dict(zip(getattr(alias, "__type_params__", ()), get_args(kind), strict=False))
            return self._named(kind, alias.__name__, lambda: self.build(alias.__value__, {**(bound or {}), **own}))
        if origin is None:
            return self._class(kind, bound)
        return self._generic(kind, origin, get_args(kind), bound)

    def resolve(self, text: str) -> Any:
        """What an annotation written as text means."""
        try:
            return eval(text, {"typing": typing, **vars(typing), **self._scope})  # noqa: S307 - the program's own annotation
        except Exception as error:
            raise SchemaError(f"the annotation {text!r} cannot be resolved: {type(error).__name__}: {error}") from error

    def _variable(self, kind: TypeVar, bound: Mapping[Any, Any] | None) -> Shape:
        if bound and kind in bound:
            return self.build(bound[kind])
        if kind.__bound__ is not None:
            return self.build(kind.__bound__, bound)
        if kind.__constraints__:
            return self.build(Union[kind.__constraints__], bound)  # noqa: UP007
        return _ANY

    def _generic(self, kind: Any, origin: Any, args: tuple[Any, ...], bound: Mapping[Any, Any] | None) -> Shape:
        if origin is Annotated:
            if is_for_pydantic(kind.__metadata__):
                return PydanticMarked(kind)
            constraints = Constraints.of(kind.__metadata__)
            inner = self.build(args[0], bound)
            return Narrowed(inner, constraints)
        if origin is Literal:
            return Choice.of_literals(args, kind)
        if origin is Union or origin is types.UnionType:
            members = [self.build(arg, bound) for arg in args]
            return OneOf(members, _union([member.fast for member in members]))
        if origin is tuple:
            return self._tuple(args, bound)
        if origin in _SEQUENCES:
            item = self.build(args[0], bound)
            make, fast, unique = _SEQUENCES[origin]
            return Many(item, make, None if fast is None or item.fast is None else fast[item.fast], unique=unique)
        if origin in _MAPPINGS:
            key = self.build(args[0], bound)
            value = self.build(args[1] if len(args) > 1 else int, bound)
            return self._mapping(origin, key, value)
        if getattr(origin, "_name", getattr(origin, "__name__", "")) in _WRAPPERS:
            return self.build(args[0], bound)
        if isinstance(origin, type):
            given = [(bound or {}).get(arg, arg) if isinstance(arg, TypeVar) else arg for arg in args]
            own = dict(zip(getattr(origin, "__parameters__", ()), given, strict=False))
            return self._class(origin, {**(bound or {}), **own}, key=(origin, tuple(map(repr, given))))
        raise _undescribable(kind)

    def _tuple(self, args: tuple[Any, ...], bound: Mapping[Any, Any] | None) -> Shape:
        if len(args) == 2 and args[1] is Ellipsis:
            item = self.build(args[0], bound)
            return Many(item, tuple, None if item.fast is None else tuple[item.fast, ...])  # type: ignore[name-defined]
        return Row([self.build(arg, bound) for arg in args])

    def _mapping(self, origin: Any, key: Shape, value: Shape) -> Shape:
        make, fast = _MAPPINGS[origin]
        usable = fast is not None and key.fast in (str, Any) and value.fast is not None
        return Mapped(key, value, make, dict[str, value.fast] if usable else None)  # type: ignore[name-defined]

    def _class(self, kind: Any, bound: Mapping[Any, Any] | None, key: Any = None) -> Shape:
        if kind in _SEQUENCES:
            return self._generic(kind, kind, (Any,), bound)
        if kind in _MAPPINGS:
            return self._mapping(kind, _PLAIN[str], _PLAIN[int] if kind is collections.Counter else _ANY)
        if kind is tuple:
            return Many(_ANY, tuple, tuple)
        if not isinstance(kind, type):
            raise _undescribable(kind)
        if issubclass(kind, enum.Enum):
            if not len(kind):
                raise SchemaError(f"the enum {kind.__name__} has no members")
            return Choice.of_enum(kind)
        if issubclass(kind, PurePath):
            return PathText(kind)
        fill = self._filler(kind)
        if fill is None:
            raise _undescribable(kind)
        return self._named(key or kind, kind.__name__, lambda: fill(kind, bound or {}))

    def _named(self, key: Any, name: str, make: Callable[[], Shape]) -> Shape:
        """Make a shape once; while it is being made, it may be referred to."""
        if key in self._made:
            return self._made[key]
        if key in self._open:
            return self._open[key]
        place = self._open[key] = Recursive(name)
        shape = make()
        del self._open[key]
        place.target = shape
        place.noun = shape.noun
        self._made[key] = place if place.name in _references(shape, place) else shape
        return self._made[key]

    def _filler(self, kind: type) -> Callable[[Any, Mapping[Any, Any]], Shape] | None:
        if hasattr(kind, "__pydantic_validator__"):
            return lambda kind, bound: PydanticModel(kind)
        if hasattr(kind, "__attrs_attrs__"):
            return self._attrs
        if hasattr(kind, "__dataclass_fields__"):
            return self._dataclass
        if issubclass(kind, msgspec.Struct):
            return self._struct
        if issubclass(kind, dict) and hasattr(kind, "__total__"):
            return self._typed_dict
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return self._named_tuple
        return None

    def _hints(self, kind: Any) -> dict[str, Any]:
        try:
            try:
                return typing.get_type_hints(kind, include_extras=True)
            except NameError:  # a class made inside a function; what its own module says still comes first
                module = sys.modules.get(kind.__module__)
                names = {kind.__name__: kind, **self._scope, **(vars(module) if module is not None else {})}
                return typing.get_type_hints(kind, None, names, include_extras=True)
        except Exception as error:
            raise SchemaError(
                f"{kind.__name__}: its annotations cannot be resolved: {type(error).__name__}: {error}"
            ) from error

    def _field(self, kind: Any, name: str, hint: Any, bound: Mapping[Any, Any], **rest: Any) -> Field:
        try:
            return Field(name, self.build(hint, bound), **rest)
        except SchemaError as error:
            raise SchemaError(f"{kind.__name__}.{name}: {error}") from error

    def _attrs(self, kind: Any, bound: Mapping[Any, Any]) -> Shape:
        import attrs

        record = Record(kind, kind)
        hints = self._hints(kind)
        for each in attrs.fields(kind):
            if each.init:
                default, required = _default(each.default, attrs.NOTHING, attrs.Factory)
                hint = hints.get(each.name, each.type if each.type is not None else Any)
                record.fields.append(
                    self._field(
                        kind,
                        each.alias or each.name,
                        hint,
                        bound,
                        required=required,
                        default=default,
                        description=_text(each.metadata),
                    )
                )
        record.describe = _describer(kind)
        return record

    def _dataclass(self, kind: Any, bound: Mapping[Any, Any]) -> Shape:
        import dataclasses

        record = Record(kind, kind)
        hints = self._hints(kind)
        for each in kind.__dataclass_fields__.values():
            hint = hints.get(each.name, Any)
            if not each.init or hint is typing.ClassVar or get_origin(hint) is typing.ClassVar:
                continue
            hint = hint.type if isinstance(hint, dataclasses.InitVar) else hint
            made = each.default_factory is not dataclasses.MISSING
            default, required = _default(each.default, dataclasses.MISSING, ())
            record.fields.append(
                self._field(
                    kind,
                    each.name,
                    hint,
                    bound,
                    required=required and not made,
                    default=default,
                    description=_text(each.metadata),
                )
            )
        record.describe = _describer(kind)
        return record

    def _struct(self, kind: Any, bound: Mapping[Any, Any]) -> Shape:
        config = kind.__struct_config__
        record = Record(kind, kind, closed=config.forbid_unknown_fields)
        hints = self._hints(kind)
        if config.tag is not None:
            record.fields.append(Field(config.tag_field, Choice([(config.tag, config.tag)], None), keyword=_DROPPED))
            record.make = lambda **values: kind(**{k: v for k, v in values.items() if k != _DROPPED})
            record.instance = kind
        for each in msgspec.structs.fields(kind):
            default, required = _default(each.default, msgspec.NODEFAULT, ())
            record.fields.append(
                self._field(
                    kind, each.encode_name, hints.get(each.name, each.type), bound,
                    required=each.required and required, default=default, keyword=each.name,
                )
            )  # fmt: skip
        record.fast = kind if not bound and all(f.shape.fast is not None for f in record.fields) else None
        record.describe = _describer(kind)
        return record

    def _typed_dict(self, kind: Any, bound: Mapping[Any, Any]) -> Shape:
        record = Record(kind, dict)
        record.instance = None
        for name, hint in self._hints(kind).items():
            wrapper = getattr(get_origin(hint), "_name", "")
            required = wrapper != "NotRequired" if wrapper in _WRAPPERS else name in kind.__required_keys__
            record.fields.append(self._field(kind, name, hint, bound, required=required))
        record.describe = _describer(kind)
        return record

    def _named_tuple(self, kind: Any, bound: Mapping[Any, Any]) -> Shape:
        record = Record(kind, kind)
        record.positional = True
        hints = self._hints(kind)
        for name in kind._fields:
            default = kind._field_defaults.get(name, _NOTHING)
            value, required = _default(default, _NOTHING, ())
            record.fields.append(self._field(kind, name, hints.get(name, Any), bound, required=required, default=value))
        record.describe = _describer(kind)
        return record


_NOTHING: Final = object()
_DROPPED: Final = "tag of the union"


def _default(default: Any, nothing: Any, factory: Any) -> tuple[Any, bool]:
    """The default for the schema, and whether the field is required."""
    from victor.core.shapes.records import MISSING

    if default is nothing:
        return MISSING, True
    return (MISSING if factory and isinstance(default, factory) else default), False


def _text(metadata: Mapping[Any, Any]) -> str:
    for key in ("description", "help", "doc"):
        if isinstance(metadata.get(key), str):
            return str(metadata[key])
    return ""


def _describer(kind: Any) -> Callable[[], tuple[str, Mapping[str, str]]] | None:
    """Asked for the class's description and its fields', when a schema is made."""
    text = vars(kind).get("__doc__")
    if not text or text.startswith(f"{kind.__name__}("):  # dataclasses and named tuples write one for themselves
        return None

    def describe() -> tuple[str, Mapping[str, str]]:
        from victor.core.docstring import parse_docstring

        found = parse_docstring(text)
        return found.summary, found.parameters

    return describe


def _union(fasts: list[Any]) -> Any:
    """A union msgspec decodes as we do, or None: of null and one more, or of plain kinds that cannot be mistaken."""
    if any(fast is None for fast in fasts):
        return None
    plain = [fast for fast in fasts if fast is not type(None)]
    if len(plain) > 1 and not all(fast in (str, int, bool) for fast in plain):
        return None
    return Union[tuple(fasts)]  # noqa: UP007


def _references(shape: Shape, place: Recursive) -> set[str]:
    """The name of the place if the shape refers to it."""
    seen: set[int] = set()
    todo: list[Shape] = [shape]
    while todo:
        at = todo.pop()
        if at is place:
            return {place.name}
        if id(at) in seen:
            continue
        seen.add(id(at))
        for name in ("item", "inner", "key", "value", "target"):
            below = getattr(at, name, None)
            if isinstance(below, Shape):
                todo.append(below)
        todo.extend(below for below in getattr(at, "items", ()) or () if isinstance(below, Shape))
        todo.extend(getattr(at, "members", ()))
        todo.extend(field.shape for field in getattr(at, "fields", ()))
    return set()


def _undescribable(kind: Any) -> SchemaError:
    name = getattr(kind, "__qualname__", None) or str(kind)
    return SchemaError(
        f"JSON Schema has no word for the type {name}; use plain types, an attrs class, a dataclass, a TypedDict, "
        "a pydantic model, an Enum or a Literal"
    )

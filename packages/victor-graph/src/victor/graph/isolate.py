"""Copies that keep a run's state to itself.

Everything that enters the state and everything handed out of it passes `isolate`, so no node, caller or
listener ever holds an object of the state, and changing what it was given changes nothing else.

Values that cannot change (numbers, text, frozen classes made of such) are shared. Containers and data classes
are copied as deep as they can change. An object of any other class is copied with `copy.deepcopy`; where its class
refuses that (locks, clients, open files), the object itself is handed on, since there is only one of it.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import re
import types
import uuid
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from itertools import chain
from operator import attrgetter
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from victor.graph.errors import InvalidUpdateError

__all__ = ["CONSTANT", "isolate"]

Copier = Callable[[Any], Any]

CONSTANT: Final[set[type]] = {
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    range,
    type,
    object,
    type(...),
    type(NotImplemented),
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.ModuleType,
    datetime.date,
    datetime.datetime,
    datetime.time,
    datetime.timedelta,
    datetime.timezone,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    re.Pattern,
    pathlib.Path,
    pathlib.PurePath,
    pathlib.PosixPath,
    pathlib.WindowsPath,
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
}
"""Types none of whose instances can change; grows as frozen classes are met."""


_DOUBTFUL: Final[dict[type, tuple[Callable[[Any], Any], ...]]] = {}
"""For frozen classes, getters of those fields that may hold what can change."""


def isolate(value: Any) -> Any:
    """A copy that shares with ``value`` only what cannot change.

    Example:
        >>> mine = {"names": ["ann"]}
        >>> theirs = isolate(mine)
        >>> theirs["names"].append("bob")
        >>> mine
        {'names': ['ann']}

    Raises:
        InvalidUpdateError: It is nested too deeply.
    """
    kind = type(value)
    if kind in CONSTANT:
        return value
    try:
        return (_COPIERS.get(kind) or _learn(kind))(value)
    except RecursionError:
        try:
            return copy.deepcopy(value)  # refers to itself: only deepcopy keeps that
        except RecursionError:
            raise InvalidUpdateError(
                f"a {kind.__name__} is nested too deeply to be part of a state: Python cannot copy it"
            ) from None


def _copy(value: Any) -> Any:
    kind = type(value)
    if kind in CONSTANT:
        return value
    return (_COPIERS.get(kind) or _learn(kind))(value)


def _list(value: list[Any]) -> list[Any]:
    kinds = set(map(type, value))
    if kinds <= CONSTANT:
        return value.copy()
    if len(kinds) == 1 and len(value) > 4:  # long lists are of one kind, and worth a look at all items at once
        (kind,) = kinds
        if kind is dict:
            if CONSTANT.issuperset(map(type, chain.from_iterable(map(dict.values, value)))):
                return list(map(dict.copy, value))
        elif kind in _DOUBTFUL and all(CONSTANT.issuperset(map(type, map(get, value))) for get in _DOUBTFUL[kind]):
            return value.copy()
    return [item if type(item) in CONSTANT else _copy(item) for item in value]


def _dict(value: dict[Any, Any]) -> dict[Any, Any]:
    new = value.copy()
    if not CONSTANT.issuperset(map(type, value.values())):
        for key, item in value.items():
            if type(item) not in CONSTANT:
                new[key] = _copy(item)
    return new


def _set(value: set[Any]) -> set[Any]:
    return value.copy()  # what is in a set is hashable, so it is meant not to change


def _tuple(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if CONSTANT.issuperset(map(type, value)):
        return value
    new = tuple(map(_copy, value))
    return value if all(map(_same, new, value)) else new


def _same(a: Any, b: Any) -> bool:
    return a is b


def _deque(value: deque[Any]) -> deque[Any]:
    return deque(map(_copy, value), value.maxlen)


def _ordered(value: OrderedDict[Any, Any]) -> OrderedDict[Any, Any]:
    return OrderedDict((key, _copy(item)) for key, item in value.items())


def _default(value: defaultdict[Any, Any]) -> defaultdict[Any, Any]:
    return defaultdict(value.default_factory, ((key, _copy(item)) for key, item in value.items()))


def _deep(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except RecursionError:
        raise
    except Exception:  # noqa: BLE001 - a class may refuse in any way; then there is only one of it
        return value


_COPIERS: Final[dict[type, Copier]] = {
    list: _list,
    dict: _dict,
    set: _set,
    tuple: _tuple,
    deque: _deque,
    OrderedDict: _ordered,
    defaultdict: _default,
    bytearray: bytearray,
}


def _learn(kind: type) -> Copier:
    """Finds out, once per class, how its instances are copied."""
    if issubclass(kind, (enum.Enum, type)):
        CONSTANT.add(kind)
        return _itself
    copier = _deep if _own_deepcopy(kind) else _by_fields(kind)
    if copier is _itself:
        CONSTANT.add(kind)
    else:
        _COPIERS[kind] = copier
    return copier


def _itself(value: Any) -> Any:
    return value


def _own_deepcopy(kind: type) -> bool:
    return hasattr(kind, "__deepcopy__") and not hasattr(kind, "__pydantic_fields__")


def _by_fields(kind: type) -> Copier:
    if kind is frozenset:
        return _itself
    if hasattr(kind, "__pydantic_fields__"):
        return _mutable(("__pydantic_extra__", "__pydantic_private__"), object.__setattr__)
    names, frozen = _fields(kind)
    if names is None:
        return _deep
    put = _setter(kind)
    if not frozen:
        return _mutable(names, put)
    doubtful = _doubtful(kind, names)
    if not doubtful:
        return _itself
    _DOUBTFUL[kind] = tuple(map(attrgetter, doubtful))
    return _frozen(doubtful, put)


def _setter(kind: type) -> Callable[[Any, str, Any], None]:
    """Sets a field of a new copy, frozen or not."""
    if hasattr(kind, "__struct_fields__"):
        from msgspec.structs import force_setattr

        return force_setattr
    return object.__setattr__


def _fields(kind: type) -> tuple[tuple[str, ...] | None, bool]:
    """The names of a data class's fields (None: not a data class), and whether it is frozen."""
    if hasattr(kind, "__attrs_attrs__"):
        from attrs import fields

        return tuple(a.name for a in fields(kind)), _refuses_assignment(kind)
    if dataclasses.is_dataclass(kind):
        frozen = getattr(kind, "__dataclass_params__").frozen  # noqa: B009 - typeshed does not know it
        return tuple(f.name for f in dataclasses.fields(kind)), bool(frozen)
    if hasattr(kind, "__struct_fields__"):  # msgspec.Struct
        config: Any = getattr(kind, "__struct_config__")  # noqa: B009 - of a class msgspec made
        return tuple(kind.__struct_fields__), bool(config.frozen)
    return None, False


def _refuses_assignment(kind: type) -> bool:
    return getattr(kind.__setattr__, "__name__", "") == "_frozen_setattrs"


def _mutable(names: tuple[str, ...], put: Callable[[Any, str, Any], None]) -> Copier:
    def copier(value: Any) -> Any:
        new = copy.copy(value)
        for name in names:
            item = getattr(value, name, None)
            if type(item) not in CONSTANT:
                put(new, name, _copy(item))
        extra = getattr(new, "__dict__", None)
        if extra:
            for name, item in extra.items():
                if name not in names and type(item) not in CONSTANT:
                    put(new, name, _copy(item))
        return new

    return copier


def _frozen(doubtful: tuple[str, ...], put: Callable[[Any, str, Any], None]) -> Copier:
    def copier(value: Any) -> Any:
        new = None
        for name in doubtful:
            item = getattr(value, name, None)
            if type(item) not in CONSTANT:
                mine = _copy(item)
                if mine is not item:
                    if new is None:
                        new = copy.copy(value)
                    put(new, name, mine)
        return value if new is None else new

    return copier


def _doubtful(kind: type, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those fields of a frozen class whose annotations do not rule out values that can change."""
    try:
        hints = get_type_hints(kind)
    except Exception:  # noqa: BLE001 - annotations may be anything; then every field is looked at
        return names
    return tuple(name for name in names if not _is_constant(hints.get(name, Any), kind))


def _is_constant(hint: Any, owner: type) -> bool:
    if hint is None or hint is owner or hint in _PLAIN:
        return True
    origin = get_origin(hint)
    if origin is Literal:
        return True
    if origin in (Union, types.UnionType, frozenset):
        return all(_is_constant(arg, owner) for arg in get_args(hint))
    if origin is tuple:
        return all(arg is ... or _is_constant(arg, owner) for arg in get_args(hint))
    if isinstance(hint, type) and origin is None:
        if issubclass(hint, enum.Enum):
            return True
        if hasattr(hint, "__attrs_attrs__") or dataclasses.is_dataclass(hint) or hasattr(hint, "__struct_fields__"):
            names, frozen = _fields(hint)
            return frozen and names is not None and not hint.__subclasses__() and not _doubtful(hint, names)
    return False


_PLAIN: Final = frozenset(
    {
        type(None),
        bool,
        int,
        float,
        complex,
        str,
        bytes,
        datetime.date,
        datetime.datetime,
        datetime.timedelta,
        decimal.Decimal,
        uuid.UUID,
    }
)

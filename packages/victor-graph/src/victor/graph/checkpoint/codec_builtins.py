"""How Python's own types that msgpack does not have are written: one extension code each.

A *scalar* turns into bytes. A *container* turns into a list, whose items are encoded in their turn. Both
ways are pure functions of data: nothing here looks a class or a module up by a name found in the data.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from re import compile as regex
from struct import Struct
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

__all__ = ["CONTAINERS", "CONTAINER_LOADS", "SCALARS", "SCALAR_LOADS", "BuiltinForm", "Unfit"]


class Unfit(ValueError):
    """A value of a known type cannot be written exactly, or what was read is no such value; says why.

    What to do: nothing; the codec turns it into a `CodecError` with the path to the value.
    """


BuiltinForm = tuple[int, Callable[[Any], Any]]
"""Extension code, and the function that turns a value into bytes (scalar) or a list (container)."""

_DOUBLES: Final = Struct(">dd")
_ZONE_KEY: Final = regex(r"[A-Za-z0-9_+\-]{1,32}(?:/[A-Za-z0-9_+\-]{1,32}){0,3}\Z")
_FACTORIES: Final[Mapping[str, Callable[[], Any] | None]] = {
    "": None,
    **{kind.__name__: kind for kind in (list, dict, set, tuple, int, float, str, bool, bytes)},
}
_PATHS: Final[Mapping[str, type[PurePosixPath] | type[PureWindowsPath] | type[Path]]] = {
    "P": Path,
    "W": Path,
    "p": PurePosixPath,
    "w": PureWindowsPath,
}


def _text(data: memoryview) -> str:
    return str(data, "utf-8", "surrogatepass")


def _dump_int(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _load_int(data: memoryview) -> int:
    return int.from_bytes(data, "big", signed=True)


def _dump_path(value: PurePosixPath | PureWindowsPath, letter: str) -> bytes:
    return (letter + str(value)).encode("utf-8", "surrogatepass")


def _load_path(data: memoryview) -> Any:
    text = _text(data)
    return _PATHS[text[:1]](text[1:])


def _dump_zone(zone: tzinfo | None) -> list[Any]:
    if zone is None:
        return []
    if type(zone) is ZoneInfo and zone.key is not None:
        return [zone.key]
    if type(zone) is timezone:
        offset, *name = zone.__getinitargs__()  # type: ignore[attr-defined]  # what pickle asks it, too
        return [offset, *name]
    raise Unfit(
        f"its time zone is a {type(zone).__module__}.{type(zone).__qualname__}; "
        "zoneinfo.ZoneInfo and datetime.timezone can be stored"
    )


def _load_zone(items: list[Any]) -> tzinfo | None:
    match items:
        case []:
            return None
        case [str(key)]:
            # Zone data is read from a file or the tzdata package by that name: only a plain zone name may pass.
            if not _ZONE_KEY.match(key):
                raise Unfit(f"{key[:80]!r} is no name of a time zone")
            return ZoneInfo(key)
        case [timedelta() as offset]:
            return timezone(offset)
        case [timedelta() as offset, str(name)]:
            return timezone(offset, name)
    raise Unfit("not a time zone")


def _plain_zone(value: datetime | time) -> bool:
    """True when the ISO text alone says everything."""
    zone = value.tzinfo
    if value.fold:
        return False
    if zone is None or zone is UTC:
        return True
    return type(zone) is timezone and len(zone.__getinitargs__()) == 1  # type: ignore[attr-defined]


def _dump_moment(value: datetime | time) -> list[Any]:
    if _plain_zone(value):
        return [value.isoformat()]
    return [value.replace(tzinfo=None).isoformat(), value.fold, *_dump_zone(value.tzinfo)]


def _load_moment(items: list[Any], parse: Callable[[str], Any]) -> Any:
    text, *rest = items
    value = parse(text)
    if rest:
        fold, *zone = rest
        value = value.replace(fold=fold, tzinfo=_load_zone(zone))
    return value


def _dump_map(value: Mapping[Any, Any]) -> list[Any]:
    return [part for pair in value.items() for part in pair]


def _load_map(items: list[Any]) -> dict[Any, Any]:
    if len(items) % 2:
        raise Unfit("a key without a value")
    return dict(zip(items[::2], items[1::2], strict=True))


def _dump_defaultdict(value: defaultdict[Any, Any]) -> list[Any]:
    factory = value.default_factory
    name = "" if factory is None else getattr(factory, "__name__", "?")
    if _FACTORIES.get(name, ...) is not factory:
        raise Unfit("a defaultdict whose factory is not one of " + ", ".join(filter(None, _FACTORIES)))
    return [name, *_dump_map(value)]


def _load_counter(items: list[Any]) -> Counter[Any]:
    # Counter(mapping) would add up; update() of the dict beneath restores what was there.
    value: Counter[Any] = Counter()
    dict.update(value, _load_map(items))
    return value


def _load_deque(items: list[Any]) -> deque[Any]:
    limit, *rest = items
    return deque(rest, limit)


def _load_range(items: list[Any]) -> range:
    start, stop, step = items
    return range(start, stop, step)


def _load_timedelta(items: list[Any]) -> timedelta:
    days, seconds, microseconds = items
    return timedelta(days, seconds, microseconds)


def _load_fraction(items: list[Any]) -> Fraction:
    numerator, denominator = items
    if type(numerator) is not int or type(denominator) is not int:
        raise Unfit("not a fraction of whole numbers")
    return Fraction(numerator, denominator)


_SCALAR_FORMS: Final[tuple[tuple[type, int, Callable[[Any], bytes], Callable[[memoryview], Any]], ...]] = (
    (int, 1, _dump_int, _load_int),  # beyond 64 bits only
    (str, 2, lambda v: v.encode("utf-8", "surrogatepass"), _text),  # with lone surrogates only
    (bytearray, 3, bytes, bytearray),
    (complex, 4, lambda v: _DOUBLES.pack(v.real, v.imag), lambda d: complex(*_DOUBLES.unpack(d))),
    (Decimal, 5, lambda v: str(v).encode(), lambda d: Decimal(_text(d))),
    (UUID, 6, lambda v: v.bytes, lambda d: UUID(bytes=bytes(d))),
    (date, 7, lambda v: v.isoformat().encode(), lambda d: date.fromisoformat(_text(d))),
    (PosixPath, 8, lambda v: _dump_path(v, "P"), _load_path),
    (WindowsPath, 8, lambda v: _dump_path(v, "W"), _load_path),
    (PurePosixPath, 8, lambda v: _dump_path(v, "p"), _load_path),
    (PureWindowsPath, 8, lambda v: _dump_path(v, "w"), _load_path),
)

_CONTAINER_FORMS: Final[tuple[tuple[type, int, Callable[[Any], list[Any]], Callable[[list[Any]], Any]], ...]] = (
    (tuple, 32, list, tuple),
    (set, 33, list, set),
    (frozenset, 34, list, frozenset),
    (dict, 35, _dump_map, _load_map),  # with keys other than text and whole numbers only
    (deque, 36, lambda v: [v.maxlen, *v], _load_deque),
    (range, 37, lambda v: [v.start, v.stop, v.step], _load_range),
    (datetime, 38, _dump_moment, lambda i: _load_moment(i, datetime.fromisoformat)),
    (time, 39, _dump_moment, lambda i: _load_moment(i, time.fromisoformat)),
    (timedelta, 40, lambda v: [v.days, v.seconds, v.microseconds], _load_timedelta),
    (Fraction, 41, lambda v: [v.numerator, v.denominator], _load_fraction),
    (OrderedDict, 42, _dump_map, lambda i: OrderedDict(_load_map(i))),
    (Counter, 43, _dump_map, _load_counter),
    (defaultdict, 44, _dump_defaultdict, lambda i: defaultdict(_FACTORIES[i[0]], _load_map(i[1:]))),
)

SCALARS: Final[Mapping[type, BuiltinForm]] = {kind: (code, dump) for kind, code, dump, _ in _SCALAR_FORMS}
"""How values without parts are written, by type."""
SCALAR_LOADS: Final[Mapping[int, Callable[[memoryview], Any]]] = {code: load for _, code, _, load in _SCALAR_FORMS}
"""How they are read, by code."""
CONTAINERS: Final[Mapping[type, BuiltinForm]] = {kind: (code, dump) for kind, code, dump, _ in _CONTAINER_FORMS}
"""How containers are written, by type."""
CONTAINER_LOADS: Final[Mapping[int, Callable[[list[Any]], Any]]] = {code: load for _, code, _, load in _CONTAINER_FORMS}
"""How they are read, by code."""

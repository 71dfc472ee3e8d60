"""Turns a value into what msgspec writes exactly, and says where the trouble is when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec.msgpack import Encoder, Ext

from victor.graph.checkpoint.codec_builtins import CONTAINERS, Unfit
from victor.graph.checkpoint.codec_objects import Converted, Mismatch, Shape, shape_of, type_name

__all__ = ["MAX_DEPTH", "Form", "Lower", "Refused", "exactly", "find_trouble", "lowering", "to_msgpack"]

MAX_DEPTH: Final = 200
"""How deep values may be nested. The deepest real states have some twenty levels."""

Form = tuple[int, Callable[[Any], Any]]
"""Extension code of a type, and the function that turns a value of it into bytes or into a list of parts."""

Lower = Callable[[Any, int], Any]
"""A function of a value and the depth it is at."""

ShapeFor = Callable[[type], Shape | None]

to_msgpack: Final[Callable[[Any], bytes]] = Encoder().encode
"""Writes plain values as msgpack."""

_PLAIN: Final = frozenset({type(None), bool, int, float, str, bytes})
_INT64: Final = range(-(2**63), 2**64)


class Refused(Exception):
    """This one value cannot be encoded; the cause, if any, says why. `find_trouble` finds the path to it.

    What to do: nothing; the codec turns it into a `CodecError` with the path to the value.
    """


def lowering(forms: Mapping[type, Form], adopt: Callable[[type], Form], *, strict: bool) -> Lower:
    """Makes the function that lowers values.

    It returns the value itself where all of it is plain, which is the common case; a container is copied only
    when something in it is not.

    Args:
        forms: How types are written that msgpack does not have.
        adopt: Finds the form of a type that is not there yet, or raises `Refused`.
        strict: Look at every whole number and text too, for those msgpack cannot write.
    """
    atoms = _PLAIN - {int, str} if strict else _PLAIN
    keys = frozenset[type]() if strict else frozenset({str, int})

    def lower(value: Any, depth: int) -> Any:
        kind = type(value)
        if kind in atoms:
            return value
        if depth > MAX_DEPTH:
            raise Refused
        depth += 1
        copied: Any = None
        if kind is dict:
            for key, item in value.items():
                if type(key) not in keys:
                    break
                if type(item) not in atoms and (lowered := lower(item, depth)) is not item:
                    copied = copied or value.copy()
                    copied[key] = lowered
            else:
                return copied or value
        elif kind is list:
            for index, item in enumerate(value):
                if type(item) not in atoms and (lowered := lower(item, depth)) is not item:
                    copied = copied or value.copy()
                    copied[index] = lowered
            return copied or value
        elif kind is int and value in _INT64:
            return value
        code, dump = forms.get(kind) or adopt(kind)
        try:
            parts = dump(value)
        except Exception as error:
            raise Refused from error
        if type(parts) is not list:
            return Ext(code, parts)
        return Ext(code, to_msgpack([item if type(item) in atoms else lower(item, depth) for item in parts]))

    return lower


def exactly(value: Any, lower: Lower, lower_strictly: Lower) -> bytes:
    """The msgpack of a value: by the quick way, or by the strict one where that fails.

    Raises:
        Refused: Something in it cannot be stored.
        RecursionError: It is nested too deep.
    """
    try:
        return to_msgpack(lower(value, 0))
    except (OverflowError, UnicodeEncodeError):  # a whole number beyond 64 bits, text with lone surrogates
        return to_msgpack(lower_strictly(value, 0))


_TOO_DEEP: Final = f"is nested deeper than {MAX_DEPTH} levels, or contains itself"


def find_trouble(value: Any, root: str, error: BaseException, lower: Lower, shape_for: ShapeFor) -> str:
    """The path to what cannot be stored, and why it cannot. Slow, and only for the message.

    Args:
        value: What was refused.
        root: What to call it.
        error: What `lower` raised for it.
        lower: The strict lowering.
        shape_for: The shape of an allowed class, None for any other.
    """
    path = root
    for _ in range(MAX_DEPTH):
        for suffix, child in _children(value, shape_for):
            try:
                lower(child, 0)
            except (Refused, RecursionError) as inner:
                value, path, error = child, path + suffix, inner
                break
        else:
            return f"{path} {_reason(value, error, shape_for)}"
    return f"{path[:200]}... {_TOO_DEEP}"


def _children(value: Any, shape_for: ShapeFor) -> Iterator[tuple[str, Any]]:
    kind = type(value)
    if isinstance(value, Mapping) and (kind is dict or kind in CONTAINERS):
        for key, item in value.items():
            yield f" (key {key!r:.80})", key
            yield f"[{key!r:.80}]", item
    elif kind is list or (kind in CONTAINERS and isinstance(value, Iterable)):
        for index, item in enumerate(value):
            yield f"[{index}]" if hasattr(value, "__getitem__") else f" (item {item!r:.80})", item
    elif (shape := shape_for(kind)) is not None:
        try:
            parts = shape.dump(value)
        except Exception:  # noqa: BLE001 - then the object itself is the trouble, and `_reason` tells it
            return
        for part in parts:
            if type(part) is dict and not isinstance(shape, Converted):
                for name, item in part.items():
                    yield f".{name}", item
            else:
                yield "", part


def _reason(value: Any, error: BaseException, shape_for: ShapeFor) -> str:
    kind = type(value)
    name = type_name(kind)
    if (cause := error.__cause__) is not None:
        what = "" if isinstance(cause, Unfit | Mismatch) else f"{type(cause).__name__}: "
        return f"is a {name} that cannot be stored: {what}{cause}"
    if isinstance(error, RecursionError) or shape_for(kind) is not None or kind in CONTAINERS or kind is list:
        return _TOO_DEEP
    how = (
        f"add it to the annotations of the state schema, or allow it: Codec(allow=[{kind.__name__}])"
        if shape_of(kind) is not None
        else f"give two functions for it: Codec(convert={{{kind.__name__}: (to_plain, from_plain)}})"
    )
    return f"is a {name}, which is not allowed in checkpoints: {how}"

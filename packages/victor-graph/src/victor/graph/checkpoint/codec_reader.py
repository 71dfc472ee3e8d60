"""Reads stored bytes: into allowed values, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from threading import local
from typing import Any, Final

import msgspec
from msgspec.msgpack import Decoder

from victor.graph.checkpoint.codec_builtins import CONTAINER_LOADS, SCALAR_LOADS, Unfit
from victor.graph.checkpoint.codec_lowering import MAX_DEPTH
from victor.graph.checkpoint.codec_objects import Mismatch, Shape, shape_of, type_name
from victor.graph.checkpoint.schema_version import Unmatched
from victor.graph.errors import CheckpointError
from victor.graph.langchain_messages import langchain_class

__all__ = ["ARRAY", "OBJECT", "SCALAR", "CodecError", "Reader", "own_shape"]

ARRAY: Final = 64
"""The code of an array."""
SCALAR: Final = 65
"""The code of a value without parts."""
OBJECT: Final = 96
"""The code of an object of a class."""

_OWN_MODULES: Final = ("victor.core.message",)
"""Modules of Victor's own whose public data classes are always allowed. The names are here, not in the data."""

_own_shapes: dict[str, tuple[type, Shape]] = {}  # filled as they are met; no more than there are


class CodecError(CheckpointError):
    """A value cannot be stored, or bytes are not what the codec wrote.

    The message names the path to the value, or what is wrong with the bytes, and what to do.

    What to do: make the value at that path plain data, or give the store a codec that allows its class; where bytes
    are broken, restore the store from a copy.
    """


def own_shape(name: str) -> tuple[type, Shape] | None:
    """A class that is always allowed and its shape, by its stored name; None for any other name.

    These are the public data classes of Victor's own modules, and LangChain's messages where they are imported.
    """
    if (known := _own_shapes.get(name)) is not None:
        return known
    module_name, _, attribute = name.partition(":")
    kind: Any
    if module_name in _OWN_MODULES:
        module = import_module(_OWN_MODULES[_OWN_MODULES.index(module_name)])
        kind = getattr(module, attribute, None) if attribute in module.__all__ else None
    else:
        kind = langchain_class(name)
    if not isinstance(kind, type) or type_name(kind) != name or (shape := shape_of(kind)) is None:
        return None
    _own_shapes[name] = kind, shape
    return kind, shape


class Reader:
    """Reads one kind of record: those of the present version of the schema strictly, older ones leniently.

    Args:
        named: The allowed classes, by their stored names.
        lenient: Whether an object that has no fitting class becomes an `Unmatched` rather than an error.
    """

    def __init__(self, named: Mapping[str, Shape], *, lenient: bool) -> None:
        self._named = named
        self._lenient = lenient
        self._depth = local()
        self._decode = Decoder(ext_hook=self._extension).decode
        self._decode_list = Decoder(list, ext_hook=self._extension).decode

    def read(self, data: bytes | bytearray | memoryview) -> Any:
        """The value of these bytes.

        Raises:
            CodecError: They are damaged, or hold what is not allowed.
        """
        try:
            return self._decode(data)
        except CodecError:
            raise
        except (Unfit, Mismatch) as error:
            raise CodecError(f"a stored value does not fit: {error}") from error
        except RecursionError:
            raise CodecError("stored bytes are nested too deep: damaged, or not written by this codec") from None
        except msgspec.MsgspecError as error:
            raise CodecError(f"stored bytes are damaged, or not written by this codec: {error}") from error
        except Exception as error:
            raise CodecError(f"stored bytes are damaged: {type(error).__name__}: {error}") from error

    def _extension(self, code: int, data: memoryview) -> Any:
        if (scalar := SCALAR_LOADS.get(code)) is not None:
            return scalar(data)
        depth = getattr(self._depth, "value", 0)
        if depth > MAX_DEPTH + 1:
            raise CodecError(
                f"stored bytes are nested deeper than {MAX_DEPTH} levels: damaged, or not written by this codec"
            )
        self._depth.value = depth + 1
        try:
            parts = self._decode_list(data)
        finally:
            self._depth.value = depth
        if (container := CONTAINER_LOADS.get(code)) is not None:
            return container(parts)
        if code == OBJECT:
            return self._object(parts)
        return _load_numpy(code, parts)

    def _object(self, parts: list[Any]) -> Any:
        name = parts[0] if parts else None
        if type(name) is not str:
            raise CodecError("stored bytes are damaged: an object without a class")
        shape = self._named.get(name)
        if shape is None and (own := own_shape(name)) is not None:
            shape = own[1]
        if shape is None:
            if self._lenient:
                return Unmatched(name, parts[1:], f"is a {name}, which is not allowed here")
            if name.startswith("langchain_core.messages."):
                raise CodecError(
                    f"a {name:.200} is stored: import langchain_core.messages in the program that reads it"
                )
            raise CodecError(
                f"a {name:.200} is stored, which is not allowed here: add the class to the annotations of the state "
                "schema or to Codec(allow=[...]). If it was renamed or removed, raise the codec's version and turn "
                "it into what it is now in migrate="
            )
        try:
            return shape.load(parts[1:])
        except Mismatch as error:
            if self._lenient:
                return Unmatched(name, parts[1:], f"does not fit: {error}")
            raise CodecError(f"{error}: raise the codec's version and adapt stored values in migrate=") from error


def _load_numpy(code: int, parts: list[Any]) -> Any:
    if code not in (ARRAY, SCALAR):
        raise CodecError(f"stored bytes have the unknown type code {code}: damaged, or written by a newer victor-graph")
    try:
        from victor.graph.checkpoint import codec_numpy
    except ImportError as error:
        raise CodecError("a numpy value is stored, and numpy is not installed here: pip install numpy") from error
    return codec_numpy.load_array(parts) if code == ARRAY else codec_numpy.load_scalar(parts)

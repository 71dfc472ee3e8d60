"""How numpy's arrays and scalars are written. Imported when the first one is met, never before."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from re import compile as regex
from typing import Any, Final

import numpy as np

from victor.graph.checkpoint.codec_builtins import Unfit
from victor.graph.checkpoint.codec_reader import ARRAY, SCALAR

__all__ = ["dump_for", "load_array", "load_scalar"]


_DIMENSIONS: Final = 64
_DTYPE: Final = regex(r"[<>|=]?(?:[biufcSUV]\d{1,9}|[mM]8(?:\[\d{0,9}[a-zA-Zμ]{1,7}\])?)\Z")


def _dtype(text: Any) -> np.dtype[Any]:
    if type(text) is not str or not _DTYPE.match(text):
        raise Unfit("not a plain numpy dtype")
    return np.dtype(text)


def _dtype_text(dtype: np.dtype[Any]) -> str:
    if dtype.fields is not None or dtype.hasobject or not _DTYPE.match(dtype.str):
        raise Unfit(f"numpy dtype {dtype}: only plain numbers, text, bytes and times can be stored")
    return dtype.str


def _dump_array(value: np.ndarray[Any, Any]) -> list[Any]:
    return [_dtype_text(value.dtype), list(value.shape), value.tobytes()]


def _dump_scalar(value: np.generic) -> list[Any]:
    if isinstance(value, np.str_):
        return ["U", str.__str__(value)]  # str() would drop trailing zeros
    if isinstance(value, np.bytes_):
        return ["S", bytes(value)]
    return [_dtype_text(value.dtype), value.tobytes()]


def load_array(items: list[Any]) -> Any:
    """An array from what `dump_for` made of it."""
    text, shape, data = items
    dtype = _dtype(text)
    if type(data) is not bytes or type(shape) is not list or len(shape) > _DIMENSIONS:
        raise Unfit("not a numpy array")
    if any(type(size) is not int or not 0 <= size < 2**63 for size in shape):
        raise Unfit("not a numpy array")
    if prod(shape) * dtype.itemsize != len(data):
        raise Unfit("a numpy array whose shape and size differ")
    return np.ndarray(tuple(shape), dtype, data).copy()


def load_scalar(items: list[Any]) -> Any:
    """A scalar from what `dump_for` made of it."""
    text, data = items
    if text == "U" and type(data) is str:
        return np.str_(data)
    if text == "S" and type(data) is bytes:
        return np.bytes_(data)
    dtype = _dtype(text)
    if type(data) is not bytes or dtype.itemsize != len(data):
        raise Unfit("not a numpy scalar")
    return np.frombuffer(data, dtype)[0]


def dump_for(kind: type) -> tuple[int, Callable[[Any], list[Any]]] | None:
    """Extension code and function for a numpy type; None for one that cannot be stored (a matrix, a masked array)."""
    if kind is np.ndarray:
        return ARRAY, _dump_array
    if issubclass(kind, np.generic):
        return SCALAR, _dump_scalar
    return None

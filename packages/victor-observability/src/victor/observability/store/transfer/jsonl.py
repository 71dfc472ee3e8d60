"""An export as one file of JSON lines: the header, one line for each thing, and at the end how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from victor.observability.store.errors import StoreError
from victor.observability.store.transfer.lines import KINDS, Counts, Header, Line

__all__ = ["read", "write"]

_encode: Final = msgspec.json.Encoder().encode
_NAMES: Final = {type: name.removesuffix("s") for name, type in KINDS.items()}
_TYPES: Final = {f'{{"{name}":'.encode(): msgspec.json.Decoder(type) for type, name in _NAMES.items()}
_END: Final = b'{"end":'
_end: Final = msgspec.json.Decoder(Counts)
_header: Final = msgspec.json.Decoder(Header)


def write(path: Path, header: Header, lines: Iterable[Line]) -> Counts:
    """Write an export."""
    counts = Counts()
    with path.open("xb") as file:
        file.write(_encode(header) + b"\n")
        for line in lines:
            name = _NAMES[type(line)]
            setattr(counts, f"{name}s", getattr(counts, f"{name}s") + 1)
            file.write(b'{"%s":%s}\n' % (name.encode(), _encode(line)))
        file.write(b'{"end":%s}\n' % _encode(counts))
    return counts


def read(path: Path) -> tuple[Header, Iterator[Line | Counts]]:
    """The header of an export, and the rest of it.

    Raises:
        StoreError: A line is not as it should be; the message says which.
    """
    with path.open("rb") as file:
        first = file.readline()
    try:
        header = _header.decode(first)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise StoreError(f"{path}: this is no export of a metrics store: line 1: {error}") from error
    return header, _lines(path)


def _lines(path: Path) -> Iterator[Line | Counts]:
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if number > 1:
                yield _line(path, number, text)


def _line(path: Path, number: int, text: bytes) -> Any:
    if not text.endswith(b"\n"):
        raise StoreError(f"{path}: line {number} is cut off: the export is not whole. Nothing was imported")
    start = text[: text.find(b":") + 1]
    decoder = _end if start == _END else _TYPES.get(start)
    try:
        if decoder is None:
            raise ValueError("it begins with none of " + ", ".join(one.decode() for one in (*_TYPES, _END)))
        return decoder.decode(text[len(start) :].rstrip()[:-1])
    except (ValueError, UnicodeError) as error:
        raise StoreError(f"{path}: line {number} is damaged: {error}. Nothing was imported") from error

"""An export as a folder of three tables, in CSV or Parquet, and a ``manifest.json`` with its header and counts.

In CSV nothing stands for None, attributes and contents are JSON, and sketches are base64.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from victor.observability.store.errors import StoreError
from victor.observability.store.transfer.lines import KINDS, Counts, Header, Line

__all__ = ["read", "write"]

MANIFEST: Final = "manifest.json"
Format = Literal["csv", "parquet"]

_ROWS_AT_ONCE: Final = 5_000
_JSON: Final = frozenset({"attributes", "content"})
_FIELDS: Final = {name: msgspec.structs.fields(type) for name, type in KINDS.items()}


class Manifest(Struct):
    """What ``manifest.json`` holds."""

    header: Header
    counts: Counts
    format: Format


def write(path: Path, header: Header, lines: Iterable[Line], format: Format) -> Counts:
    """Write an export into a new folder."""
    path.mkdir()
    counts = Counts()
    names = {type: name for name, type in KINDS.items()}
    with ExitStack() as stack:
        writers = {name: stack.enter_context(_WRITERS[format](path, name)) for name in KINDS}
        for type_, some in groupby(lines, type):
            name = names[type_]
            for line in some:
                writers[name].add(line)
                setattr(counts, name, getattr(counts, name) + 1)
    (path / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(Manifest(header, counts, format))) + b"\n")
    return counts


def read(path: Path) -> tuple[Header, Iterator[Line | Counts]]:
    """The header of an export, and the rest of it.

    Raises:
        StoreError: It is not as it should be; the message says where.
    """
    file = path / MANIFEST
    try:
        manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise StoreError(f"{path}: this is no export of a metrics store: there is no {MANIFEST} in it") from None
    except (ValueError, UnicodeError) as error:
        raise StoreError(f"{file}: damaged: {error}") from error
    return manifest.header, _lines(path, manifest)


def _lines(path: Path, manifest: Manifest) -> Iterator[Line | Counts]:
    for name, type_ in KINDS.items():
        for number, row in enumerate(_READERS[manifest.format](path, name), 1):
            try:
                for column in _JSON & row.keys():
                    row[column] = msgspec.json.decode(row[column])
                yield msgspec.convert(row, type_, strict=manifest.format != "csv")
            except (ValueError, TypeError, UnicodeError) as error:
                raise StoreError(
                    f"{path / name}.{manifest.format}: row {number} is damaged: {error}. Nothing was imported"
                ) from error
    yield manifest.counts


def _values(line: Line) -> list[Any]:
    return [
        msgspec.json.encode(value).decode() if isinstance(value, dict) else value
        for value in (getattr(line, name) for name in line.__struct_fields__)
    ]


# ---------------------------------------------------------------- CSV


class _CsvWriter:
    def __init__(self, path: Path, name: str) -> None:
        self._file = (path / f"{name}.csv").open("x", encoding="utf-8", newline="")
        # The line ends of RFC 4180, with which texts that hold either half of one are quoted.
        self._rows = csv.writer(self._file, lineterminator="\r\n")
        self._rows.writerow([field.name for field in _FIELDS[name]])

    def add(self, line: Line) -> None:
        self._rows.writerow(
            [msgspec.to_builtins(value) if isinstance(value, bytes) else value for value in _values(line)]
        )

    def __enter__(self) -> _CsvWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _read_csv(path: Path, name: str) -> Iterator[dict[str, Any]]:
    columns = {field.name: field.type for field in _FIELDS[name]}
    texts = {column for column, type_ in columns.items() if type_ not in (int, int | None, float | None, str | None)}
    before = csv.field_size_limit(1 << 27)  # of the whole process, there is no other
    try:
        with (path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, strict=True):
                if None in row or None in row.values():
                    yield {"": f"it has not {len(columns)} columns"}  # refused where it is converted, with its number
                    continue
                yield {column: value if value or column in texts else None for column, value in row.items()}
    except (OSError, csv.Error, UnicodeError) as error:
        raise StoreError(f"{path / name}.csv: cannot be read: {error}. Nothing was imported") from error
    finally:
        csv.field_size_limit(before)


# ---------------------------------------------------------------- Parquet


def _arrow() -> Any:
    try:
        import pyarrow  # type: ignore[import-untyped]
        import pyarrow.parquet  # type: ignore[import-untyped]
    except ImportError as error:
        raise StoreError("Parquet needs pyarrow: pip install 'victor-observability[parquet]'") from error
    return pyarrow


def _arrow_type(arrow: Any, type_: Any) -> Any:
    if type_ in (int, int | None):
        return arrow.int64()
    if type_ == float | None:
        return arrow.float64()
    return arrow.binary() if type_ is bytes else arrow.string()


class _ParquetWriter:
    def __init__(self, path: Path, name: str) -> None:
        arrow = _arrow()
        fields = [(field.name, _arrow_type(arrow, field.type)) for field in _FIELDS[name]]
        self._schema = arrow.schema(fields)
        self._arrow = arrow
        self._file = arrow.parquet.ParquetWriter(path / f"{name}.parquet", self._schema, compression="zstd")
        self._rows: list[list[Any]] = []

    def add(self, line: Line) -> None:
        self._rows.append(_values(line))
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._write()

    def _write(self) -> None:
        columns = [*zip(*self._rows, strict=True)] or [()] * len(self._schema)
        arrays = [self._arrow.array(column, type_) for column, type_ in zip(columns, self._schema.types, strict=True)]
        self._file.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._rows = []

    def __enter__(self) -> _ParquetWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._rows:
            self._write()
        self._file.close()


def _read_parquet(path: Path, name: str) -> Iterator[dict[str, Any]]:
    arrow = _arrow()
    try:
        with arrow.parquet.ParquetFile(path / f"{name}.parquet") as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                yield from batch.to_pylist()
    except (OSError, arrow.ArrowException) as error:
        raise StoreError(f"{path / name}.parquet: cannot be read: {error}. Nothing was imported") from error


_WRITERS: Final[dict[str, Callable[[Path, str], Any]]] = {"csv": _CsvWriter, "parquet": _ParquetWriter}
_READERS: Final[dict[str, Callable[[Path, str], Iterator[dict[str, Any]]]]] = {
    "csv": _read_csv,
    "parquet": _read_parquet,
}

"""Reads and writes JSON, YAML, TOML and CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Final

from victor.core.errors import ToolError

__all__ = ["FORMATS", "format_of", "parse", "size_of", "write"]

FORMATS: Final = {
    "json": "json",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "yaml": "yaml",
    "yml": "yaml",
    "toml": "toml",
    "csv": "csv",
    "tsv": "tsv",
}
"""Formats by the endings of file names."""
_MOST: Final = 2_000_000

_LONGEST_CELL: Final = 131_072


def format_of(path: str, wanted: str | None = None) -> str:
    """The format of a file, by what is wanted or by its name.

    Raises:
        ToolError: It cannot be told.
    """
    name = (wanted or path.rpartition(".")[2]).lower()
    if name not in FORMATS:
        raise ToolError(
            f"the format of {path!r} is not known; pass format= one of {', '.join(sorted(FORMATS))}", retry=True
        )
    return FORMATS[name]


def parse(text: str, format: str, name: str = "the text") -> Any:
    """The value a text stands for. CSV becomes a list of objects with texts.

    Raises:
        ToolError: It is not of that format; tells where.
    """
    try:
        value = _parse(text, format)
    except (ValueError, RecursionError, csv.Error) as error:
        raise ToolError(f"{name} is not valid {format.upper()}: {error}") from error
    if size_of(value) > _MOST:
        raise ToolError(f"{name} stands for more than {_MOST:,} values (repeated references count each time); refused")
    return value


def _parse(text: str, format: str) -> Any:
    if format == "json":
        return json.loads(text)
    if format == "jsonl":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    if format == "toml":
        import tomllib

        return tomllib.loads(text)
    if format == "yaml":
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            found = list(yaml.load_all(text, Loader=loader))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f" in line {mark.line + 1}" if mark is not None else ""
            raise ValueError(f"{getattr(error, 'problem', None) or error}{where}") from error
        return found[0] if len(found) == 1 else found or None
    reader = csv.DictReader(io.StringIO(text), delimiter="\t" if format == "tsv" else ",")
    rows = list(reader)
    # csv has a limit of its own, which is one for the whole process and may have been raised by others.
    for cells in (reader.fieldnames or (), *(row.values() for row in rows)):
        if any(len(cell) > _LONGEST_CELL for cell in cells if isinstance(cell, str)):
            raise csv.Error(f"a cell is longer than {_LONGEST_CELL:,} characters")
    return rows


def write(value: Any, format: str) -> str:
    """The text of a value, as `parse` reads it.

    Raises:
        ToolError: The format cannot hold it.
    """
    try:
        if format == "json":
            return json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n"
        if format == "jsonl":
            return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in value)
        if format == "yaml":
            import yaml

            try:
                return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))
            except yaml.YAMLError as error:
                raise ValueError(str(error)) from error
        return _rows(value, "\t" if format == "tsv" else ",")
    except (TypeError, ValueError, AttributeError) as error:
        raise ToolError(f"this cannot be written as {format.upper()}: {error}", retry=True) from error


def _rows(value: Any, delimiter: str) -> str:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ValueError("it must be a list of objects, one per row")
    names = list(dict.fromkeys(key for row in value for key in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(value)
    return out.getvalue()


def size_of(value: Any) -> int:
    """How many values there are when each reference is written out; counts what is referred to often only once.

    So it tells a YAML file of a few lines that stands for billions of values before anything writes it out.
    """
    known: dict[int, int] = {}
    open_: set[int] = set()

    def count(at: Any, depth: int) -> int:
        if not isinstance(at, (dict, list)):
            return 1
        if id(at) in known:
            return known[id(at)]
        if id(at) in open_ or depth > 200:  # contains itself, or is nested absurdly
            return _MOST + 1
        open_.add(id(at))
        total = 1 + sum(count(below, depth + 1) for below in (at.values() if isinstance(at, dict) else at))
        open_.discard(id(at))
        known[id(at)] = total
        return total

    return count(value, 0)

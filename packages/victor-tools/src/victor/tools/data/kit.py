"""The tools for structured data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from attrs import frozen

from victor.core.errors import ToolError
from victor.tools.data import edit
from victor.tools.data.formats import format_of, parse
from victor.tools.decorator import tool
from victor.tools.files.root import Root
from victor.tools.files.text import decode_text
from victor.tools.toolkit import Toolkit

__all__ = ["Data"]

_Format = Literal["json", "jsonl", "yaml", "toml", "csv", "tsv"]


@frozen
class Data(Toolkit):
    """JSON, YAML, TOML and CSV in files below one directory, or given as text.

    Args:
        root: The directory; None for the working directory.
        max_bytes: Biggest file that is read.
        max_items: Most items of a list that are returned.
    """

    section: ClassVar[str] = "data"

    root: Path | None = None
    max_bytes: int = 20_000_000
    max_items: int = 1_000

    @tool(
        category="data",
        idempotent=True,
        keywords=[
            "json",
            "yaml",
            "toml",
            "csv",
            "extract",
            "select",
            "field",
            "jmespath",
            "parse",
            "filter",
            "column",
            "key",
            "value",
            "read",
            "rows",
            "config",
            "table",
        ],
    )
    def query(
        self, path: str | None = None, query: str = "@", text: str | None = None, format: _Format | None = None
    ) -> Any:
        """Read JSON, YAML, TOML or CSV and select from it with JMESPath.

        Args:
            path: The file.
            query: JMESPath such as people[?age > `30`].name, length(items) or servers[0].host; @ is everything.
            text: The data themselves, instead of a file.
            format: Of the data; told by the file's name otherwise. Rows of CSV are objects with texts.
        """
        data = self._load(path, text, format)
        import jmespath

        if len(query) > 2_000:
            raise ToolError("the query is too long", retry=True)
        try:
            found = jmespath.search(query, data)
        except (jmespath.exceptions.JMESPathError, RecursionError, TypeError, ValueError) as error:
            raise ToolError(
                f"the query {query!r} is wrong: {' '.join(str(error).split())[:300]}", retry=True
            ) from error
        if isinstance(found, list) and len(found) > self.max_items:
            raise ToolError(
                f"the query finds {len(found):,} items; narrow it, or take a part such as [:100]", retry=True
            )
        return found

    @tool(
        category="data",
        idempotent=True,
        keywords=["schema", "structure", "shape", "columns", "overview", "describe", "keys", "types", "csv", "json"],
    )
    def describe(
        self, path: str | None = None, text: str | None = None, format: _Format | None = None
    ) -> dict[str, Any]:
        """Describe the structure of JSON, YAML, TOML or CSV: kinds, keys, lengths, and an example of each.

        Args:
            path: The file.
            text: The data themselves, instead of a file.
            format: Of the data; told by the file's name otherwise.
        """
        return _shape(self._load(path, text, format), 0)

    @tool(
        category="data",
        keywords=[
            "change",
            "update",
            "modify",
            "write",
            "json",
            "yaml",
            "toml",
            "config",
            "setting",
            "key",
            "value",
            "edit",
            "add",
            "assign",
        ],
    )
    def set(self, path: str, place: str, value: Any, format: _Format | None = None) -> str:
        """Set one value in a JSON, YAML, TOML or CSV file; the rest stays, comments too.

        Args:
            path: The file.
            place: Where, such as servers[0].name; an index one past the end adds to a list.
            value: Any JSON value.
            format: Told by the file's name otherwise.
        """
        return self._change(path, place, value, format, f"set {place} in {path}")

    @tool(
        category="data",
        keywords=["remove", "drop", "key", "value", "json", "yaml", "toml", "config", "setting", "unset"],
    )
    def delete(self, path: str, place: str, format: _Format | None = None) -> str:
        """Remove one value from a JSON, YAML, TOML or CSV file; the rest stays, comments too.

        Args:
            path: The file.
            place: Where, such as servers[0].name.
            format: Told by the file's name otherwise.
        """
        return self._change(path, place, edit.REMOVED, format, f"removed {place} from {path}")

    def _change(self, path: str, place: str, value: Any, format: str | None, done: str) -> str:
        text, encoding = decode_text(self._bytes(path), path)
        changed = edit.change(text, format_of(path, format), place, value, path)
        Root(self.root).write(path, changed.encode(encoding), replace=True)
        return done

    def _load(self, path: str | None, text: str | None, format: str | None) -> Any:
        if (path is None) == (text is None):
            raise ToolError("give either path or text", retry=True)
        if path is None:
            assert text is not None
            return parse(text, format_of("the text", format or "json"))
        return parse(decode_text(self._bytes(path), path)[0], format_of(path, format), path)

    def _bytes(self, path: str) -> bytes:
        with Root(self.root).open(path) as (file, known):
            if known.st_size > self.max_bytes:
                raise ToolError(f"{path!r} has {known.st_size:,} bytes, more than {self.max_bytes:,}")
            return file.read()


def _shape(value: Any, depth: int) -> dict[str, Any]:
    if isinstance(value, dict):
        if depth >= 4:
            return {"kind": "object", "keys": len(value)}
        return {
            "kind": "object",
            "keys": {str(key): _shape(below, depth + 1) for key, below in list(value.items())[:50]},
        }
    if isinstance(value, list):
        return {"kind": "array", "length": len(value), **({"items": _shape(value[0], depth + 1)} if value else {})}
    kind = (
        "null"
        if value is None
        else "boolean"
        if isinstance(value, bool)
        else "number"
        if isinstance(value, (int, float))
        else "string"
    )
    return (
        {"kind": kind, "example": value if not isinstance(value, str) else value[:60]}
        if value is not None
        else {"kind": kind}
    )

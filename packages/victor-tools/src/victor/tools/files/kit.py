"""The tools for files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import msgspec
from attrs import field, frozen

from victor.core.errors import ToolError
from victor.core.tool import Tool, ToolCategory
from victor.tools.decorator import tool
from victor.tools.files.edit import replace_exactly
from victor.tools.files.patterns import compile_glob
from victor.tools.files.root import Root
from victor.tools.files.text import decode_text, read_part
from victor.tools.toolkit import Toolkit

__all__ = ["Files"]

_SKIPPED: Final = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".jj",
        "node_modules",
        "__pycache__",
        ".venv",
        ".tox",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
    }
)
_Count = Annotated[int, msgspec.Meta(ge=1)]


@frozen
class Files(Toolkit):
    """Files below one directory.

    Args:
        root: The directory; None for the working directory.
        read_only: Leave out the tools that write.
        max_chars: Most characters one call returns.
        max_entries: Most entries a list has.
        max_bytes: Biggest file that is edited or written.
    """

    section: ClassVar[str] = "files"

    root: Path | None = None
    read_only: bool = False
    max_chars: int = field(default=50_000)
    max_entries: int = field(default=1_000)
    max_bytes: int = field(default=10_000_000)

    def tools(self) -> list[Tool]:
        """Its tools; without those that write when it is read-only."""
        return [
            made for made in super().tools() if not self.read_only or made.name not in {"files_write", "files_edit"}
        ]

    @property
    def _root(self) -> Root:
        return Root(self.root)

    @tool(
        category=ToolCategory.FILESYSTEM,
        idempotent=True,
        keywords=["open", "show", "cat", "view", "contents", "source", "text", "display", "print", "head", "look"],
    )
    def read(self, path: str, start_line: _Count = 1, lines: _Count | None = None, encoding: str = "utf-8") -> str:
        """Read a text file, or some of its lines.

        A whole small file comes as it is. Of a bigger one the first part comes, and a last line in brackets says how
        to read on.

        Args:
            path: The file, relative to the working directory.
            start_line: First line to read, counted from 1.
            lines: Most lines to read; all that fit by default.
            encoding: Such as latin-1, for files that are not UTF-8.
        """
        with self._root.open(path) as (file, known):
            part = read_part(
                file, path, known.st_size, start=start_line, lines=lines, most_chars=self.max_chars, encoding=encoding
            )
        if part.is_whole or (part.lines is not None and part.last >= part.lines and not part.cut):
            return part.text
        of = f" of {part.lines:,}" if part.lines is not None else f" of a file of {known.st_size:,} bytes"
        if part.cut:
            note = f"[the first {len(part.text):,} characters of line {part.first}{of}; the line is too long]"
        else:
            note = f"[lines {part.first:,} to {part.last:,}{of}; read on with start_line={part.last + 1}]"
        return part.text + ("" if part.text.endswith("\n") else "\n") + note

    @tool(
        category=ToolCategory.FILESYSTEM,
        keywords=["save", "create", "new", "store", "append", "put", "make", "output", "export", "overwrite", "dump"],
    )
    def write(self, path: str, content: str, overwrite: bool = False, append: bool = False) -> str:
        """Write a text file; directories that are missing are made.

        Args:
            path: The file, relative to the working directory.
            content: All of its text.
            overwrite: Replace the file if there is one. Without it an existing file is left alone.
            append: Add to the end of the file instead.
        """
        root = self._root
        data = content.encode()
        if append and root.exists(path):
            old = self._bytes(path)
            root.write(path, old + data, replace=True)
            return f"added {len(data):,} bytes to {path}, which has {len(old) + len(data):,} now"
        if len(data) > self.max_bytes:
            raise ToolError(f"{len(data):,} bytes are more than the {self.max_bytes:,} that may be written at once")
        root.write(path, data, replace=overwrite)
        return f"wrote {len(data):,} bytes to {path}"

    @tool(
        category=ToolCategory.FILESYSTEM,
        keywords=["change", "replace", "modify", "update", "fix", "patch", "substitute", "rename", "correct", "alter"],
    )
    def edit(self, path: str, old: str, new: str, all: bool = False) -> str:
        """Replace an exact piece of a text file. Fails without changing anything unless the piece occurs exactly once.

        Args:
            path: The file, relative to the working directory.
            old: The text to replace, exactly as it stands in the file, with enough around it to occur only once.
            new: The text to put there.
            all: Replace every occurrence.
        """
        text, encoding = decode_text(self._bytes(path), path)
        changed, count = replace_exactly(text, old, new, path, every=all)
        self._root.write(path, changed.encode(encoding), replace=True)
        where = text.count("\n", 0, text.find(old)) + 1 if old in text else 1
        return f"replaced {count} occurrence{'s' if count > 1 else ''} in {path}, the first in line {where}"

    @tool(
        name="list",
        category=ToolCategory.FILESYSTEM,
        idempotent=True,
        keywords=["ls", "dir", "directory", "folder", "entries", "names", "browse", "contents", "size"],
    )
    def entries(self, path: str = ".", hidden: bool = False) -> list[dict[str, Any]]:
        """List a directory: name, kind, size and time of change of each entry.

        Args:
            path: The directory, relative to the working directory.
            hidden: Also what begins with a dot.
        """
        out: list[dict[str, Any]] = []
        for found in self._root.walk(path, depth=1):
            if hidden or not found.name.startswith("."):
                if len(out) >= self.max_entries:
                    raise ToolError(
                        f"{path!r} has more than {self.max_entries:,} entries; use files_glob with a pattern",
                        retry=True,
                    )
                when = datetime.fromtimestamp(found.modified, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                size = {"size": found.size} if found.kind == "file" else {}
                out.append({"name": found.name, "kind": found.kind, **size, "modified": when})
        return out

    @tool(
        category=ToolCategory.FILESYSTEM,
        idempotent=True,
        keywords=["find", "locate", "pattern", "wildcard", "match", "extension", "where", "filename", "named"],
    )
    def glob(self, pattern: str, path: str = ".", hidden: bool = False) -> list[str]:
        """Find files whose path fits a pattern such as ``**/*.py``. Returns their paths, sorted.

        Args:
            pattern: With * (within a name), ** (across directories), ? and [abc]. Without a slash it is looked for
                in all directories below.
            path: Directory to look in.
            hidden: Also in what begins with a dot.
        """
        fits = compile_glob(pattern)
        out: list[str] = []
        prefix = self._prefix(path)
        for found in self._root.walk(path, skip=frozenset() if hidden else _SKIPPED):
            inner = found.path.removeprefix(prefix)
            if found.kind == "file" and fits(inner) and (hidden or not _is_hidden(inner, pattern)):
                out.append(found.path)
                if len(out) > self.max_entries:
                    raise ToolError(
                        f"more than {self.max_entries:,} files fit {pattern!r}; narrow the pattern or the path",
                        retry=True,
                    )
        return out

    @tool(
        category=ToolCategory.SEARCH,
        idempotent=True,
        timeout=30,
        keywords=[
            "search",
            "find",
            "regex",
            "occurrences",
            "mentions",
            "usages",
            "contains",
            "rg",
            "ripgrep",
            "code",
            "used",
        ],
    )
    def grep(
        self,
        pattern: str,
        path: str = ".",
        glob: str | None = None,
        ignore_case: bool = False,
        literal: bool = False,
        context: Annotated[int, msgspec.Meta(ge=0, le=20)] = 0,
        limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100,
    ) -> str:
        """Search the text of files for a pattern. Returns ``path:line: text``, one match in a line.

        Args:
            pattern: A regular expression.
            path: File or directory to search.
            glob: Only files whose path fits this pattern, such as ``*.py``.
            ignore_case: Upper and lower case are the same.
            literal: The pattern is plain text.
            context: Lines to show before and after each match.
            limit: Most matches.
        """
        from victor.tools.files.grep import search_files

        return search_files(
            self._root,
            pattern,
            path,
            glob=glob,
            ignore_case=ignore_case,
            literal=literal,
            context=context,
            limit=limit,
            skip=_SKIPPED,
            max_chars=self.max_chars,
        )

    @tool(
        category=ToolCategory.FILESYSTEM,
        idempotent=True,
        keywords=["structure", "overview", "hierarchy", "layout", "project", "folders", "outline", "recursive"],
    )
    def tree(self, path: str = ".", depth: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3, hidden: bool = False) -> str:
        """Show what is in a directory and in those below it, indented, with sizes.

        Args:
            path: The directory.
            depth: How many levels.
            hidden: Also what begins with a dot.
        """
        lines = [f"{path.rstrip('/')}/"]
        for found in self._root.walk(path, depth=depth, skip=frozenset() if hidden else _SKIPPED):
            if not hidden and _is_hidden(found.path.removeprefix(self._prefix(path)), ""):
                continue
            if len(lines) > self.max_entries:
                lines.append(f"[more than {self.max_entries:,} entries; ask for a smaller depth or another path]")
                break
            mark = {"folder": "/", "link": " (link)", "other": " (special)"}.get(found.kind, f" ({_size(found.size)})")
            lines.append("  " * (found.depth + 1) + found.name + mark)
        return "\n".join(lines)

    def _prefix(self, path: str) -> str:
        relative = self._root.relative(path).as_posix()
        return "" if relative == "." else relative + "/"

    def _bytes(self, path: str) -> bytes:
        with self._root.open(path) as (file, known):
            if known.st_size > self.max_bytes:
                raise ToolError(
                    f"{path!r} has {known.st_size:,} bytes, more than the {self.max_bytes:,} that may be edited"
                )
            return file.read()


def _is_hidden(path: str, pattern: str) -> bool:
    """Whether a part of a path begins with a dot that the pattern does not ask for."""
    return any(part.startswith(".") for part in path.split("/")) and not any(
        p.startswith(".") for p in pattern.split("/")
    )


def _size(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"

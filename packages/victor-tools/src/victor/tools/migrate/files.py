"""Rewrites files and tells what was done."""

from __future__ import annotations

import difflib
import tokenize
from collections.abc import Iterator
from pathlib import Path

from attrs import field, frozen

from victor.core.errors import ConfigurationError

__all__ = ["Migrated", "migrate"]

_SKIPPED = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", "build", "dist", ".tox"})


@frozen
class Migrated:
    """One file.

    Args:
        path: Which.
        before: Its text.
        after: Its new text.
        by_hand: Lines that a person has to look at, and why.
        encoding: Of its text, as its first bytes or lines say.
        problem: Why it could not be read; then it is left alone.
    """

    path: Path
    before: str = ""
    after: str = ""
    by_hand: list[tuple[int, str]] = field(factory=list)
    problem: str = ""
    encoding: str = "utf-8"

    @property
    def changed(self) -> bool:
        """Whether there is something to write."""
        return self.before != self.after

    @property
    def diff(self) -> str:
        """The change as a patch."""
        name = self.path.as_posix()
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
        )
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def migrate(path: Path) -> Iterator[Migrated]:
    """What becomes of a file, or of each Python file of a directory, that has to do with old tools. Writes nothing.

    Raises:
        ConfigurationError: There is no such path, or libcst is missing.
    """
    try:
        import libcst
    except ImportError as error:
        raise ConfigurationError("migrating needs: pip install 'victor-tools[migrate]'") from error
    if not path.exists():
        raise ConfigurationError(f"there is no {path}")
    if path.is_file() and path.suffix not in {".py", ".pyi"}:
        raise ConfigurationError(f"{path} is no Python file")
    from victor.tools.migrate.rewrite import rewrite

    for file in _files(path):
        try:
            with file.open("rb") as raw:
                encoding, _ = tokenize.detect_encoding(raw.readline)
            with file.open(encoding=encoding, newline="") as opened:
                before = opened.read()
            if "victor" not in before:
                continue
            done = rewrite(before)
        except (UnicodeDecodeError, OSError, SyntaxError, libcst.ParserSyntaxError, RecursionError) as error:
            yield Migrated(file, problem=f"{type(error).__name__}: {str(error).splitlines()[0]}")
            continue
        if done.code != before or done.by_hand:
            yield Migrated(file, before, done.code, done.by_hand, encoding=encoding)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for below in sorted(path.iterdir()):
        if below.is_dir() and not below.is_symlink() and below.name not in _SKIPPED:
            yield from _files(below)
        elif below.suffix == ".py" and below.is_file():
            yield below

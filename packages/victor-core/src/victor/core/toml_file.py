"""TOML files that know in which line a key stands, for errors a person can act on; tomllib does not tell."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from victor.core.errors import ConfigurationError

__all__ = ["TomlFile", "read_toml"]

_NAME: Final = r"(?:[A-Za-z0-9_-]+|\"[^\"\n]*\"|'[^'\n]*')"
_PATH: Final = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER: Final = re.compile(rf"\s*\[\[?\s*({_PATH})\s*\]\]?\s*(?:#.*)?$")
_ASSIGNED: Final = re.compile(rf"\s*({_PATH})\s*=")


@frozen
class TomlFile:
    r"""A TOML file that was read.

    Args:
        shown: How it is named in messages.
        text: Its text.
        data: What it says.

    Example:
        >>> TomlFile("victor.toml", "[limits]\nsteps = 3", {"limits": {"steps": 3}}).where("limits.steps")
        'victor.toml:2'
    """

    shown: str
    text: str = field(repr=False)
    data: dict[str, Any] = field(repr=False, hash=False)

    def where(self, key: str) -> str:
        """``victor.toml:3``: the line a key stands in, or the file alone when it cannot be told.

        Args:
            key: Dotted name.
        """
        line = _line_of(self.text, tuple(key.split(".")))
        return f"{self.shown}:{line}" if line else self.shown


def read_toml(path: str | Path, *, near: str | Path = "") -> TomlFile:
    """Read a TOML file.

    Args:
        path: The file.
        near: A folder; a file right in it is named without its folder in messages.

    Raises:
        ConfigurationError: It cannot be read, or is not TOML; names the line.
    """
    import tomllib

    path = Path(path)
    shown = path.name if path.parent == Path(near) else str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{shown}: cannot be read: {error}") from error
    try:
        return TomlFile(shown, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        at = re.search(r" \(at line (\d+), column \d+\)$", str(error))
        line = at[1] if at else str(text.count("\n") + 1)
        reason = str(error).partition(" (at ")[0]
        hint = " (a text stands in quotes)" if reason == "Invalid value" else ""
        raise ConfigurationError(f"{shown}:{line}: not valid TOML: {reason}{hint}") from error


def _line_of(text: str, key: tuple[str, ...]) -> int | None:
    """The line a key is set in, or else of the table around it or of the first key below it."""
    table: tuple[str, ...] = ()
    closing = ""
    around: tuple[int, int | None] = (0, None)  # how much of the key the line has, and its number
    below: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        header, assigned = _HEADER.match(line), _ASSIGNED.match(line)
        if assigned:
            path = (*table, *_parts(assigned[1]))
        elif header:
            path = table = _parts(header[1])
        else:
            continue
        if path == key:
            return number
        if path == key[: len(path)] and len(path) > around[0]:
            around = (len(path), number)
        if below is None and path[: len(key)] == key:
            below = number
        for quotes in ('"""', "'''"):
            if assigned and line.count(quotes) == 1:
                closing = quotes
    return below or around[1]


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_NAME, path))

"""Character cells: how many a text takes in a terminal."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

__all__ = ["cell_width", "cell_split"]


@lru_cache(maxsize=8192)
def _cells(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cell_width(text: str) -> int:
    r"""Columns the text takes in a terminal.

    Example:
        >>> cell_width("plan"), cell_width("計画"), cell_width("e\u0301")
        (4, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(_cells, text))


def cell_split(text: str) -> list[str]:
    r"""One entry per column: a wide character is followed by an empty entry, what has no width joins the one before.

    Example:
        >>> [len(entry) for entry in cell_split("計e\u0301!")]
        [1, 0, 2, 1]
    """
    out: list[str] = []
    for char in text:
        width = _cells(char)
        if not width:
            if out:
                last = -2 if not out[-1] else -1
                out[last] += char
            continue
        out.append(char)
        if width == 2:
            out.append("")
    return out

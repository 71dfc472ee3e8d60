"""Replaces an exact piece of a text, or says why it cannot."""

from __future__ import annotations

from victor.core.errors import ToolError

__all__ = ["replace_exactly"]


def replace_exactly(text: str, old: str, new: str, name: str, *, every: bool = False) -> tuple[str, int]:
    r"""The changed text and how often it was changed.

    The line ends of the file are kept: where it has ``\r\n``, so have the pieces.

    Args:
        text: All of the file.
        old: What to replace.
        new: What to put there.
        name: Of the file, for errors.
        every: Replace all occurrences; else there must be exactly one.

    Raises:
        ToolError: It does not occur, or more than once; says where something like it stands.

    Example:
        >>> replace_exactly("a = 1\r\nb = 2\r\n", "a = 1\nb", "a = 3\nb", "x.py")
        ('a = 3\r\nb = 2\r\n', 1)
    """
    if not old:
        raise ToolError("old is empty; give the text to replace, or use files_write for a new file", retry=True)
    if "\r\n" in text and "\r" not in old:
        old, new = old.replace("\n", "\r\n"), new.replace("\r\n", "\n").replace("\n", "\r\n")
    if old == new:
        raise ToolError("old and new are the same; nothing would change", retry=True)
    count = text.count(old)
    if count == 0:
        raise ToolError(f"old does not occur in {name!r}{_hint(text, old)}", retry=True)
    if count > 1 and not every:
        lines = _lines_of(text, old)
        raise ToolError(
            f"old occurs {count} times in {name!r} (lines {', '.join(map(str, lines[:10]))}); "
            "give more of what stands around it, or pass all=true",
            retry=True,
        )
    return text.replace(old, new), count


def _lines_of(text: str, piece: str) -> list[int]:
    lines: list[int] = []
    at = text.find(piece)
    while at >= 0 and len(lines) < 50:
        lines.append(text.count("\n", 0, at) + 1)
        at = text.find(piece, at + len(piece))
    return lines


def _hint(text: str, old: str) -> str:
    """Where something stands that differs by spaces alone, or that looks like the first line of it."""
    loose = " ".join(old.split())
    first = next((line.strip() for line in old.splitlines() if line.strip()), "")
    lines = text.splitlines()[:20_000]
    for number, line in enumerate(lines, 1):
        if first and first == line.strip():
            more = (
                " but differs in its spaces or in what follows"
                if loose in " ".join(text.split())
                else ", but what follows differs"
            )
            return f"; its first line stands in line {number}{more}"
    from difflib import get_close_matches

    near = get_close_matches(first, [line.strip() for line in lines[:5_000]], n=1, cutoff=0.7) if first else []
    if near:
        number = next(n for n, line in enumerate(lines, 1) if line.strip() == near[0])
        return f"; line {number} looks like it: {near[0][:120]!r}"
    return "; read the file to see its exact text"

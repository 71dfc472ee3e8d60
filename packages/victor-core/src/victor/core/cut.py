"""Shortens texts that are too long, and says so where the piece is missing."""

from __future__ import annotations

__all__ = ["cut_middle"]


def cut_middle(text: str, most: int, notice: str = "[... {cut} of {total} characters were cut here ...]") -> str:
    """The beginning and end of a text with a notice between; a text that is short enough comes back as it is.

    Two thirds of what is kept are the beginning. Cuts at line ends where one is near.

    Args:
        text: The text.
        most: Most characters of it that are kept; the notice comes on top.
        notice: May name ``{cut}`` and ``{total}`` (characters), ``{start}`` and ``{end}`` of the missing piece.

    Example:
        >>> print(cut_middle("0123456789" * 3, 9))
        012345
        [... 21 of 30 characters were cut here ...]
        789
    """
    if len(text) <= most:
        return text
    head, tail = most * 2 // 3, most - most * 2 // 3
    line = text.rfind("\n", head - head // 5, head)
    head = line + 1 if line > 0 else head
    start = len(text) - tail
    line = text.find("\n", start, start + tail // 5)
    start = line + 1 if line >= 0 else start
    return f"{text[:head]}\n{notice.format(cut=start - head, start=head, end=start, total=len(text))}\n{text[start:]}"

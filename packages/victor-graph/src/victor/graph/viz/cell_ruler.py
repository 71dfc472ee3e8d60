"""The ruler of pictures made of characters."""

from __future__ import annotations

import unicodedata

from victor.core.highlights import Mark
from victor.graph.viz.cells import cell_width
from victor.graph.viz.geometry import Direction
from victor.graph.viz.ruler import Spacing, TextBlock, clean, wrap

__all__ = ["CellRuler", "plain_text"]

_GLYPHS: dict[Mark, str] = {"current": "▶", "visited": "✓", "failed": "✗", "interrupted": "‖"}
_ASCII_GLYPHS: dict[Mark, str] = {"current": ">", "visited": "+", "failed": "x", "interrupted": "!"}


def plain_text(text: str) -> str:
    """The text in ASCII: accents are dropped, what has no ASCII form becomes a question mark.

    Example:
        >>> plain_text("Café → 計")
        'Cafe ? ?'
    """
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).encode("ascii", "replace").decode()


class CellRuler:
    """Character cells, for terminals.

    Args:
        wrap_at: Columns of the widest line of a title.
        lines: Most lines of a title.
        tight: Leave out what makes the picture airy.
        ascii: Write ASCII only.
    """

    def __init__(self, wrap_at: int = 24, lines: int = 4, tight: bool = False, ascii: bool = False) -> None:
        self.wrap_at = wrap_at
        self.lines = lines
        self.tight = tight
        self.ascii = ascii

    def spacing(self, direction: Direction) -> Spacing:
        """The distances in columns and rows."""
        down, tight = direction == "TB", self.tight
        return Spacing(
            node_gap=(2 if tight else 3) if down else 1,
            line_gap=1 if down else 0,
            line=1,
            port_gap=(3 if tight else 4) if down else 1,
            port_min=2 if down else 1,
            corner=(1 if tight else 2) if down else 1,
            snap=3 if down else 1,
            frame_pad=1 if down else 0,
            frame_gap=1 if down else 0,
            frame_step=1 if down else 2,
            frame_clear=0,
            heading_pad=0,
            heading_on_border=True,
            lead=0 if down else 1,
            track_gap=1 if down else 2,
            arrow=1,
            box_channel=(1 if tight else 2) if down else 4,
            text_channel=0 if down else 1,
            label_beside=True,
            loop_reach=3 if down else 2,
            loop_pitch=2 if down else 4,
            loop_span=1 if down else 2,
            margin=0,
            component_gap=2 if down else 1,
        )

    def note(self, mark: Mark | None, told: str) -> str:
        """A sign for the mark, and what is told of the node."""
        glyph = (_ASCII_GLYPHS if self.ascii else _GLYPHS)[mark] if mark else ""
        return f"{glyph} {told}".strip()

    def node(self, title: str, note: str, kind: str) -> TextBlock:
        """The lines of a node's title and the size of its box."""
        lines = self._wrap(title, self.wrap_at, self.lines)
        width = max(cell_width(line) for line in (*lines, note))
        return TextBlock(lines, max(width + 4, 5), len(lines) + bool(note) + 2)

    def label(self, text: str) -> TextBlock:
        """An edge's label."""
        lines = self._wrap(text, self.wrap_at, 2)
        return TextBlock(lines, max(cell_width(line) for line in lines), len(lines))

    def heading(self, text: str) -> TextBlock:
        """A frame's heading, in one line, with a space at both ends."""
        lines = self._wrap(clean(text).replace("\n", " "), self.wrap_at + 6, 1)
        return TextBlock(lines, cell_width(lines[0]) + 2, 1)

    def _wrap(self, text: str, limit: int, lines: int) -> tuple[str, ...]:
        if self.ascii:
            return wrap(plain_text(clean(text)), limit, lines, len, "~")
        return wrap(text, limit, lines, cell_width)

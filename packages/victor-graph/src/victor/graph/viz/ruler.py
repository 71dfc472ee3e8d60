"""How large text is and how far apart things stand: the ruler of pixels, and what any ruler tells the layout."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from attrs import frozen

from victor.core.highlights import Mark
from victor.graph.viz.cells import cell_width
from victor.graph.viz.geometry import Direction

__all__ = ["PixelRuler", "Ruler", "Spacing", "TextBlock", "clean", "pixel_width", "wrap"]


@frozen
class TextBlock:
    """Wrapped text and the room it takes.

    Args:
        lines: The text.
        width, height: Its size, in the ruler's unit.
    """

    lines: tuple[str, ...]
    width: int
    height: int


@frozen
class Spacing:
    """Distances between the parts of a picture, in the ruler's unit.

    *Across* runs along a layer, *along* follows the arrows.

    Args:
        node_gap: Across, between two boxes.
        line_gap: Across, between a line and a box, a label or another line.
        line: Thickness of a line.
        port_gap: Between two arrows on one side of a box, where there is room.
        port_min: The same where there is little room; the box grows before it gets less.
        corner: Part of a box's side, at each end, where no arrow starts or ends.
        snap: Kinks up to this size are straightened by moving the arrow's end along the box.
        frame_pad: Across, from a frame's border to what it contains.
        frame_gap: Across, from a frame's border to what is beside it.
        frame_step: Along, from a box to the border of its frame, and from border to border.
        frame_clear: Along, free room outside a frame's border.
        heading_pad: Along, from the upper border of a frame to its heading.
        heading_on_border: Headings are written on the frame's upper border instead of below it.
        lead: Along, before the first and after the last track of a channel.
        track_gap: Along, between two tracks.
        arrow: Along, room for an arrowhead.
        box_channel: Along, least distance of two layers of boxes.
        text_channel: Along, least distance of a layer of labels or headings and its neighbours.
        label_beside: Labels stand beside their line instead of on it.
        loop_reach: How far a loop stands out from its box.
        loop_pitch: Part of the box's side one loop takes.
        loop_span: Distance of a loop's two ends; less than ``loop_pitch``.
        margin: Around everything.
        component_gap: Between parts that are not connected.
    """

    node_gap: int
    line_gap: int
    line: int
    port_gap: int
    port_min: int
    corner: int
    snap: int
    frame_pad: int
    frame_gap: int
    frame_step: int
    frame_clear: int
    heading_pad: int
    heading_on_border: bool
    lead: int
    track_gap: int
    arrow: int
    box_channel: int
    text_channel: int
    label_beside: bool
    loop_reach: int
    loop_pitch: int
    loop_span: int
    margin: int
    component_gap: int


class Ruler(Protocol):
    """Measures text for the layout."""

    def spacing(self, direction: Direction) -> Spacing:
        """The distances that go with its unit, where the arrows run that way."""

    def note(self, mark: Mark | None, told: str) -> str:
        """The small line below a title, empty where there is none."""

    def node(self, title: str, note: str, kind: str) -> TextBlock:
        """The lines of a node's title and the size of its box."""

    def label(self, text: str) -> TextBlock:
        """An edge's label."""

    def heading(self, text: str) -> TextBlock:
        """A frame's heading, in one line."""


_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")


def clean(text: str) -> str:
    r"""Text that can be written anywhere: line breaks become ``\n``, tabs a space, what XML forbids U+FFFD.

    Example:
        >>> clean("a\r\nb\tc\x00")
        'a\nb c\ufffd'
    """
    if text.isprintable():
        return text
    return _UNPRINTABLE.sub("\ufffd", _BREAKS.sub("\n", text).replace("\t", " "))


# Advance widths of printable ASCII in thousandths of an em, of DejaVu Sans: the widest of the fonts the pictures ask
# for, so that text fits its box in the others too.
_EM = dict(
    zip(
        map(chr, range(32, 127)),
        map(
            int,
            (
                "318 401 460 838 636 950 780 275 390 390 500 838 318 361 318 337 636 636 636 636 636 636 636 636 636 "
                "636 337 337 838 838 838 531 1000 684 686 698 770 632 575 775 752 295 295 656 557 863 748 787 603 787 "
                "695 635 611 732 684 989 685 611 685 390 337 390 838 500 500 613 635 550 635 615 352 635 634 278 278 "
                "579 278 974 634 612 635 635 411 521 392 634 592 818 592 592 525 636 337 636 838"
            ).split(),
        ),
        strict=True,
    )
)


class _Advances(dict[str, int]):
    def __missing__(self, char: str) -> int:
        cells = cell_width(char)
        width = 0 if cells == 0 else 700 if cells == 1 else 1250 if char >= "\U0001f000" else 1000
        self[char] = width
        return width


_ADVANCES = _Advances(_EM)


def pixel_width(text: str, size: float) -> float:
    """Width in pixels at that font size, on the safe side.

    Example:
        >>> round(pixel_width("plan", 10), 2)
        21.6
    """
    advance = _ADVANCES
    return sum([advance[char] for char in text]) * size / 1000


def wrap(text: str, limit: float, lines: int, width: Callable[[str], float], ellipsis: str = "…") -> tuple[str, ...]:
    """Break text into lines no wider than ``limit``; what does not fit into ``lines`` ends in an ellipsis.

    Args:
        text: Its own line breaks are kept.
        limit: Largest width of a line, in the unit of ``width``.
        lines: Most lines there may be.
        width: Measures one line.
        ellipsis: Stands for what is left out.

    Example:
        >>> wrap("retrieve the documents", 9, 3, len)
        ('retrieve', 'the', 'documents')
        >>> wrap("retrieve_the_documents", 9, 2, len)
        ('retrieve_', 'the_…')
    """
    text = clean(text)
    if width(text) <= limit and "\n" not in text:
        return (text,)
    rows: list[str] = []
    for paragraph in text.split("\n"):
        row = ""
        for word in _words(paragraph, limit, width):
            if row and width(row + word.rstrip()) > limit:
                rows.append(row.rstrip())
                row = word.lstrip()
            else:
                row += word
        rows.append(row.rstrip())
        if len(rows) > lines:
            break
    while len(rows) > 1 and not rows[-1]:
        rows.pop()
    if len(rows) <= lines:
        return tuple(rows)
    last = rows[lines - 1]
    while last and width(last + ellipsis) > limit:
        last = last[:-1]
    return (*rows[: lines - 1], last.rstrip() + ellipsis)


_WORD = re.compile(r"\s*\S+\s*?(?=\s|$)|\s+")
_JOINT = re.compile(r"[^_/.\-:]*[_/.\-:]+|[^_/.\-:]+")


def _words(paragraph: str, limit: float, width: Callable[[str], float]) -> list[str]:
    words: list[str] = []
    for word in _WORD.findall(paragraph):
        if width(word.strip()) <= limit:
            words.append(word)
            continue
        for part in _JOINT.findall(word):  # at a joint of the name first, then anywhere
            while width(part) > limit and len(part) > 1:
                cut = len(part) - 1
                while cut > 1 and width(part[:cut]) > limit:
                    cut = min(cut - 1, max(1, int(cut * limit / width(part[:cut]))))
                words.append(part[:cut])
                part = part[cut:]
            words.append(part)
    return words


class PixelRuler:
    """Pixels, for SVG, PNG and the web.

    Args:
        wrap_at: Widest line of a node's title.
    """

    title_size: float = 13.0
    label_size: float = 11.5
    heading_size: float = 12.0
    line_height = 17
    note_height = 15
    icon = 24
    """Room left of the title for the picture of its kind."""

    def __init__(self, wrap_at: int = 190) -> None:
        self.wrap_at = wrap_at

    def spacing(self, direction: Direction) -> Spacing:
        """The distances in pixels."""
        down = direction == "TB"
        return Spacing(
            node_gap=32 if down else 24,
            line_gap=18,
            line=0,
            port_gap=22,
            port_min=10,
            corner=14 if down else 8,
            snap=16,
            frame_pad=20 if down else 16,
            frame_gap=24,
            frame_step=18,
            frame_clear=14,
            heading_pad=4,
            heading_on_border=False,
            lead=14,
            track_gap=14,
            arrow=16,
            box_channel=40 if down else 56,
            text_channel=6 if down else 12,
            label_beside=False,
            loop_reach=22,
            loop_pitch=26,
            loop_span=16,
            margin=24,
            component_gap=48,
        )

    def note(self, mark: Mark | None, told: str) -> str:
        """What is told of the node; marks are drawn as badges."""
        return told

    def node(self, title: str, note: str, kind: str) -> TextBlock:
        """The lines of a node's title and the size of its box."""
        lines = wrap(title, self.wrap_at, 4, lambda text: pixel_width(text, self.title_size))
        width = max(pixel_width(line, self.title_size) for line in lines)
        if note:
            width = max(width, pixel_width(note, self.label_size))
        pill = kind in ("start", "end")
        width += 36 if pill else 24 + self.icon
        height = len(lines) * self.line_height + (self.note_height if note else 0) + (16 if pill else 24)
        return TextBlock(lines, _even(max(width, 64)), _even(height))

    def label(self, text: str) -> TextBlock:
        """An edge's label."""
        lines = wrap(text, 150, 3, lambda line: pixel_width(line, self.label_size))
        width = max(pixel_width(line, self.label_size) for line in lines)
        return TextBlock(lines, _even(width + 14), _even(len(lines) * 15 + 5))

    def heading(self, text: str) -> TextBlock:
        """A frame's heading, in one line."""
        (line,) = wrap(clean(text).replace("\n", " "), 260, 1, lambda line: pixel_width(line, self.heading_size))
        return TextBlock((line,), _even(pixel_width(line, self.heading_size) * 1.1 + 4), 22)


def _even(value: float) -> int:
    return -int(-value // 2) * 2

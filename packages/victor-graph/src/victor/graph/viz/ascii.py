"""Pictures made of characters, in Unicode boxes or plain ASCII, that fit a terminal."""

from __future__ import annotations

import shutil
from itertools import pairwise

from victor.core.highlights import Highlights
from victor.core.topology import EdgeStyle, Topology
from victor.graph.viz.arguments import check_arguments
from victor.graph.viz.cell_ruler import CellRuler
from victor.graph.viz.cells import cell_split
from victor.graph.viz.geometry import Box, Direction, Frame, Geometry, Point, Route
from victor.graph.viz.layout import plan
from victor.graph.viz.listing import listing

__all__ = ["draw", "render", "render_unicode"]

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES: dict[EdgeStyle, dict[int, str]] = {
    "solid": dict(zip((3, 12, 10, 6, 9, 5, 11, 7, 14, 13, 15), "│─╭╮╰╯├┤┬┴┼", strict=True)),
    "dashed": dict(zip((3, 12, 10, 6, 9, 5, 11, 7, 14, 13, 15), "┆┄╭╮╰╯├┤┬┴┼", strict=True)),
    "dotted": dict(zip((3, 12, 10, 6, 9, 5, 11, 7, 14, 13, 15), "┊┈╭╮╰╯├┤┬┴┼", strict=True)),
}
_HEADS = {_UP: "▲", _DOWN: "▼", _LEFT: "◀", _RIGHT: "▶"}
# Corners, horizontal, vertical, and where an arrow leaves above, below, to the left and to the right.
_LIGHT, _HEAVY, _DOUBLE = "┌┐└┘─│┴┬┤├", "┏┓┗┛━┃┷┯┨┠", "╔╗╚╝═║╧╤╢╟"
_BORDERS = {"start": _HEAVY, "end": _HEAVY, "workflow": _DOUBLE, "team": _DOUBLE}
_ASCII = str.maketrans(
    "│─╭╮╰╯├┤┬┴┼┆┄┊┈▲▼◀▶┌┐└┘┏┓┗┛━┃┷┯┨┠╔╗╚╝═║╧╤╢╟",
    "|-+++++++++|-|-^v<>++++++++-|++++++++=|++++",
)
_TRIES = ((24, 4, False), (18, 4, True), (12, 5, True), (8, 6, True))
"""Widths of titles, their lines, and whether to draw tight: tried in this order."""


def render(
    topology: Topology,
    *,
    highlights: Highlights | None = None,
    theme: str = "auto",
    width: int | None = None,
    direction: Direction = "TB",
) -> str:
    """Draw a topology with ASCII characters alone; see `render_unicode`."""
    _, way = check_arguments(topology, theme, width, direction)
    return draw(topology, highlights, width, way, ascii=True)


def render_unicode(
    topology: Topology,
    *,
    highlights: Highlights | None = None,
    theme: str = "auto",
    width: int | None = None,
    direction: Direction = "TB",
) -> str:
    """Draw a topology with box-drawing characters.

    Titles are wrapped more and more tightly until the picture fits; one that runs from left to right is turned; what
    does not fit even so becomes a list of the nodes with their arrows, which always fits.

    Args:
        topology: What to draw.
        highlights: What a run did: ``▶`` current, ``✓`` visited, ``✗`` failed, ``‖`` interrupted, with durations.
        theme: Has no effect on text; checked as everywhere.
        width: Columns there are; those of the terminal where None.
        direction: ``"TB"`` or ``"LR"``.

    Example:
        >>> from victor.core.topology import Edge, Node, Topology
        >>> print(render_unicode(Topology([Node("plan"), Node("work")], [Edge("plan", "work")]), width=40))
        ┌──────┐
        │ plan │
        └───┬──┘
            │
            ▼
        ┌──────┐
        │ work │
        └──────┘
        <BLANKLINE>
    """
    _, way = check_arguments(topology, theme, width, direction)
    return draw(topology, highlights, width, way)


def draw(
    topology: Topology,
    highlights: Highlights | None = None,
    width: int | None = None,
    direction: Direction = "TB",
    *,
    ascii: bool = False,
) -> str:
    """Draw a topology in that many columns, boxes where they fit and a list where they do not."""
    columns = shutil.get_terminal_size().columns if width is None else width
    if not topology.nodes and not topology.clusters:
        return "(empty)\n"
    for way in dict.fromkeys((direction, "TB")):
        planned = plan(topology, way)
        for wrap_at, lines, tight in _TRIES:
            geometry = planned.place(CellRuler(wrap_at, lines, tight, ascii), highlights, columns)
            if geometry.width <= columns:
                return draw_geometry(topology, geometry, ascii=ascii)
            if geometry.width > 4 * columns:
                break
    return listing(topology, highlights, columns, ascii=ascii)


def draw_geometry(topology: Topology, geometry: Geometry, *, ascii: bool = False) -> str:
    """Draw a topology that has been laid out in character cells."""
    canvas = _Canvas(geometry.width, geometry.height)
    for frame in geometry.frames:
        canvas.rectangle(frame, ".....:" if ascii else "┌┐└┘╌╎")
    canvas.routes(geometry)
    for box, node in zip(geometry.boxes, topology.nodes, strict=True):
        canvas.box(box, node.kind)
    kinds = {node.id: node.kind for node in topology.nodes}
    boxes = {box.id: box for box in geometry.boxes}
    for route in geometry.routes:
        canvas.leave(route.points[0], boxes[route.source], kinds[route.source])
    if ascii:
        canvas.translate(_ASCII)
    for frame in geometry.frames:
        canvas.text(frame.heading.x, frame.heading.y, f" {frame.heading.lines[0]} ")
    for route in geometry.routes:
        for number, line in enumerate(route.label.lines if route.label else ()):
            canvas.text(route.label.x, route.label.y + number, line)  # type: ignore[union-attr]
    for box in geometry.boxes:
        rows = [*box.lines, box.note] if box.note else [*box.lines]
        for number, line in enumerate(rows):
            cells = cell_split(line)
            canvas.text(box.x + 1 + (box.width - 1 - len(cells)) // 2, _first_row(box) + number, line)
    return canvas.dump()


def _first_row(box: Box) -> int:
    """The row of the first line of text."""
    return box.y + 1 + (box.height - 2 - len(box.lines) - bool(box.note)) // 2


class _Canvas:
    def __init__(self, width: int, height: int) -> None:
        self.rows = [[" "] * width for _ in range(height)]

    def dump(self) -> str:
        return "".join("".join(row).rstrip() + "\n" for row in self.rows)

    def translate(self, table: dict[int, int]) -> None:
        self.rows = [list("".join(row).translate(table)) for row in self.rows]

    def text(self, x: int, y: int, text: str) -> None:
        cells = cell_split(text)
        self.rows[y][x : x + len(cells)] = cells

    def box(self, box: Box, kind: str) -> None:
        border = _BORDERS.get(kind, _LIGHT)
        self.rectangle(box, border)
        for row in self.rows[box.y + 1 : box.y + box.height - 1]:
            row[box.x + 1 : box.x + box.width - 1] = " " * (box.width - 2)
        if kind == "condition":
            first = _first_row(box)
            for row in self.rows[first : first + len(box.lines)]:
                row[box.x], row[box.x + box.width - 1] = "<", ">"

    def rectangle(self, area: Box | Frame, border: str) -> None:
        """Draw a border: four corners, horizontal, vertical."""
        x, y, width = area.x, area.y, area.width
        right, bottom = x + width - 1, y + area.height - 1
        self.rows[y][x : right + 1] = border[0] + border[4] * (width - 2) + border[1]
        self.rows[bottom][x : right + 1] = border[2] + border[4] * (width - 2) + border[3]
        for row in self.rows[y + 1 : bottom]:
            row[x] = row[right] = border[5]

    def routes(self, geometry: Geometry) -> None:
        """Draw all lines and arrowheads; where two lines share a cell, what both need is drawn there."""
        arms: dict[tuple[int, int], int] = {}
        styles: dict[tuple[int, int], EdgeStyle] = {}
        heads: dict[tuple[int, int], str] = {}
        boxes = {box.id: box for box in geometry.boxes}
        for route in geometry.routes:
            points = _cells(route, boxes[route.source], boxes[route.target])
            for (x, y), (to_x, to_y) in pairwise(points):
                step_x, step_y = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
                ahead = _DOWN if step_y > 0 else _UP if step_y < 0 else _RIGHT if step_x > 0 else _LEFT
                back = _opposite(ahead)
                while (x, y) != (to_x, to_y):
                    arms[x, y] = arms.get((x, y), 0) | ahead
                    styles.setdefault((x, y), route.style)
                    x, y = x + step_x, y + step_y
                    arms[x, y] = arms.get((x, y), 0) | back
                    styles.setdefault((x, y), route.style)
            for (x, y), out in ((points[0], _side(route.points[0], boxes[route.source])),
                                (points[-1], _side(route.points[-1], boxes[route.target]))):  # fmt: skip
                arms[x, y] = arms.get((x, y), 0) | _opposite(out)
                styles.setdefault((x, y), route.style)
            heads[points[-1]] = _HEADS[_opposite(_side(route.points[-1], boxes[route.target]))]
        for (x, y), mask in arms.items():
            self.rows[y][x] = heads.get((x, y)) or _LINES[styles[x, y]][mask]

    def leave(self, point: Point, box: Box, kind: str) -> None:
        """Open the border of a box where an arrow leaves it."""
        side = _side(point, box)
        x, y = point[0] - (side == _RIGHT), point[1] - (side == _DOWN)
        self.rows[y][x] = _BORDERS.get(kind, _LIGHT)[{_UP: 6, _DOWN: 7, _LEFT: 8, _RIGHT: 9}[side]]


def _opposite(arm: int) -> int:
    return {_UP: _DOWN, _DOWN: _UP, _LEFT: _RIGHT, _RIGHT: _LEFT}[arm]


def _side(point: Point, box: Box) -> int:
    """The side of the box the point is at."""
    x, y = point
    if y == box.y and box.x < x < box.x + box.width:
        return _UP
    if y == box.y + box.height:
        return _DOWN
    return _LEFT if x == box.x else _RIGHT


def _cells(route: Route, source: Box, target: Box) -> list[Point]:
    """The corners of a route as cells, from the first outside of its source to the last outside of its target."""
    points = list(route.points)
    for place, box in ((0, source), (-1, target)):
        x, y = points[place]
        side = _side((x, y), box)
        points[place] = (x - (side == _LEFT), y - (side == _UP))
    return points

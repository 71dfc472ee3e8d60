"""The parts of an SVG picture: frames, routes, labels and boxes."""

from __future__ import annotations

from victor.core.highlights import Mark
from victor.core.topology import Node
from victor.graph.viz.geometry import Box, Direction, Frame, Point, Route, TextBox
from victor.graph.viz.icons import BADGES, ICONS
from victor.graph.viz.ruler import PixelRuler, clean

__all__ = ["box", "escape", "frame", "label", "route"]

_RADIUS = 8
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def escape(text: str) -> str:
    """Text for element content and attributes of XML.

    Example:
        >>> escape("a < b & 'c'")
        'a &lt; b &amp; &#39;c&#39;'
    """
    return clean(text).translate(_ESCAPES)


def frame(area: Frame) -> str:
    """A frame with its heading; its border lies on whole pixels."""
    heading = area.heading
    return (
        f'<g class="frame" data-id="{escape(area.id)}">'
        f'<rect x="{area.x}.5" y="{area.y}.5" width="{area.width - 1}" height="{area.height - 1}" rx="10"/>'
        f'<text class="heading" x="{heading.x}" y="{heading.y + 15}">{escape(heading.lines[0])}</text></g>'
    )


def route(line: Route) -> str:
    """A line with rounded corners and its arrowhead; one that joins another ends there."""
    points = line.points
    if line.joins is None:
        drawn = [*points[:-1], _toward(points[-1], points[-2], 7)]
        head = f'<path class="head" d="{_head(points[-2], points[-1])}"/>'
    else:
        drawn, head = list(points[: line.joins + 1]), ""
    style = f" {line.style}" if line.style != "solid" else ""
    return (
        f'<g class="edge{style}" data-source="{escape(line.source)}" data-target="{escape(line.target)}">'
        f'<path class="line" d="{_rounded(drawn)}"/>{head}</g>'
    )


def _toward(one: Point, other: Point, distance: int) -> Point:
    """The point that far from one on the way to the other, which lies straight above, below or beside it."""
    x, y = other[0] - one[0], other[1] - one[1]
    return one[0] + max(-distance, min(distance, x)), one[1] + max(-distance, min(distance, y))


def _rounded(points: list[Point]) -> str:
    """Path data through the points, with rounded corners."""
    out = [f"M{points[0][0]} {points[0][1]}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        if before[0] == corner[0] == after[0] or before[1] == corner[1] == after[1]:
            continue
        room = min(abs(corner[0] - before[0] + corner[1] - before[1]), abs(after[0] - corner[0] + after[1] - corner[1]))
        reach = min(_RADIUS, room // 2)
        (x, y), (to_x, to_y) = _toward(corner, before, reach), _toward(corner, after, reach)
        out.append(f"L{x} {y}Q{corner[0]} {corner[1]} {to_x} {to_y}")
    out.append(f"L{points[-1][0]} {points[-1][1]}")
    return "".join(out)


def _head(before: Point, tip: Point) -> str:
    x, y = tip
    if before[0] == x:
        return f"M{x} {y}l-4 {-8 if before[1] < y else 8}h8z"
    return f"M{x} {y}l{-8 if before[0] < x else 8} -4v8z"


def label(area: TextBox) -> str:
    """The label of an edge, on a patch that interrupts its line."""
    middle = area.x + area.width / 2
    lines = [
        f'<text x="{middle:g}" y="{area.y + 14 + PixelRuler.note_height * number}">{escape(line)}</text>'
        for number, line in enumerate(area.lines)
    ]
    patch = f'<rect x="{area.x}" y="{area.y}" width="{area.width}" height="{area.height}" rx="6"/>'
    return f'<g class="label">{patch}{"".join(lines)}</g>'


def box(area: Box, node: Node, mark: Mark | None, dim: bool, direction: Direction) -> str:
    """A node: shape, icon, title and note, with the badge of its mark; ``dim`` where it has none and others have."""
    x, y, width, height = area.x + 0.75, area.y + 0.75, area.width - 1.5, area.height - 1.5
    state = f" {mark}" if mark else " dim" if dim else ""
    tooltip = f"{node.title}: {node.description}" if node.description else node.title
    out = [f'<g class="node {node.kind}{state}" data-id="{escape(node.id)}"><title>{escape(tooltip)}</title>']
    if mark == "current":
        radius = height / 2 + 3 if node.kind in ("start", "end") else 13
        out.append(_rect("halo", x - 3, y - 3, width + 6, height + 6, radius))
    out.append(_shape(node.kind, x, y, width, height, 11 if direction == "TB" else 7))
    at, align = f"{area.x + area.width / 2:g}", ""
    if node.kind in ICONS:
        at, align = str(area.x + 12 + PixelRuler.icon), "left"
        place = f"translate({area.x + 12} {area.y + area.height // 2 - 8})"
        out.append(f'<path class="icon" transform="{place}" d="{ICONS[node.kind]}"/>')
    rows = len(area.lines) * PixelRuler.line_height + (PixelRuler.note_height if area.note else 0)
    baseline = area.y + (area.height - rows) / 2 + 12.8
    title = f' class="{align}"' if align else ""
    for line in area.lines:
        out.append(f'<text{title} x="{at}" y="{baseline:g}">{escape(line)}</text>')
        baseline += PixelRuler.line_height
    if area.note:
        out.append(f'<text class="note {align}" x="{at}" y="{baseline - 1.5:g}">{escape(area.note)}</text>')
    if mark:
        place = f"translate({area.x + area.width - 3} {area.y + 3})"
        out.append(f'<g class="badge" transform="{place}"><circle r="8"/><path d="{BADGES[mark]}"/></g>')
    out.append("</g>")
    return "".join(out)


def _rect(name: str, x: float, y: float, width: float, height: float, radius: float) -> str:
    return f'<rect class="{name}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"/>'


def _shape(kind: str, x: float, y: float, width: float, height: float, cut: int) -> str:
    if kind == "start":
        return _rect("shape", x, y, width, height, height / 2)
    if kind == "end":
        ring = _rect("ring", x + 3, y + 3, width - 6, height - 6, height / 2 - 3)
        return _rect("shape", x, y, width, height, height / 2) + ring
    if kind == "condition":
        flat, side = f"{width - 2 * cut:g}", f"{height - 2 * cut:g}"
        return (
            f'<path class="shape" stroke-linejoin="round" d="M{x + cut:g} {y:g}h{flat}l{cut} {cut}v{side}'
            f'l-{cut} {cut}h-{flat}l-{cut} -{cut}v-{side}z"/>'
        )
    if kind == "map":
        behind = _rect("shape", x + 5, y + 5, width - 5, height - 5, 9)
        return behind + _rect("shape", x, y, width - 5, height - 5, 9)
    if kind in ("workflow", "team"):
        return _rect("shape", x, y, width, height, 10) + _rect("shape", x + 3.5, y + 3.5, width - 7, height - 7, 7)
    return _rect("shape", x, y, width, height, 9)

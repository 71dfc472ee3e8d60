"""Pictures as SVG: crisp, light or dark, with a title and a description, and nothing fetched from anywhere."""

from __future__ import annotations

from hashlib import blake2s

from victor.core.topology import Node, Topology
from victor.graph.viz.geometry import Box, Direction, Frame, Geometry, Point, Route, TextBox
from victor.graph.viz.highlights import Highlights, Mark
from victor.graph.viz.icons import ICONS
from victor.graph.viz.layout import lay_out
from victor.graph.viz.palette import DARK, LIGHT, Colors, theme_of
from victor.graph.viz.ruler import PixelRuler, clean

__all__ = ["draw", "render"]

FONT = "Inter,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation Sans','Noto Sans','DejaVu Sans',sans-serif"
RADIUS = 8
BADGES = {"visited": "M-3.2 .2l2.2 2.4 4.2-4.8", "failed": "M-2.6-2.6l5.2 5.2M2.6-2.6l-5.2 5.2",
          "interrupted": "M-1.7-2.8v5.6M1.7-2.8v5.6", "current": "M-1.8-3l4.6 3-4.6 3z"}  # fmt: skip


def render(
    topology: Topology,
    *,
    highlights: Highlights | None = None,
    theme: str = "auto",
    width: int | None = None,
    direction: Direction = "TB",
) -> str:
    """Draw a topology as an SVG document.

    Args:
        topology: What to draw.
        highlights: What a run did.
        theme: ``"light"``, ``"dark"``, or ``"auto"`` to follow the reader's system.
        width: Pixels the picture is shown in, where it is to be scaled; its own size where None.
        direction: ``"TB"`` or ``"LR"``.

    Returns:
        A whole document, which can also stand inside an HTML page.

    Example:
        >>> from victor.core.topology import Edge, Node, Topology
        >>> picture = render(Topology([Node("plan"), Node("act")], [Edge("plan", "act")], name="loop"))
        >>> picture[:4], "<title" in picture
        ('<svg', True)
    """
    return draw(topology, lay_out(topology, direction=direction, highlights=highlights), highlights, theme, width)


def draw(
    topology: Topology,
    geometry: Geometry,
    highlights: Highlights | None = None,
    theme: str = "auto",
    width: int | None = None,
) -> str:
    """Draw a topology that has been laid out in pixels."""
    variant = theme_of(theme)
    key = (
        "v"
        + blake2s(
            repr((topology.name, topology.nodes, topology.edges, theme)).encode("utf-8", "replace"), digest_size=4
        ).hexdigest()
    )
    shown = (width, round(geometry.height * width / geometry.width)) if width else (geometry.width, geometry.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{key}" role="img" aria-labelledby="{key}-t {key}-d" '
        f'width="{shown[0]}" height="{shown[1]}" viewBox="0 0 {geometry.width} {geometry.height}">\n'
        f'<title id="{key}-t">{escape(topology.name or "Graph")}</title>\n'
        f'<desc id="{key}-d">{escape(describe(topology, highlights))}</desc>\n'
        f"<style>{_style(key, variant)}</style>\n"
        f'<rect class="paper" width="{geometry.width}" height="{geometry.height}" rx="10"/>'
    ]
    parts += [_frame(frame) for frame in geometry.frames]
    parts += [_route(route) for route in geometry.routes]
    parts += [_label(route.label) for route in geometry.routes if route.label]
    dim = bool(highlights and (highlights.visited or highlights.current))
    for box, node in zip(geometry.boxes, topology.nodes, strict=True):
        parts.append(_box(box, node, highlights.mark(box.id) if highlights else None, dim, geometry.direction))
    parts.append("</svg>\n")
    return "\n".join(parts)


_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def escape(text: str) -> str:
    """Text for element content and attributes of XML."""
    return clean(text).translate(_ESCAPES)


def describe(topology: Topology, highlights: Highlights | None = None) -> str:
    """The picture in words, for those who do not see it."""
    sentences = [topology.description.rstrip(".")] if topology.description else []
    sentences.append(f"{len(topology.nodes)} nodes and {len(topology.edges)} edges")
    if len(topology.edges) <= 60:
        ways: dict[str, list[str]] = {}
        for edge in topology.edges:
            label = f" ({edge.label})" if edge.label else ""
            ways.setdefault(edge.source, []).append(topology.node(edge.target).title + label)
        sentences += [
            f"{topology.node(source).title} leads to {', '.join(targets)}" for source, targets in ways.items()
        ]
    for mark in ("current", "failed", "interrupted", "visited") if highlights else ():
        marked = [node.title for node in topology.nodes if highlights and highlights.mark(node.id) == mark]
        if marked:
            sentences.append(f"{mark.capitalize()}: {', '.join(marked[:60])}")
    return ". ".join(sentences) + "."


# -- style -------------------------------------------------------------------------------------------------------------


def _style(key: str, theme: str) -> str:
    fixed = (
        f".{key}{{font-family:{FONT}}}"
        f".{key} text{{font-size:13px;font-weight:500;text-anchor:middle}}"
        f".{key} .left{{text-anchor:start}}"
        f".{key} .note,.{key} .label text{{font-size:11.5px;font-weight:400}}"
        f".{key} .heading{{font-size:12px;font-weight:600;text-anchor:start}}"
        f".{key} .edge path{{fill:none;stroke-width:1.5}}"
        f".{key} .edge .head{{stroke-width:1;stroke-linejoin:round}}"
        f".{key} .dashed .line{{stroke-dasharray:6 4}}"
        f".{key} .dotted .line{{stroke-dasharray:.1 4.5;stroke-linecap:round;stroke-width:2}}"
        f".{key} .frame rect{{stroke-width:1}}"
        f".{key} .node .shape{{stroke-width:1.5}}"
        f".{key} .node .icon{{fill:none;stroke-width:1.4;stroke-linecap:round;stroke-linejoin:round}}"
        f".{key} .badge path{{fill:none;stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}}"
        f".{key} .halo{{fill:none;stroke-width:5;stroke-opacity:.3}}"
        f".{key} .dim{{opacity:.5}}"
    )
    if theme != "auto":
        return fixed + _colors(key, DARK if theme == "dark" else LIGHT)
    return f"{fixed}{_colors(key, LIGHT)}@media (prefers-color-scheme:dark){{{_colors(key, DARK)}}}"


def _colors(key: str, colors: Colors) -> str:
    rules = [
        f".{key} .paper{{fill:{colors.paper}}}",
        f".{key} text{{fill:{colors.ink}}}",
        f".{key} .note,.{key} .heading,.{key} .label text{{fill:{colors.muted}}}",
        f".{key} .label rect{{fill:{colors.paper}}}",
        f".{key} .edge path{{stroke:{colors.edge}}}",
        f".{key} .edge .head{{fill:{colors.edge}}}",
        f".{key} .frame rect{{fill:{colors.frame_fill};stroke:{colors.frame}}}",
        f".{key} .badge path{{stroke:{colors.paper}}}",
    ]
    for kind, tint in colors.kinds.items():
        rules.append(f".{key} .{kind} .shape{{fill:{tint.fill};stroke:{tint.line}}}")
        if kind in ("start", "end"):
            rules.append(
                f".{key} .{kind} text{{fill:{colors.paper}}}.{key} .{kind} .ring{{fill:none;stroke:{colors.paper}}}"
            )
        else:
            rules.append(f".{key} .{kind} .icon{{stroke:{tint.line}}}")
    for mark, color in colors.marks.items():
        rules.append(
            f".{key} .{mark} .shape,.{key} .{mark} .halo{{stroke:{color}}}.{key} .{mark} .badge circle{{fill:{color}}}"
        )
    return "".join(rules)


# -- parts -------------------------------------------------------------------------------------------------------------


def _frame(frame: Frame) -> str:
    heading = frame.heading
    return (
        f'<g class="frame" data-id="{escape(frame.id)}">'
        f'<rect x="{frame.x}.5" y="{frame.y}.5" width="{frame.width - 1}" height="{frame.height - 1}" rx="10"/>'
        f'<text class="heading" x="{heading.x}" y="{heading.y + 15}">{escape(heading.lines[0])}</text></g>'
    )


def _route(route: Route) -> str:
    points = route.points
    drawn = points if route.joins is None else points[: route.joins + 1]
    style = f" {route.style}" if route.style != "solid" else ""
    back = _toward(points[-1], points[-2], 7)
    line = _rounded([*drawn[:-1], back] if route.joins is None else drawn)
    head = "" if route.joins is not None else f'<path class="head" d="{_head(points[-2], points[-1])}"/>'
    return (
        f'<g class="edge{style}" data-source="{escape(route.source)}" data-target="{escape(route.target)}">'
        f'<path class="line" d="{line}"/>{head}</g>'
    )


def _toward(one: Point, other: Point, distance: int) -> Point:
    """The point that far from one on the way to the other, which lies straight above, below or beside it."""
    x, y = other[0] - one[0], other[1] - one[1]
    return (
        one[0] + max(-distance, min(distance, x)),
        one[1] + max(-distance, min(distance, y)),
    )


def _rounded(points: list[Point] | tuple[Point, ...]) -> str:
    """Path data through the points, with rounded corners."""
    out = [f"M{points[0][0]} {points[0][1]}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(
            RADIUS,
            (abs(corner[0] - before[0]) + abs(corner[1] - before[1])) // 2,
            (abs(after[0] - corner[0]) + abs(after[1] - corner[1])) // 2,
        )
        start, end = _toward(corner, before, reach), _toward(corner, after, reach)
        if before[0] == corner[0] == after[0] or before[1] == corner[1] == after[1]:
            continue
        out.append(f"L{start[0]} {start[1]}Q{corner[0]} {corner[1]} {end[0]} {end[1]}")
    out.append(f"L{points[-1][0]} {points[-1][1]}")
    return "".join(out)


def _head(before: Point, tip: Point) -> str:
    x, y = tip
    if before[0] == x:
        back = -8 if before[1] < y else 8
        return f"M{x} {y}l-4 {back}h8z"
    back = -8 if before[0] < x else 8
    return f"M{x} {y}l{back} -4v8z"


def _label(label: TextBox) -> str:
    middle = label.x + label.width / 2
    lines = "".join(
        f'<text x="{middle:g}" y="{label.y + 14 + 15 * number}">{escape(line)}</text>'
        for number, line in enumerate(label.lines)
    )
    return f'<g class="label"><rect x="{label.x}" y="{label.y}" width="{label.width}" height="{label.height}" rx="6"/>{lines}</g>'


def _box(box: Box, node: Node, mark: Mark | None, dim: bool, direction: Direction) -> str:
    x, y, width, height = box.x + 0.75, box.y + 0.75, box.width - 1.5, box.height - 1.5
    pill = node.kind in ("start", "end")
    classes = f"node {node.kind}" + (f" {mark}" if mark else " dim" if dim else "")
    out = [f'<g class="{classes}" data-id="{escape(node.id)}">']
    tooltip = node.title if not node.description else f"{node.title}: {node.description}"
    out.append(f"<title>{escape(tooltip)}</title>")
    if mark == "current":
        out.append(
            f'<rect class="halo" x="{x - 3:g}" y="{y - 3:g}" width="{width + 6:g}" height="{height + 6:g}" rx="{13 if not pill else height / 2 + 3:g}"/>'
        )
    out.append(_shape(node.kind, x, y, width, height, 11 if direction == "TB" else 7))
    at, anchor = f"{box.x + box.width / 2:g}", ""
    if node.kind in ICONS:
        at, anchor = str(box.x + 12 + PixelRuler.icon), ' class="left"'
        out.append(
            f'<path class="icon" transform="translate({box.x + 12} {box.y + box.height // 2 - 8})" d="{ICONS[node.kind]}"/>'
        )
    rows = len(box.lines) * PixelRuler.line_height + (PixelRuler.note_height if box.note else 0)
    baseline = box.y + (box.height - rows) / 2 + 12.8
    for line in box.lines:
        out.append(f'<text{anchor} x="{at}" y="{baseline:g}">{escape(line)}</text>')
        baseline += PixelRuler.line_height
    if box.note:
        out.append(
            f'<text class="note{" left" if anchor else ""}" x="{at}" y="{baseline - 1.5:g}">{escape(box.note)}</text>'
        )
    if mark:
        out.append(
            f'<g class="badge" transform="translate({box.x + box.width - 3} {box.y + 3})"><circle r="8"/>'
            f'<path d="{BADGES[mark]}"/></g>'
        )
    out.append("</g>")
    return "".join(out)


def _shape(kind: str, x: float, y: float, width: float, height: float, cut: int) -> str:
    size = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    if kind in ("start", "end"):
        ring = ""
        if kind == "end":
            ring = f'<rect class="ring" x="{x + 3:g}" y="{y + 3:g}" width="{width - 6:g}" height="{height - 6:g}" rx="{height / 2 - 3:g}"/>'
        return f'<rect class="shape" {size} rx="{height / 2:g}"/>{ring}'
    if kind == "condition":
        return (
            f'<path class="shape" stroke-linejoin="round" d="M{x + cut:g} {y:g}h{width - 2 * cut:g}l{cut} {cut}v{height - 2 * cut:g}l-{cut} {cut}'
            f'h-{width - 2 * cut:g}l-{cut} -{cut}v-{height - 2 * cut:g}z"/>'
        )
    if kind == "map":
        inner = f'x="{x:g}" y="{y:g}" width="{width - 5:g}" height="{height - 5:g}"'
        outer = f'x="{x + 5:g}" y="{y + 5:g}" width="{width - 5:g}" height="{height - 5:g}"'
        return f'<rect class="shape" {outer} rx="9"/><rect class="shape" {inner} rx="9"/>'
    if kind in ("workflow", "team"):
        inner = f'x="{x + 3.5:g}" y="{y + 3.5:g}" width="{width - 7:g}" height="{height - 7:g}"'
        return f'<rect class="shape" {size} rx="10"/><rect class="shape" {inner} rx="7"/>'
    return f'<rect class="shape" {size} rx="9"/>'

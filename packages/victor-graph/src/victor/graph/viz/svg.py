"""Pictures as SVG: crisp, light or dark, with a title and a description, and nothing fetched from anywhere."""

from __future__ import annotations

from hashlib import blake2s

from victor.core.highlights import Highlights
from victor.core.topology import Topology
from victor.graph.viz import svg_parts as parts
from victor.graph.viz.arguments import check_arguments
from victor.graph.viz.geometry import Direction, Geometry
from victor.graph.viz.layout import lay_out
from victor.graph.viz.palette import Theme
from victor.graph.viz.svg_style import style_sheet

__all__ = ["describe", "draw", "render"]


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
        A whole document, which can also stand inside an HTML page. Nodes carry ``data-id``, edges ``data-source`` and
        ``data-target``.

    Example:
        >>> from victor.core.topology import Edge, Node, Topology
        >>> picture = render(Topology([Node("plan"), Node("act")], [Edge("plan", "act")], name="loop"))
        >>> picture[:4], "<title" in picture
        ('<svg', True)
    """
    variant, way = check_arguments(topology, theme, width, direction)
    return draw(topology, lay_out(topology, direction=way, highlights=highlights), highlights, variant, width)


def draw(
    topology: Topology,
    geometry: Geometry,
    highlights: Highlights | None = None,
    theme: Theme = "auto",
    width: int | None = None,
) -> str:
    """Draw a topology that has been laid out in pixels."""
    wide, high = geometry.width, geometry.height
    key = _key(topology, theme)
    shown = (wide, high) if width is None else (width, max(1, round(high * width / wide)))
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{key}" role="img" aria-labelledby="{key}-t {key}-d" '
        f'width="{shown[0]}" height="{shown[1]}" viewBox="0 0 {wide} {high}">',
        f'<title id="{key}-t">{parts.escape(topology.name or "Graph")}</title>',
        f'<desc id="{key}-d">{parts.escape(describe(topology, highlights))}</desc>',
        f"<style>{style_sheet(key, theme)}</style>",
        f'<rect class="paper" width="{wide}" height="{high}" rx="10"/>',
    ]
    out += [parts.frame(frame) for frame in geometry.frames]
    out += [parts.route(route) for route in geometry.routes]
    out += [parts.label(route.label) for route in geometry.routes if route.label]
    dim = bool(highlights and (highlights.visited or highlights.current))
    for box, node in zip(geometry.boxes, topology.nodes, strict=True):
        mark = highlights.mark(box.id) if highlights else None
        out.append(parts.box(box, node, mark, dim, geometry.direction))
    out.append("</svg>\n")
    return "\n".join(out)


def _key(topology: Topology, theme: str) -> str:
    """A name for the picture's rules and ids, its alone in a page and the same every time."""
    told = repr((theme, topology.name, [node.id for node in topology.nodes], len(topology.edges)))
    return "v" + blake2s(told.encode("utf-8", "backslashreplace"), digest_size=4).hexdigest()


def describe(topology: Topology, highlights: Highlights | None = None) -> str:
    """The picture in words, for those who do not see it.

    Example:
        >>> from victor.core.topology import Edge, Node, Topology
        >>> describe(Topology([Node("ask"), Node("tell")], [Edge("ask", "tell", "known")]))
        '2 nodes and 1 edge. ask leads to tell (known).'
    """
    sentences = [topology.description.strip().rstrip(".")] if topology.description.strip() else []
    sentences.append(f"{_count(len(topology.nodes), 'node')} and {_count(len(topology.edges), 'edge')}")
    if len(topology.edges) <= 60:
        ways: dict[str, list[str]] = {}
        for edge in topology.edges:
            label = f" ({edge.label})" if edge.label.strip() else ""
            ways.setdefault(edge.source, []).append(topology.node(edge.target).title + label)
        sentences += [f"{topology.node(id).title} leads to {', '.join(targets)}" for id, targets in ways.items()]
    if highlights:
        marked: dict[str, list[str]] = {}
        for node in topology.nodes:
            marked.setdefault(highlights.mark(node.id) or "", []).append(node.title)
        for mark in ("current", "failed", "interrupted", "visited"):
            if mark in marked:
                sentences.append(f"{mark.capitalize()}: {', '.join(marked[mark][:60])}")
    return ". ".join(sentences) + "."


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"

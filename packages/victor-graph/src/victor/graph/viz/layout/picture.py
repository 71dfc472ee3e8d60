"""The whole layout: components planned, placed and packed into one geometry."""

from __future__ import annotations

from math import sqrt

from attrs import define, frozen

from victor.core.highlights import Highlights
from victor.core.topology import Topology
from victor.graph.viz.geometry import Box, Direction, Frame, Geometry, Route, TextBox
from victor.graph.viz.layout.areas import Area, Placed, Texts
from victor.graph.viz.layout.components import Component, components
from victor.graph.viz.layout.coordinates import add_borders
from victor.graph.viz.layout.layered import Layered
from victor.graph.viz.layout.layering import layer
from victor.graph.viz.layout.ordering import order
from victor.graph.viz.layout.placing import place
from victor.graph.viz.layout.ports import Sides, port_order
from victor.graph.viz.ruler import PixelRuler, Ruler

__all__ = ["Plan", "lay_out", "plan"]


@frozen
class Plan:
    """Everything that does not depend on sizes: ranks, and the order in each layer.

    Pictures of one plan differ in nothing but distances, so those in pixels and those in characters agree.

    Args:
        topology: What is drawn.
        direction: Where its arrows lead.
        parts: Its parts that are not connected, each in layers.
    """

    topology: Topology
    direction: Direction
    parts: tuple[tuple[Component, Layered, Sides], ...]

    def place(self, ruler: Ruler, highlights: Highlights | None = None, width: int | None = None) -> Geometry:
        """Measure the texts and place everything.

        Args:
            ruler: Gives sizes and distances their unit.
            highlights: Durations are part of a box's size.
            width: Parts that are not connected are put below each other rather than make the picture wider than this.
        """
        topology, spacing = self.topology, ruler.spacing(self.direction)
        notes = [""] * len(topology.nodes)
        if highlights:
            notes = [ruler.note(highlights.mark(node.id), highlights.note(node.id)) for node in topology.nodes]
        texts = Texts(
            [ruler.node(node.title, note, node.kind) for node, note in zip(topology.nodes, notes, strict=True)],
            [ruler.label(edge.label) if edge.label.strip() else None for edge in topology.edges],
            [ruler.heading(cluster.label or cluster.id) for cluster in topology.clusters],
        )
        placed = [place(graph, sides, part, texts, spacing, self.direction) for part, graph, sides in self.parts]
        limit = None if width is None else width - 2 * spacing.margin
        corners, wide, long = _pack(placed, spacing.component_gap, limit, self.direction)
        return _geometry(self, placed, corners, texts, notes, (wide, long), spacing.margin)


def plan(topology: Topology, direction: Direction = "TB") -> Plan:
    """Decide ranks and orders."""
    parts = []
    for part in components(topology):
        graph = layer(part, direction)
        order(graph)
        sides = port_order(graph)
        add_borders(graph)
        parts.append((part, graph, sides))
    return Plan(topology, direction, tuple(parts))


def lay_out(
    topology: Topology,
    *,
    ruler: Ruler | None = None,
    direction: Direction = "TB",
    highlights: Highlights | None = None,
) -> Geometry:
    """Lay a topology out in layers, the same way every time.

    Args:
        topology: What to draw.
        ruler: Unit of all sizes; pixels where none is given.
        direction: ``"TB"`` or ``"LR"``.
        highlights: Durations to leave room for.

    Returns:
        Boxes, routes and frames. Boxes do not overlap each other, labels or headings; routes run around boxes and
        labels, and cross each other at right angles or, towards the same target, lie on each other; a frame contains
        its members alone.

    Example:
        >>> from victor.core.topology import Edge, Node, Topology
        >>> picture = lay_out(Topology([Node("a"), Node("b")], [Edge("a", "b", label="next")]))
        >>> [box.id for box in picture.boxes], picture.routes[0].label.lines
        (['a', 'b'], ('next',))
        >>> picture.boxes[1].y > picture.boxes[0].y
        True
    """
    return plan(topology, direction).place(ruler or PixelRuler(), highlights)


@define
class _Shelf:
    across: int
    along: int
    long: int


def _pack(
    placed: list[Placed], gap: int, limit: int | None, direction: Direction
) -> tuple[list[tuple[int, int]], int, int]:
    """Corners (across, along) of the components, on shelves; and the extent of all."""
    if direction == "LR":  # what is connected lies in rows; the rows stand below each other
        limit = None
    area = sum((part.wide + gap) * (part.long + gap) for part in placed)
    widest = max((part.wide for part in placed), default=0)
    wanted = max(widest, int(sqrt(area * (2.0 if direction == "TB" else 0.7))))
    room = wanted if limit is None else max(widest, min(limit, max(wanted, limit)))
    corners, shelf = [], _Shelf(0, 0, 0)
    wide = long = 0
    for part in placed:
        if shelf.across and shelf.across + part.wide > room:
            shelf = _Shelf(0, shelf.along + shelf.long + gap, 0)
        corners.append((shelf.across, shelf.along))
        shelf.across += part.wide + gap
        shelf.long = max(shelf.long, part.long)
        wide, long = max(wide, shelf.across - gap), shelf.along + shelf.long
    return corners, wide, long


def _geometry(
    plan: Plan,
    placed: list[Placed],
    corners: list[tuple[int, int]],
    texts: Texts,
    notes: list[str],
    extent: tuple[int, int],
    margin: int,
) -> Geometry:
    topology, down = plan.topology, plan.direction == "TB"
    boxes: list[Box | None] = [None] * len(topology.nodes)
    routes: list[Route | None] = [None] * len(topology.edges)
    frames: list[Frame] = []
    for (part, graph, _), result, (across, along) in zip(plan.parts, placed, corners, strict=True):

        def spot(area: Area, across: int = across + margin, along: int = along + margin) -> tuple[int, int, int, int]:
            if down:
                return area.across + across, area.along + along, area.wide, area.long
            return area.along + along, area.across + across, area.long, area.wide

        for number, area in zip(part.nodes, result.boxes, strict=True):
            boxes[number] = Box(topology.nodes[number].id, *spot(area), texts.nodes[number].lines, notes[number])
        for local, number in enumerate(part.frames):
            cluster = topology.clusters[number]
            heading = TextBox(*spot(result.headings[local]), texts.headings[number].lines)
            depth = graph.clusters.depth[local]
            frames.append(Frame(cluster.id, *spot(result.frames[local]), heading, depth, cluster.parent))
        for local, number in enumerate(part.edges):
            edge, label, text = topology.edges[number], result.labels[local], texts.labels[number]
            points = [(x + across + margin, y + along + margin) for x, y in result.routes[local]]
            routes[number] = Route(
                number,
                edge.source,
                edge.target,
                tuple(points) if down else tuple((y, x) for x, y in points),
                edge.style,
                TextBox(*spot(label), text.lines) if label and text else None,
                result.joins[local],
            )
    wide, long = extent[0] + 2 * margin, extent[1] + 2 * margin
    return Geometry(
        wide if down else long,
        long if down else wide,
        plan.direction,
        tuple(box for box in boxes if box),
        tuple(route for route in routes if route),
        tuple(frames),
    )

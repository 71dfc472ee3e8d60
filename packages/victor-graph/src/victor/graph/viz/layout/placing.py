"""From an ordered component and the sizes of its texts to places: across, then along, then the routes."""

from __future__ import annotations

from victor.graph.viz.geometry import Direction
from victor.graph.viz.layout.adjusting import straighten, tighten_frames
from victor.graph.viz.layout.areas import Area, Placed, Texts
from victor.graph.viz.layout.components import Component
from victor.graph.viz.layout.coordinates import place_across
from victor.graph.viz.layout.extents import Extents, measure
from victor.graph.viz.layout.layered import LABEL, LEFT, RIGHT, Layered
from victor.graph.viz.layout.ports import Sides
from victor.graph.viz.layout.routing import Wire, route_channel
from victor.graph.viz.layout.stacking import Stack, frame_areas, stack
from victor.graph.viz.layout.tracing import Tracer
from victor.graph.viz.ruler import Spacing

__all__ = ["place"]


def place(
    graph: Layered, sides: Sides, part: Component, texts: Texts, spacing: Spacing, direction: Direction
) -> Placed:
    """Place one component; the graph is left as it is."""
    down = direction == "TB"
    sizes = measure(graph, sides, part, texts, spacing, down)
    heading_room = 0
    if not down and not spacing.heading_on_border:
        heading_room = max((wide for wide, _ in sizes.headings), default=0)
    middle = place_across(graph, sizes.before, sizes.after, sizes.offsets, sides.favourite, spacing, heading_room)
    tighten_frames(graph, sizes, middle, spacing, heading_room)
    straighten(graph, sides, sizes, middle, spacing)
    wires, tracks = _route(graph, sizes, middle, spacing)
    stacked = stack(graph, sizes, tracks, spacing, down)

    out = Placed(long=stacked.long)
    out.frames, out.headings = frame_areas(graph, sizes, stacked, middle, spacing, down)
    for item in range(len(part.nodes)):  # the first items are the nodes
        out.boxes.append(_area(graph, sizes, stacked, item, middle[item] - sizes.before[item]))
    out.labels = [None] * len(part.edges)
    for item, kind in enumerate(graph.kind):
        if kind == LABEL:
            beside = spacing.line + 1 if spacing.label_beside and down else 0
            area = _area(graph, sizes, stacked, item, middle[item] - sizes.before[item] + beside)
            out.labels[graph.owner[item]] = area
    out.routes = [[] for _ in part.edges]
    out.joins = [None] * len(part.edges)
    tracer = Tracer(graph, wires, stacked, spacing, out)
    for edge, chain in enumerate(graph.chains):
        if chain:
            tracer.trace(edge)
    for node in sizes.loops:
        tracer.loops(node, sizes)
    _shift_to_zero(out, spacing.line)
    return out


def _route(graph: Layered, sizes: Extents, middle: list[int], spacing: Spacing) -> tuple[list[Wire], list[int]]:
    """How each segment passes its channel; and the number of tracks of the channel below each layer."""
    offsets = sizes.offsets
    wires = [
        Wire(middle[top] + offsets[top_port], middle[bottom] + offsets[bottom_port], top_port, bottom_port)
        for top, bottom, top_port, bottom_port in zip(
            graph.seg_top, graph.seg_bottom, graph.seg_top_port, graph.seg_bottom_port, strict=True
        )
    ]
    apart = max(2 * spacing.line, spacing.line_gap)
    tracks = []
    for layer in graph.layers:
        borders = {middle[item] for item in layer if graph.kind[item] in (LEFT, RIGHT)}
        through = [wires[segment] for item in layer for segment in graph.down[item]]
        tracks.append(route_channel(through, borders, apart))
    return wires, tracks


def _area(graph: Layered, sizes: Extents, stacked: Stack, item: int, across: int) -> Area:
    """An item in the middle of its layer."""
    layer, long = graph.layer[item], sizes.long[item]
    return Area(across, stacked.start[layer] + (stacked.thick[layer] - long) // 2, sizes.wide[item], long)


def _shift_to_zero(out: Placed, line: int) -> None:
    """Let the places across begin at 0."""
    areas = [*out.boxes, *out.frames, *(area for area in out.labels if area)]
    low = min([area.across for area in areas] + [across for route in out.routes for across, _ in route], default=0)
    ends = [area.across + area.wide for area in areas]
    ends += [across + line for route in out.routes for across, _ in route]
    out.wide = max(ends, default=0) - low
    for area in (*areas, *out.headings):
        area.across -= low
    out.routes = [[(across - low, along) for across, along in route] for route in out.routes]

"""Places along the arrows: layers, the channels between them with their tracks, and the frames' far borders."""

from __future__ import annotations

from attrs import define, field

from victor.graph.viz.layout.areas import Area
from victor.graph.viz.layout.extents import Extents
from victor.graph.viz.layout.layered import BOX, Layered
from victor.graph.viz.ruler import Spacing

__all__ = ["Stack", "frame_areas", "stack"]


@define
class Stack:
    """Where everything lies along.

    Args:
        start: Of each layer.
        thick: Extent of each layer.
        first_track: Of the channel below each layer.
        top_level: By cluster, how many borders lie between its upper border and its first layer, with itself.
        bottom_level: The same below.
        arrows_up: By layer, room for arrowheads below it.
        arrows_down: By layer, room for arrowheads above it.
        top_step: Distance of two upper borders.
        long: Of all.
    """

    start: list[int] = field(factory=list)
    thick: list[int] = field(factory=list)
    first_track: list[int] = field(factory=list)
    top_level: list[int] = field(factory=list)
    bottom_level: list[int] = field(factory=list)
    arrows_up: list[int] = field(factory=list)
    arrows_down: list[int] = field(factory=list)
    top_step: int = 0
    long: int = 0


def stack(graph: Layered, sizes: Extents, tracks: list[int], spacing: Spacing, down: bool) -> Stack:
    """Stack the layers; ``tracks`` is how many the channel below each layer needs."""
    layers = graph.layers
    out = Stack()
    out.thick = [max([sizes.long[item] for item in layer], default=0) for layer in layers]
    tops, bottoms = _levels(graph, out)
    if not down:  # headings stand above the boxes of the first layer, and are no wider
        for cluster, (_, long) in enumerate(sizes.headings):
            top = graph.clusters.top[cluster]
            out.thick[top] = max(out.thick[top], long)
    out.top_step = spacing.frame_step
    if down:
        out.top_step = 0 if spacing.heading_on_border else spacing.heading_pad
    _arrowheads(graph, out, spacing.arrow)
    boxes = [any(graph.kind[item] == BOX for item in layer) for layer in layers]
    at = tops[0] * out.top_step + out.arrows_down[0]
    for number in range(len(layers)):
        out.start.append(at)
        at += out.thick[number]
        count = tracks[number]
        width = 2 * spacing.lead + (count - 1) * spacing.track_gap + spacing.line if count else 0
        head = out.arrows_up[number] + bottoms[number] * spacing.frame_step
        tail = least = 0
        if number + 1 < len(layers):
            head += spacing.frame_clear if bottoms[number] else 0
            tail = tops[number + 1] * out.top_step + out.arrows_down[number + 1]
            tail += spacing.frame_clear if tops[number + 1] else 0
            least = spacing.box_channel if boxes[number] and boxes[number + 1] else spacing.text_channel
        spare = max(0, least - head - width - tail)
        out.first_track.append(at + head + spare // 2 + spacing.lead)
        at += head + width + tail + spare
    out.long = at
    return out


def _levels(graph: Layered, out: Stack) -> tuple[list[int], list[int]]:
    """Fill in the levels of the clusters; returns by layer how many upper, and lower, borders lie next to it."""
    clusters = graph.clusters
    out.top_level, out.bottom_level = [1] * len(clusters.parent), [1] * len(clusters.parent)
    tops, bottoms = [0] * len(graph.layers), [0] * len(graph.layers)
    for cluster in reversed(range(len(clusters.parent))):  # inner ones first
        parent, top, bottom = clusters.parent[cluster], clusters.top[cluster], clusters.bottom[cluster]
        if parent >= 0 and clusters.top[parent] == top:
            out.top_level[parent] = max(out.top_level[parent], out.top_level[cluster] + 1)
        if parent >= 0 and clusters.bottom[parent] == bottom:
            out.bottom_level[parent] = max(out.bottom_level[parent], out.bottom_level[cluster] + 1)
        tops[top] = max(tops[top], out.top_level[cluster])
        bottoms[bottom] = max(bottoms[bottom], out.bottom_level[cluster])
    return tops, bottoms


def _arrowheads(graph: Layered, out: Stack, room: int) -> None:
    out.arrows_up, out.arrows_down = [0] * len(graph.layers), [0] * len(graph.layers)
    for edge, chain in enumerate(graph.chains):
        if chain and graph.flipped[edge]:
            out.arrows_up[graph.layer[graph.seg_top[chain[0]]]] = room
        elif chain:
            out.arrows_down[graph.layer[graph.seg_bottom[chain[-1]]]] = room


def frame_areas(
    graph: Layered, sizes: Extents, out: Stack, middle: list[int], spacing: Spacing, down: bool
) -> tuple[list[Area], list[Area]]:
    """The frames and their headings."""
    clusters = graph.clusters
    frames, headings = [], []
    for cluster, (wide, long) in enumerate(sizes.headings):
        top, bottom = clusters.top[cluster], clusters.bottom[cluster]
        left, right = middle[clusters.left[cluster][0]], middle[clusters.right[cluster][0]]
        start = out.start[top] - out.arrows_down[top] - out.top_level[cluster] * out.top_step
        end = out.start[bottom] + out.thick[bottom] + out.arrows_up[bottom]
        end += out.bottom_level[cluster] * spacing.frame_step
        frames.append(Area(left, start, right + spacing.line - left, end - start))
        if down:
            headings.append(Area(middle[clusters.heading[cluster]], out.start[top], wide, long))
        else:
            inset = 2 if spacing.heading_on_border else spacing.frame_pad
            headings.append(Area(left + spacing.heading_pad, start + inset, wide, long))
    return frames, headings

"""Last touches across the layers: frames close around what they hold, small kinks straightened."""

from __future__ import annotations

from collections import Counter

from victor.graph.viz.layout.extents import Extents
from victor.graph.viz.layout.layered import BOX, LEFT, LINE, Layered
from victor.graph.viz.layout.ports import Sides, reach
from victor.graph.viz.ruler import Spacing

__all__ = ["straighten", "tighten_frames"]


def tighten_frames(graph: Layered, sizes: Extents, middle: list[int], spacing: Spacing, heading_room: int) -> None:
    """Draw each frame as close around its contents as it goes, the heading at its left; changes ``middle``."""
    clusters = graph.clusters
    place_in_layer: dict[int, int] = {}
    for layer in graph.layers if clusters.parent else ():
        place_in_layer.update((item, place) for place, item in enumerate(layer))
    pad = spacing.frame_pad
    for cluster in reversed(range(len(clusters.parent))):  # inner ones first
        starts, ends = [], []
        heading = clusters.heading[cluster]
        for left, right in zip(clusters.left[cluster], clusters.right[cluster], strict=True):
            layer = graph.layers[graph.layer[left]]
            contents = layer[place_in_layer[left] + 1 : place_in_layer[right]]
            if contents and contents[0] == heading:
                contents = contents[1:]
                after = contents[0] if contents else right
                gap = pad if not contents else spacing.frame_gap if graph.kind[after] == LEFT else spacing.line_gap
                starts.append(middle[after] - sizes.before[after] - gap - sizes.wide[heading] - pad)
            contents = [item for item in contents if graph.kind[item] != LINE or graph.owner[item] >= 0]
            if contents:
                starts.append(middle[contents[0]] - sizes.before[contents[0]] - pad - heading_room)
                ends.append(middle[contents[-1]] + sizes.after[contents[-1]] + pad)
        start, end = min(starts) - spacing.line, max(ends)
        if heading >= 0:
            middle[heading] = start + spacing.line + pad
            end = max(end, middle[heading] + sizes.wide[heading] + pad)
        for item in clusters.left[cluster]:
            middle[item] = start
        for item in clusters.right[cluster]:
            middle[item] = end


def straighten(graph: Layered, sides: Sides, sizes: Extents, middle: list[int], spacing: Spacing) -> None:
    """Move the end of an arrow along its box where that takes a small kink out of it; changes ``sizes.offsets``."""
    offsets = sizes.offsets
    used = Counter(graph.seg_top_port) + Counter(graph.seg_bottom_port)
    for segment, (top, bottom) in enumerate(zip(graph.seg_top, graph.seg_bottom, strict=True)):
        top_port, bottom_port = graph.seg_top_port[segment], graph.seg_bottom_port[segment]
        kink = middle[top] + offsets[top_port] - middle[bottom] - offsets[bottom_port]
        if kink == 0 or abs(kink) > spacing.snap:
            continue
        for side, item, port, move in ((sides.top, bottom, bottom_port, kink), (sides.bottom, top, top_port, -kink)):
            if graph.kind[item] == BOX and used[port] == 1 and _may_move(side[item], sizes, item, port, move, spacing):
                offsets[port] += move
                break


def _may_move(ports: list[int], sizes: Extents, item: int, port: int, move: int, spacing: Spacing) -> bool:
    """Whether the port stays on its side and clear of its neighbours."""
    offsets, place = sizes.offsets, ports.index(port)
    wanted = offsets[port] + move
    room_left, room_right = reach(sizes.wide[item], spacing)
    if not -room_left <= wanted <= room_right:
        return False
    if place and wanted - offsets[ports[place - 1]] < spacing.port_min:
        return False
    return place == len(ports) - 1 or offsets[ports[place + 1]] - wanted >= spacing.port_min

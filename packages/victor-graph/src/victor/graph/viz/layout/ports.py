"""Where on its side of a box each arrow starts and ends."""

from __future__ import annotations

from attrs import define

from victor.graph.viz.layout.layered import BOX, Layered
from victor.graph.viz.ruler import Spacing

__all__ = ["Sides", "place_ports", "port_order"]


@define
class Sides:
    """Ports of each box, in order across.

    Args:
        top: By item, ports where segments from above end.
        bottom: By item, ports where segments to the layer below start.
        favourite: Ports that should stand in the middle of their side.
    """

    top: dict[int, list[int]]
    bottom: dict[int, list[int]]
    favourite: set[int]


def port_order(graph: Layered) -> Sides:
    """Sort each box's ports by where their segments lead, so that none cross on the way out of the box."""
    position = [0] * len(graph.kind)
    for layer in graph.layers:
        for place, item in enumerate(layer):
            position[item] = place
    favourite: set[int] = set()
    for edge, chain in enumerate(graph.chains):
        if graph.main[edge]:
            favourite.update((graph.seg_top_port[chain[0]], graph.seg_bottom_port[chain[-1]]))
    top: dict[int, list[int]] = {}
    bottom: dict[int, list[int]] = {}
    for item, kind in enumerate(graph.kind):
        if kind != BOX:
            continue
        for sides, segments, ends, ports in (
            (top, graph.up[item], graph.seg_top, graph.seg_bottom_port),
            (bottom, graph.down[item], graph.seg_bottom, graph.seg_top_port),
        ):
            if len(segments) > 1:
                keys: dict[int, list[int]] = {}
                for segment in segments:
                    keys.setdefault(ports[segment], []).append(position[ends[segment]])
                sides[item] = sorted(keys, key=lambda port: (sum(keys[port]) / len(keys[port]), port))
            else:
                sides[item] = [ports[segment] for segment in segments]
    return Sides(top, bottom, favourite)


def place_ports(sides: Sides, count: int, widths: list[int], spacing: Spacing) -> list[int]:
    """Offset of each port from its item's middle; ``widths`` (by item) grow where a box has too many ports.

    Where one arrow leads straight on it takes the middle, and others stand beside it.
    """
    offsets = [0] * count
    for side in (sides.top, sides.bottom):
        for item, ports in side.items():
            if len(ports) < 2:
                continue
            needed = (len(ports) - 1) * spacing.port_min + 2 * spacing.corner + spacing.line
            widths[item] = max(widths[item], needed)
    for side in (sides.top, sides.bottom):
        for item, ports in side.items():
            if len(ports) < 2:
                continue
            room_left, room_right = reach(widths[item], spacing)
            favourites = [place for place, port in enumerate(ports) if port in sides.favourite]
            last = len(ports) - 1
            gap, twice_middle = spacing.port_gap, last
            if len(favourites) == 1:
                (place,) = favourites
                fits = min(room_left // place if place else gap, room_right // (last - place) if place < last else gap)
                if fits >= spacing.port_min:
                    gap, twice_middle = min(gap, fits), 2 * place
            if twice_middle == last:
                gap = max(spacing.port_min, min(gap, (room_left + room_right) // last))
            for place, port in enumerate(ports):
                offsets[port] = (2 * place - twice_middle) * gap // 2
            # Half a cell may be over on one side.
            excess = max(0, offsets[ports[-1]] - room_right) or min(0, offsets[ports[0]] + room_left)
            if excess:
                for port in ports:
                    offsets[port] -= excess
    return offsets


def reach(width: int, spacing: Spacing) -> tuple[int, int]:
    """How far to the left and to the right of its middle a box of that width can have ports."""
    left = width // 2
    return left - spacing.corner, width - left - spacing.line - spacing.corner

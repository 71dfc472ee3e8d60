"""Places across the layers: straight lines, boxes near their neighbours, nothing overlapping.

The method of Brandes and Köpf: "Fast and Simple Horizontal Coordinate Assignment", GD 2001, with three changes. Blocks
are packed by longest paths over the graph of blocks, as in dagre, instead of classes. Ports count, as in Rüegg,
Schulze, Carstens, von Hanxleden: "Size- and Port-Aware Horizontal Node Coordinate Assignment", GD 2015. And the borders
of a frame are items of every layer it spans, joined by segments that take precedence over all others, so that a border
is one straight line with the frame's items on its one side and all others on the other.

All numbers are whole, and stay so: least distances are whole numbers, and rounding down keeps those.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise

from attrs import define, field

from victor.graph.viz.layout.layered import HEADING, LABEL, LEFT, LINE, RIGHT, Layered
from victor.graph.viz.ruler import Spacing

__all__ = ["add_borders", "place_across"]


def add_borders(graph: Layered) -> None:
    """Put an item for the left and the right border of each frame into every layer it spans."""
    clusters = graph.clusters
    if not clusters.parent:
        return
    for number, layer in enumerate(graph.layers):
        graph.layers[number] = fresh = []
        open_: list[int] = []
        for item in [*layer, -1]:
            chain = clusters.chain(graph.cluster[item])[::-1] if item >= 0 else []
            while open_ and (len(open_) > len(chain) or chain[len(open_) - 1] != open_[-1]):
                closed = open_.pop()
                clusters.right[closed].append(graph.item(RIGHT, number, closed, closed))
            for cluster in chain[len(open_) :]:
                open_.append(cluster)
                clusters.left[cluster].append(graph.item(LEFT, number, cluster, cluster))
            if item >= 0:
                fresh.append(item)


def place_across(
    graph: Layered,
    left: list[int],
    right: list[int],
    offsets: list[int],
    favourite: set[int],
    spacing: Spacing,
    heading_room: int,
) -> list[int]:
    """Place of the middle of each item.

    Args:
        graph: Ordered, with borders.
        left: Room each item needs before its middle.
        right: Room each item needs after its middle.
        offsets: Place of each port, from its item's middle.
        favourite: Ports of the edges that should be straight before others.
        spacing: Least distances.
        heading_room: Extra room after a frame's left border.
    """
    links = _links(graph, offsets, favourite)
    gaps = _gaps(spacing, heading_room)
    apart: list[list[int]] = []
    for layer in graph.layers:
        kinds = [graph.kind[item] for item in layer]
        apart.append(
            [
                right[one] + left[other] + gaps[kind_one][kind_other]
                for one, other, kind_one, kind_other in zip(layer, layer[1:], kinds, kinds[1:], strict=False)
            ]
        )
    position = [0] * len(graph.kind)
    for layer in graph.layers:
        for place, item in enumerate(layer):
            position[item] = place
    results = []
    for upwards in (False, True):
        near = links.up if not upwards else links.down
        sequence = range(len(graph.layers)) if not upwards else range(len(graph.layers) - 1, -1, -1)
        for mirrored in (False, True):
            root, shift = _align(graph, near, sequence, position, mirrored)
            results.append(_pack(graph, root, shift, apart, mirrored))
    return _balance(graph, results, left, right)


@define
class _Links:
    """For each item its neighbours in the layer above and below, as (place, item, difference of the ports), sorted."""

    up: list[list[tuple[int, int, int]]] = field(factory=list)
    down: list[list[tuple[int, int, int]]] = field(factory=list)


def _gaps(spacing: Spacing, heading_room: int) -> list[list[int]]:
    """Least distance by the kinds of two neighbours, left and right."""
    gaps = [[spacing.node_gap] * 6 for _ in range(6)]
    for kind in range(6):
        for thin in (LINE, LABEL, HEADING):
            gaps[thin][kind] = gaps[kind][thin] = spacing.line_gap
    for kind in range(6):
        gaps[kind][LEFT] = gaps[RIGHT][kind] = spacing.frame_gap
    for kind in range(6):
        gaps[LEFT][kind] = spacing.frame_pad + heading_room
        gaps[kind][RIGHT] = spacing.frame_pad
    return gaps


def _links(graph: Layered, offsets: list[int], favourite: set[int]) -> _Links:
    """The segments that blocks may follow: none that crosses another of higher precedence."""
    count = len(graph.kind)
    links = _Links([[] for _ in range(count)], [[] for _ in range(count)])
    clusters, kind = graph.clusters, graph.kind
    position = [0] * count
    for layer in graph.layers:
        for place, item in enumerate(layer):
            position[item] = place
    fixed: list[list[tuple[int, int]]] = [[] for _ in graph.layers]
    for borders in (*clusters.left, *clusters.right):
        for above, below in pairwise(borders):
            fixed[graph.layer[below]].append((position[above], position[below]))
            links.up[below].append((position[above], above, 0))
            links.down[above].append((position[below], below, 0))
    pairs: dict[int, list[tuple[int, int]]] = {}
    for above, below in graph.pairs:
        if graph.layer[below] == graph.layer[above] + 1:
            pairs.setdefault(graph.layer[below], []).append((above, below))
    thin = [kind[item] in (LINE, LABEL) for item in range(count)]
    top, bottom = graph.seg_top, graph.seg_bottom
    top_port, bottom_port = graph.seg_top_port, graph.seg_bottom_port
    # A box lets only those lines pull at it that lead straight on, where there are such.
    choosy_top = {top[s] for s in range(len(top)) if top_port[s] in favourite}
    choosy_bottom = {bottom[s] for s in range(len(top)) if bottom_port[s] in favourite}
    for number, layer in enumerate(graph.layers):
        walls = _Walls(fixed[number])
        inner: list[int] = []
        outer: list[int] = []
        for item in layer:
            for segment in graph.up[item]:
                (inner if thin[item] and thin[top[segment]] else outer).append(segment)
        candidates = sorted([(position[top[s]], -position[bottom[s]], s) for s in inner])
        kept = _rising([c for c in candidates if not walls.crossed(c[0], -c[1])])
        walls = _Walls([*fixed[number], *((above, -below) for above, below, _ in kept)])
        chosen = [segment for _, _, segment in kept]
        taken = {top[s] for s in chosen} | {bottom[s] for s in chosen}
        chosen += [
            s
            for s in outer
            if top[s] not in taken
            and bottom[s] not in taken
            and (top[s] not in choosy_top or top_port[s] in favourite)
            and (bottom[s] not in choosy_bottom or bottom_port[s] in favourite)
            and not walls.crossed(position[top[s]], position[bottom[s]])
        ]
        for segment in chosen:
            above, below = top[segment], bottom[segment]
            difference = offsets[top_port[segment]] - offsets[bottom_port[segment]]
            links.up[below].append((position[above], above, difference))
            links.down[above].append((position[below], below, -difference))
        for above, below in pairs.get(number, ()):
            if not walls.crossed(position[above], position[below]):
                links.up[below].append((position[above], above, 0))
                links.down[above].append((position[below], below, 0))
    for near in (links.up, links.down):
        for entries in near:
            if len(entries) > 1:
                entries.sort()
    return links


class _Walls:
    """Segments between two layers that do not cross each other; knows which others cross them."""

    def __init__(self, pairs: list[tuple[int, int]]) -> None:
        pairs = sorted(pairs)
        self.above = [above for above, _ in pairs]
        self.below = [below for _, below in pairs]

    def crossed(self, above: int, below: int) -> bool:
        before = bisect_left(self.above, above)
        if before and self.below[before - 1] > below:
            return True
        after = bisect_right(self.above, above)
        return after < len(self.below) and self.below[after] < below


def _rising(pairs: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The most segments that do not cross, of some sorted by upper end and then by the negative of the lower end."""
    ends: list[int] = []  # lowest last place of a rising row of each length
    last: list[int] = []
    before: list[int] = []
    for number, (_, below, _) in enumerate(pairs):
        length = bisect_left(ends, -below)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [-below]
        last[length : length + 1] = [number]
    chosen, number = [], last[-1] if last else -1
    while number >= 0:
        chosen.append(pairs[number])
        number = before[number]
    return chosen[::-1]


def _align(
    graph: Layered, near: list[list[tuple[int, int, int]]], sequence: range, position: list[int], mirrored: bool
) -> tuple[list[int], list[int]]:
    """Join items into blocks that lie on one line: for each its block's first item and its place relative to that."""
    count = len(graph.kind)
    root = list(range(count))
    shift = [0] * count
    for number in sequence:
        layer = graph.layers[number]
        limit = len(graph.kind) if mirrored else -1
        for item in reversed(layer) if mirrored else layer:
            entries = near[item]
            if not entries:
                continue
            size = len(entries)
            low, high = (size - 1) // 2, size // 2
            for middle in (high, low) if mirrored else (low, high):
                place, other, difference = entries[middle]
                if place < limit if mirrored else place > limit:
                    root[item] = root[other]
                    shift[item] = shift[other] + difference
                    limit = place
                    break
                if low == high:
                    break
    return root, shift


def _pack(graph: Layered, root: list[int], shift: list[int], apart: list[list[int]], mirrored: bool) -> list[int]:
    """Place the blocks as far to the left (mirrored: to the right) as they go, then close gaps from the other side."""
    count = len(root)
    after: list[list[tuple[int, int]]] = [[] for _ in range(count)]  # by block: blocks beside it, and how far at least
    missing = [0] * count
    for layer, distances in zip(graph.layers, apart, strict=True):
        for one, other, distance in zip(layer, layer[1:], distances, strict=False):
            block, beside = root[other], after[root[one]]
            needed = distance + shift[one] - shift[other]
            if not beside or beside[-1] != (block, needed):  # lines that run side by side are known from above
                beside.append((block, needed))
                missing[block] += 1
    blocks = [item for item in range(count) if root[item] == item and not missing[item]]
    for block in blocks:  # grows while it is walked
        for other, _ in after[block]:
            missing[other] -= 1
            if not missing[other]:
                blocks.append(other)
    place = [0] * count
    if mirrored:
        for block in reversed(blocks):
            if after[block]:
                place[block] = min([place[other] - needed for other, needed in after[block]])
        least: list[int | None] = [None] * count
        for block in blocks:
            at = least[block]
            if at is None or graph.kind[block] == LEFT:
                at = place[block]
            place[block] = at
            for other, needed in after[block]:
                wanted, known = at + needed, least[other]
                if known is None or wanted > known:
                    least[other] = wanted
    else:
        started = [False] * count
        for block in blocks:
            at = place[block]
            for other, needed in after[block]:
                if not started[other] or at + needed > place[other]:
                    place[other], started[other] = at + needed, True
        for block in reversed(blocks):
            if after[block] and graph.kind[block] != RIGHT:
                place[block] = min([place[other] - needed for other, needed in after[block]])
    return [place[root[item]] + shift[item] for item in range(count)]


def _balance(graph: Layered, results: list[list[int]], left: list[int], right: list[int]) -> list[int]:
    """Lay the four results over each other at the borders of the narrowest; items go to the mean of the middle two."""
    bounds = []
    for places in results:
        lowest = min([place - room for place, room in zip(places, left, strict=True)])
        highest = max([place + room for place, room in zip(places, right, strict=True)])
        bounds.append((highest - lowest, lowest, highest))
    _, lowest, highest = min(bounds)
    for number, (_, low, high) in enumerate(bounds):
        move = highest - high if number % 2 else lowest - low
        if move:
            results[number] = [place + move for place in results[number]]
    return [sum(sorted(four)[1:3]) // 2 for four in zip(*results, strict=True)]

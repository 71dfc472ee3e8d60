"""The order of the items in each layer, with few crossings and each frame in one piece.

The barycenter method of Sugiyama, Tagawa, Toda: "Methods for Visual Understanding of Hierarchical System Structures",
IEEE SMC 11 (1981), with the frames' order kept the same in all layers (the idea of Forster: "A Fast and Simple
Heuristic for Constrained Two-Level Crossing Reduction", GD 2004) and neighbours exchanged at the end.
"""

from __future__ import annotations

from bisect import bisect_right, insort

from attrs import define, field

from victor.graph.viz.layout.layered import HEADING, Layered

__all__ = ["crossings", "order"]


@define
class _Nest:
    """What lies directly in one frame (or in none) in one layer."""

    items: list[int] = field(factory=list)
    clusters: list[int] = field(factory=list)


def order(graph: Layered) -> None:
    """Sort ``graph.layers`` in place."""
    nests = _nests(graph) if graph.clusters.parent else None
    position = [0] * len(graph.kind)
    siblings = [*range(len(graph.clusters.parent))]
    _depth_first(graph)
    _number(graph, position)
    if nests is not None:
        siblings = _sibling_order(graph, position)
        for number in range(len(graph.layers)):
            keys = {item: float(position[item]) for item in graph.layers[number]}
            graph.layers[number] = _arrange(graph, nests[number], keys, position, siblings, None, False)
        _number(graph, position)

    best = [*map(list, graph.layers)]
    fewest = crossings(graph, position)
    wishes: dict[int, list[float]] = {}
    idle = 0
    rounds = 24 if len(graph.kind) < 2000 else 12 if len(graph.kind) < 20000 else 4
    for turn in range(rounds):
        if not fewest or idle > 3:
            break
        if nests is not None and wishes:
            siblings.sort(key=lambda cluster: sum(wishes[cluster]) / len(wishes[cluster]) if cluster in wishes else 0.5)
        wishes.clear()
        flip = turn % 4 > 1
        for down in (True, False):
            for number in range(1, len(graph.layers)) if down else range(len(graph.layers) - 2, -1, -1):
                _sweep(graph, number, down, position, nests, siblings, wishes, flip)
        count = crossings(graph, position)
        if count < fewest:
            fewest, best, idle = count, [*map(list, graph.layers)], 0
        else:
            idle += 1
    graph.layers = best
    _number(graph, position)
    if fewest and len(graph.kind) < 20000:
        _exchange(graph, position)


def crossings(graph: Layered, position: list[int]) -> int:
    """How many pairs of segments cross."""
    total = 0
    bottom, down = graph.seg_bottom, graph.down
    for layer in graph.layers:
        seen: list[int] = []
        for item in layer:
            segments = down[item]
            if not segments:
                continue
            if len(segments) == 1:
                places = [position[bottom[segments[0]]]]
            else:
                places = sorted([position[bottom[segment]] for segment in segments])
            if seen and places[0] < seen[-1]:
                for place in places:
                    total += len(seen) - bisect_right(seen, place)
            if not seen or places[0] >= seen[-1]:
                seen += places
            else:
                for place in places:
                    insort(seen, place)
    return total


def _number(graph: Layered, position: list[int]) -> None:
    for layer in graph.layers:
        for place, item in enumerate(layer):
            position[item] = place


def _depth_first(graph: Layered) -> None:
    """Start with the order in which a walk along the arrows meets the items: a tree comes out without crossings."""
    fresh: list[list[int]] = [[] for _ in graph.layers]
    seen = bytearray(len(graph.kind))
    bottom, down, layer_of = graph.seg_bottom, graph.down, graph.layer
    for layer in graph.layers:
        for root in layer:
            stack = [root]
            while stack:
                item = stack.pop()
                if seen[item]:
                    continue
                seen[item] = 1
                fresh[layer_of[item]].append(item)
                stack.extend([bottom[segment] for segment in reversed(down[item])])
    graph.layers = fresh


def _nests(graph: Layered) -> list[dict[int, _Nest]]:
    nests: list[dict[int, _Nest]] = [{-1: _Nest()} for _ in graph.layers]
    clusters = graph.clusters
    for number, parent in enumerate(clusters.parent):
        for layer in range(clusters.top[number], clusters.bottom[number] + 1):
            nests[layer].setdefault(number, _Nest())
            nests[layer].setdefault(parent, _Nest()).clusters.append(number)
    for number, items in enumerate(graph.layers):
        for item in items:
            nests[number][graph.cluster[item]].items.append(item)
    return nests


def _sibling_order(graph: Layered, position: list[int]) -> list[int]:
    """All clusters by their mean place, for one order that holds in every layer."""
    clusters = graph.clusters
    places: list[list[float]] = [[] for _ in clusters.parent]
    for layer in graph.layers:
        for item in layer:
            for cluster in clusters.chain(graph.cluster[item]):
                places[cluster].append(position[item] / len(layer))
    return sorted(range(len(places)), key=lambda cluster: sum(places[cluster]) / max(len(places[cluster]), 1))


def _sweep(
    graph: Layered,
    number: int,
    down: bool,
    position: list[int],
    nests: list[dict[int, _Nest]] | None,
    siblings: list[int],
    wishes: dict[int, list[float]],
    flip: bool,
) -> None:
    """Sort one layer by where the neighbours of its items lie in the layer above (or below)."""
    layer = graph.layers[number]
    before = graph.layers[number - 1 if down else number + 1]
    segments, ends = (graph.up, graph.seg_top) if down else (graph.down, graph.seg_bottom)
    scale = len(before) / len(layer)
    keys: dict[int, float] = {}
    for place, item in enumerate(layer):
        near = segments[item]
        if len(near) == 1:
            keys[item] = position[ends[near[0]]]
        elif near:
            keys[item] = sum([position[ends[segment]] for segment in near]) / len(near)
        else:
            keys[item] = place * scale
    if nests is None:
        if flip:
            layer.reverse()
        layer.sort(key=keys.__getitem__)
    else:
        _follow_frames(graph, layer, before, position, keys)
        layer[:] = _arrange(graph, nests[number], keys, position, siblings, (wishes, len(before)), flip)
    for place, item in enumerate(layer):
        position[item] = place


def _follow_frames(
    graph: Layered, layer: list[int], before: list[int], position: list[int], keys: dict[int, float]
) -> None:
    """What has no segment but lies in a frame wants to be where the frame is in the layer before."""
    places: dict[int, list[int]] = {}
    for item in layer:
        cluster = graph.cluster[item]
        if cluster >= 0 and not graph.up[item] and not graph.down[item]:
            if not places:
                for other in before:
                    for around in graph.clusters.chain(graph.cluster[other]):
                        places.setdefault(around, []).append(position[other])
            if cluster in places:
                keys[item] = sum(places[cluster]) / len(places[cluster])


def _arrange(
    graph: Layered,
    nest: dict[int, _Nest],
    keys: dict[int, float],
    position: list[int],
    siblings: list[int],
    wishes: tuple[dict[int, list[float]], int] | None,
    flip: bool,
) -> list[int]:
    """The items of a layer by their keys: each frame in one piece, heading first, frames in the order of siblings."""
    place_of = {cluster: place for place, cluster in enumerate(siblings)}

    def inside(cluster: int) -> tuple[list[int], float]:
        here = nest[cluster]
        parts: list[tuple[float, int, list[int]]] = []
        heading: list[int] = []
        total = weight = 0.0
        for item in here.items:
            if graph.kind[item] == HEADING:
                heading = [item]
                continue
            parts.append((keys[item], -position[item] if flip else position[item], [item]))
            total, weight = total + keys[item], weight + 1
        blocks: list[tuple[float, list[int]]] = []
        for child in sorted(here.clusters, key=place_of.__getitem__):
            items, mean = inside(child)
            total, weight = total + mean * len(items), weight + len(items)
            if wishes is not None:
                wishes[0].setdefault(child, []).append(mean / wishes[1])
            blocks.append((mean, items))
        for place, (key, items) in enumerate(_rising(blocks)):
            parts.append((key + place * 1e-6, position[items[0]], items))
        parts.sort(key=lambda part: part[:2])
        flat = heading + [item for part in parts for item in part[2]]
        return flat, total / weight if weight else keys[heading[0]]

    return inside(-1)[0]


def _rising(blocks: list[tuple[float, list[int]]]) -> list[tuple[float, list[int]]]:
    """Keys that rise in the order of the blocks, as near to the wanted ones as can be (pool adjacent violators)."""
    pools: list[tuple[float, int, int]] = []  # sum, weight, number of blocks
    for key, items in blocks:
        total, weight, size = key * len(items), len(items), 1
        while pools and pools[-1][0] / pools[-1][1] >= total / weight:
            more = pools.pop()
            total, weight, size = total + more[0], weight + more[1], size + more[2]
        pools.append((total, weight, size))
    keys = [total / weight for total, weight, size in pools for _ in range(size)]
    return [(key, items) for key, (_, items) in zip(keys, blocks, strict=True)]


def _exchange(graph: Layered, position: list[int]) -> None:
    """Exchange neighbours as long as that removes crossings."""
    bottom, top = graph.seg_bottom, graph.seg_top
    for _ in range(6):
        changed = False
        for layer in graph.layers:
            for place in range(len(layer) - 1):
                one, other = layer[place], layer[place + 1]
                if graph.cluster[one] != graph.cluster[other] or graph.kind[one] == HEADING:
                    continue
                gain = 0
                for segments, ends in ((graph.up, top), (graph.down, bottom)):
                    left, right = segments[one], segments[other]
                    if left and right:
                        gain += _gain([position[ends[s]] for s in left], [position[ends[s]] for s in right])
                if gain > 0:
                    layer[place], layer[place + 1] = other, one
                    position[one], position[other] = place + 1, place
                    changed = True
        if not changed:
            break


def _gain(left: list[int], right: list[int]) -> int:
    """Crossings that go away when the item with the left ends and the item with the right ends are exchanged."""
    gain = 0
    for one in left:
        for other in right:
            if one > other:
                gain += 1
            elif one < other:
                gain -= 1
    return gain

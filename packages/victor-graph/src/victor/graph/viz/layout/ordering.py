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


def order(graph: Layered) -> None:
    """Sort ``graph.layers`` in place."""
    _Ordering(graph).run()


def crossings(layers: list[list[int]], below: list[list[int]], position: list[int]) -> int:
    """How many pairs of segments cross.

    Args:
        layers: Items, from left to right.
        below: By item, its neighbours in the next layer.
        position: Of each item in its layer.

    Example:
        >>> crossings([[0, 1], [2, 3]], [[3], [2], [], []], [0, 1, 0, 1])
        1
    """
    total = 0
    for layer in layers:
        seen: list[int] = []
        for item in layer:
            near = below[item]
            if not near:
                continue
            places = [position[near[0]]] if len(near) == 1 else sorted([position[other] for other in near])
            if not seen or places[0] >= seen[-1]:
                seen += places
                continue
            for place in places:
                total += len(seen) - bisect_right(seen, place)
            for place in places:
                insort(seen, place)
    return total


@define
class _Nest:
    """What lies directly in one frame (or in none) in one layer."""

    items: list[int] = field(factory=list)
    clusters: list[int] = field(factory=list)


class _Ordering:
    """The state of one run: where each item is now, and in which order frames stand beside each other."""

    def __init__(self, graph: Layered) -> None:
        self.graph = graph
        top, bottom = graph.seg_top, graph.seg_bottom
        self.above = [[top[segment] for segment in segments] for segments in graph.up]
        self.below = [[bottom[segment] for segment in segments] for segments in graph.down]
        self.position = [0] * len(graph.kind)
        self.nests = self._find_nests() if graph.clusters.parent else None
        self.rank_of_frame: list[int] = []  # in the one order of frames that holds in every layer
        self.wishes: list[list[float]] = [
            [] for _ in graph.clusters.parent
        ]  # where frames would like to be, from 0 to 1

    def run(self) -> None:
        """Order all layers."""
        graph = self.graph
        self._walk()
        if self.nests is not None:
            for layer in graph.layers:
                for item in layer:
                    for cluster in graph.clusters.chain(graph.cluster[item]):
                        self.wishes[cluster].append(self.position[item] / len(layer))
            self._rank_frames()
            for number, layer in enumerate(graph.layers):
                self._arrange(number, {item: float(self.position[item]) for item in layer}, 0, False)
        best = [*map(list, graph.layers)]
        fewest = crossings(graph.layers, self.below, self.position)
        idle = 0
        for turn in range(24 if len(graph.kind) < 2000 else 12 if len(graph.kind) < 20000 else 3):
            if not fewest or idle > 3:
                break
            if self.nests is not None:
                self._rank_frames()
            for number in range(1, len(graph.layers)):
                self._sort(number, number - 1, self.above, turn % 4 > 1)
            for number in reversed(range(len(graph.layers) - 1)):
                self._sort(number, number + 1, self.below, turn % 4 > 1)
            count = crossings(graph.layers, self.below, self.position)
            idle += 1
            if count < fewest:
                fewest, best, idle = count, [*map(list, graph.layers)], 0
        graph.layers = best
        self._number()
        if fewest and len(graph.kind) < 20000:
            self._exchange()

    def _number(self) -> None:
        for layer in self.graph.layers:
            for place, item in enumerate(layer):
                self.position[item] = place

    def _walk(self) -> None:
        """Start in the order in which a walk along the arrows meets the items: a tree comes out without crossings."""
        graph, below, layer_of = self.graph, self.below, self.graph.layer
        fresh: list[list[int]] = [[] for _ in graph.layers]
        seen = bytearray(len(graph.kind))
        for layer in graph.layers:
            for root in layer:
                stack = [root]
                while stack:
                    item = stack.pop()
                    if not seen[item]:
                        seen[item] = 1
                        fresh[layer_of[item]].append(item)
                        stack.extend(reversed(below[item]))
        graph.layers = fresh
        self._number()

    def _find_nests(self) -> list[dict[int, _Nest]]:
        graph, clusters = self.graph, self.graph.clusters
        nests: list[dict[int, _Nest]] = [{-1: _Nest()} for _ in graph.layers]
        for number, parent in enumerate(clusters.parent):
            for layer in range(clusters.top[number], clusters.bottom[number] + 1):
                nests[layer].setdefault(number, _Nest())
                nests[layer].setdefault(parent, _Nest()).clusters.append(number)
        for number, items in enumerate(graph.layers):
            for item in items:
                nests[number][graph.cluster[item]].items.append(item)
        return nests

    def _rank_frames(self) -> None:
        """Order the frames by where their contents have wished to be of late."""
        means = [sum(wishes) / len(wishes) if wishes else 0.5 for wishes in self.wishes]
        self.rank_of_frame = [0] * len(means)
        for rank, cluster in enumerate(sorted(range(len(means)), key=means.__getitem__)):
            self.rank_of_frame[cluster] = rank
            self.wishes[cluster].clear()

    def _sort(self, number: int, before: int, neighbours: list[list[int]], flip: bool) -> None:
        """Sort one layer by where the neighbours of its items lie in the layer before; ``flip`` turns ties around."""
        position, layer = self.position, self.graph.layers[number]
        scale = len(self.graph.layers[before]) / len(layer)
        keys: dict[int, float] = {}
        for place, item in enumerate(layer):
            near = neighbours[item]
            if len(near) == 1:
                keys[item] = position[near[0]]
            elif near:
                keys[item] = sum([position[other] for other in near]) / len(near)
            else:
                keys[item] = place * scale
        if self.nests is not None:
            self._follow_frames(layer, self.graph.layers[before], keys)
            self._arrange(number, keys, len(self.graph.layers[before]), flip)
            return
        if flip:
            layer.reverse()
        layer.sort(key=keys.__getitem__)
        for place, item in enumerate(layer):
            position[item] = place

    def _follow_frames(self, layer: list[int], before: list[int], keys: dict[int, float]) -> None:
        """What has no segment but lies in a frame wants to be where the frame is in the layer before."""
        graph = self.graph
        places: dict[int, list[int]] = {}
        for item in layer:
            cluster = graph.cluster[item]
            if cluster >= 0 and not graph.up[item] and not graph.down[item]:
                if not places:
                    for other in before:
                        for around in graph.clusters.chain(graph.cluster[other]):
                            places.setdefault(around, []).append(self.position[other])
                if cluster in places:
                    keys[item] = sum(places[cluster]) / len(places[cluster])

    def _arrange(self, number: int, keys: dict[int, float], width: int, flip: bool) -> None:
        """Sort a layer by keys: each frame in one piece, heading first, frames in their order.

        ``width`` is that of the layer the keys are places in, 0 where the frames' wishes are not to be noted.
        """
        assert self.nests is not None
        nest, position, kind = self.nests[number], self.position, self.graph.kind

        def inside(cluster: int) -> tuple[list[int], float]:
            here = nest[cluster]
            parts: list[tuple[float, int, list[int]]] = []
            heading: list[int] = []
            total = weight = 0.0
            for item in here.items:
                if kind[item] == HEADING:
                    heading = [item]
                    continue
                parts.append((keys[item], -position[item] if flip else position[item], [item]))
                total, weight = total + keys[item], weight + 1
            blocks: list[tuple[float, list[int]]] = []
            for child in sorted(here.clusters, key=self.rank_of_frame.__getitem__):
                items, mean = inside(child)
                total, weight = total + mean * len(items), weight + len(items)
                if width:
                    self.wishes[child].append(mean / width)
                blocks.append((mean, items))
            for place, (key, items) in enumerate(_rising(blocks)):
                parts.append((key + place * 1e-6, position[items[0]], items))
            parts.sort(key=lambda part: part[:2])
            flat = heading + [item for part in parts for item in part[2]]
            return flat, total / weight if weight else keys[heading[0]]

        self.graph.layers[number] = inside(-1)[0]
        for place, item in enumerate(self.graph.layers[number]):
            position[item] = place

    def _exchange(self) -> None:
        """Exchange neighbours as long as that removes crossings."""
        graph, position = self.graph, self.position
        for _ in range(6):
            changed = False
            for layer in graph.layers:
                for place in range(len(layer) - 1):
                    one, other = layer[place], layer[place + 1]
                    if graph.cluster[one] != graph.cluster[other] or graph.kind[one] == HEADING:
                        continue
                    gain = 0
                    for near in (self.above, self.below):
                        if near[one] and near[other]:
                            gain += _gain([position[i] for i in near[one]], [position[i] for i in near[other]])
                    if gain > 0:
                        layer[place], layer[place + 1] = other, one
                        position[one], position[other] = place + 1, place
                        changed = True
            if not changed:
                break


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

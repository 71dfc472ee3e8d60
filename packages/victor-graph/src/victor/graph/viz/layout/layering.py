"""From nodes and edges to layers: a place in each layer for every box, heading, label and passing edge."""

from __future__ import annotations

from collections import Counter
from math import ceil, sqrt

from victor.graph.viz.geometry import Direction
from victor.graph.viz.layout.components import Component
from victor.graph.viz.layout.layered import BOX, HEADING, LABEL, LINE, Clusters, Layered
from victor.graph.viz.layout.ranking import backward_edges, rank

__all__ = ["HUB", "layer"]

HUB = 8
"""From so many edges into one side of a box on, those of one style share one arrowhead."""


def layer(part: Component, direction: Direction) -> Layered:
    """Give each node a layer, and each edge its items in the layers it passes.

    A layer of labels is put below each rank that edges with a label leave, and (where arrows run downwards) layers of
    headings above each rank in which frames begin, so that no text is ever crossed by a line. Two or more long edges of
    one style to the same target share one line from where they meet.
    """
    flipped = backward_edges(len(part.nodes), part.ends, part.starts)
    turned = [
        (target, source) if back else (source, target)
        for (source, target), back in zip(part.ends, flipped, strict=True)
    ]
    node_cluster = [*part.node_cluster]
    empty = set(range(len(part.frames))) - set(part.cluster_parent) - set(node_cluster)
    node_cluster += sorted(empty)  # an invisible box holds an empty frame open
    ranks = rank(len(node_cluster), [ends for ends in turned if ends[0] != ends[1]])
    pairs = _grid_unconnected(ranks, node_cluster, turned, direction) if part.frames else []

    graph = Layered(flipped=flipped, pairs=pairs, clusters=_clusters(part.cluster_parent, node_cluster, ranks))
    labels = {ranks[lower] - 1 if back else ranks[upper] for (upper, lower), back, labelled in
              zip(turned, flipped, part.labelled, strict=True) if labelled and upper != lower}  # fmt: skip
    box_layer, label_layer = _make_layers(graph, max(ranks, default=0) + 1, labels, direction)
    for node, cluster in enumerate(node_cluster):
        graph.item(BOX, box_layer[ranks[node]], node if node < len(part.nodes) else -1, cluster)
    if direction == "TB":
        clusters = graph.clusters
        for number, top in enumerate(clusters.top):
            clusters.heading[number] = graph.item(HEADING, top, number, number)
    _add_edges(graph, part, turned, ranks, label_layer)
    _hold_open(graph)
    return graph


def _hold_open(graph: Layered) -> None:
    """An invisible item where a frame would have nothing in a layer it spans, so that all layers know of it."""
    clusters = graph.clusters
    filled = {
        (cluster, graph.layer[item])
        for item in range(len(graph.kind))
        for cluster in clusters.chain(graph.cluster[item])
    }
    for number in reversed(range(len(clusters.parent))):
        for layer in range(clusters.top[number], clusters.bottom[number] + 1):
            if (number, layer) not in filled:
                graph.item(LINE, layer, -1, number)
                filled.update((cluster, layer) for cluster in clusters.chain(number))


def _grid_unconnected(
    ranks: list[int], node_cluster: list[int], ends: list[tuple[int, int]], direction: Direction
) -> list[tuple[int, int]]:
    """Nodes of a frame that no edge touches stand in a grid instead of one long row; returns who stands below whom."""
    joined = {node for source, target in ends if source != target for node in (source, target)}
    alone: dict[int, list[int]] = {}
    lowest: dict[int, int] = {}
    for node, cluster in enumerate(node_cluster):
        if cluster >= 0 and node not in joined:
            alone.setdefault(cluster, []).append(node)
        else:
            lowest[cluster] = min(ranks[node], lowest.get(cluster, ranks[node]))
    pairs: list[tuple[int, int]] = []
    for cluster, nodes in alone.items():
        row = ceil(sqrt(len(nodes)) * (0.8 if direction == "TB" else 1.5)) if len(nodes) > 3 else 3
        for number, node in enumerate(nodes):
            ranks[node] = lowest.get(cluster, 0) + number // row
        pairs += zip(nodes, nodes[row:], strict=False)
    return pairs


def _clusters(parents: list[int], node_cluster: list[int], ranks: list[int]) -> Clusters:
    count = len(parents)
    clusters = Clusters(parent=parents, children=[[] for _ in parents], heading=[-1] * count)
    for number, parent in enumerate(parents):
        clusters.depth.append(clusters.depth[parent] + 1 if parent >= 0 else 0)
        if parent >= 0:
            clusters.children[parent].append(number)
    first, last = [len(ranks)] * count, [-1] * count
    for node, cluster in enumerate(node_cluster):
        if cluster >= 0:
            first[cluster], last[cluster] = min(first[cluster], ranks[node]), max(last[cluster], ranks[node])
    for number in reversed(range(count)):  # inner frames come after the ones around them
        parent = parents[number]
        if parent >= 0:
            first[parent], last[parent] = min(first[parent], first[number]), max(last[parent], last[number])
    clusters.first, clusters.last = first, last
    clusters.left, clusters.right = [[] for _ in parents], [[] for _ in parents]
    return clusters


def _make_layers(graph: Layered, count: int, labels: set[int], direction: Direction) -> tuple[list[int], list[int]]:
    """Make the layers; returns the layer of each rank and that of the labels below it, -1 for none."""
    clusters = graph.clusters
    level = [0] * len(clusters.parent)  # of its heading above its first boxes
    for number in reversed(range(len(level))):
        parent = clusters.parent[number]
        if parent >= 0 and clusters.first[parent] == clusters.first[number]:
            level[parent] = max(level[parent], level[number] + 1)
    headings = Counter[int]()
    if direction == "TB":
        for number, first in enumerate(clusters.first):
            headings[first] = max(headings[first], level[number] + 1)
    box_layer, label_layer = [], []
    for number in range(count):
        graph.layers.extend([] for _ in range(headings[number] + 1))
        box_layer.append(len(graph.layers) - 1)
        label_layer.append(len(graph.layers) if number in labels else -1)
        if number in labels:
            graph.layers.append([])
    clusters.top = [
        box_layer[first] - (level[number] + 1 if direction == "TB" else 0)
        for number, first in enumerate(clusters.first)
    ]
    clusters.bottom = [box_layer[last] for last in clusters.last]
    return box_layer, label_layer


def _add_edges(
    graph: Layered, part: Component, turned: list[tuple[int, int]], ranks: list[int], label_layer: list[int]
) -> None:
    long = Counter[tuple[int, str, bool]]()
    every = Counter[tuple[int, str, bool]]()
    groups = [(ends[1], style, back) for ends, style, back in zip(part.ends, part.styles, graph.flipped, strict=True)]
    spans = [ranks[lower] - ranks[upper] for upper, lower in turned]
    for group, span in zip(groups, spans, strict=True):
        every[group] += 1 if span else 0
        long[group] += 1 if span > 1 else 0
    shared_items: dict[tuple[object, ...], int] = {}
    shared_segments: dict[tuple[int, int], int] = {}
    shared_ports: dict[tuple[int, str, bool], int] = {}
    own_ports: dict[int, int] = {}

    def port(item: int) -> int:
        if item not in own_ports:
            own_ports[item] = graph.port(item)
        return own_ports[item]

    for edge, (upper, lower) in enumerate(turned):
        graph.main.append(spans[edge] == 1 and not graph.flipped[edge])
        chain: list[int] = []
        graph.chains.append(chain)
        if upper == lower:
            continue
        group, back = groups[edge], graph.flipped[edge]
        shares = every[group] > HUB or (spans[edge] > 1 and long[group] > 1)
        label = (label_layer[ranks[lower] - 1] if back else label_layer[ranks[upper]]) if part.labelled[edge] else -1
        places = _clusters_on_the_way(graph, upper, lower)
        if shares:
            if group not in shared_ports:
                shared_ports[group] = graph.port(part.ends[edge][1])
            last_port = shared_ports[group]
        else:
            last_port = graph.port(part.ends[edge][1])
        first_port = graph.port(part.ends[edge][0])
        at = last_port if back else first_port
        start, end = graph.layer[upper], graph.layer[lower]
        for number in range(start + 1, end):
            cluster = places[number - start - 1]
            common = shares and (number < label or label < 0 if back else number > label)
            if number == label:
                item = graph.item(LABEL, number, edge, cluster)
            elif common:
                key = (*group, number, cluster)
                if key not in shared_items:
                    shared_items[key] = graph.item(LINE, number, edge, cluster)
                item = shared_items[key]
            else:
                item = graph.item(LINE, number, edge, cluster)
            at = _join(graph, shared_segments, chain, at, port(item))
        _join(graph, shared_segments, chain, at, first_port if back else last_port)


def _join(graph: Layered, known: dict[tuple[int, int], int], chain: list[int], top: int, bottom: int) -> int:
    """One more segment of the chain, or the one two edges share there; returns the port reached."""
    if (top, bottom) not in known:
        known[top, bottom] = graph.segment(top, bottom)
    chain.append(known[top, bottom])
    return bottom


def _clusters_on_the_way(graph: Layered, upper: int, lower: int) -> list[int]:
    """For each layer between two boxes the cluster an edge passes it in.

    It stays in the frames of its upper end as long as these last, and enters those of its lower end when they begin.
    """
    start, end = graph.layer[upper] + 1, graph.layer[lower]
    clusters = graph.clusters
    if not clusters.parent or start == end:
        return [-1] * (end - start)
    here, there = clusters.chain(graph.cluster[upper]), clusters.chain(graph.cluster[lower])
    around = set(here) & set(there)
    common = max(around, key=lambda cluster: clusters.depth[cluster], default=-1)
    leaving = [cluster for cluster in here if cluster not in around]
    entering = [cluster for cluster in there if cluster not in around]
    places = []
    for number in range(start, end):
        inside = next((cluster for cluster in leaving if clusters.bottom[cluster] >= number), None)
        if inside is None:
            inside = next((cluster for cluster in entering if clusters.top[cluster] <= number), common)
        places.append(inside)
    return places

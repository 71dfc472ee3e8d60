"""A topology in numbers, split into the parts that no edge and no frame connects."""

from __future__ import annotations

from attrs import define, field

from victor.core.topology import Topology

__all__ = ["Component", "components"]


@define
class Component:
    """One connected part; everything is numbered from 0 within it.

    Args:
        nodes: Index in the topology of each node.
        edges: Index in the topology of each edge.
        frames: Index in the topology of each cluster, outer before inner.
        ends: Source and target of each edge.
        node_cluster: Cluster each node lies in, -1 for none.
        cluster_parent: Cluster around each cluster, -1 for none.
        labelled: Whether each edge has a label.
        styles: The style of each edge.
        starts: Nodes the picture begins with.
    """

    nodes: list[int] = field(factory=list)
    edges: list[int] = field(factory=list)
    frames: list[int] = field(factory=list)
    ends: list[tuple[int, int]] = field(factory=list)
    node_cluster: list[int] = field(factory=list)
    cluster_parent: list[int] = field(factory=list)
    labelled: list[bool] = field(factory=list)
    styles: list[str] = field(factory=list)
    starts: list[int] = field(factory=list)


def components(topology: Topology) -> list[Component]:
    """The connected parts of a topology, in the order of their first node or frame.

    Example:
        >>> from victor.core.topology import Edge, Node, Topology
        >>> [part.nodes for part in components(Topology([Node("a"), Node("b"), Node("c")], [Edge("a", "c")]))]
        [[0, 2], [1]]
    """
    numbers = {node.id: number for number, node in enumerate(topology.nodes)}
    frames = {cluster.id: number for number, cluster in enumerate(topology.clusters)}
    count = len(numbers)
    group = list(range(count + len(frames)))

    def find(thing: int) -> int:
        while group[thing] != thing:
            group[thing] = group[group[thing]]
            thing = group[thing]
        return thing

    ends = [(numbers[edge.source], numbers[edge.target]) for edge in topology.edges]
    for source, target in ends:
        group[find(source)] = find(target)
    for number, node in enumerate(topology.nodes):
        if node.cluster is not None:
            group[find(number)] = find(count + frames[node.cluster])
    for number, cluster in enumerate(topology.clusters):
        if cluster.parent is not None:
            group[find(count + number)] = find(count + frames[cluster.parent])

    parts: dict[int, Component] = {}
    local = [0] * (count + len(frames))
    for number, node in enumerate(topology.nodes):
        part = parts.setdefault(find(number), Component())
        local[number] = len(part.nodes)
        part.nodes.append(number)
        if node.kind == "start":
            part.starts.append(local[number])
    for number in sorted(range(len(frames)), key=lambda number: _depth(topology, frames, number)):
        part = parts.setdefault(find(count + number), Component())
        local[count + number] = len(part.frames)
        part.frames.append(number)
        parent = topology.clusters[number].parent
        part.cluster_parent.append(-1 if parent is None else local[count + frames[parent]])
    for part in parts.values():
        for number in part.nodes:
            frame = topology.nodes[number].cluster
            part.node_cluster.append(-1 if frame is None else local[count + frames[frame]])
    for number, (source, target) in enumerate(ends):
        part, edge = parts[find(source)], topology.edges[number]
        part.edges.append(number)
        part.ends.append((local[source], local[target]))
        part.labelled.append(bool(edge.label.strip()))
        part.styles.append(edge.style)
    return list(parts.values())


def _depth(topology: Topology, frames: dict[str, int], number: int) -> int:
    depth, parent = 0, topology.clusters[number].parent
    while parent is not None:
        depth, parent = depth + 1, topology.clusters[frames[parent]].parent
    return depth

"""A neutral picture of nodes and edges, which every renderer draws and nobody runs.

A workflow, a team, a negotiation or an agent with its tools can each describe itself as a
`Topology`; a visualizer plugin needs to know nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from attrs import field, frozen

from victor.core.errors import ConfigurationError

__all__ = ["Cluster", "Edge", "EdgeStyle", "Node", "NodeKind", "Topology"]

NodeKind = Literal[
    "start",
    "end",
    "step",
    "agent",
    "tool",
    "condition",
    "parallel",
    "map",
    "human",
    "workflow",
    "team",
    "data",
]
"""What a node is, which renderers show as its shape."""

EdgeStyle = Literal["solid", "dashed", "dotted"]
"""``solid``: always taken. ``dashed``: taken on a condition. ``dotted``: a reference, not a step."""


@frozen
class Node:
    """One box.

    Args:
        id: Unique in the topology; any text.
        label: What is shown; the id where empty.
        kind: Shape and role.
        cluster: Id of the `Cluster` it is drawn in, or None.
        description: One or two sentences for tooltips and accessible text.
        attributes: Details for property panels; plain values.
    """

    id: str
    label: str = ""
    kind: NodeKind = "step"
    cluster: str | None = None
    description: str = ""
    attributes: Mapping[str, Any] = field(factory=dict, hash=False)

    @property
    def title(self) -> str:
        """The label, or the id where there is none."""
        return self.label or self.id


@frozen
class Edge:
    """One arrow, from ``source`` to ``target`` (node ids).

    Args:
        source: Node id the arrow leaves.
        target: Node id it enters; the same as ``source`` draws a loop.
        label: Text on the arrow, such as the branch it stands for.
        style: How it is drawn.
    """

    source: str
    target: str
    label: str = ""
    style: EdgeStyle = "solid"


@frozen
class Cluster:
    """A frame around nodes, such as a subgraph.

    Args:
        id: Unique among the clusters.
        label: Its heading; the id where empty.
        parent: Id of the cluster it lies in, or None.
    """

    id: str
    label: str = ""
    parent: str | None = None


# Named converters: type checkers cannot tell what the bare `tuple` takes.
def _nodes(nodes: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(nodes)


def _edges(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    return tuple(edges)


def _clusters(clusters: Iterable[Cluster]) -> tuple[Cluster, ...]:
    return tuple(clusters)


@frozen
class Topology:
    """Nodes, edges and clusters, in the order they were declared.

    Args:
        nodes: The boxes.
        edges: The arrows between them.
        clusters: The frames.
        name: Title of the picture.
        description: For the accessible description.

    Raises:
        ConfigurationError: An id stands twice, or an edge, node or cluster refers to one that is not there.

    Example:
        >>> picture = Topology([Node("a"), Node("b")], [Edge("a", "b")], name="two steps")
        >>> picture.node("b").title
        'b'
    """

    nodes: tuple[Node, ...] = field(converter=_nodes)
    edges: tuple[Edge, ...] = field(converter=_edges, default=())
    clusters: tuple[Cluster, ...] = field(converter=_clusters, default=())
    name: str = ""
    description: str = ""
    _by_id: dict[str, Node] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        by_id = {node.id: node for node in self.nodes}
        frames = {cluster.id for cluster in self.clusters}
        problems = []
        if len(by_id) != len(self.nodes):
            problems.append("a node id stands twice: " + ", ".join(sorted(_twice(node.id for node in self.nodes))))
        if len(frames) != len(self.clusters):
            problems.append("a cluster id stands twice: " + ", ".join(sorted(_twice(c.id for c in self.clusters))))
        problems += [
            f"edge {edge.source!r} -> {edge.target!r}: no node {end!r}"
            for edge in self.edges
            for end in (edge.source, edge.target)
            if end not in by_id
        ]
        problems += [
            f"node {n.id!r}: no cluster {n.cluster!r}"
            for n in self.nodes
            if n.cluster is not None and n.cluster not in frames
        ]
        problems += [
            f"cluster {c.id!r}: no cluster {c.parent!r}"
            for c in self.clusters
            if c.parent is not None and c.parent not in frames
        ]
        if not problems:
            problems += _rings({cluster.id: cluster.parent for cluster in self.clusters})
        if problems:
            raise ConfigurationError(f"topology {self.name!r} cannot be drawn: " + "; ".join(problems))
        object.__setattr__(self, "_by_id", by_id)

    def node(self, id: str) -> Node:
        """The node of that id.

        Raises:
            KeyError: There is none.
        """
        return self._by_id[id]


def _twice(ids: Any) -> set[str]:
    seen: set[str] = set()
    return {id for id in ids if id in seen or seen.add(id)}  # type: ignore[func-returns-value]


def _rings(parents: Mapping[str, str | None]) -> list[str]:
    for start in parents:
        at, seen = parents[start], {start}
        while at is not None:
            if at in seen:
                return [f"cluster {start!r} lies in itself"]
            seen.add(at)
            at = parents[at]
    return []

"""The layered graph the stages of the layout work on: items in layers, joined by segments.

An item is a box, a heading of a frame, or the place where an edge crosses a layer; a segment joins
two items of neighbouring layers. All are numbers into parallel lists, because the stages loop over
all of them many times.
"""

from __future__ import annotations

from attrs import define, field

__all__ = ["BOX", "HEADING", "LABEL", "LEFT", "LINE", "RIGHT", "Clusters", "Layered"]

BOX, LINE, LABEL, HEADING, LEFT, RIGHT = range(6)
"""Kinds of items: a node; an edge passing; an edge passing with its label; a frame's name; a frame's borders."""


@define
class Clusters:
    """The tree of frames of one component.

    Args:
        parent: Cluster around it, -1 for none.
        depth: 0 outermost.
        children: Clusters directly inside.
        first: Rank of its first box.
        last: Rank of its last box.
        top: Layer it begins in: that of its heading, or of its first box.
        bottom: Layer of its last box.
        heading: Item of its heading, -1 where it has no layer of its own.
        left: Items of its left border, by layer from ``top``.
        right: Items of its right border, by layer from ``top``.
    """

    parent: list[int] = field(factory=list)
    depth: list[int] = field(factory=list)
    children: list[list[int]] = field(factory=list)
    first: list[int] = field(factory=list)
    last: list[int] = field(factory=list)
    top: list[int] = field(factory=list)
    bottom: list[int] = field(factory=list)
    heading: list[int] = field(factory=list)
    left: list[list[int]] = field(factory=list)
    right: list[list[int]] = field(factory=list)

    def chain(self, cluster: int) -> list[int]:
        """The cluster and all around it, inner first."""
        out = []
        while cluster >= 0:
            out.append(cluster)
            cluster = self.parent[cluster]
        return out


@define
class Layered:
    """Items, segments and ports of one component.

    Args:
        kind: Of each item.
        layer: Of each item.
        owner: Index of its node, edge or cluster.
        cluster: Cluster each item lies in, -1 for none.
        layers: Items of each layer, from left to right once they are ordered.
        up: Segments that reach the item from the layer above.
        down: Segments that leave it to the layer below.
        seg_top: Upper item of each segment.
        seg_bottom: Lower item of each segment.
        seg_top_port: Port it starts at.
        seg_bottom_port: Port it ends at.
        port_item: Item of each port.
        chains: Segments of each edge, from the upper end to the lower; none for a loop.
        flipped: Edges that run upwards.
        main: Edges that lead from a box to one of the next rank: these like to be straight.
        pairs: Boxes that no edge joins but that should stand below each other, as (upper, lower).
        clusters: The frames.
    """

    kind: list[int] = field(factory=list)
    layer: list[int] = field(factory=list)
    owner: list[int] = field(factory=list)
    cluster: list[int] = field(factory=list)
    layers: list[list[int]] = field(factory=list)
    up: list[list[int]] = field(factory=list)
    down: list[list[int]] = field(factory=list)
    seg_top: list[int] = field(factory=list)
    seg_bottom: list[int] = field(factory=list)
    seg_top_port: list[int] = field(factory=list)
    seg_bottom_port: list[int] = field(factory=list)
    port_item: list[int] = field(factory=list)
    chains: list[list[int]] = field(factory=list)
    flipped: list[bool] = field(factory=list)
    main: list[bool] = field(factory=list)
    pairs: list[tuple[int, int]] = field(factory=list)
    clusters: Clusters = field(factory=Clusters)

    def item(self, kind: int, layer: int, owner: int, cluster: int) -> int:
        """Add one item at the end of its layer."""
        number = len(self.kind)
        self.kind.append(kind)
        self.layer.append(layer)
        self.owner.append(owner)
        self.cluster.append(cluster)
        self.up.append([])
        self.down.append([])
        self.layers[layer].append(number)
        return number

    def port(self, item: int) -> int:
        """Add one port to an item."""
        self.port_item.append(item)
        return len(self.port_item) - 1

    def segment(self, top_port: int, bottom_port: int) -> int:
        """Join two ports of items in neighbouring layers."""
        number = len(self.seg_top)
        top, bottom = self.port_item[top_port], self.port_item[bottom_port]
        self.seg_top.append(top)
        self.seg_bottom.append(bottom)
        self.seg_top_port.append(top_port)
        self.seg_bottom_port.append(bottom_port)
        self.down[top].append(number)
        self.up[bottom].append(number)
        return number

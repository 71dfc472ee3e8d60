"""What the placing of a component works with and results in: measured texts, rectangles, places."""

from __future__ import annotations

from attrs import define, field

from victor.graph.viz.ruler import TextBlock

__all__ = ["Area", "Placed", "Texts"]


@define
class Texts:
    """Measured texts of a topology, by index.

    Args:
        nodes: Titles, with the size of their box.
        labels: Labels of edges, None where an edge has none.
        headings: Names of clusters.
    """

    nodes: list[TextBlock]
    labels: list[TextBlock | None]
    headings: list[TextBlock]


@define
class Area:
    """A rectangle; *across* runs along a layer, *along* follows the arrows, so that one code serves both directions.

    Args:
        across, along: Where it begins.
        wide: Its size across.
        long: Its size along.
    """

    across: int
    along: int
    wide: int
    long: int


@define
class Placed:
    """One component with all its places; the numbers of things are those of the component.

    Args:
        boxes: Of each node.
        frames: Of each cluster.
        headings: Of each cluster's name.
        routes: Of each edge, from source to target, as (across, along).
        joins: Of each edge, from where it lies on another route.
        labels: Of each edge's label.
        wide: Extent across, from 0.
        long: Extent along, from 0.
    """

    boxes: list[Area] = field(factory=list)
    frames: list[Area] = field(factory=list)
    headings: list[Area] = field(factory=list)
    routes: list[list[tuple[int, int]]] = field(factory=list)
    joins: list[int | None] = field(factory=list)
    labels: list[Area | None] = field(factory=list)
    wide: int = 0
    long: int = 0

"""Where everything in a picture lies: what the layout returns and every drawing renderer reads."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from victor.core.topology import EdgeStyle

__all__ = ["Box", "Direction", "Frame", "Geometry", "Point", "Route", "TextBox"]

Direction = Literal["TB", "LR"]
"""``TB``: arrows run from top to bottom. ``LR``: from left to right."""

Point = tuple[int, int]
"""``(x, y)``: x grows to the right, y grows downwards."""


@frozen
class TextBox:
    """Lines of text and the area that is theirs alone.

    Args:
        x, y: Its upper left corner.
        width, height: Its size.
        lines: The text.
    """

    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]


@frozen
class Box:
    """One node.

    Args:
        id: The node's id.
        x: Left border.
        y: Upper border.
        width: Distance to the right border.
        height: Distance to the lower border.
        lines: The title, wrapped.
        note: A small line below the title, such as a duration.
    """

    id: str
    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]
    note: str = ""


@frozen
class Route:
    """One edge: horizontal and vertical pieces from the border of its source to the border of its target.

    Args:
        edge: Its index in ``topology.edges``.
        source: Node id it leaves.
        target: Node id it enters; the arrowhead is at the last point.
        points: Its corners; two neighbours share x or y.
        style: How it is drawn.
        label: Its text, or None.
        joins: Index of the point from which it lies on an earlier route to the same target, or None.
    """

    edge: int
    source: str
    target: str
    points: tuple[Point, ...]
    style: EdgeStyle = "solid"
    label: TextBox | None = None
    joins: int | None = None


@frozen
class Frame:
    """One cluster: it contains the boxes of its members, whole, and no other box.

    Args:
        id: The cluster's id.
        x: Left border.
        y: Upper border.
        width: Distance to the right border.
        height: Distance to the lower border.
        heading: Its name.
        depth: 0 for an outermost frame.
        parent: Id of the frame around it, or None.
    """

    id: str
    x: int
    y: int
    width: int
    height: int
    heading: TextBox
    depth: int = 0
    parent: str | None = None


@frozen
class Geometry:
    """A whole picture, in the unit of the ruler it was made with: pixels or character cells.

    Args:
        width: Of everything, with its margin.
        height: Of everything, with its margin.
        direction: Where the arrows run.
        boxes: One per node, in the topology's order.
        routes: One per edge, in the topology's order.
        frames: One per cluster, outer before inner.
    """

    width: int
    height: int
    direction: Direction
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    frames: tuple[Frame, ...]

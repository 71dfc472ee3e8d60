"""`StateGraphVisualizer`: a graph in, a picture out."""

from __future__ import annotations

from typing import Protocol

from victor.core.errors import ConfigurationError
from victor.core.highlights import Highlights
from victor.core.topology import Topology
from victor.graph.viz.geometry import Direction

__all__ = ["Drawable", "StateGraphVisualizer"]


class Drawable(Protocol):
    """Whatever can describe itself as a `Topology`: a StateGraph, a compiled graph, a workflow."""

    def topology(self) -> Topology:
        """Its nodes, edges and clusters."""


def _topology(graph: Topology | Drawable) -> Topology:
    if isinstance(graph, Topology):
        return graph
    describe = getattr(graph, "topology", None)
    topology = describe() if callable(describe) and not isinstance(graph, type) else None
    if isinstance(topology, Topology):
        return topology
    raise ConfigurationError(
        f"cannot draw {type(graph).__name__} {repr(graph)[:80]}: it is no Topology and has no method topology() "
        "that returns one"
    )


class StateGraphVisualizer:
    """Draws StateGraphs, compiled graphs, workflows and any `Topology`, on this machine alone.

    Example:
        >>> from victor.core.topology import Edge, Node, Topology
        >>> graph = Topology([Node("plan"), Node("act")], [Edge("plan", "act")])
        >>> print(StateGraphVisualizer.to_mermaid(graph))
        flowchart TB
          n_plan["plan"]
          n_act["act"]
          n_plan --> n_act
        <BLANKLINE>
    """

    @staticmethod
    def to_mermaid(
        graph: Topology | Drawable,
        *,
        highlights: Highlights | None = None,
        theme: str = "auto",
        direction: Direction = "TB",
    ) -> str:
        """A Mermaid flowchart."""
        from victor.graph.viz.mermaid import render

        return render(_topology(graph), highlights=highlights, theme=theme, direction=direction)

    @staticmethod
    def to_dot(
        graph: Topology | Drawable,
        *,
        highlights: Highlights | None = None,
        theme: str = "auto",
        direction: Direction = "TB",
    ) -> str:
        """A graph in the DOT language of Graphviz."""
        from victor.graph.viz.dot import render

        return render(_topology(graph), highlights=highlights, theme=theme, direction=direction)

    @staticmethod
    def to_ascii(
        graph: Topology | Drawable,
        *,
        highlights: Highlights | None = None,
        width: int | None = None,
        direction: Direction = "TB",
        unicode: bool = True,
    ) -> str:
        """Boxes and arrows made of characters, no wider than ``width`` (the terminal's where None).

        Args:
            graph: What to draw.
            highlights: What a run did.
            width: Columns there are.
            direction: ``"TB"`` or ``"LR"``.
            unicode: Use box-drawing characters; with False ASCII alone.
        """
        from victor.graph.viz.ascii import render, render_unicode

        draw = render_unicode if unicode else render
        return draw(_topology(graph), highlights=highlights, width=width, direction=direction)

    @staticmethod
    def to_svg(
        graph: Topology | Drawable,
        *,
        highlights: Highlights | None = None,
        theme: str = "auto",
        width: int | None = None,
        direction: Direction = "TB",
    ) -> str:
        """An SVG document."""
        from victor.graph.viz.svg import render

        return render(_topology(graph), highlights=highlights, theme=theme, width=width, direction=direction)

    @staticmethod
    def to_png(
        graph: Topology | Drawable,
        *,
        highlights: Highlights | None = None,
        theme: str = "auto",
        width: int | None = None,
        direction: Direction = "TB",
    ) -> bytes:
        """A PNG image; needs ``victor-graph[png]``."""
        from victor.graph.viz.png import render

        return render(_topology(graph), highlights=highlights, theme=theme, width=width, direction=direction)

    @staticmethod
    def to_json(
        graph: Topology | Drawable, *, highlights: Highlights | None = None, direction: Direction = "TB"
    ) -> str:
        """The topology and its geometry as JSON."""
        from victor.graph.viz.json_document import render

        return render(_topology(graph), highlights=highlights, direction=direction)

"""A topology and its geometry as one JSON document, for designers and other programs."""

from __future__ import annotations

import json
from typing import Any

from victor.core.highlights import Highlights
from victor.core.topology import Topology
from victor.graph.viz.arguments import check_arguments
from victor.graph.viz.geometry import Direction, Geometry, TextBox
from victor.graph.viz.layout import lay_out

__all__ = ["document", "render"]


def render(
    topology: Topology,
    *,
    highlights: Highlights | None = None,
    theme: str = "auto",
    width: int | None = None,
    direction: Direction = "TB",
) -> str:
    """Write a topology and where everything lies as JSON; the shape is that of `document`.

    Args:
        topology: What to write.
        highlights: What a run did.
        theme: Has no effect; checked as everywhere.
        width: Has no effect; all sizes are pixels.
        direction: ``"TB"`` or ``"LR"``.

    Example:
        >>> from victor.core.topology import Node, Topology
        >>> json.loads(render(Topology([Node("a")])))["nodes"][0]["box"]
        {'x': 24, 'y': 24, 'width': 64, 'height': 42, 'lines': ['a']}
    """
    _, way = check_arguments(topology, theme, width, direction)
    geometry = lay_out(topology, direction=way, highlights=highlights)
    # Attributes are plain values by contract; anything else is shown by its repr rather than lost.
    return json.dumps(document(topology, geometry, highlights), ensure_ascii=True, indent=2, default=repr) + "\n"


def document(topology: Topology, geometry: Geometry, highlights: Highlights | None = None) -> dict[str, Any]:
    """The same as a dict of plain values.

    Returns:
        ``version`` (1), ``name``, ``description``, ``direction``, ``width``, ``height``, and the lists ``nodes``,
        ``edges`` and ``clusters``: what the topology says of each, with its ``box``, its ``points`` and ``label_box``,
        or its ``frame`` and ``heading_box``.
    """
    nodes = []
    for node, box in zip(topology.nodes, geometry.boxes, strict=True):
        entry: dict[str, Any] = {
            "id": node.id,
            "label": node.title,
            "kind": node.kind,
            "cluster": node.cluster,
            "description": node.description,
            "attributes": dict(node.attributes),
            "box": {"x": box.x, "y": box.y, "width": box.width, "height": box.height, "lines": list(box.lines)},
        }
        if highlights:
            entry["mark"] = highlights.mark(node.id)
            entry["duration_ms"] = highlights.timings.get(node.id)
            entry["note"] = highlights.notes.get(node.id)
        nodes.append(entry)
    edges = [
        {
            "source": edge.source,
            "target": edge.target,
            "label": edge.label,
            "style": edge.style,
            "points": [list(point) for point in route.points],
            "label_box": _text_box(route.label) if route.label else None,
        }
        for edge, route in zip(topology.edges, geometry.routes, strict=True)
    ]
    labels = {cluster.id: cluster.label or cluster.id for cluster in topology.clusters}
    clusters = [
        {
            "id": frame.id,
            "label": labels[frame.id],
            "parent": frame.parent,
            "depth": frame.depth,
            "frame": {"x": frame.x, "y": frame.y, "width": frame.width, "height": frame.height},
            "heading_box": _text_box(frame.heading),
        }
        for frame in geometry.frames
    ]
    return {
        "version": 1,
        "name": topology.name,
        "description": topology.description,
        "direction": geometry.direction,
        "width": geometry.width,
        "height": geometry.height,
        "nodes": nodes,
        "edges": edges,
        "clusters": clusters,
    }


def _text_box(text: TextBox) -> dict[str, Any]:
    return {"x": text.x, "y": text.y, "width": text.width, "height": text.height, "lines": list(text.lines)}

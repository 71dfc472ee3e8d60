"""The picture of a `StateGraph`: its topology, and LangGraph's way to draw it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from victor.core.topology import Cluster, Edge, Node, NodeKind, Topology
from victor.graph.command import END, START

if TYPE_CHECKING:
    from victor.graph.graph import StateGraph
    from victor.graph.node import Node as GraphNode

__all__ = ["Drawing", "topology"]


def topology(graph: StateGraph[Any], *, xray: bool | int = True) -> Topology:
    """Nodes, edges and subgraphs of a graph, as every renderer draws them.

    Edges that are taken on a condition are dashed and labeled with the answer. A conditional edge that does not say
    where it leads is drawn to the nodes that nothing else leads to, or to all if there are none.

    Args:
        graph: The graph.
        xray: How deep subgraphs are opened: True for all the way, False or 0 for not at all.
    """
    nodes: list[Node] = [Node(START, "start", "start")]
    clusters: list[Cluster] = []
    edges: list[Edge] = []
    entries, exits = _draw(graph, "", None, 1_000 if xray is True else int(xray), nodes, edges, clusters)
    edges[:0] = [Edge(START, target, label, style) for target, label, style in entries]
    edges += [Edge(source, END, label, style) for source, label, style in exits]
    nodes.append(Node(END, "end", "end"))
    name = graph.name if graph.name else getattr(graph.state_schema, "__name__", "graph")
    return Topology(nodes, tuple(dict.fromkeys(edges)), clusters, name=name)


_Hook = tuple[str, str, Any]
"""A node at the rim of a graph, with label and style of the edge that crosses it."""


def _draw(
    graph: StateGraph[Any],
    prefix: str,
    cluster: str | None,
    depth: int,
    nodes: list[Node],
    edges: list[Edge],
    clusters: list[Cluster],
) -> tuple[list[_Hook], list[_Hook]]:
    """Draws the nodes of a graph; returns how it is entered and left."""
    inside: dict[str, tuple[list[_Hook], list[_Hook]]] = {}
    for name, node in graph.nodes.items():
        id = prefix + name
        if node.subgraph is not None and depth > 0:
            clusters.append(Cluster(id, name, cluster))
            inside[name] = _draw(node.subgraph.builder, f"{id}:", id, depth - 1, nodes, edges, clusters)
        else:
            nodes.append(_node(id, node, cluster))
    entries: list[_Hook] = []
    exits: list[_Hook] = []
    leaving: set[str] = set()
    for start, end, label, style in _edges(graph):
        leaving.add(start)
        sources: list[_Hook] = (
            [(prefix + start, label, style)]
            if start not in inside
            else [
                (id, label or own, "dashed" if "dashed" in (style, how) else style) for id, own, how in inside[start][1]
            ]
        )
        for source, said, drawn in sources:
            if end == END:
                exits.append((source, said, drawn))
                continue
            targets: list[_Hook] = (
                [(prefix + end, said, drawn)]
                if end not in inside
                else [
                    (id, said or own, "dashed" if "dashed" in (drawn, how) else drawn)
                    for id, own, how in inside[end][0]
                ]
            )
            if start == START:
                entries += targets
            else:
                edges += [Edge(source, target, text, how) for target, text, how in targets]
    for name in graph.nodes:
        if name not in leaving:
            exits += inside[name][1] if name in inside else [(prefix + name, "", "solid")]
    return entries, exits


def _edges(graph: StateGraph[Any]) -> Iterator[tuple[str, str, str, Any]]:
    """Start, end, label and style of each edge."""
    led: set[str] = set()
    for start, end in graph._plain:
        led.add(end)
        yield start, end, "", "solid"
    for starts, end in graph.joins:
        led.add(end)
        for start in starts:
            yield start, end, "", "solid"
    for branch in graph.branches:
        for answer, end in (branch.ends or {}).items():
            led.add(end)
            label = str(answer)
            yield branch.source, end, "" if label == end else label, "dashed"
    for node in graph.nodes.values():
        for end, label in (node.destinations or {}).items():
            led.add(end)
            yield node.name, end, label, "dashed"
    for branch in graph.branches:
        if branch.ends is None:
            for end in [name for name in graph.nodes if name not in led and name != branch.source] or graph.nodes:
                yield branch.source, end, "", "dashed"
            yield branch.source, END, "", "dashed"


def _node(id: str, node: GraphNode, cluster: str | None) -> Node:
    kind: NodeKind = node.metadata.get("kind") or ("workflow" if node.subgraph is not None else "step")
    attributes: dict[str, Any] = {key: value for key, value in node.metadata.items() if key != "kind"}
    if node.defer:
        attributes["defer"] = True
    if node.retry:
        attributes["max_attempts"] = max(policy.max_attempts for policy in node.retry)
    if node.timeout is not None and node.timeout.run_s is not None:
        attributes["timeout_s"] = node.timeout.run_s
    text = inspect.getdoc(node.action) if inspect.isroutine(node.action) else None
    return Node(id, node.name, kind, cluster, (text or "").partition("\n\n")[0].replace("\n", " "), attributes)


@frozen
class Drawing:
    """A graph as LangGraph's users look at it, made by ``CompiledGraph.get_graph()``.

    Args:
        topology: What is drawn.
    """

    topology: Topology = field(repr=False)

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The boxes by id."""
        return {node.id: node for node in self.topology.nodes}

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The arrows."""
        return self.topology.edges

    def draw_mermaid(self, **options: Any) -> str:
        """Mermaid text."""
        from victor.graph.viz import StateGraphVisualizer

        return StateGraphVisualizer.to_mermaid(self.topology, **options)

    def draw_ascii(self, **options: Any) -> str:
        """Boxes made of characters."""
        from victor.graph.viz import StateGraphVisualizer

        return StateGraphVisualizer.to_ascii(self.topology, **options)

    def draw_svg(self, output_file_path: str | None = None, **options: Any) -> str:
        """An SVG document; written to a file where one is named."""
        from victor.graph.viz import StateGraphVisualizer

        document = StateGraphVisualizer.to_svg(self.topology, **options)
        if output_file_path is not None:
            Path(output_file_path).write_text(document, encoding="utf-8")
        return document

    def draw_png(self, output_file_path: str | None = None, **options: Any) -> bytes:
        """A PNG image; written to a file where one is named. Drawn here, offline; needs ``victor-graph[png]``."""
        from victor.graph.viz import StateGraphVisualizer

        image = StateGraphVisualizer.to_png(self.topology, **options)
        if output_file_path is not None:
            Path(output_file_path).write_bytes(image)
        return image

    draw_mermaid_png = draw_png

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """A picture, for notebooks."""
        return {"text/plain": repr(self), "image/svg+xml": self.draw_svg()}

    def print_ascii(self, **options: Any) -> None:
        """Print `draw_ascii`."""
        print(self.draw_ascii(**options))  # noqa: T201 - asked for

    def to_json(self) -> dict[str, Any]:
        """Nodes and edges as plain data."""
        return {
            "nodes": [{"id": node.id, "type": node.kind, "data": {"name": node.title}} for node in self.topology.nodes],
            "edges": [
                {
                    "source": edge.source,
                    "target": edge.target,
                    "data": edge.label or None,
                    "conditional": edge.style == "dashed",
                }
                for edge in self.topology.edges
            ],
        }

"""The picture of a workflow, as its file says it."""

from __future__ import annotations

from typing import Any, Final

from victor.core.topology import Cluster, Edge, Node, NodeKind, Topology
from victor.graph.yaml.definition import END_NAMES, NodeDefinition, Scope, WorkflowDefinition
from victor.graph.yaml.edges import groups
from victor.graph.yaml.spec import Condition, Loop, Map, Parallel, Route, Subworkflow

__all__ = ["picture"]

_KINDS: Final[dict[type, NodeKind]] = {
    Condition: "condition",
    Parallel: "parallel",
    Map: "map",
    Loop: "parallel",
    Subworkflow: "workflow",
}


def picture(definition: WorkflowDefinition) -> Topology:
    """One box for each node; bodies of maps and loops stand in frames."""
    drawing = _Drawing()
    drawing.nodes.append(Node("__start__", "start", "start"))
    drawing.scope(definition.scope, None, "__end__", {})
    drawing.nodes.append(Node("__end__", "end", "end"))
    starts = [Edge("__start__", id) for id in definition.starts]
    drawing.edges[:0] = [*starts, *_routes("__start__", definition.top.start_routes, definition.scope)]
    return Topology(
        drawing.nodes, drawing.edges, drawing.clusters, name=definition.name, description=definition.top.description
    )


class _Drawing:
    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.clusters: list[Cluster] = []

    def scope(self, scope: Scope, cluster: str | None, after: str, closing: dict[str, str]) -> None:
        """Draw a list of nodes; ``closing`` gives the label of edges to ``after``, by node."""
        joined = {}
        for node in scope.nodes.values():
            if isinstance(node.spec, Parallel):
                for id in node.spec.parallel_nodes:
                    joined[id] = node
        for node in scope.nodes.values():
            self.node(node, cluster)
            self.arrows(node, joined.get(node.id), after)

    def node(self, node: NodeDefinition, cluster: str | None) -> None:
        own: NodeKind = getattr(node.spec, "kind", "step")
        kind = _KINDS.get(type(node.spec), own)
        frame = cluster
        if node.body is not None:
            frame = f"{node.id}:body"
            what = "for each item" if isinstance(node.spec, Map) else "again and again"
            self.clusters.append(Cluster(frame, f"{node.title}: {what}", parent=cluster))
        self.nodes.append(Node(node.id, node.title, kind, frame, node.common.description, _attributes(node)))
        if node.body is not None:
            self.scope(node.body, frame, node.id, {})

    def arrows(self, node: NodeDefinition, parallel: NodeDefinition | None, after: str) -> None:
        ends = node.follows or [after]
        if parallel is not None:
            ends = parallel.follows or [after]
        if isinstance(node.spec, Condition):
            for answer, target in node.spec.branches.items():
                self.edges.append(Edge(node.id, after if target in END_NAMES else target, answer, "dashed"))
            return
        if node.body is not None and node.body.start:
            self.edges.append(Edge(node.id, node.body.start, "each" if isinstance(node.spec, Map) else "round"))
        if isinstance(node.spec, Parallel):
            self.edges += [Edge(node.id, id) for id in node.spec.parallel_nodes]
            return
        joins = [other.id for other in node.scope.nodes.values() for g in groups(other.common.after) if node.id in g]
        ways = _routes(node.id, node.common.routes, node.scope)
        ways += [
            Edge(node.id, after if id in END_NAMES else id, label, "dashed")
            for id, label in (_labeled(node.common.destinations)).items()
        ]
        if node.follows or not (joins or ways):
            self.edges += [Edge(node.id, target) for target in ends]
        self.edges += [Edge(node.id, id) for id in joins] + ways


def _labeled(destinations: dict[str, str] | list[str] | None) -> dict[str, str]:
    return destinations if isinstance(destinations, dict) else dict.fromkeys(destinations or (), "")


def _routes(source: str, routes: list[Route], scope: Scope) -> list[Edge]:
    """Edges a function decides on; to every node where it does not tell."""
    found = []
    for route in routes:
        named: dict[str, str]
        if route.to is None:
            named = {id: id for id in [*scope.nodes, "end"] if id != source}
        else:
            named = route.to if isinstance(route.to, dict) else {id: id for id in route.to}
        for answer, target in named.items():
            end = "__end__" if target in END_NAMES else target
            found.append(Edge(source, end, "" if answer == target else answer, "dashed"))
    return found


def _attributes(node: NodeDefinition) -> dict[str, Any]:
    found: dict[str, Any] = {"type": node.common.type}
    if not isinstance(node.spec, (Condition, Parallel)):
        found["output"] = node.output
    for key in ("goal", "role", "tools", "handler", "condition", "over", "prompt", "workflow", "until"):
        value = getattr(node.spec, key, None)
        if value:
            found[key] = value
    return found

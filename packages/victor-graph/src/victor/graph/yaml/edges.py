"""What leads where in a workflow besides lists of nodes: routes, joins, jumps and starts, as a StateGraph has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from victor.core.errors import VictorError
from victor.graph.command import END
from victor.graph.graph import StateGraph
from victor.graph.yaml.context import CheckContext, load_function
from victor.graph.yaml.definition import END_NAMES, NodeDefinition, WorkflowDefinition
from victor.graph.yaml.spec import Condition, Loop, Map, Parallel, Route, Subworkflow

__all__ = ["GRAPH_KEYS", "Answers", "add_routes", "exit_of", "groups", "interrupts", "route_targets", "works_on_state"]

GRAPH_KEYS: Final = ("routes", "after", "defer", "destinations", "error_handler")
"""Keys that only nodes of a workflow's own list may have, which do work by themselves."""


class Answers(dict[Any, str]):
    """Answers of a route and where they lead, found by their text: ``true`` for True, ``1`` for 1.

    Example:
        >>> Answers({"true": "a", "2": "b"})[True], Answers({"2": "b"})[2]
        ('a', 'b')
    """

    def __missing__(self, answer: Any) -> str:
        text = str(answer).lower() if isinstance(answer, bool) else "null" if answer is None else str(answer)
        if isinstance(answer, str) or text not in self:
            raise KeyError(answer)
        return self[text]


def works_on_state(node: NodeDefinition) -> bool:
    """Whether a node is handed the state itself, as a node of a `StateGraph` is."""
    return getattr(node.spec, "takes", "inputs") != "inputs"


def groups(after: list[Any]) -> list[tuple[str, ...]]:
    """The groups of nodes that ``after`` waits for.

    Raises:
        VictorError: It is neither a list of ids nor a list of such lists.

    Example:
        >>> groups(["a", "b"]), groups([["a", "b"], ["c"]])
        ([('a', 'b')], [('a', 'b'), ('c',)])
    """
    if not after:
        return []
    if all(isinstance(one, str) for one in after):
        return [tuple(after)]
    if all(isinstance(one, list) and one and all(isinstance(id, str) for id in one) for one in after):
        return [tuple(one) for one in after]
    raise VictorError("'after' takes a list of nodes, or a list of such lists")


def route_targets(route: Route) -> list[str] | None:
    """The nodes a route may lead to; None for any."""
    if route.to is None:
        return None
    return list(route.to.values()) if isinstance(route.to, dict) else list(route.to)


def add_routes(
    graph: StateGraph[Any], source: str, routes: list[Route], context: CheckContext, exits: Mapping[str, str]
) -> None:
    """Add conditional edges for routes; ``exits`` gives other names for targets."""
    for route in routes:
        function = load_function(route.function, context)
        graph.add_conditional_edges(source, function)
        if route.to is not None:
            named = route.to if isinstance(route.to, dict) else {END if id in END_NAMES else id: id for id in route.to}
            graph.branches[-1].ends = Answers(
                {answer: END if target in END_NAMES else exits.get(target, target) for answer, target in named.items()}
            )


def exit_of(node: NodeDefinition) -> str:
    """The node of the graph at which a node of the file is done.

    Raises:
        VictorError: It has no one such place.
    """
    if isinstance(node.spec, Map) or (isinstance(node.spec, Parallel) and node.spec.join_strategy == "all"):
        return f"{node.id}:join"
    if isinstance(node.spec, (Loop, Condition)):
        raise VictorError(f"{node.id!r} is a {node.common.type}; name what comes at its end")
    return node.id


def interrupts(definition: WorkflowDefinition) -> dict[str, Any]:
    """The nodes to stop at, as options of `StateGraph.compile`."""
    top, nodes = definition.top, definition.scope.nodes
    found: dict[str, Any] = {}
    if top.interrupt_before:
        found["interrupt_before"] = top.interrupt_before if top.interrupt_before == "*" else list(top.interrupt_before)
    if top.interrupt_after:
        after = top.interrupt_after
        ids = [] if after == "*" else after
        found["interrupt_after"] = "*" if after == "*" else [exit_of(nodes[id]) if id in nodes else id for id in ids]
    return found


def runs_itself(definition: WorkflowDefinition) -> Iterator[NodeDefinition]:
    """Nodes by which a workflow would contain itself as part of its own state."""

    def inside(one: WorkflowDefinition, seen: set[int]) -> bool:
        if one is definition:
            return True
        if id(one) in seen:
            return False
        seen.add(id(one))
        return any(inside(node.target, seen) for node in _shared_workflows(one) if node.target is not None)

    for node in _shared_workflows(definition):
        if node.target is not None and inside(node.target, set()):
            yield node


def _shared_workflows(definition: WorkflowDefinition) -> Iterator[NodeDefinition]:
    return (n for n in definition.scope.every() if isinstance(n.spec, Subworkflow) and works_on_state(n))

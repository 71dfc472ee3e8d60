"""Checks the flow of a workflow: what follows what, what runs side by side, what nothing leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

from victor.core.errors import VictorError
from victor.graph.check import may_jump
from victor.graph.node import jumps
from victor.graph.yaml.context import load_function
from victor.graph.yaml.definition import END_NAMES, NodeDefinition, Scope, WorkflowDefinition
from victor.graph.yaml.edges import GRAPH_KEYS, exit_of, groups, route_targets, works_on_state
from victor.graph.yaml.reading import unknown
from victor.graph.yaml.source import Source
from victor.graph.yaml.spec import Condition, Loop, Map, Parallel, Subworkflow, Timeouts

__all__ = ["Flow", "broken_in"]


class Flow:
    """Works out what follows each node, and says what cannot be.

    Args:
        say: Takes what is wrong: the file, the JSON path in it, and the text.
    """

    def __init__(self, say: Callable[[Source, str, str], None]) -> None:
        self.say = say

    def chain(self, scope: Scope) -> None:
        """Work out what comes after each node of a list."""
        children: dict[str, str] = {}
        for node in scope.nodes.values():
            if isinstance(node.spec, Parallel):
                self._children(node, children)
        order = [id for id in scope.nodes if id not in children]
        joined = self._joins(scope)
        after = {id: other for id, other in pairwise(order) if id not in joined and not scope.nodes[other].common.after}
        for node in scope.nodes.values():
            if isinstance(node.spec, Condition):
                self._branches(node)
                continue
            wanted = node.common.next
            self._graph_keys(node, children)
            if node.id in children:
                if wanted is not None:
                    message = (
                        f"{node.id!r} runs inside {children[node.id]!r}, which says what comes next; remove 'next' here"
                    )
                    self.say(node.source, f"{node.path}.next", message)
                continue
            if wanted is None:
                node.follows = [after[node.id]] if node.id in after and not node.common.routes else []
                continue
            targets = [wanted] if isinstance(wanted, str) else wanted
            for target in targets:
                self._target(node, target, f"{node.path}.next")
            node.follows = [target for target in targets if target not in END_NAMES]

    def _joins(self, scope: Scope) -> set[str]:
        """The nodes that others wait for, which therefore do not go on to the next of the list."""
        joined: set[str] = set()
        for node in scope.nodes.values():
            at = f"{node.path}.after"
            try:
                waits = groups(node.common.after)
                for id in dict.fromkeys(id for group in waits for id in group):
                    if id in scope.nodes:
                        exit_of(scope.nodes[id])
                        joined.add(id)
                    elif id not in scope.broken:
                        self.say(node.source, at, unknown("node", id, scope.nodes))
            except VictorError as error:
                self.say(node.source, at, str(error))
        return joined

    def _graph_keys(self, node: NodeDefinition, children: Mapping[str, str]) -> None:
        """What only nodes can say that are nodes of the graph as they are."""
        common = node.common
        for at, target in _named(node):
            self._target(node, target, f"{node.path}.{at}")
        given = [key for key in GRAPH_KEYS if getattr(common, key)]
        shares = works_on_state(node)
        if shares and node.common.inputs is not None:
            self.say(node.source, f"{node.path}.inputs", "a node that takes the state has no inputs of its own")
        if shares and node.common.output is not None:
            self.say(
                node.source, f"{node.path}.output", "a node that takes the state writes into that; it has no output"
            )
        if isinstance(node.spec, (Condition, Parallel, Loop)) and common.output is not None:
            self.say(
                node.source,
                f"{node.path}.output",
                f"a {common.type} has no output of its own: what its nodes give is kept under their names",
            )
        if isinstance(common.timeout, Timeouts) and common.timeout.idle is not None:
            given.append("timeout.idle")
        if shares:
            given.append("takes")
        inner = node.scope.parent is not None or node.id in children
        control = isinstance(node.spec, (Condition, Parallel, Map, Loop))
        for key in given:
            if inner or (control and key != "after"):
                where = "inside another node" if inner else f"at a {common.type}"
                text = f"{key!r} has no meaning {where}; "
                text += (
                    "put the node into a workflow of its own, and run that with type: workflow"
                    if inner
                    else ("put it at the node before or behind")
                )
                self.say(
                    node.source,
                    f"{node.path}.{key}",
                    text,
                )

    def ends(self, definition: WorkflowDefinition) -> None:
        """Where a run begins, and where it is to stop."""
        nodes, top, path, source = definition.scope.nodes, definition.top, definition.path, definition.source
        broken = definition.scope.broken

        def known(id: str, at: str) -> bool:
            if id not in nodes and id not in broken:
                self.say(source, f"{path}.{at}", unknown("node", id, nodes))
            return id in nodes

        start = top.start_node
        for index, id in enumerate([start] if isinstance(start, str) else start or ()):
            known(id, "start_node" if isinstance(start, str) else f"start_node[{index}]")
        for number, route in enumerate(top.start_routes):
            for id in route_targets(route) or ():
                if id not in END_NAMES:
                    known(id, f"start_routes[{number}].to")
        for key in ("interrupt_before", "interrupt_after"):
            wanted = getattr(top, key)
            for index, id in enumerate(wanted if isinstance(wanted, list) else ()):
                try:
                    if known(id, f"{key}[{index}]") and key == "interrupt_after":
                        exit_of(nodes[id])
                except VictorError as error:
                    self.say(source, f"{path}.{key}[{index}]", str(error))

    def _children(self, node: NodeDefinition, children: dict[str, str]) -> None:
        at = f"{node.path}.parallel_nodes"
        if len(node.spec.parallel_nodes) < 2:
            self.say(node.source, at, "a parallel node needs at least two nodes")
        for index, id in enumerate(node.spec.parallel_nodes):
            child = node.scope.nodes.get(id)
            if child is None and id in node.scope.broken:
                continue
            if child is None:
                self.say(node.source, f"{at}[{index}]", unknown("node", id, node.scope.nodes))
            elif id in children:
                self.say(node.source, f"{at}[{index}]", f"{id!r} is inside {children[id]!r} already")
            elif isinstance(child.spec, (Condition, Parallel, Loop)):
                kind = child.common.type
                message = f"{id!r} is a {kind}; put it into a workflow of its own and run that with type: workflow"
                self.say(node.source, f"{at}[{index}]", message)
            elif node.spec.join_strategy != "all" and getattr(child.spec, "kind", "") == "human":
                message = f"{id!r} asks a person, who can only be waited for (join_strategy: all)"
                self.say(node.source, f"{at}[{index}]", message)
            elif node.spec.join_strategy != "all" and child.common.cache:
                message = f"{id!r} races with others, so its result is not kept; remove its 'cache'"
                self.say(node.source, f"{at}[{index}]", message)
            elif node.spec.join_strategy != "all" and isinstance(child.spec, (Map, Subworkflow)):
                message = f"{id!r} is a {child.common.type}, which can only be waited for (join_strategy: all)"
                self.say(node.source, f"{at}[{index}]", message)
            else:
                children[id] = node.id

    def _branches(self, node: NodeDefinition) -> None:
        if node.common.next is not None:
            self.say(node.source, f"{node.path}.next", "a condition has 'branches', no 'next'")
        if not node.spec.branches:
            self.say(node.source, f"{node.path}.branches", "a condition needs at least one branch")
        for answer, target in node.spec.branches.items():
            self._target(node, target, f"{node.path}.branches.{answer}")

    def _target(self, node: NodeDefinition, target: str, at: str) -> None:
        if target not in node.scope.nodes and target not in END_NAMES and target not in node.scope.broken:
            self.say(node.source, at, unknown("node", target, [*node.scope.nodes, "end"]))

    def reachable(self, definition: WorkflowDefinition) -> None:
        """Nodes no path leads to are a mistake of the file."""
        if broken_in(definition.scope):
            return  # what is missing may be what led there
        scopes = [definition.scope, *(n.body for n in definition.scope.every() if n.body is not None)]
        for scope in scopes:
            seen: set[str] = set()
            top = definition.top
            waiting = [scope.start] if scope.start else []
            if scope is definition.scope:
                waiting = [
                    *definition.starts,
                    *(id for r in top.start_routes for id in route_targets(r) or scope.nodes),
                ]
            joins = [(group, id) for id, node in scope.nodes.items() for group in _waits(node)]
            while waiting:
                id = waiting.pop()
                node = scope.nodes.get(id)
                if node is None or id in seen:
                    continue
                seen.add(id)
                waiting += node.follows
                waiting += [end for group, end in joins if id in group]
                waiting += _jumps(node)
                if isinstance(node.spec, Condition):
                    waiting += node.spec.branches.values()
                elif isinstance(node.spec, Parallel):
                    waiting += node.spec.parallel_nodes
            for id, node in scope.nodes.items():
                if id not in seen:
                    self.say(
                        node.source, node.path, f"nothing leads to the node {id!r}; name it in a 'next' or in a branch"
                    )

    def clashes(self, definition: WorkflowDefinition) -> None:
        """Nodes that would overwrite an input, or run side by side and write the same name."""
        for node in definition.scope.every():
            for name in node.writes:
                if name in definition.inputs and name not in definition.optional:
                    at = f"{node.path}.output" if node.common.output else node.path
                    self.say(
                        node.source, at, f"node {node.id!r} would overwrite the input {name!r}; give it another output"
                    )
            if isinstance(node.spec, Parallel):
                self._parallel_clashes(node)

    def _parallel_clashes(self, node: NodeDefinition) -> None:
        writers: dict[str, str] = {}
        for id in node.spec.parallel_nodes:
            child = node.scope.nodes.get(id)
            for name in child.writes if child is not None else ():
                if name in writers:
                    both = f"{writers[name]!r} and {id!r}"
                    message = f"{both} run side by side and both write {name!r}; name their outputs apart"
                    self.say(node.source, f"{node.path}.parallel_nodes", message)
                writers[name] = id


def _named(node: NodeDefinition) -> Iterator[tuple[str, str]]:
    """The nodes that a node's routes and jumps name, each with the key it stands under."""
    for number, route in enumerate(node.common.routes):
        for target in route_targets(route) or ():
            yield f"routes[{number}].to", target
    for target in node.common.destinations or ():
        yield "destinations", target


def _waits(node: NodeDefinition) -> list[tuple[str, ...]]:
    """The groups a node waits for; none where they are written wrongly, which is told already."""
    try:
        return groups(node.common.after)
    except VictorError:
        return []


def _jumps(node: NodeDefinition) -> Iterable[str]:
    """Where the functions of a node may lead; every node where they do not tell."""
    found: list[str] = []
    for route in node.common.routes:
        targets = route_targets(route)
        if targets is None:
            return node.scope.nodes
        found += targets
    if node.common.destinations is not None:
        found += node.common.destinations
    elif works_on_state(node) and getattr(node.spec, "handler", None) is not None and node.context is not None:
        try:
            function = load_function(node.spec.handler, node.context)
        except VictorError:
            return node.scope.nodes
        told = jumps(function)
        if told is None and may_jump(function):
            return node.scope.nodes
        found += told or ()
    elif works_on_state(node):
        return node.scope.nodes
    return found


def broken_in(scope: Scope) -> list[str]:
    """Names of nodes that stand in a list or its bodies but could not be read."""
    found = sorted(scope.broken)
    for node in scope.nodes.values():
        if node.body is not None:
            found += broken_in(node.body)
    return found

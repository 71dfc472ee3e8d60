"""Checks the flow of a workflow: what follows what, what runs side by side, what nothing leads to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from victor.graph.yaml.definition import END_NAMES, NodeDefinition, Scope, WorkflowDefinition
from victor.graph.yaml.reading import unknown
from victor.graph.yaml.source import Source
from victor.graph.yaml.spec import Condition, Loop, Map, Parallel, Subworkflow

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
        after = dict(pairwise(order))
        for node in scope.nodes.values():
            if isinstance(node.spec, Condition):
                self._branches(node)
                continue
            wanted = node.common.next
            if node.id in children:
                if wanted is not None:
                    message = (
                        f"{node.id!r} runs inside {children[node.id]!r}, which says what comes next; remove 'next' here"
                    )
                    self.say(node.source, f"{node.path}.next", message)
                continue
            if wanted is None:
                node.follows = [after[node.id]] if node.id in after else []
                continue
            targets = [wanted] if isinstance(wanted, str) else wanted
            for target in targets:
                self._target(node, target, f"{node.path}.next")
            node.follows = [target for target in targets if target not in END_NAMES]

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
            waiting = [scope.start] if scope.start else []
            while waiting:
                id = waiting.pop()
                node = scope.nodes.get(id)
                if node is None or id in seen:
                    continue
                seen.add(id)
                waiting += node.follows
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
                if name in definition.inputs:
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


def broken_in(scope: Scope) -> list[str]:
    """Names of nodes that stand in a list or its bodies but could not be read."""
    found = sorted(scope.broken)
    for node in scope.nodes.values():
        if node.body is not None:
            found += broken_in(node.body)
    return found

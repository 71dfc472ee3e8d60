"""A workflow as its file says it, read and checked, before it becomes a graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from victor.graph.yaml.context import CheckContext
from victor.graph.yaml.source import Source
from victor.graph.yaml.spec import Common, Condition, Execution, Input, Loop, Map, Parallel, Subworkflow, Top
from victor.graph.yaml.values import Compiled

if TYPE_CHECKING:
    from victor.graph.yaml.state import StateShape

__all__ = ["END_NAMES", "NodeDefinition", "Scope", "WorkflowDefinition"]

END_NAMES: Final = frozenset({"end", "END", "__end__"})
"""What stands for the end of a list of nodes, in ``next`` and ``branches``."""


@define(eq=False)
class NodeDefinition:
    """One node.

    Args:
        common: What every node may say.
        spec: What its type says: a class of `spec`, or of a node type.
        source: The file it stands in.
        path: JSON path of it in that file.
        scope: The list of nodes it is in.
        own: The keys of its type as they stand in the file, those it refers to included.
        follows: Ids of what comes after it in its list, filled in by the checker; empty for the end.
        body: Of a map or loop: the nodes inside.
        target: Of a node of type workflow: that workflow.
        inputs: Its inputs, ready.
        compiled: Its templates and expressions, ready, by key.
        context: What its type was checked with.
    """

    common: Common
    spec: Any
    source: Source
    path: str
    scope: Scope
    own: dict[str, Any] = field(factory=dict)
    follows: list[str] = field(factory=list)
    body: Scope | None = None
    target: WorkflowDefinition | None = None
    inputs: Compiled | None = None
    compiled: dict[str, Compiled] = field(factory=dict)
    context: CheckContext | None = None

    @property
    def id(self) -> str:
        """Its id."""
        return self.common.id

    @property
    def title(self) -> str:
        """What people see."""
        return self.common.name or self.common.id

    @property
    def output(self) -> str:
        """The name its result is kept under."""
        return self.common.output or self.common.id

    @property
    def is_control(self) -> bool:
        """True for the types that shape the flow and do no work of their own."""
        return isinstance(self.spec, (Condition, Parallel, Map, Loop, Subworkflow))

    @property
    def writes(self) -> tuple[str, ...]:
        """The names of the context it sets."""
        if isinstance(self.spec, (Condition, Parallel)) or getattr(self.spec, "takes", "inputs") != "inputs":
            return ()
        if isinstance(self.spec, Loop):
            return (f"{self.id}_round",)
        names = getattr(self.spec, "writes", ())
        if isinstance(self.spec, Map) and self.spec.errors:
            names = (self.spec.errors,)
        if names and getattr(self.spec, "set", None) is not None and self.common.output is None:
            return tuple(names)
        return (self.output, *(name for name in names if name != self.output))


@define(eq=False)
class Scope:
    """A list of nodes that run one after the other: of a workflow, or the body of a map or loop.

    Args:
        nodes: By id, in the order of the file.
        parent: The node whose body it is.
        start: Id of the first to run.
        broken: Ids of nodes that stand in the file but could not be read, so that what names them is not wrong too.
    """

    nodes: dict[str, NodeDefinition] = field(factory=dict)
    parent: NodeDefinition | None = None
    start: str = ""
    broken: set[str] = field(factory=set)

    def every(self) -> Iterator[NodeDefinition]:
        """All nodes, those of bodies included."""
        for node in self.nodes.values():
            yield node
            if node.body is not None:
                yield from node.body.every()


@define(eq=False)
class WorkflowDefinition:
    """One workflow of a file.

    Args:
        name: Its name.
        top: What its file says of it as a whole.
        source: The file.
        path: JSON path of it in the file.
        inputs: By name.
        scope: Its nodes.
        outputs: Its outputs, ready; None for those of all nodes.
        execution: How runs are bounded.
        state: What it says of its state, None where that is inputs and outputs of nodes.
        optional: Inputs that are left out of the state where they are not given.
        result: Names of what it gives back, where it says so by a class.
        context: What the functions it names itself were looked up with.
    """

    name: str
    top: Top
    source: Source
    path: str
    inputs: dict[str, Input] = field(factory=dict)
    scope: Scope = field(factory=Scope)
    outputs: dict[str, Compiled] | None = None
    execution: Execution = field(factory=Execution)
    state: StateShape | None = None
    optional: frozenset[str] = frozenset()
    result: tuple[str, ...] | None = None
    context: CheckContext = field(factory=lambda: CheckContext(lambda name: None))

    @property
    def starts(self) -> list[str]:
        """The nodes a run begins with, those of ``start_routes`` left out."""
        start = self.top.start_node
        if isinstance(start, list):
            return start
        return [] if start is None and self.top.start_routes else [self.scope.start]

    @property
    def names(self) -> list[str]:
        """Every name of its context: inputs, the state's, then what nodes write; names private to a map's body left
        out.
        """
        found = dict.fromkeys(self.inputs)
        if self.state is not None:
            found.update(dict.fromkeys(self.state.channels))
        for node in _shared(self.scope):
            found.update(dict.fromkeys(node.writes))
        return list(found)


def _shared(scope: Scope) -> Iterator[NodeDefinition]:
    for node in scope.nodes.values():
        yield node
        if node.body is not None and isinstance(node.spec, Loop):
            yield from _shared(node.body)

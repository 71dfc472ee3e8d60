"""What a node type is, and what its nodes get to see.

A node type is an attrs class: its fields are the keys that may stand in the file (beside those every node may
have), its docstring and their metadata the documentation, and it has a method ``run``. It is registered with the
hook ``victor_register_node_types``; this is a whole one::

    @frozen
    class Shout:
        \"\"\"Says something loud.\"\"\"

        text: str
        templates = ("text",)

        async def run(self, context):
            return context.text("text").upper()
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar, copy_context
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from attrs import define, field, frozen

from victor.core.errors import PluginError, VictorError
from victor.core.import_strings import load_object
from victor.core.tool import Approve
from victor.core.topology import NodeKind
from victor.graph.runtime import control_of_run
from victor.graph.within import in_thread
from victor.graph.yaml.values import Compiled, Names

__all__ = ["APPROVE", "CheckContext", "NodeContext", "NodeType", "WorkflowRunError", "load_function", "load_object"]

T = TypeVar("T")

APPROVE: ContextVar[Approve | None] = ContextVar("victor_workflow_approve", default=None)
"""Who is asked before a tool call that needs approval, in the run that goes on."""


class WorkflowRunError(VictorError):
    """A step of a workflow could not be done; names the node.

    What to do: correct the node, or its inputs; go on with ``victor workflow run --resume`` where the run is recorded.
    """


@frozen
class CheckContext:
    """What a node type can look things up in while a file is checked.

    Args:
        known: Tells which names the context will have.
        folder: Folder of the workflow file, against which relative paths go; None for a text.
        functions: Functions the program registered by name.
        model: Model of the workflow, or None.
        inputs: Names in the node's ``inputs``, or None where it has none.
    """

    known: Names
    folder: Path | None = None
    functions: Mapping[str, Callable[..., Any]] = field(factory=dict)
    model: str | None = None
    inputs: frozenset[str] | None = None


@define
class NodeContext:
    """What a node sees while it runs.

    Args:
        id: The node.
        values: The context: inputs of the workflow and outputs of the nodes so far. Read-only.
        inputs: The node's ``inputs``, worked out; empty where it has none.
        check: What it was checked with.
    """

    id: str
    values: Mapping[str, Any]
    inputs: dict[str, Any]
    check: CheckContext
    _compiled: Mapping[str, Compiled] = field(factory=dict, repr=False)

    def text(self, key: str) -> str:
        """A field listed in ``templates``, filled in.

        Raises:
            ExpressionError: A value it uses is not there.
        """
        return str(self.value(key))

    def value(self, key: str) -> Any:
        """A field listed in ``templates`` or ``expressions``, worked out; None where the file does not have it.

        Raises:
            ExpressionError: A value it uses is not there.
        """
        compiled = self._compiled.get(key)
        return None if compiled is None else compiled.evaluate(self.values)

    def ask(self, question: Any) -> Any:
        """Ask somebody outside and return the answer; see `victor.graph.interrupt`."""
        from victor.graph.interrupts import interrupt

        return interrupt(question)

    async def step(self, name: str, function: Callable[[], Awaitable[T]]) -> T:
        """What is not done again when the node runs again after a question; see `victor.graph.step`."""
        from victor.graph.durable import step

        return await step(name, function)


@runtime_checkable
class NodeType(Protocol):
    """A kind of node.

    Attributes:
        templates: Optional: names of fields that are texts with values in them (``{{ a }}``, ``$ctx.a``).
        expressions: Optional: names of fields that are values (typed, also lists and mappings).
        kind: Optional: its shape in pictures.

    An optional method ``check(context: CheckContext)`` yields pairs of key (``"tools[0]"``) and message for
    whatever is wrong that the fields' types do not tell.
    """

    templates: ClassVar[tuple[str, ...]] = ()
    expressions: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[NodeKind] = "step"

    async def run(self, context: NodeContext) -> Any:
        """Do the work; what is returned becomes the node's output."""


def problems_of(node: Any, context: CheckContext) -> Iterable[tuple[str, str]]:
    """What a node type's own ``check`` says; nothing where it has none."""
    check = getattr(node, "check", None)
    return () if check is None else check(context)


def load_function(name: str, context: CheckContext) -> Callable[..., Any]:
    """A function named in a workflow file.

    Args:
        name: A name the program registered, ``"package.module:function"``, or ``"./file.py:function"`` beside the
            workflow file.
        context: Where to look.

    Raises:
        PluginError: There is none; says what there is.
    """
    from victor.core.catalog import near_matches

    if name in context.functions:
        return context.functions[name]
    if ":" not in name:
        near = near_matches(name, context.functions)
        known = f"did you mean {near[0]!r}?" if near else "write 'package.module:function' or './file.py:function'"
        raise PluginError(f"unknown function {name!r}; {known}")
    found = load_object(name, context.folder)
    if not callable(found):
        raise PluginError(f"{name!r} is a {type(found).__name__}, not a function")
    function: Callable[..., Any] = found
    return function


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a function that can be passed by keyword; empty where it does not tell."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return {}
    return dict(signature.parameters)


async def call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a function, sync (in a thread) or async."""
    if inspect.iscoroutinefunction(function):
        return await function(**arguments)
    if sys.platform == "emscripten":
        result = function(**arguments)
    else:
        result = await in_thread(partial(copy_context().run, function, **arguments), control_of_run())
    return await result if inspect.isawaitable(result) else result

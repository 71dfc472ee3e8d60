"""What a compiled graph says about itself: its picture, its subgraphs, the shapes of what goes in and comes out."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, cast

from victor.graph.program import Plan, Program
from victor.graph.runtime import RunnableConfig

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.graph.compiled import CompiledGraph
    from victor.graph.graph import StateGraph

__all__ = ["Described", "graph_in"]


class Described:
    """The part of `CompiledGraph` that tells what it is."""

    builder: StateGraph[Any]
    program: Program
    name: str

    def topology(self, *, xray: bool | int = True) -> Topology:
        """A neutral picture of the graph; subgraphs are frames, as deep as ``xray`` says."""
        return self.builder.topology(xray=xray)

    def get_graph(self, config: RunnableConfig | None = None, *, xray: bool | int = False) -> Any:
        """The graph as LangGraph's users look at it: ``.nodes``, ``.edges``, ``draw_mermaid()``, ``draw_ascii()``."""
        from victor.graph.picture import Drawing

        return Drawing(self.builder.topology(xray=xray))

    async def aget_graph(self, config: RunnableConfig | None = None, *, xray: bool | int = False) -> Any:
        """`get_graph`; nothing in it waits."""
        return self.get_graph(config, xray=xray)

    def get_subgraphs(
        self, *, namespace: str | None = None, recurse: bool = False
    ) -> Iterator[tuple[str, CompiledGraph]]:
        """The subgraphs that are nodes of this graph or are called by them, with the names of those nodes.

        Args:
            namespace: Only that of this node, or further in: names joined by ``"|"``.
            recurse: Also subgraphs of subgraphs.
        """
        for plan in self.program.plans:
            inner = graph_in(plan)
            if inner is None:
                continue
            if namespace in (None, plan.name):
                yield plan.name, inner
            if recurse and (namespace is None or namespace.startswith(f"{plan.name}|")):
                rest = None if namespace is None else namespace.partition("|")[2]
                for name, deeper in inner.get_subgraphs(namespace=rest, recurse=True):
                    yield f"{plan.name}|{name}", deeper

    async def aget_subgraphs(
        self, *, namespace: str | None = None, recurse: bool = False
    ) -> AsyncIterator[tuple[str, CompiledGraph]]:
        """`get_subgraphs`; nothing in it waits."""
        for found in self.get_subgraphs(namespace=namespace, recurse=recurse):
            yield found

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        """The graph's name, or ``name``; with a suffix where one is given."""
        return (name or self.name) + (suffix or "")

    @property
    def context_schema(self) -> Any:
        """The class of what is passed as ``context=``, or None."""
        return self.builder.context_schema

    def get_input_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        """The JSON Schema of what the graph takes.

        Raises:
            SchemaError: The class has fields JSON Schema has no word for.

        Example:
            >>> from typing import TypedDict
            >>> from victor.graph import START, StateGraph
            >>> class State(TypedDict):
            ...     n: int
            >>> graph = StateGraph(State).add_node("a", lambda state: None).add_edge(START, "a").compile()
            >>> graph.get_input_jsonschema()["properties"]
            {'n': {'type': 'integer'}}
        """
        return _json_schema(self.builder.input_schema)

    def get_output_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        """The JSON Schema of what the graph returns; raises as `get_input_jsonschema` does."""
        return _json_schema(self.builder.output_schema)

    def get_context_jsonschema(self) -> dict[str, Any] | None:
        """The JSON Schema of ``context``, or None where the graph has no context class."""
        return None if self.builder.context_schema is None else _json_schema(self.builder.context_schema)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """A picture, for notebooks."""
        from victor.graph.viz import StateGraphVisualizer

        return {"text/plain": repr(self), "image/svg+xml": StateGraphVisualizer.to_svg(self.builder.topology())}


def graph_in(plan: Plan) -> CompiledGraph | None:
    """The graph a node is, or that its function names; None where there is none."""
    if plan.subgraph is not None:
        return plan.subgraph
    function = inspect.unwrap(plan.call)
    if not inspect.isfunction(function):
        return None
    try:
        names = inspect.getclosurevars(function)
    except (TypeError, ValueError):  # a cell that is still empty
        return None
    for found in (*names.nonlocals.values(), *names.globals.values()):
        owner = getattr(found, "__self__", found)
        if isinstance(owner, Described):
            return cast("CompiledGraph", owner)
    return None


def _json_schema(kind: Any) -> dict[str, Any]:
    from victor.core.schema import json_schema

    title = getattr(kind, "__name__", None)
    return {**({} if title is None else {"title": title}), **json_schema(kind)}

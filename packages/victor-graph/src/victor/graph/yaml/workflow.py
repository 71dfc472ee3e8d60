"""Workflows from YAML files, ready to run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from victor.core import event_loop
from victor.core.errors import ConfigurationError
from victor.core.tool import Approve
from victor.core.topology import Topology
from victor.graph.schema import read_schema
from victor.graph.updates import state_fields
from victor.graph.yaml.context import APPROVE
from victor.graph.yaml.definition import WorkflowDefinition
from victor.graph.yaml.edges import interrupts
from victor.graph.yaml.inputs import read_inputs, read_outputs
from victor.graph.yaml.inside import run_inside
from victor.graph.yaml.source import Source, read_file, read_text
from victor.graph.yaml.spec import Execution, Input, Top
from victor.graph.yaml.state import StateShape, declared_inputs
from victor.graph.yaml.values import compile_value

if TYPE_CHECKING:
    from victor.graph.checkpoint.base import Checkpointer
    from victor.graph.compiled import CompiledGraph
    from victor.graph.graph import StateGraph
    from victor.graph.runtime import RunnableConfig

__all__ = ["Workflow", "load_workflow", "load_workflows", "parse_workflow"]


class Workflow:
    """One workflow of a file: checked, and a graph like any other.

    Made by `load_workflow` and `parse_workflow`.

    Attributes:
        name: Its name.
        description: What it does.
        inputs: What goes in, by name.
        definition: What the file says.
        graph: The `StateGraph` it compiles to.
    """

    def __init__(self, definition: WorkflowDefinition) -> None:
        from victor.graph.yaml.build import build_graph

        self._describe(definition, build_graph(definition))

    def _describe(self, definition: WorkflowDefinition, graph: StateGraph[Any]) -> None:
        self.definition = definition
        self.name: str = definition.name
        self.description: str = definition.top.description
        self.inputs: dict[str, Input] = definition.inputs
        self.graph: StateGraph[Any] = graph
        self._inside: CompiledGraph | None = None

    @classmethod
    def of(
        cls,
        graph: StateGraph[Any],
        *,
        outputs: Mapping[str, Any] | Sequence[str] | None = None,
        description: str = "",
        timeout: float | None = None,
        max_iterations: int | None = None,
        max_concurrency: int | None = None,
        interrupt_before: Sequence[str] | Literal["*"] | None = None,
        interrupt_after: Sequence[str] | Literal["*"] | None = None,
    ) -> Workflow:
        """A graph written in Python as a workflow: with inputs that are checked, and outputs.

        Args:
            graph: The graph. The fields of its input schema are the inputs; one annotated with an `Input`
                (``Annotated[int, Input(default=1)]``) is required or has a default, another may be left out.
            outputs: Name -> value, or names, as in a file; all nodes' outputs where left out.
            description: What it does.
            timeout: Seconds a whole run may take.
            max_iterations: Supersteps of one run.
            max_concurrency: Nodes that run at once.
            interrupt_before: Nodes to stop before.
            interrupt_after: Nodes to stop after.

        Raises:
            ExpressionError: An output is wrong, or uses a name the state does not have.

        Example:
            >>> from typing import Annotated, TypedDict
            >>> from victor.graph import START, StateGraph
            >>> Inputs = TypedDict("Inputs", {"n": Annotated[int, Input(default=2)]})
            >>> class State(Inputs, total=False):
            ...     twice: int
            >>> graph = StateGraph(State, input_schema=Inputs, name="double")
            >>> _ = graph.add_node("twice", lambda state: {"twice": state["n"] * 2}).add_edge(START, "twice")
            >>> Workflow.of(graph).run_sync(), Workflow.of(graph).run_sync(n="5")
            ({'twice': 4}, {'twice': 10})
        """
        from victor.graph.yaml.checking import known_names

        own = None if graph.output_schema is graph.state_schema else graph.output_schema
        state = StateShape(graph.state_schema, graph.input_schema, own)
        inputs, optional = declared_inputs(graph.input_schema)
        named = {n: f"$ctx.{n}" for n in outputs} if isinstance(outputs, Sequence) else outputs
        known = known_names(state.channels)
        name = graph.name or "workflow"
        top = Top(
            nodes=[],
            description=description,
            outputs=dict(outputs) if isinstance(outputs, Mapping) else None if outputs is None else list(outputs),
            interrupt_before="*" if interrupt_before == "*" else list(interrupt_before or ()) or None,
            interrupt_after="*" if interrupt_after == "*" else list(interrupt_after or ()) or None,
        )
        definition = WorkflowDefinition(
            name,
            top,
            Source(f"the graph {name!r}", "", {"workflows": {name: {}}}),
            "$",
            inputs=inputs,
            outputs=None if named is None else {key: compile_value(raw, known) for key, raw in named.items()},
            execution=Execution(timeout=timeout, max_iterations=max_iterations, max_concurrency=max_concurrency),
            state=state,
            optional=optional,
            result=None if own is None else tuple(read_schema(own).channels),
        )
        workflow = cls.__new__(cls)
        workflow._describe(definition, graph)
        return workflow

    def compile(self, checkpointer: Checkpointer | str | bool | None = None, **options: Any) -> CompiledGraph:
        """The graph, ready to run; arguments as for `StateGraph.compile`."""
        return self.graph.compile(checkpointer, **{"name": self.name, **interrupts(self.definition), **options})

    def read_inputs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs checked and converted, defaults filled in.

        Raises:
            ConfigurationError: Some are missing, unknown or wrong; lists them all.
        """
        return read_inputs(self.definition, given)

    def read_outputs(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """What a finished run gives back, from its state."""
        return read_outputs(self.definition, state)

    def config(self, thread_id: str | None = None) -> RunnableConfig:
        """The bounds the file sets, as a config for `CompiledGraph.invoke`, and what is recorded with a run."""
        execution = self.definition.execution
        config: RunnableConfig = {"metadata": self.metadata()}
        if execution.max_iterations is not None:
            config["recursion_limit"] = execution.max_iterations
        if execution.max_concurrency is not None:
            config["max_concurrency"] = execution.max_concurrency
        if thread_id is not None:
            config["configurable"] = {"thread_id": thread_id}
        return config

    def metadata(self) -> dict[str, str]:
        """What is recorded with a run: ``workflow``, its name, and ``file``, where it stands."""
        path = self.definition.source.path
        found = {"workflow": self.name}
        return found if path is None else {**found, "file": str(path.resolve())}

    async def run(
        self, inputs: Mapping[str, Any] | None = None, /, *, approve: Approve | None = None, **named: Any
    ) -> dict[str, Any]:
        """Run it once, without a record, and return its outputs.

        Args:
            inputs: By name; may be given as keywords instead.
            approve: Asked before tool calls that need approval; without it they are denied.
            **named: Inputs.

        Raises:
            ConfigurationError: Inputs are missing, unknown or wrong.
            VictorError: A step failed, or waits for a person: then compile it with a checkpointer and resume.

        Example:
            >>> text = '''
            ... workflows:
            ...   greet:
            ...     inputs: {name: string}
            ...     nodes:
            ...       - {id: greeting, type: transform, template: "Hello {{ name }}!"}
            ... '''
            >>> parse_workflow(text).run_sync(name="Ann")
            {'greeting': 'Hello Ann!'}
        """
        values = self.read_inputs({**(inputs or {}), **named})
        token = APPROVE.set(approve)
        try:
            async with asyncio.timeout(self.definition.execution.timeout):
                result = await self.compile().ainvoke(values, self.config(), version="v2")
        finally:
            APPROVE.reset(token)
        if result.error is not None:
            raise result.error
        if result.status == "interrupted":
            asked = [one.value for one in result.interrupts]
            question = asked[0] if asked else None
            waits = f"{question!r:.200}" if asked else "it stops there (interrupt_before, interrupt_after)"
            if isinstance(question, dict) and "node" in question:
                waits = f"waits for a person at node {question['node']!r}: {question.get('prompt')!r}"
            raise ConfigurationError(
                f"workflow {self.name!r} {waits}; run it with a checkpointer, and resume it with the answer"
            )
        state = result.state
        return self.read_outputs(state if isinstance(state, Mapping) else state_fields(state) or {})

    def run_sync(
        self, inputs: Mapping[str, Any] | None = None, /, *, approve: Approve | None = None, **named: Any
    ) -> dict[str, Any]:
        """The same as `run`, for programs without an event loop.

        Raises:
            ConfigurationError: Called where an event loop runs; there, ``await workflow.run(...)``.
        """
        event_loop.refuse_inside("run_sync", "workflow.run")
        return event_loop.run(self.run(inputs, approve=approve, **named))

    async def step(self, inputs: Mapping[str, Any] | None = None, /, **named: Any) -> dict[str, Any]:
        """Run it inside a node of another workflow: what it asks is asked by the run around it.

        Args:
            inputs: By name; may be given as keywords instead.
            **named: Inputs.

        Returns:
            Its outputs.
        """
        if self._inside is None:
            self._inside = self.compile()
        return await run_inside(self.definition, self._inside, {**(inputs or {}), **named})

    def topology(self) -> Topology:
        """Its picture: one box for each node of the file, frames around the bodies of maps and loops."""
        if not self.definition.scope.nodes:
            return self.graph.topology()
        from victor.graph.yaml.picture import picture

        return picture(self.definition)

    def __repr__(self) -> str:
        return f"Workflow({self.name!r}, nodes={list(self.definition.scope.nodes or self.graph.nodes)})"


def load_workflow(
    path: str | Path, name: str | None = None, *, functions: Mapping[str, Callable[..., Any]] | None = None
) -> Workflow:
    """One workflow of a file.

    Args:
        path: The file; ``file.yaml#name`` chooses a workflow too.
        name: Which, where there are several.
        functions: Functions that conditions, transforms and handlers may name.

    Raises:
        WorkflowFileError: Something is wrong with the file; lists everything that is.
        ConfigurationError: There are several, and none was chosen.
    """
    text = str(path)
    if name is None and "#" in text:
        text, _, name = text.partition("#")
    return _choose(read_file(text), name, functions)


def parse_workflow(
    text: str, name: str | None = None, *, functions: Mapping[str, Callable[..., Any]] | None = None
) -> Workflow:
    """One workflow of a text; otherwise as `load_workflow`."""
    return _choose(read_text(text), name, functions)


def load_workflows(
    path: str | Path, *, functions: Mapping[str, Callable[..., Any]] | None = None
) -> dict[str, Workflow]:
    """All workflows of a file, by name.

    Raises:
        WorkflowFileError: Something is wrong with the file; lists everything that is.
    """
    from victor.graph.yaml.loader import load_definitions

    return {name: Workflow(definition) for name, definition in load_definitions(path, functions=functions).items()}


def _choose(source: Source, name: str | None, functions: Mapping[str, Callable[..., Any]] | None) -> Workflow:
    from victor.graph.yaml.loader import load_definitions

    found = load_definitions(source, functions=functions)
    if name is None and len(found) > 1:
        raise ConfigurationError(f"{source.name} holds several workflows; choose one: {', '.join(found)}")
    if name is not None and name not in found:
        found = load_definitions(source, functions=functions, only=name)
    return Workflow(found[name] if name is not None else next(iter(found.values())))

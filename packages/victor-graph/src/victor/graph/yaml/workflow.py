"""Workflows from YAML files, ready to run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from victor.core.errors import ConfigurationError
from victor.core.tool import Approve
from victor.core.topology import Topology
from victor.graph.yaml.context import APPROVE
from victor.graph.updates import state_fields
from victor.graph.yaml.definition import WorkflowDefinition
from victor.graph.yaml.edges import interrupts
from victor.graph.yaml.inputs import read_inputs, read_outputs
from victor.graph.yaml.source import Source, read_file, read_text
from victor.graph.yaml.spec import Input

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

        self.definition = definition
        self.name = definition.name
        self.description = definition.top.description
        self.inputs: dict[str, Input] = definition.inputs
        self.graph: StateGraph[Any] = build_graph(definition)

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
        """The same as `run`, for programs without an event loop."""
        return asyncio.run(self.run(inputs, approve=approve, **named))

    def topology(self) -> Topology:
        """Its picture: one box for each node of the file, frames around the bodies of maps and loops."""
        from victor.graph.yaml.picture import picture

        return picture(self.definition)

    def __repr__(self) -> str:
        return f"Workflow({self.name!r}, nodes={list(self.definition.scope.nodes)})"


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

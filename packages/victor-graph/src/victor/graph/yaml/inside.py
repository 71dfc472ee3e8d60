"""A workflow as a step of another."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from victor.graph.yaml.context import WorkflowRunError
from victor.graph.yaml.definition import WorkflowDefinition
from victor.graph.yaml.inputs import read_inputs, read_outputs

if TYPE_CHECKING:
    from victor.graph.compiled import CompiledGraph
    from victor.graph.runtime import RunnableConfig

__all__ = ["run_inside"]


async def run_inside(definition: WorkflowDefinition, graph: CompiledGraph, given: Mapping[str, Any]) -> dict[str, Any]:
    """Run a workflow inside a node: questions it asks are those of the run around it.

    Args:
        definition: The workflow.
        graph: It, compiled.
        given: Its inputs.

    Returns:
        Its outputs.

    Raises:
        WorkflowRunError: It took longer than it may.
        ConfigurationError: Inputs are wrong.
    """
    bounds: RunnableConfig = {}
    if definition.execution.max_iterations is not None:
        bounds["recursion_limit"] = definition.execution.max_iterations
    try:
        async with asyncio.timeout(definition.execution.timeout) as deadline:
            state = await graph.ainvoke(read_inputs(definition, given), bounds)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        limit = f"{definition.execution.timeout:g} s"
        raise WorkflowRunError(f"the workflow {definition.name!r} did not finish within {limit}") from error
    return read_outputs(definition, state)

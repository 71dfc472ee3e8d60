"""Parts of a graph as the values that stand for them in a workflow file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from victor.graph.channels import MISSING
from victor.graph.command import END
from victor.graph.compiled import CompiledGraph
from victor.graph.graph import StateGraph
from victor.graph.retry import TimeoutPolicy
from victor.graph.schema import Schema, has_fields
from victor.graph.yaml.spec import ABSENT, Input
from victor.graph.yaml.state import TYPES, declared_inputs
from victor.graph.yaml.workflow import Workflow

__all__ = [
    "answer_text",
    "answered_ends",
    "description_of",
    "input_value",
    "labeled_ends",
    "next_of",
    "stops_of",
    "timeout_value",
    "type_name",
    "workflow_keys",
]

_WORDS: Final[Mapping[Any, str]] = {True: "true", False: "false", None: "null"}


def answer_text(answer: Any) -> str:
    """An answer of a conditional edge as a key of a file."""
    if answer is None or isinstance(answer, bool):
        return _WORDS[answer]
    return str.__str__(answer) if isinstance(answer, str) else str(answer)


def labeled_ends(destinations: Mapping[str, str]) -> dict[str, str]:
    """Nodes a node may jump to, with labels."""
    return {"end" if end == END else end: label for end, label in destinations.items()}


def answered_ends(ends: Mapping[str, str]) -> dict[str, str]:
    """Where answers lead."""
    return {answer: "end" if target == END else target for answer, target in ends.items()}


def next_of(graph: StateGraph[Any], name: str) -> str | list[str]:
    """The nodes that follow a node by plain edges."""
    ends = [end for start, end in graph._plain if start == name and end != END]
    return "end" if not ends else ends[0] if len(ends) == 1 else ends


def timeout_value(policy: TimeoutPolicy) -> Any:
    """A timeout."""
    if policy.idle_s is None:
        return policy.run_s
    found: dict[str, Any] = {} if policy.run_s is None else {"run": policy.run_s}
    found["idle"] = policy.idle_s
    return found if policy.refresh_on == "auto" else {**found, "refresh_on": policy.refresh_on}


def type_name(schema: Schema, name: str) -> str:
    """The type of a key of a state."""
    channel = schema.channels[name]
    empty = channel.initial()
    for text in ("string", "integer", "number", "boolean", "list", "object"):
        if empty is not MISSING and type(empty) is TYPES[text]:
            return text
    if channel.reducer is not None or empty is not MISSING:
        return "any"
    declared, _ = declared_inputs(schema.type) if has_fields(schema.type) else ({}, None)
    return declared[name].type if name in declared else "any"


def input_value(one: Input) -> Any:
    """An input."""
    found: dict[str, Any] = {"type": one.type}
    if one.description:
        found["description"] = one.description
    if one.default is not ABSENT:
        found["default"] = one.default
    if one.enum is not None:
        found["enum"] = one.enum
    if one.required is not None:
        found["required"] = one.required
    return one.type if len(found) == 1 else found


def description_of(graph: Any) -> dict[str, Any]:
    """What a workflow says it does."""
    return {"description": graph.description} if isinstance(graph, Workflow) and graph.description else {}


def stops_of(graph: CompiledGraph) -> dict[str, Any]:
    """The nodes a compiled graph stops at."""
    names = [plan.name for plan in graph.program.plans]
    found: dict[str, Any] = {}
    for key in ("interrupt_before", "interrupt_after"):
        ranks = getattr(graph.program, key)
        if ranks:
            found[key] = "*" if len(ranks) == len(names) else [names[rank] for rank in sorted(ranks)]
    return found


def workflow_keys(workflow: Workflow) -> dict[str, Any]:
    """What a workflow made of a graph says besides the graph."""
    top = workflow.definition.top
    found: dict[str, Any] = {"outputs": top.outputs} if top.outputs is not None else {}
    execution = {
        name: getattr(workflow.definition.execution, name)
        for name in ("timeout", "max_iterations", "max_concurrency")
        if getattr(workflow.definition.execution, name) is not None
    }
    if execution:
        found["execution"] = execution
    for key in ("interrupt_before", "interrupt_after"):
        if getattr(top, key):
            found[key] = getattr(top, key)
    return found

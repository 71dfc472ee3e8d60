"""What may stand in a workflow file. The published JSON Schema is made from these classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from attrs import field, frozen

__all__ = [
    "ABSENT",
    "COMMON",
    "CONTROL",
    "INPUT_TYPES",
    "OLD_KEYS",
    "Common",
    "Condition",
    "Execution",
    "Input",
    "Loop",
    "Map",
    "Parallel",
    "Retry",
    "Route",
    "StateKey",
    "Subworkflow",
    "Timeouts",
    "Top",
]

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Name = Annotated[str, msgspec.Meta(min_length=1)]


def key(help: str, default: Any = None, **options: Any) -> Any:
    """A field with its description; without a default it is required."""
    metadata = {"description": help}
    if options.pop("required", False):
        return field(metadata=metadata)
    if isinstance(default, (list, dict)):
        return field(factory=type(default), metadata=metadata)
    return field(default=default, metadata=metadata)


InputType = Literal["string", "text", "integer", "number", "boolean", "list", "object", "path", "file", "folder", "any"]

ABSENT: Final = object()
"""Stands for a default that was not given, where null is a value of its own."""


@frozen
class Input:
    """One input of a workflow."""

    type: InputType = key("what it is; what the command line gives as text is converted", "any")
    description: str = key("one line", "")
    default: Any = field(
        default=ABSENT, metadata={"description": "taken where none is given; without it the input is required"}
    )
    enum: list[Any] | None = key("the values allowed")
    required: bool | None = key("true without a default; false makes a missing input null")


@frozen
class Retry:
    """When a node that fails is tried again."""

    max_attempts: Count = key("attempts in all, the first included", 3)
    initial_interval: Positive = key("seconds before the first retry", 0.5)
    backoff_factor: Annotated[float, msgspec.Meta(ge=1)] = key("by which the wait grows each time", 2.0)
    max_interval: Positive = key("seconds a wait never exceeds", 60.0)
    jitter: bool = key("add up to a second at random", True)
    retry_on: str | list[str] | None = key(
        "which errors: transient (connections, timeouts, overloaded servers), or the import strings of exception "
        "classes or of a function of the error; any but those that come again each time where left out"
    )


@frozen
class Cache:
    """Keep a node's result for the same inputs."""

    ttl: Positive | None = key("seconds it is kept; for ever where left out")
    key: str | None = key("import string of a function of the state that makes the key; by default what the node reads")


@frozen
class Timeouts:
    """How long one attempt of a node may take."""

    run: Positive | None = key("seconds in all")
    idle: Positive | None = key("seconds without a sign of life")
    refresh_on: Literal["auto", "heartbeat"] = key("heartbeat: only explicit heartbeats are signs of life", "auto")


@frozen
class Route:
    """Edges a function decides on: it is given the state and answers where to go."""

    function: str = key("import string of the function, sync or async", required=True)
    to: dict[str, str] | list[str] | None = key("answer -> node, or the nodes it may name; any node where left out")


@frozen
class StateKey:
    """One key of the state."""

    type: InputType = key("what it holds", "any")
    reducer: str | None = key(
        "import string of what combines writes: operator:add; the last write holds where left out"
    )
    description: str = key("one line", "")


@frozen
class Execution:
    """How a run is bounded."""

    timeout: Positive | None = key("seconds a whole run may take")
    max_execution_timeout_seconds: Positive | None = key("older name of timeout")
    default_node_timeout: Positive | None = key("seconds a node may take that says nothing else")
    default_node_timeout_seconds: Positive | None = key("older name of default_node_timeout")
    max_iterations: Count | None = key("supersteps of one run")
    max_retries: Annotated[int, msgspec.Meta(ge=0)] | None = key("retries of a node that says nothing else")
    max_concurrency: Count | None = key("nodes that run at once")


@frozen
class Top:
    """One workflow."""

    nodes: list[Any] = key("the steps; each runs after the one before it unless it says otherwise", required=True)
    description: str = key("what it does", "")
    inputs: dict[str, Any] | str = key(
        "name -> type, or a mapping with type, default, description; or the import string of a class with these fields",
        {},
    )
    outputs: dict[str, Any] | list[str] | str | None = key(
        "name -> value, or names, or the import string of a class with these fields; all nodes' outputs where left out"
    )
    state: dict[str, Any] | str | None = key(
        "keys of the state besides inputs and nodes' outputs: name -> type, or {type, reducer}; or the import string "
        "of a state class. Without inputs, a run may be given any of them"
    )
    model: str | None = key("model of its agents, as provider:name")
    start_node: str | list[str] | None = key("where a run begins: a node, or several; the first node where left out")
    start_routes: list[Route] = key("functions of the state that say where else a run begins", [])
    interrupt_before: list[str] | Literal["*"] | None = key("nodes to stop before, until the run is resumed; * for all")
    interrupt_after: list[str] | Literal["*"] | None = key("nodes to stop after, until the run is resumed; * for all")
    execution: Execution | None = key("bounds of a run")
    timeout: Positive | None = key("the same as execution.timeout")
    max_execution_timeout_seconds: Positive | None = key("older name of timeout")
    default_node_timeout: Positive | None = key("the same as execution.default_node_timeout")
    default_node_timeout_seconds: Positive | None = key("older name of default_node_timeout")
    max_iterations: Count | None = key("the same as execution.max_iterations")
    max_retries: Annotated[int, msgspec.Meta(ge=0)] | None = key("the same as execution.max_retries")
    metadata: dict[str, Any] = key("version, author and the like; not used", {})


@frozen
class Common:
    """Keys every node may have."""

    id: Name = key("unique in the workflow; what other nodes and runs call it", required=True)
    type: str = key("what the node does", "agent")
    name: str = key("what pictures and progress show; the id where left out", "")
    description: str = key("one or two sentences", "")
    next: str | list[str] | None = key(
        "node or nodes that follow; the next one in the list where left out; end for the end"
    )
    inputs: dict[str, Any] | None = key("name -> value handed to the node")
    input_mapping: dict[str, Any] | None = key("older name of inputs; a bare name stands for $ctx.name")
    output: str | None = key("name under which the result is kept; the id where left out")
    timeout: Positive | Timeouts | None = key("seconds one attempt may take, or a mapping with run and idle")
    timeout_seconds: Positive | None = key("older name of timeout")
    retry: Retry | Count | list[Retry] | None = key(
        "attempts in all, or a mapping; or several, of which the first that covers an error counts"
    )
    cache: Cache | bool | None = key("keep the result for the same inputs; true, or a mapping with ttl")
    routes: list[Route] = key("functions of the state that say what follows, besides next", [])
    after: list[Any] = key("runs once all of these nodes have; a list of lists for several such groups", [])
    defer: bool = key("runs when nothing else is left to run", False)
    destinations: dict[str, str] | list[str] | None = key("nodes its function may jump to with a Command")
    error_handler: str | None = key("import string of a function (state, error) that is called in place of failing")
    metadata: dict[str, Any] = key("yours; attached to the node", {})


INPUT_TYPES: Final[tuple[str, ...]] = get_args(InputType)
"""What an input can be."""

COMMON: Final[frozenset[str]] = frozenset(attribute.name for attribute in Common.__attrs_attrs__)
"""Keys that every node may have."""


@frozen
class Condition:
    """Chooses what follows."""

    condition: str | bool = key("an expression of the context, or the import string of a function of it", required=True)
    branches: dict[str, str] = key(
        "answer -> node; true and false for a yes-or-no question, default for any other answer", required=True
    )


@frozen
class Parallel:
    """Runs nodes side by side, then goes on."""

    parallel_nodes: list[str] = key("ids of the nodes to run at once", required=True)
    join_strategy: Literal["all", "any", "first"] = key(
        "all: wait for every node; any: for the first that succeeds; first: for the first to finish", "all"
    )


@frozen
class Map:
    """Runs a node, or a chain of them, once for each item of a list, several at a time."""

    over: Any = key("the list: $ctx.files, an expression, or a list", required=True)
    as_: str = key("name of the item inside the body", "item")
    node: dict[str, Any] | None = key("the body: one node")
    nodes: list[Any] | None = key("the body: a chain of nodes, the last of which gives the result")
    max_concurrency: Count = key("bodies that run at once", 8)
    on_error: Literal["fail", "skip"] = key(
        "fail: a failing item fails the run; skip: leave it out, and list it in errors", "fail"
    )
    errors: str | None = key("name under which the failures are kept: a list of index, item and error")


@frozen
class Loop:
    """Runs a chain of nodes again and again."""

    nodes: list[Any] = key("the body", required=True)
    until: str | bool | None = key("an expression; the loop ends when it is true after a round")
    while_: str | bool | None = key("an expression; the loop ends when it is false before a round")
    max_iterations: Count = key("rounds at most", 10)
    on_limit: Literal["continue", "fail"] = key("what happens after that many rounds", "continue")


@frozen
class Subworkflow:
    """Runs another workflow as one step."""

    workflow: str = key("its name in this file, or path.yaml or path.yaml#name", required=True)
    takes: Literal["inputs", "state"] = key(
        "inputs: it gets those, and its outputs are kept under one name; state: it works on the keys both have",
        "inputs",
    )


CONTROL: Final[Mapping[str, type]] = {
    "condition": Condition,
    "parallel": Parallel,
    "map": Map,
    "loop": Loop,
    "workflow": Subworkflow,
}
"""The node types that shape the flow, by name."""

OLD_KEYS: Final = {
    "services": "starting services is not a workflow's task here: start them before the run",
    "schedule": "there is no scheduler: run 'victor workflow run' from cron or a timer",
    "batch_config": "use a node of type map, which has max_concurrency, on_error and retry",
    "temporal_context": "hand dates in as inputs",
    "constraints": "name the tools a node may use in its tools; approval guards the dangerous ones",
    "execution_target": "compute nodes run in this process",
    "profile": "name the model: model: provider:name",
    "llm_config.model_hint": "name the model: model: provider:name",
}
"""Keys of the predecessor's files that are not supported, and what to do instead."""

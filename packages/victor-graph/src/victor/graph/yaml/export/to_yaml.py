"""A StateGraph of a program as a workflow file.

Each node whose function can be imported becomes a compute node that is handed the state (``takes: state``); what
the graph says besides (edges, joins, conditional edges, policies, subgraphs, places to stop) has a key of its own in
workflow files, so that the file builds the same graph. What has no import string is told, all of it at once.

Not part of a file is what a run is given: checkpointer, store, cache, context.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from attrs import define, field

from victor.core.errors import ConfigurationError, VictorError
from victor.graph.cache import CachePolicy, default_cache_key
from victor.graph.channels import MISSING
from victor.graph.command import END, START
from victor.graph.compiled import CompiledGraph
from victor.graph.graph import StateGraph
from victor.graph.node import Branch, Node, jumps
from victor.graph.retry import RetryPolicy, default_retry_on
from victor.graph.schema import ROOT, Schema
from victor.graph.yaml.definition import END_NAMES
from victor.graph.yaml.export.imports import NotImportableError, import_string
from victor.graph.yaml.export.parts import (
    answer_text,
    answered_ends,
    description_of,
    input_value,
    labeled_ends,
    next_of,
    stops_of,
    timeout_value,
    type_name,
    workflow_keys,
)
from victor.graph.yaml.export.problems import ExportError
from victor.graph.yaml.policies import may_pass
from victor.graph.yaml.render import pairs_block, render_flow
from victor.graph.yaml.state import TYPES, declared_inputs
from victor.graph.yaml.steps import CacheKey, Step
from victor.graph.yaml.workflow import Workflow

__all__ = ["as_document", "export_yaml"]


def export_yaml(
    graph: StateGraph[Any] | CompiledGraph | Workflow, *, name: str = "", folder: str | Path | None = None
) -> str:
    """A graph as the text of a workflow file.

    Args:
        graph: A graph, compiled (then with the nodes it stops at) or not, or a workflow made of one.
        name: Of the workflow; the graph's own by default.
        folder: Where the file is to stand; the working directory by default.

    Raises:
        ExportError: Something of it has no form in a file; lists all that has not.

    Example:
        >>> import os.path
        >>> from typing import TypedDict
        >>> class State(TypedDict):
        ...     path: str
        >>> graph = StateGraph(State, name="w").add_node("look", os.path.exists).add_edge(START, "look")
        >>> print(export_yaml(graph))
        workflows:
          w:
            state:
              path: string
            start_node: look
            nodes:
              - id: look
                type: compute
                handler: genericpath:exists
                takes: state
                next: end
                description: Test whether a path exists. ...
        <BLANKLINE>
    """
    return pairs_block(as_document(graph, name=name, folder=folder), 0, step=2, dash=2, newline="\n") + "\n"


def as_document(
    graph: StateGraph[Any] | CompiledGraph | Workflow, *, name: str = "", folder: str | Path | None = None
) -> dict[str, Any]:
    """The same as `export_yaml`, as plain values.

    Raises:
        ExportError: Something of it has no form in a file; lists all that has not.
    """
    if isinstance(graph, Workflow) and graph.definition.scope.nodes:
        return _of_a_file(graph)
    exporter = _Exporter(Path() if folder is None else Path(folder))
    title = exporter.workflow(graph, name)
    if exporter.problems:
        raise ExportError(f"the graph {title!r}", exporter.problems)
    return {"workflows": exporter.done}


def _of_a_file(workflow: Workflow) -> dict[str, Any]:
    """A workflow of a file and those of the same file it runs, as a file of their own."""
    wanted = [workflow.definition]
    for definition in wanted:  # grows while it is gone through
        for node in definition.scope.every():
            if node.source is not definition.source:
                raise ConfigurationError(
                    f"node {node.id!r} comes from {node.source.name} ($ref): what it refers to is relative to that file"
                )
            inner = node.target
            if inner is not None and inner.source is definition.source and inner not in wanted:
                wanted.append(inner)
    table = workflow.definition.source.value["workflows"]
    return {"workflows": {definition.name: table[definition.name] for definition in wanted}}


@define
class _Exporter:
    folder: Path
    problems: list[str] = field(factory=list)
    done: dict[str, dict[str, Any]] = field(factory=dict)
    names: dict[int, str] = field(factory=dict)

    def workflow(self, graph: StateGraph[Any] | CompiledGraph | Workflow, name: str) -> str:
        """Export a graph; returns the name it got."""
        if id(graph) in self.names:
            return self.names[id(graph)]
        top: dict[str, Any] = {}
        if isinstance(graph, Workflow):
            builder = graph.graph
            top = workflow_keys(graph)
        elif isinstance(graph, CompiledGraph):
            builder = graph.builder
            top = stops_of(graph)
        else:
            builder = graph
        wanted = name or (graph.name if isinstance(graph, Workflow) else builder.name) or "workflow"
        title, number = wanted, 2
        while title in self.done:
            title, number = f"{wanted}_{number}", number + 1
        self.names[id(graph)] = title
        self.done[title] = {}  # keeps its place before those it runs
        self.done[title] = {**description_of(graph), **self.schemas(builder, title), **top, **self.body(builder, title)}
        return title

    def name_of(self, found: Any, where: str) -> str:
        """The import string of an object, or a problem."""
        try:
            return import_string(found, self.folder)
        except NotImportableError as error:
            self.problems.append(f"{where}: {error}")
            return "unknown"

    # ------------------------------------------------------------ the whole

    def schemas(self, graph: StateGraph[Any], title: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        where = f"the graph {title!r}"
        schema = graph.schema(graph.state_schema)
        if ROOT in schema.channels:
            self.problems.append(f"{where}: a state of type {schema.name} has no keys; use a TypedDict or a data class")
            return found
        found["state"] = self.state(schema, where)
        if graph.input_schema is not graph.state_schema:
            found["inputs"] = self.inputs(graph.input_schema, where)
        if graph.output_schema is not graph.state_schema:
            found["outputs"] = self.name_of(graph.output_schema, f"the output schema of {where}")
        if graph.context_schema is not None:
            kind = getattr(graph.context_schema, "__name__", graph.context_schema)
            self.problems.append(
                f"{where}: a file says nothing of the context a run is given ({kind}); drop context_schema, and let "
                "nodes read what they need from the state or from config"
            )
        return found

    def state(self, schema: Schema, where: str) -> str | dict[str, Any]:
        """The import string of a state class; where it has none, and is a TypedDict, its keys."""
        try:
            return import_string(schema.type, self.folder)
        except NotImportableError:
            if schema.build is not None or schema.managed:
                return self.name_of(schema.type, f"the state of {where}")
        keys: dict[str, Any] = {}
        for name, channel in schema.channels.items():
            kind = type_name(schema, name)
            keys[name] = kind
            if channel.reducer is not None:
                text = self.name_of(channel.reducer, f"the reducer of key {name!r} of {where}")
                empty = channel.initial()
                if (empty is MISSING) != (kind == "any") or (empty is not MISSING and TYPES[kind]() != empty):
                    self.problems.append(
                        f"key {name!r} of {where}: a reducer that begins with {empty!r} needs its state class; define "
                        "that in the module itself"
                    )
                keys[name] = {"type": kind, "reducer": text}
        return keys

    def inputs(self, kind: Any, where: str) -> Any:
        """The inputs of a class all of whose fields say how they are given; else its import string."""
        declared, optional = declared_inputs(kind)
        if optional:
            return self.name_of(kind, f"the input schema of {where}")
        return {name: input_value(one) for name, one in declared.items()}

    def body(self, graph: StateGraph[Any], title: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        starts = [end for start, end in graph._plain if start == START and end != END]
        if starts:
            found["start_node"] = starts[0] if len(starts) == 1 else starts
        routes = [self.route(one, graph) for one in graph.branches if one.source == START]
        if routes:
            found["start_routes"] = routes
        models = {one.action.model for one in graph.nodes.values() if isinstance(one.action, Step)}
        if len(models) > 1:
            listed = ", ".join(str(model) for model in sorted(models, key=str))
            self.problems.append(
                f"the graph {title!r}: its steps have several models ({listed}); make them by one Steps"
            )
        elif models and None not in models:
            found["model"] = models.pop()
        found["nodes"] = [self.node(node, graph, title) for node in graph.nodes.values()]
        if not graph.nodes:
            self.problems.append(f"the graph {title!r} has no nodes")
        return found

    # ------------------------------------------------------------ nodes

    def node(self, node: Node, graph: StateGraph[Any], title: str) -> dict[str, Any]:
        where = f"node {node.name!r}"
        if node.name in END_NAMES or node.name.startswith("__"):
            self.problems.append(f"{where}: the name is reserved in workflow files; give it another")
        found: dict[str, Any] = {"id": node.name}
        metadata = dict(node.metadata)
        if isinstance(metadata.get("title"), str):
            found["name"] = metadata.pop("title")
        native = isinstance(node.action, Step)
        if native:
            found.update(node.action.keys)
        elif node.subgraph is not None:
            if node.subgraph.checkpointer is not None:
                self.problems.append(
                    f"{where}: a subgraph with a checkpointer of its own has no form in a file; compile it without"
                )
            inner = self.workflow(node.subgraph, node.subgraph.builder.name or node.name)
            found.update(type="workflow", workflow=inner, takes="state")
        else:
            found.update(type="compute", handler=self.handler(node, where), takes=self.takes(node, graph, where))
        found["next"] = next_of(graph, node.name)
        if not native and node.subgraph is None:
            text = inspect.getdoc(node.action) if inspect.isroutine(node.action) else None
            if text:
                found["description"] = " ".join(text.partition("\n\n")[0].split())
        found.update(self.policies(node, where))
        routes = [self.route(one, graph) for one in graph.branches if one.source == node.name]
        if routes:
            found["routes"] = routes
        joins = [list(starts) for starts, end in graph.joins if end == node.name]
        if joins:
            found["after"] = joins[0] if len(joins) == 1 else joins
        if node.defer:
            found["defer"] = True
        told = jumps(node.action) if node.subgraph is None else None
        if node.destinations and tuple(node.destinations) != told:
            labeled = any(node.destinations.values())
            found["destinations"] = (
                labeled_ends(node.destinations) if labeled else list(labeled_ends(node.destinations))
            )
        if metadata:
            found["metadata"] = self.plain(metadata, f"the metadata of {where}")
        return found

    def handler(self, node: Node, where: str) -> str:
        if not callable(node.action):
            self.problems.append(
                f"{where}: a {type(node.action).__name__} is no function; write one that calls its invoke"
            )
            return "unknown"
        return self.name_of(node.action, where)

    def takes(self, node: Node, graph: StateGraph[Any], where: str) -> str:
        if node.input_schema is None or node.input_schema is graph._input_of(node.action):
            return "state"
        if node.input_schema is graph.state_schema:
            return "state"
        return self.name_of(node.input_schema, f"the input schema of {where}")

    def route(self, branch: Branch, graph: StateGraph[Any]) -> dict[str, Any]:
        where = "START" if branch.source == START else f"node {branch.source!r}"
        found: dict[str, Any] = {"function": self.name_of(branch.path, f"the conditional edge after {where}")}
        if branch.ends is None:
            return found
        ends: dict[str, str] = {}
        for answer, target in branch.ends.items():
            text = answer_text(answer)
            if ends.setdefault(text, target) != target:
                self.problems.append(
                    f"the conditional edge after {where}: the answer {answer!r} and another are the same text in a "
                    "file; make them differ"
                )
        by_name = all(text == target for text, target in ends.items())
        found["to"] = ["end" if end == END else end for end in ends] if by_name else answered_ends(ends)
        return found

    # ------------------------------------------------------------ policies

    def policies(self, node: Node, where: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if node.retry:
            tries = [self.retry(one, where) for one in node.retry]
            found["retry"] = tries[0] if len(tries) == 1 else tries
        if node.timeout is not None:
            found["timeout"] = timeout_value(node.timeout)
        if node.cache is not None:
            found["cache"] = self.cache(node.cache, native=isinstance(node.action, Step), where=where)
        if node.error_handler is not None:
            found["error_handler"] = self.name_of(node.error_handler, f"the error handler of {where}")
        return found

    def retry(self, policy: RetryPolicy, where: str) -> dict[str, Any]:
        if policy.initial_interval <= 0 or policy.max_interval <= 0 or policy.backoff_factor < 1:
            self.problems.append(
                f"the retry policy of {where}: a wait of 0 seconds, or one that shrinks, has no form in a file; "
                "take initial_interval=0.001"
            )
        found: dict[str, Any] = {
            "max_attempts": policy.max_attempts,
            "initial_interval": policy.initial_interval,
            "backoff_factor": policy.backoff_factor,
            "max_interval": policy.max_interval,
            "jitter": policy.jitter,
        }
        errors, named = policy.retry_on, f"what the retry policy of {where} covers"
        if errors is default_retry_on:
            found["retry_on"] = "transient"
        elif isinstance(errors, type) or callable(errors):
            if errors is not may_pass:
                found["retry_on"] = self.name_of(errors, named)
        else:
            found["retry_on"] = [self.name_of(one, named) for one in errors]
        return found

    def cache(self, policy: CachePolicy, *, native: bool, where: str) -> Any:
        found: dict[str, Any] = {} if policy.ttl is None else {"ttl": policy.ttl}
        own = isinstance(policy.key_func, CacheKey) if native else policy.key_func is default_cache_key
        if not own:
            found["key"] = self.name_of(policy.key_func, f"the key of the cache of {where}")
        return found or True

    def plain(self, value: Any, where: str) -> Any:
        """A value as it is, when a file can hold it."""
        try:
            render_flow(value)
        except VictorError as error:
            self.problems.append(f"{where}: {error}; remove it")
        return value

"""Reads the structure of workflow files: workflows, inputs, nodes and their bodies, and nodes of other files."""

from __future__ import annotations

import functools
import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import evolve

from victor.core.catalog import near_matches
from victor.core.errors import VictorError
from victor.core.shapes import FAILED, Problems, Shape, shape_of
from victor.graph.yaml.definition import END_NAMES, NodeDefinition, Scope
from victor.graph.yaml.inputs import default_problem
from victor.graph.yaml.problems import Problem, WorkflowFileError
from victor.graph.yaml.source import Source, read_file
from victor.graph.yaml.spec import (
    COMMON,
    CONTROL,
    INPUT_TYPES,
    OLD_KEYS,
    Common,
    Execution,
    Input,
    Loop,
    Map,
    Parallel,
    StateKey,
    Top,
)

__all__ = ["Functions", "Reader", "execution_of", "unknown"]

Functions = Mapping[str, Callable[..., Any]]
"""Functions that a file may name."""

_CLOSED: Final = frozenset({"workflows", "version", "description", "metadata"})
_TEMPLATE_NAMES: Final = frozenset({"self", "super", "caller", "varargs", "kwargs"})
"""Names that mean something else inside templates."""

_ODD_NAME: Final = re.compile(r"\['(.*?)'\]")  # a key in a JSON path that is no plain word


class Reader:
    """Reads nodes, and keeps what is wrong with them.

    Args:
        chain: Works out what comes after each node of a list that was read.

    Attributes:
        problems: What is wrong so far.
        files: The files read so far.
    """

    def __init__(self, chain: Callable[[Scope], None]) -> None:
        self.chain = chain
        self.problems: list[Problem] = []
        self.files: dict[Path, Source] = {}

    def say(self, source: Source, path: str, message: str, *, key: bool = False) -> None:
        """Note that something is wrong at a JSON path."""
        self.problems.append(source.problem(path, message, key=key))

    def table(self, source: Source) -> dict[str, Any]:
        """The workflows of a file, by name, as they stand there."""
        if source.path is not None:
            self.files[source.path.resolve()] = source
        value = source.value
        if not isinstance(value, dict) or "workflows" not in value:
            message = "a workflow file is a mapping with the key 'workflows'"
            if isinstance(value, dict) and isinstance(value.get("teams"), dict):
                message += f"; this is a team file: victor team validate {source.name}"
            self.say(source, "$", message)
            return {}
        for name in value:
            if name not in _CLOSED:
                self.say(source, f"$.{name}", unknown("key", name, _CLOSED), key=True)
        table = value["workflows"]
        if not isinstance(table, dict) or not table:
            self.say(source, "$.workflows", "'workflows' is a mapping of name to workflow, with at least one")
            return {}
        return table

    def inputs(self, raw: Mapping[str, Any], source: Source, path: str) -> dict[str, Input]:
        """The inputs of a workflow."""
        found = {}
        for name, spec in raw.items():
            at = f"{path}.{name}"
            if not name.isidentifier() or keyword.iskeyword(name) or name in {"ctx", "loop", *_TEMPLATE_NAMES}:
                self.say(source, at, f"{name!r} is no name for an input: letters, digits and _", key=True)
            if isinstance(spec, str) and spec in INPUT_TYPES:
                spec = {"type": spec}
            elif not isinstance(spec, dict):
                spec = {"default": spec}
            given = self.decode(Input, spec, source, at)
            if given is not None:
                wrong = default_problem(given)
                if wrong is not None:
                    self.say(source, f"{at}.default" if isinstance(raw[name], dict) else at, wrong)
                found[name] = given
        return found

    def state_keys(self, raw: Mapping[str, Any], source: Source, path: str) -> dict[str, StateKey]:
        """The keys of a state that a file lists."""
        found = {}
        for name, spec in raw.items():
            at = f"{path}.{name}"
            if name in ("ctx", "loop"):
                self.say(source, at, f"{name!r} is reserved; choose another name", key=True)
            given = self.decode(StateKey, {"type": spec} if isinstance(spec, str) else spec, source, at)
            if given is not None:
                found[name] = given
        return found

    def scope(
        self,
        raw: list[Any],
        source: Source,
        path: str,
        parent: NodeDefinition | None,
        taken: dict[str, str],
    ) -> Scope:
        """A list of nodes; ``taken`` collects the ids of the whole workflow."""
        scope = Scope(parent=parent)
        if not raw:
            self.say(source, path, "there must be at least one node")
        for index, node in enumerate(raw):
            if isinstance(node, dict):
                self._node(node, source, f"{path}[{index}]", scope, taken)
            else:
                self.say(source, f"{path}[{index}]", f"expected a mapping with keys, got {_shown(node)}")
                scope.broken.add("")
        if scope.nodes:
            self.chain(scope)
            children = {
                id
                for node in scope.nodes.values()
                if isinstance(node.spec, Parallel)
                for id in node.spec.parallel_nodes
            }
            scope.start = next((id for id in scope.nodes if id not in children), next(iter(scope.nodes)))
        return scope

    def _node(self, raw: dict[str, Any], source: Source, path: str, scope: Scope, taken: dict[str, str]) -> None:
        origin = (source, path)
        if "$ref" in raw:
            referred = self._reference(raw, source, path)
            if referred is None:
                return
            raw, source, path = referred
        common = self.decode(Common, {k: v for k, v in raw.items() if k in COMMON}, source, path)
        own = {k: v for k, v in raw.items() if k not in COMMON}
        for name in list(own):
            if name in OLD_KEYS:
                self.say(source, f"{path}.{name}", f"{name!r} is not supported: {OLD_KEYS[name]}", key=True)
                del own[name]
        if common is None:
            scope.broken.update({str(raw["id"])} if raw.get("id") else ())
            return
        kind = self._kind(common.type, source, path)
        if kind is None:
            scope.broken.update((common.id, common.output or common.id))
            return
        spec = self.decode(kind, own, source, path)
        if common.id in taken:
            self.say(*origin, f"the id {common.id!r} is taken by the node at {taken[common.id]}")
            return
        if common.id in END_NAMES or common.id in _TEMPLATE_NAMES or common.id.startswith("__"):
            self.say(source, f"{path}.id", f"{common.id!r} is reserved; choose another id")
            return
        span = source.values.get(path)
        taken[common.id] = f"{source.name}:{span.line}" if span is not None else source.name
        if spec is None:
            scope.broken.update((common.id, common.output or common.id))
            return
        node = NodeDefinition(common, spec, source, path, scope, own)
        scope.nodes[common.id] = node
        if isinstance(spec, (Map, Loop)):
            node.body = self._body(node, taken)

    def _body(self, node: NodeDefinition, taken: dict[str, str]) -> Scope | None:
        spec = node.spec
        if isinstance(spec, Loop):
            if spec.until is None and spec.while_ is None:
                self.say(node.source, node.path, "a loop needs 'until' or 'while'")
            return self.scope(spec.nodes, node.source, f"{node.path}.nodes", node, taken)
        if (spec.node is None) == (spec.nodes is None):
            self.say(node.source, node.path, "a map needs either 'node' or 'nodes'")
            return None
        if spec.nodes is not None:
            return self.scope(spec.nodes, node.source, f"{node.path}.nodes", node, taken)
        scope = Scope(parent=node)
        body = {"id": f"{node.id}_item", **spec.node}
        self._node(body, node.source, f"{node.path}.node", scope, taken)
        scope.start = next(iter(scope.nodes), "")
        return scope

    def _kind(self, name: str, source: Source, path: str) -> type | None:
        if name in CONTROL:
            return CONTROL[name]
        from victor.core.plugins import get_plugins

        types = get_plugins().node_types
        try:
            kind = types.get(name)
        except VictorError as error:
            known = "pip install" in str(error) or name in types
            text = str(error) if known else unknown("node type", name, [*CONTROL, *types.names])
            self.say(source, f"{path}.type", text)
            return None
        if not isinstance(kind, type):
            self.say(source, f"{path}.type", f"the plugin's node type {name!r} is a {type(kind).__name__}, not a class")
            return None
        return kind

    def _reference(self, raw: dict[str, Any], source: Source, path: str) -> tuple[dict[str, Any], Source, str] | None:
        """A node of another file, with what this one says besides laid over it."""
        at = f"{path}.$ref"
        target = raw["$ref"]
        if not isinstance(target, str) or "#" not in target:
            self.say(source, at, "$ref takes './file.yaml#node' or './file.yaml#workflow/node'")
            return None
        file, _, name = target.partition("#")
        other = self.other(file, source, at) if file else source
        if other is None:
            return None
        workflow, _, id = name.rpartition("/")
        table = other.value.get("workflows", {}) if isinstance(other.value, dict) else {}
        for title, definition in table.items() if isinstance(table, dict) else ():
            if workflow and title != workflow:
                continue
            nodes = definition.get("nodes", []) if isinstance(definition, dict) else []
            for index, node in enumerate(nodes):
                if isinstance(node, dict) and node.get("id") == id and "$ref" not in node:
                    over = {key: value for key, value in raw.items() if key != "$ref"}
                    return {**node, **over}, other, f"$.workflows.{title}.nodes[{index}]"
        self.say(source, at, f"{other.name} has no node {name!r}")
        return None

    def other(self, file: str, source: Source, at: str) -> Source | None:
        """Another file, named relative to the one that names it."""
        if source.path is None:
            self.say(source, at, f"{file!r} can be found only from a workflow that was loaded from a file")
            return None
        path = (source.path.parent / file).resolve()
        if path not in self.files:
            try:
                self.files[path] = read_file(path)
            except WorkflowFileError as error:
                self.say(source, at, f"{file!r} cannot be used: {error}")
                return None
        return self.files[path]

    def decode(self, kind: type, raw: Any, source: Source, path: str) -> Any:
        """A mapping as one of the classes of `spec`, or None when something is wrong with it."""
        if not isinstance(raw, dict):
            self.say(source, path, f"expected a mapping with keys, got {_shown(raw)}")
            return None
        renamed = {f"{k}_" if keyword.iskeyword(k) else k: v for k, v in raw.items()}
        value, problems = _convert(kind, renamed)
        if problems:
            wrong = set()
            for at, message in problems:
                wrong.add(at.removeprefix("$.").partition(".")[0].partition("[")[0])
                key = _ODD_NAME.sub(r".\1", at).removeprefix("$")
                if key.count(".") == 1:
                    key = key.rstrip("_")
                name = key.lstrip(".")
                unknown = message.startswith("is unknown")
                if unknown and name in OLD_KEYS:
                    message = f"{name!r} is not supported: {OLD_KEYS[name]}"
                elif unknown:
                    message = f"the key {name!r} {message}"
                elif "missing" in message or "required" in message:
                    message = f"the key {name!r} is missing"
                else:
                    message = f"{name}: {message}" if name else message
                self.say(source, f"{path}{key}", message.replace("_'", "'"), key=unknown)
            # What is right is checked on, so that one mistake does not hide the others.
            rest = {k: v for k, v in renamed.items() if k not in wrong}
            value = _convert(kind, rest)[0] if len(rest) < len(renamed) else None
        return value


@functools.cache
def _shape(kind: type) -> Shape:
    """What a class's values look like: worked out once, since a file has many nodes."""
    return shape_of(kind)


def _convert(kind: type, raw: dict[str, Any]) -> tuple[Any, Problems]:
    """A mapping as a class, or None and what is wrong with it."""
    problems: Problems = []
    value = _shape(kind).convert(raw, "$", problems, True)
    return (None if value is FAILED else value), problems


def execution_of(top: Top) -> Execution:
    """The bounds of runs, also where they stand at the workflow itself or under their older names."""
    inner = top.execution or Execution()
    return evolve(
        inner,
        timeout=inner.timeout
        or inner.max_execution_timeout_seconds
        or top.timeout
        or top.max_execution_timeout_seconds,
        default_node_timeout=inner.default_node_timeout
        or inner.default_node_timeout_seconds
        or top.default_node_timeout
        or top.default_node_timeout_seconds,
        max_iterations=inner.max_iterations or top.max_iterations,
        max_retries=inner.max_retries if inner.max_retries is not None else top.max_retries,
    )


def unknown(what: str, name: str, there: Iterable[str]) -> str:
    """What to say of a name that nothing has, with a near match or what there is."""
    there = list(there)
    near = near_matches(name, there)
    if near:
        return f"unknown {what} {name!r}; did you mean {near[0]!r}?"
    listed = ", ".join(map(str, there[:12])) + (", ..." if len(there) > 12 else "")
    return f"unknown {what} {name!r}; there are: {listed}" if there else f"unknown {what} {name!r}; there are none"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

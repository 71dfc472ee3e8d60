"""Reads workflow files: everything that is wrong is found in one pass, with file, line and column."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from attrs import evolve

from victor.core.catalog import near_matches
from victor.core.errors import VictorError
from victor.core.schema import DecodeProblems, decode
from victor.graph.yaml.context import CheckContext, problems_of
from victor.graph.yaml.definition import END_NAMES, NodeDefinition, Scope, WorkflowDefinition
from victor.graph.yaml.problems import Problem, WorkflowFileError
from victor.graph.yaml.source import Source, read_file
from victor.graph.yaml.spec import (
    ABSENT,
    COMMON,
    OLD_KEYS,
    Common,
    Condition,
    Execution,
    Input,
    Loop,
    Map,
    Parallel,
    Subworkflow,
    Top,
)
from victor.graph.yaml.values import (
    Compiled,
    ExpressionError,
    Names,
    compile_condition,
    compile_template,
    compile_value,
)

__all__ = ["load_definitions"]

_CONTROL: Final[Mapping[str, type]] = {
    "condition": Condition,
    "parallel": Parallel,
    "map": Map,
    "loop": Loop,
    "workflow": Subworkflow,
}
_CLOSED: Final = frozenset({"workflows", "version", "description", "metadata"})
_INPUT_TYPES: Final = (
    "string",
    "text",
    "integer",
    "number",
    "boolean",
    "list",
    "object",
    "path",
    "file",
    "folder",
    "any",
)

_ODD_NAME: Final = re.compile(r"\['(.*?)'\]")  # a key in a JSON path that is no plain word

Functions = Mapping[str, Callable[..., Any]]


def load_definitions(
    source: Path | str | Source, *, functions: Functions | None = None, only: str | None = None
) -> dict[str, WorkflowDefinition]:
    """Every workflow of a file, checked.

    Args:
        source: Path of a file, or a source that was read.
        functions: Functions that conditions, transforms and handlers may name.
        only: Check this workflow alone (and those it runs).

    Raises:
        WorkflowFileError: Something is wrong; lists everything that is.
    """
    if not isinstance(source, Source):
        source = read_file(source)
    loader = _Loader(functions or {})
    found = loader.file(source, only)
    if loader.problems:
        raise WorkflowFileError(loader.problems)
    return found


class _Loader:
    """One pass over a file and the files it refers to."""

    def __init__(self, functions: Functions) -> None:
        self.functions = functions
        self.problems: list[Problem] = []
        self.files: dict[Path, Source] = {}
        self.workflows: dict[tuple[str, str], WorkflowDefinition] = {}

    def say(self, source: Source, path: str, message: str, *, key: bool = False) -> None:
        self.problems.append(source.problem(path, message, key=key))

    # -- files and workflows -------------------------------------------------------------------

    def file(self, source: Source, only: str | None = None) -> dict[str, WorkflowDefinition]:
        """The workflows of one file."""
        workflows = self._table(source)
        found = {}
        for name in workflows:
            if only is not None and name != only:
                continue
            definition = self.workflow(source, name)
            if definition is not None:
                found[name] = definition
        if only is not None and only not in workflows:
            self.say(source, "$.workflows", _unknown("workflow", only, workflows))
        return found

    def _table(self, source: Source) -> dict[str, Any]:
        if source.path is not None:
            self.files[source.path.resolve()] = source
        value = source.value
        if not isinstance(value, dict) or "workflows" not in value:
            self.say(source, "$", "a workflow file is a mapping with the key 'workflows'")
            return {}
        for name in value:
            if name not in _CLOSED:
                self.say(source, f"$.{name}", _unknown("key", name, _CLOSED), key=True)
        table = value["workflows"]
        if not isinstance(table, dict) or not table:
            self.say(source, "$.workflows", "'workflows' is a mapping of name to workflow, with at least one")
            return {}
        return table

    def workflow(self, source: Source, name: str) -> WorkflowDefinition | None:
        """One workflow, checked once however often it is referred to."""
        known = (source.name, name)
        if known in self.workflows:
            return self.workflows[known]
        path = f"$.workflows.{name}"
        raw = source.value["workflows"][name]
        top = self.decode(Top, raw, source, path)
        if top is None:
            return None
        definition = self.workflows[known] = WorkflowDefinition(name, top, source, path)
        definition.inputs = self._inputs(top.inputs, source, f"{path}.inputs")
        definition.execution = _execution(top)
        definition.scope = self.scope(top.nodes, source, f"{path}.nodes", None, {})
        if top.start_node is not None:
            if top.start_node in definition.scope.nodes:
                definition.scope.start = top.start_node
            else:
                self.say(source, f"{path}.start_node", _unknown("node", top.start_node, definition.scope.nodes))
        names = definition.names
        self._clashes(definition)
        names += _broken(definition.scope)
        self.check(definition.scope, _known(names), top.model, definition)
        self._reachable(definition)
        if top.outputs is not None:
            outputs = {n: f"$ctx.{n}" for n in top.outputs} if isinstance(top.outputs, list) else top.outputs
            at = f"{path}.outputs"
            compiled = {
                n: self.compile(compile_value, raw, _known(names), source, f"{at}.{n}") for n, raw in outputs.items()
            }
            definition.outputs = {n: output for n, output in compiled.items() if output is not None}
        return definition

    def _inputs(self, raw: Mapping[str, Any], source: Source, path: str) -> dict[str, Input]:
        found = {}
        for name, spec in raw.items():
            at = f"{path}.{name}"
            if not name.isidentifier() or keyword.iskeyword(name) or name in {"ctx", "loop"}:
                self.say(source, at, f"{name!r} is no name for an input: letters, digits and _", key=True)
            if isinstance(spec, str) and spec in _INPUT_TYPES:
                spec = {"type": spec}
            elif not isinstance(spec, dict):
                spec = {"default": spec}
            given = self.decode(Input, spec, source, at)
            if given is not None:
                if given.enum and given.default is not ABSENT and given.default not in given.enum:
                    self.say(source, f"{at}.default", f"{given.default!r} is none of the values in enum")
                found[name] = given
        return found

    def _clashes(self, definition: WorkflowDefinition) -> None:
        for node in definition.scope.every():
            for name in node.writes:
                if name in definition.inputs:
                    at = f"{node.path}.output" if node.common.output else node.path
                    self.say(
                        node.source, at, f"node {node.id!r} would overwrite the input {name!r}; give it another output"
                    )
            if isinstance(node.spec, Parallel):
                self._parallel_clashes(node)

    def _parallel_clashes(self, node: NodeDefinition) -> None:
        writers: dict[str, str] = {}
        for id in node.spec.parallel_nodes:
            child = node.scope.nodes.get(id)
            for name in child.writes if child is not None else ():
                if name in writers:
                    both = f"{writers[name]!r} and {id!r}"
                    message = f"{both} run side by side and both write {name!r}; name their outputs apart"
                    self.say(node.source, f"{node.path}.parallel_nodes", message)
                writers[name] = id

    # -- nodes -----------------------------------------------------------------------------------

    def scope(
        self,
        raw: list[dict[str, Any]],
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
            self._node(node, source, f"{path}[{index}]", scope, taken)
        if scope.nodes:
            self._chain(scope)
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
        if common.id in END_NAMES or common.id.startswith("__"):
            self.say(source, f"{path}.id", f"{common.id!r} is reserved; choose another id")
            return
        span = source.values.get(path)
        taken[common.id] = f"{source.name}:{span.line}" if span is not None else source.name
        if spec is None:
            scope.broken.update((common.id, common.output or common.id))
            return
        node = NodeDefinition(common, spec, source, path, scope)
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
        if name in _CONTROL:
            return _CONTROL[name]
        from victor.core.plugins import get_plugins

        types = get_plugins().node_types
        try:
            kind = types.get(name)
        except VictorError as error:
            known = "pip install" in str(error) or name in types
            text = str(error) if known else _unknown("node type", name, [*_CONTROL, *types.names])
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

    # -- what follows what -------------------------------------------------------------------------

    def _chain(self, scope: Scope) -> None:
        """Work out what comes after each node of a list."""
        children: dict[str, str] = {}
        for node in scope.nodes.values():
            if isinstance(node.spec, Parallel):
                self._children(node, children)
        order = [id for id in scope.nodes if id not in children]
        after = dict(pairwise(order))
        for node in scope.nodes.values():
            if isinstance(node.spec, Condition):
                self._branches(node)
                continue
            wanted = node.common.next
            if node.id in children:
                if wanted is not None:
                    message = (
                        f"{node.id!r} runs inside {children[node.id]!r}, which says what comes next; remove 'next' here"
                    )
                    self.say(node.source, f"{node.path}.next", message)
                continue
            if wanted is None:
                node.follows = [after[node.id]] if node.id in after else []
                continue
            targets = [wanted] if isinstance(wanted, str) else wanted
            for target in targets:
                self._target(node, target, f"{node.path}.next")
            node.follows = [target for target in targets if target not in END_NAMES]

    def _children(self, node: NodeDefinition, children: dict[str, str]) -> None:
        at = f"{node.path}.parallel_nodes"
        if len(node.spec.parallel_nodes) < 2:
            self.say(node.source, at, "a parallel node needs at least two nodes")
        for index, id in enumerate(node.spec.parallel_nodes):
            child = node.scope.nodes.get(id)
            if child is None and id in node.scope.broken:
                continue
            if child is None:
                self.say(node.source, f"{at}[{index}]", _unknown("node", id, node.scope.nodes))
            elif id in children:
                self.say(node.source, f"{at}[{index}]", f"{id!r} is inside {children[id]!r} already")
            elif isinstance(child.spec, (Condition, Parallel, Loop)):
                kind = child.common.type
                message = f"{id!r} is a {kind}; put it into a workflow of its own and run that with type: workflow"
                self.say(node.source, f"{at}[{index}]", message)
            elif node.spec.join_strategy != "all" and isinstance(child.spec, (Map, Subworkflow)):
                message = f"{id!r} is a {child.common.type}, which can only be waited for (join_strategy: all)"
                self.say(node.source, f"{at}[{index}]", message)
            else:
                children[id] = node.id

    def _branches(self, node: NodeDefinition) -> None:
        if node.common.next is not None:
            self.say(node.source, f"{node.path}.next", "a condition has 'branches', no 'next'")
        if not node.spec.branches:
            self.say(node.source, f"{node.path}.branches", "a condition needs at least one branch")
        for answer, target in node.spec.branches.items():
            self._target(node, target, f"{node.path}.branches.{answer}")

    def _target(self, node: NodeDefinition, target: str, at: str) -> None:
        if target not in node.scope.nodes and target not in END_NAMES and target not in node.scope.broken:
            self.say(node.source, at, _unknown("node", target, [*node.scope.nodes, "end"]))

    def _reachable(self, definition: WorkflowDefinition) -> None:
        """Nodes no path leads to are a mistake of the file."""
        if _broken(definition.scope):
            return  # what is missing may be what led there
        scopes = [definition.scope, *(n.body for n in definition.scope.every() if n.body is not None)]
        for scope in scopes:
            seen: set[str] = set()
            waiting = [scope.start] if scope.start else []
            while waiting:
                id = waiting.pop()
                node = scope.nodes.get(id)
                if node is None or id in seen:
                    continue
                seen.add(id)
                waiting += node.follows
                if isinstance(node.spec, Condition):
                    waiting += node.spec.branches.values()
                elif isinstance(node.spec, Parallel):
                    waiting += node.spec.parallel_nodes
            for id, node in scope.nodes.items():
                if id not in seen:
                    self.say(
                        node.source, node.path, f"nothing leads to the node {id!r}; name it in a 'next' or in a branch"
                    )

    # -- expressions, templates, and what node types check themselves ------------------------------

    def check(self, scope: Scope, known: Names, model: str | None, definition: WorkflowDefinition) -> None:
        """Compile what the nodes say, against the names they will have."""
        for node in scope.nodes.values():
            self._check_node(node, known, model, definition)

    def _check_node(
        self, node: NodeDefinition, known: Names, model: str | None, definition: WorkflowDefinition
    ) -> None:
        source, path, spec = node.source, node.path, node.spec
        given = node.common.inputs if node.common.inputs is not None else _old_mapping(node.common.input_mapping)
        if given is not None:
            key = "inputs" if node.common.inputs is not None else "input_mapping"
            node.inputs = self.compile(compile_value, given, known, source, f"{path}.{key}")
        folder = source.path.parent if source.path is not None else None
        inputs = frozenset(given) if given is not None else None
        node.context = CheckContext(known, folder, self.functions, model, inputs)
        if isinstance(spec, Condition):
            self._check_condition(node, known)
        elif isinstance(spec, Map):
            node.compiled["over"] = self.compile(compile_value, spec.over, known, source, f"{path}.over") or _NOTHING
            self._check_map_body(node, known, model, definition)
        elif isinstance(spec, Loop):
            for key, text in (("until", spec.until), ("while", spec.while_)):
                if text is not None:
                    node.compiled[key] = (
                        self.compile(compile_condition, text, known, source, f"{path}.{key}") or _NOTHING
                    )
            if node.body is not None:
                self.check(node.body, known, model, definition)
        elif isinstance(spec, Subworkflow):
            self._check_subworkflow(node)
        elif not isinstance(spec, Parallel):
            self._check_work(node, known)

    def _check_work(self, node: NodeDefinition, known: Names) -> None:
        spec, context = node.spec, node.context
        for key in getattr(spec, "templates", ()):
            text = getattr(spec, key)
            if text is not None:
                node.compiled[key] = (
                    self.compile(compile_template, text, known, node.source, f"{node.path}.{key}") or _NOTHING
                )
        for key in getattr(spec, "expressions", ()):
            raw = getattr(spec, key)
            if raw is not None:
                node.compiled[key] = (
                    self.compile(compile_value, raw, known, node.source, f"{node.path}.{key}") or _NOTHING
                )
        if context is not None:
            for key, message in problems_of(spec, context):
                self.say(node.source, f"{node.path}.{key}" if key else node.path, message)

    def _check_condition(self, node: NodeDefinition, known: Names) -> None:
        from victor.graph.yaml.context import load_function

        spec = node.spec
        at = f"{node.path}.condition"
        text = spec.condition
        if isinstance(text, str) and (text in self.functions or (":" in text and " " not in text and "'" not in text)):
            try:
                assert node.context is not None
                load_function(text, node.context)
            except VictorError as error:
                self.say(node.source, at, str(error))
            return
        compiled = self.compile(compile_condition, text, known, node.source, at)
        if compiled is None:
            return
        node.compiled["condition"] = compiled
        answers = set(spec.branches)
        if "default" not in answers and answers & {"true", "false"} and not {"true", "false"} <= answers:
            missing = ({"true", "false"} - answers).pop()
            self.say(node.source, f"{node.path}.branches", f"there is no branch for {missing!r}, and no default")

    def _check_map_body(
        self, node: NodeDefinition, known: Names, model: str | None, definition: WorkflowDefinition
    ) -> None:
        if node.body is None:
            return
        item = node.spec.as_
        if not item.isidentifier() or item in {"ctx", "index"}:
            self.say(node.source, f"{node.path}.as", f"{item!r} is no name for an item: letters, digits and _")
        private = {item, "index"}
        for inner in node.body.nodes.values():
            private.update(inner.writes)
        self.check(node.body, lambda name: None if name in private else known(name), model, definition)

    def _check_subworkflow(self, node: NodeDefinition) -> None:
        at = f"{node.path}.workflow"
        name = node.spec.workflow
        file, hash_, title = name.partition("#")
        other: Source | None = node.source
        if hash_ or file.endswith((".yaml", ".yml")):
            other = self.other(file, node.source, at) if file else node.source
        else:
            title = name
        if other is None:
            return
        table = other.value.get("workflows", {}) if isinstance(other.value, dict) else {}
        if not title and isinstance(table, dict) and len(table) == 1:
            title = next(iter(table))
        if not isinstance(table, dict) or title not in table:
            self.say(node.source, at, _unknown("workflow", title or name, table if isinstance(table, dict) else ()))
            return
        node.target = self.workflow(other, title)
        if node.target is None:
            return
        given = node.context.inputs if node.context is not None and node.context.inputs is not None else frozenset()
        for wrong in sorted(given - set(node.target.inputs)):
            self.say(
                node.source,
                f"{node.path}.inputs.{wrong}",
                _unknown(f"input of workflow {title!r}:", wrong, node.target.inputs),
            )
        for wanted, spec in node.target.inputs.items():
            if wanted not in given and spec.default is ABSENT and spec.required is not False:
                self.say(node.source, node.path, f"the workflow {title!r} needs the input {wanted!r}")

    def compile(
        self, make: Callable[[Any, Names], Compiled], raw: Any, known: Names, source: Source, path: str
    ) -> Compiled | None:
        """Compile a value; for lists and mappings each part by itself, so that each problem has its own place."""
        if make is compile_value and isinstance(raw, dict):
            parts = {k: self.compile(make, item, known, source, f"{path}.{k}") for k, item in raw.items()}
            if None in parts.values():
                return None
        elif make is compile_value and isinstance(raw, list):
            items = [self.compile(make, item, known, source, f"{path}[{i}]") for i, item in enumerate(raw)]
            if None in items:
                return None
        try:
            return make(raw, known)
        except ExpressionError as error:
            self.say(source, path, str(error))
            return None

    def decode(self, kind: type, raw: Any, source: Source, path: str) -> Any:
        """A mapping as one of the classes of `spec`, or None when something is wrong with it."""
        if not isinstance(raw, dict):
            self.say(source, path, f"expected a mapping with keys, got {_shown(raw)}")
            return None
        renamed = {f"{k}_" if keyword.iskeyword(k) else k: v for k, v in raw.items()}
        try:
            return decode(kind, renamed, what="it")
        except DecodeProblems as error:
            wrong = set()
            for at, message in error.problems:
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
            try:
                return decode(kind, rest, what="it") if len(rest) < len(renamed) else None
            except DecodeProblems:
                return None


_NOTHING: Final = Compiled("", frozenset(), lambda context: None, constant=True)


def _broken(scope: Scope) -> list[str]:
    found = sorted(scope.broken)
    for node in scope.nodes.values():
        if node.body is not None:
            found += _broken(node.body)
    return found


def _known(names: Iterable[str]) -> Names:
    there = list(names)

    def known(name: str) -> str | None:
        return None if name in there else _unknown("name", name, there)

    return known


def _unknown(what: str, name: str, there: Iterable[str]) -> str:
    there = list(there)
    near = near_matches(name, there)
    if near:
        return f"unknown {what} {name!r}; did you mean {near[0]!r}?"
    listed = ", ".join(map(str, there[:12])) + (", ..." if len(there) > 12 else "")
    return f"unknown {what} {name!r}; there are: {listed}" if there else f"unknown {what} {name!r}; there are none"


def _old_mapping(mapping: dict[str, Any] | None) -> dict[str, Any] | None:
    """``input_mapping``, where a bare name stands for what the context holds under it."""
    if mapping is None:
        return None
    return {
        name: f"$ctx.{value}" if isinstance(value, str) and value.replace(".", "_").isidentifier() else value
        for name, value in mapping.items()
    }


def _execution(top: Top) -> Execution:
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


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

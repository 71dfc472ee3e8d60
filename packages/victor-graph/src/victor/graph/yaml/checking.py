"""Checks what the nodes of a workflow say: expressions, templates, and what their types check themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from victor.core.errors import VictorError
from victor.graph.node import read_signature
from victor.graph.yaml.context import CheckContext, load_function, problems_of
from victor.graph.yaml.definition import NodeDefinition, Scope, WorkflowDefinition
from victor.graph.yaml.edges import works_on_state
from victor.graph.yaml.policies import errors_of
from victor.graph.yaml.reading import Functions, Reader, unknown
from victor.graph.yaml.source import Source
from victor.graph.yaml.spec import ABSENT, Cache, Common, Condition, Loop, Map, Parallel, Retry, Route, Subworkflow
from victor.graph.yaml.values import (
    Compiled,
    ExpressionError,
    Names,
    compile_condition,
    compile_template,
    compile_value,
)

__all__ = ["Checker", "given_inputs", "known_names"]


class Checker:
    """Compiles what nodes say, against the names they will have.

    Args:
        reader: Reads other files, and keeps what is wrong.
        functions: Functions that conditions, transforms and handlers may name.
        workflow: Reads and checks another workflow.
    """

    def __init__(
        self, reader: Reader, functions: Functions, workflow: Callable[[Source, str], WorkflowDefinition | None]
    ) -> None:
        self.reader = reader
        self.functions = functions
        self.workflow = workflow
        self.say: Callable[..., None] = reader.say

    def check(self, scope: Scope, known: Names, model: str | None, definition: WorkflowDefinition) -> None:
        """Compile what the nodes say, against the names they will have."""
        for node in scope.nodes.values():
            self._check_node(node, known, model, definition)

    def _check_node(
        self, node: NodeDefinition, known: Names, model: str | None, definition: WorkflowDefinition
    ) -> None:
        source, path, spec = node.source, node.path, node.spec
        given = given_inputs(node.common)
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
        self._check_policies(node)

    def check_top(self, definition: WorkflowDefinition) -> None:
        """The functions that a workflow itself names."""
        source, path = definition.source, definition.path
        for number, route in enumerate(definition.top.start_routes):
            self._check_route(route, definition.context, source, f"{path}.start_routes[{number}]")

    def _check_route(self, route: Route, context: CheckContext, source: Source, path: str) -> None:
        try:
            problem = read_signature(load_function(route.function, context)).problem
        except VictorError as error:
            problem = str(error)
        if problem:
            self.say(source, f"{path}.function", problem)

    def _check_policies(self, node: NodeDefinition) -> None:
        """Functions and classes named by routes, retries, caches and the like."""
        common, context = node.common, node.context
        if context is None:
            return
        for number, route in enumerate(common.routes):
            self._check_route(route, context, node.source, f"{node.path}.routes[{number}]")
        retries = common.retry if isinstance(common.retry, list) else [common.retry]
        for number, retry in enumerate(retries):
            at = f"{node.path}.retry[{number}]" if isinstance(common.retry, list) else f"{node.path}.retry"
            try:
                if isinstance(retry, Retry):
                    errors_of(retry.retry_on, context.folder)
            except VictorError as error:
                self.say(node.source, f"{at}.retry_on", str(error))
        try:
            if isinstance(common.cache, Cache) and common.cache.key is not None:
                load_function(common.cache.key, context)
        except VictorError as error:
            self.say(node.source, f"{node.path}.cache.key", str(error))
        try:
            if common.error_handler is not None:
                problem = read_signature(load_function(common.error_handler, context)).problem
                if problem:
                    self.say(node.source, f"{node.path}.error_handler", problem)
        except VictorError as error:
            self.say(node.source, f"{node.path}.error_handler", str(error))

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
            other = self.reader.other(file, node.source, at) if file else node.source
        else:
            title = name
        if other is None:
            return
        table = other.value.get("workflows", {}) if isinstance(other.value, dict) else {}
        if not title and isinstance(table, dict) and len(table) == 1:
            title = next(iter(table))
        if not isinstance(table, dict) or title not in table:
            self.say(node.source, at, unknown("workflow", title or name, table if isinstance(table, dict) else ()))
            return
        node.target = self.workflow(other, title)
        if node.target is None or works_on_state(node):
            return
        given = node.context.inputs if node.context is not None and node.context.inputs is not None else frozenset()
        for wrong in sorted(given - set(node.target.inputs)):
            self.say(
                node.source,
                f"{node.path}.inputs.{wrong}",
                unknown(f"input of workflow {title!r}:", wrong, node.target.inputs),
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


_NOTHING: Final = Compiled("", frozenset(), lambda context: None, constant=True)


def known_names(names: Iterable[str]) -> Names:
    """Tells whether a name is one of these."""
    there = list(names)

    def known(name: str) -> str | None:
        return None if name in there else unknown("name", name, there)

    return known


def given_inputs(common: Common) -> dict[str, Any] | None:
    """The inputs of a node, also under their older name."""
    return common.inputs if common.inputs is not None else _old_mapping(common.input_mapping)


def _old_mapping(mapping: dict[str, Any] | None) -> dict[str, Any] | None:
    """``input_mapping``, where a bare name stands for what the context holds under it."""
    if mapping is None:
        return None
    return {
        name: f"$ctx.{value}" if isinstance(value, str) and value.replace(".", "_").isidentifier() else value
        for name, value in mapping.items()
    }

"""Reads workflow files: everything that is wrong is found in one pass, with file, line and column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from victor.core.errors import VictorError
from victor.graph.schema import read_schema
from victor.graph.yaml.checking import Checker, known_names
from victor.graph.yaml.context import CheckContext
from victor.graph.yaml.definition import WorkflowDefinition
from victor.graph.yaml.edges import runs_itself
from victor.graph.yaml.flow import Flow, broken_in
from victor.graph.yaml.problems import WorkflowFileError
from victor.graph.yaml.reading import Functions, Reader, execution_of, unknown
from victor.graph.yaml.source import Source, read_file
from victor.graph.yaml.spec import Top
from victor.graph.yaml.state import StateShape, declared_inputs, read_class, read_keys, typed_dict
from victor.graph.yaml.values import compile_value

__all__ = ["load_definitions"]


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
    if loader.reader.problems:
        raise WorkflowFileError(loader.reader.problems)
    return found


class _Loader:
    """One pass over a file and the files it refers to."""

    def __init__(self, functions: Functions) -> None:
        self.reader = Reader(lambda scope: self.flow.chain(scope))  # noqa: PLW0108 - each needs the other
        self.flow = Flow(self.reader.say)
        self.checker = Checker(self.reader, functions, self.workflow)
        self.workflows: dict[tuple[str, str], WorkflowDefinition] = {}

    def file(self, source: Source, only: str | None = None) -> dict[str, WorkflowDefinition]:
        """The workflows of one file."""
        workflows = self.reader.table(source)
        found = {}
        for name in workflows:
            if only is not None and name != only:
                continue
            definition = self.workflow(source, name)
            if definition is not None:
                found[name] = definition
        if only is not None and only not in workflows:
            self.reader.say(source, "$.workflows", unknown("workflow", only, workflows))
        return found

    def workflow(self, source: Source, name: str) -> WorkflowDefinition | None:
        """One workflow, checked once however often it is referred to."""
        known = (source.name, name)
        if known in self.workflows:
            return self.workflows[known]
        path = f"$.workflows.{name}"
        raw = source.value["workflows"][name]
        top = self.reader.decode(Top, raw, source, path)
        if top is None:
            return None
        definition = self.workflows[known] = WorkflowDefinition(name, top, source, path)
        folder = source.path.parent if source.path is not None else None
        definition.context = CheckContext(lambda name: None, folder, self.checker.functions, top.model)
        self._state(definition)
        if isinstance(top.inputs, dict) and top.inputs:
            definition.inputs = self.reader.inputs(top.inputs, source, f"{path}.inputs")
            definition.optional = frozenset()
        definition.execution = execution_of(top)
        definition.scope = self.reader.scope(top.nodes, source, f"{path}.nodes", None, {})
        if isinstance(top.start_node, str) and top.start_node in definition.scope.nodes:
            definition.scope.start = top.start_node
        self.flow.ends(definition)
        names = definition.names
        self.flow.clashes(definition)
        names += broken_in(definition.scope)
        self.checker.check(definition.scope, known_names(names), top.model, definition)
        self.checker.check_top(definition)
        self.flow.reachable(definition)
        for node in runs_itself(definition):
            self.reader.say(node.source, node.path, f"the workflow {name!r} cannot be a part of its own state")
        if top.outputs is not None and not isinstance(top.outputs, str):
            outputs = {n: f"$ctx.{n}" for n in top.outputs} if isinstance(top.outputs, list) else top.outputs
            at = f"{path}.outputs"
            compiled = {
                n: self.checker.compile(compile_value, raw, known_names(names), source, f"{at}.{n}")
                for n, raw in outputs.items()
            }
            definition.outputs = {n: output for n, output in compiled.items() if output is not None}
        return definition

    def _state(self, definition: WorkflowDefinition) -> None:
        """What a workflow says of its state, and the classes it names."""
        top, source, path = definition.top, definition.source, definition.path
        folder = definition.context.folder

        def say(at: str, message: str) -> None:
            self.reader.say(source, path + at, message)

        def named(key: str, name: str) -> Any:
            try:
                return read_class(name, folder)
            except VictorError as error:
                say(f".{key}", str(error))
                return None

        inputs = named("inputs", top.inputs) if isinstance(top.inputs, str) else None
        outputs = named("outputs", top.outputs) if isinstance(top.outputs, str) else None
        kind: Any = None
        if isinstance(top.state, str):
            kind = named("state", top.state)
        elif top.state is not None:
            kind = read_keys(self.reader.state_keys(top.state, source, f"{path}.state"), folder, say)
        if kind is None and (inputs is not None or outputs is not None):
            kind = typed_dict("State", {})
        if kind is None:
            return
        try:
            definition.state = StateShape(kind, inputs, outputs, listed=not isinstance(top.state, str))
            definition.inputs, definition.optional = declared_inputs(kind if inputs is None else inputs)
            definition.result = None if outputs is None else tuple(read_schema(outputs).channels)
        except VictorError as error:
            say(".state", str(error))

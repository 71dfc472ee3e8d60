"""A workflow file as a Python module: a graph one would have written by hand.

What a line of Python says is written in Python: values and templates as expressions and f-strings, calls of
functions, conditions, loops, other workflows. What means more (agents, questions, tools, maps, races, templates with
blocks, filters) is declared by `Steps` with the keys it has in the file: the alternative, pages of generated code that
repeat what the library does, is nothing a person would keep, and would not be mended when the library is. Nodes, edges
and names are those of the graph the file builds, so that pictures, histories and numbers of steps are the same.

Two things differ: an error in an expression is Python's own (``KeyError``), except where its text is part of the state
or decides on a retry; and functions of the program run where the graph runs its sync nodes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from victor.graph.yaml.definition import WorkflowDefinition
from victor.graph.yaml.edges import exit_of
from victor.graph.yaml.export.flow import FlowWriter
from victor.graph.yaml.export.layout import Code, call, literal, quoted, render
from victor.graph.yaml.export.module import Module, identifier
from victor.graph.yaml.export.place import Place
from victor.graph.yaml.export.problems import ExportError
from victor.graph.yaml.workflow import Workflow

__all__ = ["export_python"]


def export_python(workflow: Workflow, *, folder: str | Path | None = None) -> str:
    """A workflow file as a Python module with ``graph``, a `StateGraph`, and ``workflow``, a `Workflow`.

    Args:
        workflow: As it was loaded; the workflows it runs go with it.
        folder: Where the module's file is to stand; beside the workflow's file by default.

    Returns:
        The text of the module.

    Raises:
        ExportError: Something has no form in Python; lists all that has not.

    Example:
        >>> from victor.graph.yaml import parse_workflow
        >>> nodes = "[{id: twice, type: transform, set: {m: '{{ n * 2 }}'}}]"
        >>> module = export_python(parse_workflow(f"workflows: {{w: {{inputs: {{n: integer}}, nodes: {nodes}}}}}"))
        >>> print(module[module.index("def twice"):module.index("graph =")].rstrip())
        def twice(state: State) -> dict[str, Any]:
            return {"m": state["n"] * 2}
    """
    definition = workflow.definition
    if not definition.scope.nodes:
        raise ExportError(f"the workflow {workflow.name!r}", ["it is a graph in Python already"])
    path = definition.source.path
    place = Path(folder) if folder is not None else path.parent if path is not None else Path()
    origin = f"Made from {path.name} by" if path is not None else "Made by"
    what = (definition.top.description or f"The workflow {workflow.name}.").strip()
    title = f"{what}\n\n{origin} victor workflow export.\n"
    module = Module(place, title)
    for name in ("State", "Inputs", "Private", "graph", "workflow", "steps"):
        module.name(name)
    _Exporter(module, definition).export()
    if module.problems:
        raise ExportError(f"the workflow {workflow.name!r}", module.problems)
    return module.text()


class _Exporter:
    """Writes a workflow and those it runs, each once, those it runs first."""

    def __init__(self, module: Module, main: WorkflowDefinition) -> None:
        self.module = module
        self.main = main
        self.names: dict[int, str] = {id(main): "workflow"}

    def export(self) -> None:
        order: list[WorkflowDefinition] = []
        self._collect(self.main, order, [])
        for definition in order:
            if definition is not self.main:
                self.names[id(definition)] = self.module.name(f"{identifier(definition.name)}_workflow")
        writers = [WorkflowWriter(self.module, self.names, one, main=one is self.main) for one in order]
        for writer in writers:
            writer.write()

    def _collect(self, definition: WorkflowDefinition, order: list[WorkflowDefinition], inside: list[Any]) -> None:
        if definition in order or definition in inside:
            return
        inside.append(definition)
        for node in definition.scope.every():
            if node.target is not None:
                self._collect(node.target, order, inside)
        order.append(definition)


class WorkflowWriter(FlowWriter):
    """Writes a workflow: its classes, its nodes, its graph."""

    def write(self) -> None:
        """Write all of it into the module."""
        definition = self.definition
        inputs, state = self.classes()
        private = self.class_name("Private")
        place = Place(state, private, self.graph, self.kinds(definition.scope, definition.names))
        blocks, self.module.blocks = self.module.blocks, []
        own = self.private_keys(definition.scope, place, set(definition.names))
        if own:
            self.module.blocks.append(
                f"class {private}({state}, total=False):\n" + "".join(f"    {o}\n" for o in own).rstrip("\n")
            )
        else:
            place.private = ""
        self.scope(definition.scope, place, "END")
        self.finish(place, inputs)
        self.module.blocks = blocks + self.with_steps(place)

    def finish(self, place: Place, inputs: str) -> None:
        """Write the graph and the workflow."""
        definition, module = self.definition, self.module
        top, execution = definition.top, definition.execution
        outputs = module.load(top.outputs, definition.context, "outputs") if isinstance(top.outputs, str) else None
        made = call(
            module.graph("StateGraph"),
            place.state,
            input_schema=inputs or None,
            output_schema=outputs,
            name=quoted(definition.name),
        )
        lines = [f"{place.graph} = {render(made)}", *self.lines(place, definition.starts)]
        place.lines = []
        for route in top.start_routes:
            self.route(module.graph("START"), route, definition.context, place)
        module.blocks.append("\n".join([*lines, *place.lines]))
        nodes = definition.scope.nodes
        stops: dict[str, Code | None] = {}
        for key in ("interrupt_before", "interrupt_after"):
            wanted = getattr(top, key)
            if wanted:
                ids = wanted if wanted == "*" or key == "interrupt_before" else [exit_of(nodes[one]) for one in wanted]
                stops[key] = literal(ids)
        workflow = call(
            f"{module.yaml('Workflow')}.of",
            place.graph,
            outputs=None if top.outputs is None or isinstance(top.outputs, str) else literal(top.outputs),
            description=literal(top.description) if top.description else None,
            timeout=None if execution.timeout is None else repr(execution.timeout),
            max_iterations=None if execution.max_iterations is None else repr(execution.max_iterations),
            max_concurrency=None if execution.max_concurrency is None else repr(execution.max_concurrency),
            **stops,
        )
        name = self.names[id(definition)]
        module.blocks.append(f"{name} = {render(workflow, 0, len(name) + 3)}")

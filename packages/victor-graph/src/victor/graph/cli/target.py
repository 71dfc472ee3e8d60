"""What a command works on: a workflow of a YAML file, or a graph of a Python program."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from victor.core.catalog import near_matches
from victor.core.errors import ConfigurationError
from victor.core.import_strings import look_here
from victor.core.topology import Topology

if TYPE_CHECKING:
    from victor.graph.compiled import CompiledGraph
    from victor.graph.graph import StateGraph
    from victor.graph.runtime import RunnableConfig
    from victor.graph.yaml.workflow import Workflow

__all__ = ["Target", "find_target", "misplaced_input", "parse_inputs"]


class Target:
    """A workflow, or a graph.

    Attributes:
        name: For threads and titles.
        workflow: The workflow, where it comes from a file.
        place: What names it on a command line: a file, or ``module:graph``.
    """

    def __init__(
        self,
        name: str,
        *,
        workflow: Workflow | None = None,
        graph: StateGraph[Any] | CompiledGraph | None = None,
        place: str = "",
    ) -> None:
        self.name = name
        self.workflow = workflow
        self.place = place
        self._graph = graph

    @property
    def of_file(self) -> bool:
        """True for a workflow of a file, false for a graph of a Python program."""
        return self.workflow is not None and bool(self.workflow.definition.scope.nodes)

    @property
    def source(self) -> Workflow | StateGraph[Any] | CompiledGraph:
        """The workflow or graph itself."""
        found = self.workflow if self.workflow is not None else self._graph
        if found is None:
            raise ConfigurationError(f"{self.name} has nothing in it")
        return found

    def compile(self, checkpointer: Any) -> CompiledGraph:
        """Ready to run, recorded by that store."""
        from victor.graph.compiled import CompiledGraph

        if self.workflow is not None:
            return self.workflow.compile(checkpointer)
        graph = self._graph
        if isinstance(graph, CompiledGraph):
            return (
                graph if graph.checkpointer is not None or checkpointer is None else graph.builder.compile(checkpointer)
            )
        if graph is None:
            raise ConfigurationError(f"{self.name} has nothing to run")
        return graph.compile(checkpointer)

    def read_inputs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs checked and converted, those of a graph by the annotations of its state."""
        if self.workflow is not None:
            from victor.graph.yaml.inputs import missing_inputs

            try:
                return self.workflow.read_inputs(given)
            except ConfigurationError as error:
                missing = missing_inputs(self.workflow.definition, given)
                if not missing:
                    raise
                wanted = " ".join(f"-i {name}=..." for name in missing)
                raise ConfigurationError(f"{error}; give it with {wanted}") from error
        from victor.graph.schema import has_fields
        from victor.graph.yaml.inputs import read_texts
        from victor.graph.yaml.state import declared_inputs

        graph = getattr(self._graph, "builder", self._graph)
        kind = getattr(graph, "input_schema", None)
        return read_texts(declared_inputs(kind)[0], given, self.name) if has_fields(kind) else dict(given)

    def read_outputs(self, state: Any) -> Any:
        """What a finished run gives back."""
        return self.workflow.read_outputs(state) if self.workflow is not None and isinstance(state, Mapping) else state

    def config(self) -> RunnableConfig:
        """Bounds of a run, and what is recorded with it."""
        config: RunnableConfig = self.workflow.config() if self.workflow is not None else {}
        config["metadata"] = self.metadata()
        return config

    def metadata(self) -> dict[str, str]:
        """What is recorded with a run: the name of the workflow, and the file it stands in."""
        own = {} if self.workflow is None else self.workflow.metadata()
        return {"workflow": self.name, "file": self.place, **own}

    def keys(self) -> list[str]:
        """The names of the values a run has."""
        if self.workflow is not None:
            return self.workflow.definition.names
        return [name for name in self.compile(None).program.channels if not name.startswith("__")]

    @property
    def several(self) -> bool:
        """True where its file holds other workflows too, so that the file alone does not name it."""
        return self.workflow is not None and len(self.workflow.definition.source.value["workflows"]) > 1

    @property
    def timeout(self) -> float | None:
        """Seconds a run may take."""
        return self.workflow.definition.execution.timeout if self.workflow is not None else None

    def topology(self) -> Topology:
        """Its picture."""
        if self.workflow is not None:
            return self.workflow.topology()
        if self._graph is None:
            raise ConfigurationError(f"{self.name} has nothing to draw")
        return self._graph.topology()


def find_target(place: str, name: str | None = None) -> Target:
    """What a command line names.

    Args:
        place: ``file.yaml``, ``file.yaml#workflow``, ``package.module:graph`` or ``file.py:graph``.
        name: The workflow of a file, where it is not in ``place``.

    Raises:
        WorkflowFileError: The file is wrong.
        ConfigurationError: It is none of these.
    """
    look_here()
    file = place.partition("#")[0]
    if file.endswith((".yaml", ".yml")) or (Path(file).is_file() and not file.endswith(".py")):
        from victor.graph.yaml.workflow import load_workflow

        workflow = load_workflow(place, name)
        return Target(workflow.name, workflow=workflow, place=file)
    module, colon, attribute = place.partition(":")
    if not colon and module.endswith(".py") and Path(module).is_file():
        raise ConfigurationError(f"which graph of {place}? write {place}:graph, where 'graph' is its name in that file")
    if not colon:
        raise ConfigurationError(f"{place!r} is neither a YAML file that exists nor 'package.module:graph'")
    found = _python_graph(module, attribute)
    if module.endswith(".py"):
        module = str(Path(module).resolve())
    place = f"{module}:{attribute}"
    if hasattr(found, "read_inputs"):
        return Target(found.name, workflow=found, place=place)
    return Target(attribute, graph=found, place=place)


def misplaced_input(place: str, name: str) -> str:
    """What to say of a name that no workflow of the file has and that was rather meant as an input; empty otherwise."""
    from victor.graph.yaml.source import read_file

    file = place.partition("#")[0]
    value = read_file(file).value
    table = value.get("workflows") if isinstance(value, dict) else None
    if not isinstance(table, dict) or name in table or near_matches(name, table):
        return ""
    if len(table) != 1 and "=" not in name and not any(map(str.isspace, name)):
        return ""
    return f"{file} has no workflow {name!r}. An input is given as -i name=value: -i {_as_input(table, name)}"


def _as_input(table: Mapping[str, Any], text: str) -> str:
    """A text as it would be given: as it is where it has a name, else for the first input of the only workflow."""
    if "=" in text:
        return shlex.quote(text)
    (first, *others) = table.values()
    inputs = first.get("inputs") if isinstance(first, dict) and not others else None
    return f"{next(iter(inputs), 'name') if isinstance(inputs, dict) else 'name'}={shlex.quote(text)}"


def _python_graph(module: str, attribute: str) -> Any:
    from victor.core.import_strings import load_object
    from victor.graph.compiled import CompiledGraph
    from victor.graph.graph import StateGraph
    from victor.graph.yaml.workflow import Workflow

    found = load_object(f"{module}:{attribute}")
    if callable(found) and not isinstance(found, (StateGraph, CompiledGraph, Workflow)):
        try:
            found = found()
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise ConfigurationError(f"{module}:{attribute} was called to make a graph and failed: {said}") from error
    if not isinstance(found, (StateGraph, CompiledGraph, Workflow)):
        raise ConfigurationError(f"{module}:{attribute} is of type {type(found).__name__}, not a graph")
    return found


def parse_inputs(pairs: list[str], file: Path | None) -> dict[str, Any]:
    """Inputs from ``name=value`` pairs and a file of JSON or YAML; pairs win.

    A value ``@path`` is read from that file, and a name that stands several times makes a list.

    Raises:
        ConfigurationError: A pair has no ``=``, or the file is no mapping.
    """
    found: dict[str, Any] = {}
    if file is not None:
        from victor.graph.yaml.source import read_file

        value = read_file(file).value
        if not isinstance(value, dict):
            raise ConfigurationError(f"{file}: inputs are a mapping of name to value")
        found.update(value)
    given: dict[str, list[Any]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"an input is given as name=value, not {pair!r}")
        given.setdefault(name.strip(), []).append(_value(value))
    found.update({name: values[0] if len(values) == 1 else values for name, values in given.items()})
    return found


def _value(text: str) -> Any:
    if text.startswith("@"):
        try:
            return Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"the input file {text[1:]!r} cannot be read: {error}") from error
    if text[:1] in {"{", "["}:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text

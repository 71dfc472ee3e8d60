"""A workflow file as a Python module: a graph one would have written by hand.

What a line of Python says is written in Python: values and templates as expressions and f-strings, calls of functions,
conditions, loops, other workflows. What means more (agents, questions, tools, maps, races, templates with blocks,
filters) is declared by `Steps` with the keys it has in the file: the alternative, pages of generated code that repeat
what the library does, is nothing a person would keep, and would not be mended when the library is. Nodes, edges and
names are those of the graph the file builds, so that pictures, histories and numbers of steps are the same.

Two things differ: an error in an expression is Python's own (``KeyError``), except where its text is part of the state or
decides on a retry; and functions of the program run where the graph runs its sync nodes.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

from attrs import define, field

from victor.graph.cache import default_cache_key
from victor.graph.retry import RetryPolicy, TimeoutPolicy, default_retry_on
from victor.graph.schema import read_schema
from victor.graph.yaml.checking import given_inputs
from victor.graph.yaml.context import load_function, parameters
from victor.graph.yaml.definition import END_NAMES, NodeDefinition, Scope, WorkflowDefinition
from victor.graph.yaml.edges import exit_of, groups, works_on_state
from victor.graph.yaml.export.expressions import Speaker
from victor.graph.yaml.export.layout import Code, Group, call, literal, quoted, render
from victor.graph.yaml.export.module import Module, identifier
from victor.graph.yaml.export.problems import ExportError
from victor.graph.yaml.nodes.agent import AgentNode
from victor.graph.yaml.nodes.compute import ComputeNode
from victor.graph.yaml.nodes.hitl import HumanNode
from victor.graph.yaml.nodes.transform import TransformNode
from victor.graph.yaml.policies import CacheKey, cache_policy, may_pass, names_used, retry_policies, timeout_of
from victor.graph.yaml.shape import read_shape
from victor.graph.yaml.spec import ABSENT, Condition, Input, Loop, Map, Parallel, Retry, Route, Subworkflow
from victor.graph.yaml.state import TYPES
from victor.graph.yaml.workflow import Workflow

__all__ = ["export_python"]


def export_python(workflow: Workflow, *, folder: str | Path | None = None) -> str:
    """A workflow file as the text of a Python module with ``graph``, a `StateGraph`, and ``workflow``, a `Workflow`.

    Args:
        workflow: As it was loaded; the workflows it runs go with it.
        folder: Where the module's file is to stand; beside the workflow's file by default.

    Raises:
        ExportError: Something has no form in Python; lists all that has not.

    Example:
        >>> from victor.graph.yaml import parse_workflow
        >>> text = "workflows: {w: {inputs: {n: integer}, nodes: [{id: twice, type: transform, set: {m: '{{ n * 2 }}'}}]}}"
        >>> module = export_python(parse_workflow(text))
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
    title = f"{(definition.top.description or f'The workflow {workflow.name}.').strip()}\n\n{origin} victor workflow export.\n"
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
        writers = [_WorkflowWriter(self, definition) for definition in order]
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


@define(eq=False)
class _Place:
    """A list of nodes that becomes a graph: that of a workflow, or of the body of a map.

    Args:
        state: Name of the class of its state.
        private: Name of the class with the keys that maps and loops keep for themselves.
        graph: Name of the graph.
        names: The names nodes see, with the types of their values.
        keys: Names of the state for what maps and loops keep.
    """

    state: str
    private: str
    graph: str
    names: dict[str, Any]
    keys: dict[str, str] = field(factory=dict)
    lines: list[str] = field(factory=list)
    steps: dict[Path | None, str] = field(factory=dict)


class _WorkflowWriter:
    def __init__(self, exporter: _Exporter, definition: WorkflowDefinition) -> None:
        self.exporter = exporter
        self.module = exporter.module
        self.definition = definition
        main = definition is exporter.main
        self.prefix = "" if main else identifier(definition.name)
        self.functions = {id(node): self.module.name(node.id) for node in definition.scope.every()}
        self.graph = "graph" if main else self.module.name(f"{self.prefix}_graph")

    def write(self) -> None:
        definition = self.definition
        inputs, state = self.classes()
        private = self.class_name("Private")
        place = _Place(state, private, self.graph, self.kinds(definition.scope, definition.names))
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

    def class_name(self, name: str) -> str:
        """The name of a class of this workflow."""
        if not self.prefix:
            return name
        return self.module.name("".join(part[:1].upper() + part[1:] for part in self.prefix.split("_")) + name)

    def with_steps(self, place: _Place) -> list[str]:
        """The blocks of a place, with what makes its steps before the first that uses it."""
        blocks, self.module.blocks = self.module.blocks, []
        if not place.steps:
            return blocks
        made = []
        for folder, name in place.steps.items():
            model = self.definition.top.model
            kind = place.private or place.state
            where = None if folder is None else self.module.folder_of(folder)
            made.append(
                f"{name} = "
                + render(call(self.module.yaml("Steps"), kind, folder=where, model=model and quoted(model)))
            )
        index = next((i for i, block in enumerate(blocks) if not block.startswith("class ")), len(blocks))
        return [*blocks[:index], "\n".join(made), *blocks[index:]]

    def steps(self, node: NodeDefinition, place: _Place) -> str:
        """The name of what makes steps, for a node."""
        folder = node.context.folder if node.context is not None else None
        if folder not in place.steps:
            main = place.graph == "graph" and not place.steps
            place.steps[folder] = "steps" if main else self.module.name(f"{place.graph.removesuffix('_graph')}_steps")
        return place.steps[folder]

    # ------------------------------------------------------------ classes

    def classes(self) -> tuple[str, str]:
        """Write the classes of inputs and state; returns their names, that of the inputs empty where there is none."""
        definition, module = self.definition, self.module
        shape, top = definition.state, definition.top
        inputs = ""
        if isinstance(top.inputs, str):
            inputs = module.load(top.inputs, definition.context, "inputs")
        elif shape is None or definition.inputs.keys() - definition.optional:
            inputs = self.class_name("Inputs")
            fields = [f"    {name}: {self.annotation(one)}" for name, one in definition.inputs.items()]
            module.typing("TypedDict")
            body = "\n".join(fields) or '    """Nothing goes in."""'
            module.blocks.append(f"class {inputs}(TypedDict):\n{body}")
        bases = [inputs] if inputs else []
        known = set(definition.inputs) if inputs and not isinstance(top.inputs, str) else set()
        if isinstance(top.state, str) and shape is not None:
            loaded = module.load(top.state, definition.context, "state")
            known |= set(shape.channels)
            if set(definition.names) <= set(read_schema(shape.kind).channels):
                return inputs, loaded
            if not hasattr(shape.kind, "__required_keys__"):
                names = ", ".join(sorted(set(definition.names) - set(read_schema(shape.kind).channels)))
                module.problems.append(
                    f"workflow {definition.name!r}: the state is a class that cannot have more keys ({names}); make it a TypedDict"
                )
            bases = [loaded, *bases] if inputs else [loaded]
            known |= set(read_schema(shape.kind).channels)
        elif shape is not None and isinstance(top.inputs, str):
            known |= set(read_schema(shape.inputs).channels) if shape.inputs is not None else set()
        state = self.class_name("State")
        kinds = self.kinds(definition.scope, definition.names)
        rest = {name: self.state_type(name, kinds.get(name)) for name in definition.names if name not in known}
        odd = {name: kind for name, kind in rest.items() if identifier(name) != name or name in _KEYWORDS}
        module.typing("TypedDict")
        if odd:
            others = self.class_name("Others") if self.prefix else module.name("Others")
            pairs = Group("{", tuple((f"{quoted(name)}: ", kind) for name, kind in odd.items()), "}")
            made = call("TypedDict", quoted(others), pairs, total="False")
            module.blocks.append(f"{others} = {render(made, 0, len(others) + 3)}")
            bases.append(others)
        plain = [f"    {name}: {kind}" for name, kind in rest.items() if name not in odd]
        body = "\n".join(plain) or "    pass"
        module.blocks.append(f"class {state}({', '.join(bases) or 'TypedDict'}, total=False):\n{body}")
        return inputs, state

    def annotation(self, one: Input) -> str:
        """The annotation of an input."""
        module = self.module
        module.typing("Annotated")
        kind = _type_text(TYPES[one.type], module)
        plain = one.type in ("string", "integer", "number", "boolean", "list", "object", "any")
        made = call(
            module.yaml("Input"),
            type=None if plain else quoted(one.type),
            default=None if one.default is ABSENT else literal(one.default),
            description=literal(one.description) if one.description else None,
            enum=None if one.enum is None else literal(one.enum),
            required=None if one.required is None else str(one.required),
        )
        return f"Annotated[{kind}, {render(made, 4, 20)}]"

    def state_type(self, name: str, kind: Any) -> str:
        """The annotation of a key of the state."""
        top = self.definition.top
        if isinstance(top.state, Mapping) and name in top.state:
            raw = top.state[name]
            spec = {"type": raw} if isinstance(raw, str) else raw
            text = _type_text(TYPES[spec.get("type", "any")], self.module)
            if spec.get("reducer"):
                self.module.typing("Annotated")
                reducer = self.module.load(spec["reducer"], self.definition.context, f"state key {name!r}")
                return f"Annotated[{text}, {reducer}]"
            return text
        return _type_text(kind, self.module)

    def private_keys(self, scope: Scope, place: _Place, taken: set[str]) -> list[str]:
        """Fields for what the maps and loops of a list keep for themselves."""
        found = []
        for node in _with_loop_bodies(scope):
            if not isinstance(node.spec, (Map, Loop)):
                continue
            wanted = identifier(f"{node.id}_{'results' if isinstance(node.spec, Map) else 'going'}")
            while wanted in taken:
                wanted += "_"
            taken.add(wanted)
            place.keys[node.id] = wanted
            if isinstance(node.spec, Map):
                self.module.typing("Annotated")
                found.append(f"{wanted}: Annotated[list[Any], {self.module.imports('operator', 'add')}]")
                self.module.typing("Any")
            else:
                found.append(f"{wanted}: bool")
        return found

    def kinds(self, scope: Scope, names: Sequence[str]) -> dict[str, Any]:
        """The names nodes see, with the types of their values where those are certain."""
        found: dict[str, Any] = dict.fromkeys(names)
        state = self.definition.state
        for name, one in self.definition.inputs.items():
            if (
                name in found
                and name not in self.definition.optional
                and one.required is not False
                and one.default is not None
            ):
                found[name] = None if one.type == "any" else TYPES[one.type]
        writers: dict[str, int] = {}
        for node in scope.every():
            for name in node.writes:
                writers[name] = writers.get(name, 0) + 1
        speaker = Speaker(found)
        for node in _with_loop_bodies(scope):
            for name, kind in _written(node, speaker).items():
                if writers.get(name) == 1 and name in found and (state is None or name not in state.channels):
                    found[name] = kind
        return found

    # ------------------------------------------------------------ nodes

    def scope(self, scope: Scope, place: _Place, after: str) -> None:
        """Write a list of nodes; what ends the list goes on to ``after``, an expression."""
        children: dict[str, NodeDefinition] = {}
        for node in scope.nodes.values():
            if isinstance(node.spec, Parallel):
                children.update(dict.fromkeys(node.spec.parallel_nodes, node))
        for node in scope.nodes.values():
            targets = [quoted(one) for one in node.follows] or [after]
            parallel = children.get(node.id)
            racing = parallel is not None and parallel.spec.join_strategy != "all"
            if isinstance(node.spec, Condition):
                self.condition(node, place, after)
            elif isinstance(node.spec, Parallel):
                self.parallel(node, place, targets)
            elif isinstance(node.spec, Map):
                self.map(node, place, [] if parallel is not None else targets)
            elif isinstance(node.spec, Loop):
                self.loop(node, place, targets)
            elif not racing:
                self.work(node, place)
                if parallel is None:
                    self.edges(quoted(node.id), targets, place)
                for route in node.common.routes:
                    self.route(quoted(node.id), route, node.context, place)
            for group in groups(node.common.after):
                ends = literal([exit_of(scope.nodes[one]) for one in group])
                place.lines.append(f"{place.graph}.add_edge({render(ends)}, {quoted(node.id)})")
        for node in scope.nodes.values():  # a race needs its runners
            if isinstance(node.spec, Parallel) and node.spec.join_strategy != "all":
                self.race(node, place, [quoted(one) for one in node.follows] or [after])

    def edges(self, source: str, targets: list[str], place: _Place) -> None:
        for target in targets:
            if target == "END":
                self.module.graph("END")
            place.lines.append(f"{place.graph}.add_edge({source}, {target})")

    def add(self, name: str, function: str, place: _Place, **options: Code | None) -> None:
        made = call(f"{place.graph}.add_node", quoted(name), function, **options)
        place.lines.append(render(made))

    def work(self, node: NodeDefinition, place: _Place) -> None:
        """Write a node that does work, and add it."""
        function = self.function(node, place)
        common, context = node.common, node.context
        handler = schema = None
        if common.error_handler is not None and context is not None:
            handler = self.module.load(common.error_handler, context, f"node {node.id!r}")
        if works_on_state(node) and node.spec.takes != "state" and context is not None:
            schema = self.module.load(node.spec.takes, context, f"node {node.id!r}")
        metadata = {**common.metadata, **({"title": common.name} if common.name else {})}
        self.add(
            node.id,
            function,
            place,
            defer="True" if common.defer else None,
            input_schema=schema,
            retry_policy=self.retry(node),
            timeout=self.timeout(node),
            cache_policy=self.cache(node, place),
            error_handler=handler,
            destinations=None if common.destinations is None else literal(common.destinations),
            metadata=literal(metadata) if metadata else None,
        )

    def function(self, node: NodeDefinition, place: _Place, *, raw: bool = False) -> str:
        """Write what a node does; returns the expression of it.

        Args:
            node: The node.
            place: Where it stands.
            raw: Whether it gives its result as it is, rather than under the name it is kept under.
        """
        name = self.functions[id(node)]
        if works_on_state(node) and node.context is not None:
            if isinstance(node.spec, Subworkflow):
                return self.subgraph(node)
            return self.module.load(node.spec.handler, node.context, f"node {node.id!r}")
        body = self.plain(node, place)
        if body is None:
            step = f"{name} = {render(self.step(node, place), 0, len(name) + 3)}"
            self.module.blocks.append(_remark(node) + step)
            return f"{name}.answer" if raw else name
        is_async, code, spread = body
        value = code if spread or raw else Group("{", ((f"{quoted(node.output)}: ", code),), "}")
        self.module.typing("Any")
        result = "Any" if raw else "dict[str, Any]"
        text = f"{'async ' if is_async else ''}def {name}(state: {place.state}) -> {result}:\n"
        self.module.blocks.append(f"{text}{_docs(node)}    return {render(value, 4, 11)}")
        return name

    def plain(self, node: NodeDefinition, place: _Place) -> tuple[bool, Code, bool] | None:
        """A node as a line of Python: whether it is async, the expression, and whether that is the update as it is."""
        speaker = Speaker(place.names, exact=_exact(node, self.definition))
        spec = node.spec
        if isinstance(spec, Subworkflow):
            given = given_inputs(node.common) or {}
            values = {key: self.value(raw, speaker, node, place) for key, raw in given.items()}
            target = self.exporter.names[id(node.target)]
            return True, _awaited(call(f"{target}.step", **values)), False
        if isinstance(spec, TransformNode):
            found = self.plain_transform(node, spec, speaker, place)
            return found
        if isinstance(spec, ComputeNode) and spec.handler is not None:
            return self.plain_handler(node, spec.handler, speaker, place)
        return None

    def plain_transform(
        self, node: NodeDefinition, spec: TransformNode, speaker: Speaker, place: _Place
    ) -> tuple[bool, Code, bool] | None:
        if spec.template is not None:
            said = speaker.template(spec.template)
            return None if said is None else (False, said, False)
        if spec.set is not None or spec.assigned is not None:
            values = spec.set if spec.set is not None else dict([spec.assigned]) if spec.assigned else {}
            said = speaker.value(values)
            doubled = node.common.output is not None and node.output not in values
            return None if said is None or doubled else (False, said, True)
        if spec.transform is not None and node.context is not None and not speaker.exact:
            function = load_function(spec.transform, node.context)
            name = self.module.load(spec.transform, node.context, f"node {node.id!r}")
            return self.applied(function, name, place)
        return None

    def applied(self, function: Any, name: str, place: _Place) -> tuple[bool, Code, bool]:
        """A function called with what it names of the state."""
        wanted = parameters(function)
        sure = [one for one in wanted if one in self.definition.inputs and one not in self.definition.optional]
        is_async = inspect.iscoroutinefunction(function)
        if wanted and len(sure) == len(wanted) and place.graph == self.graph:
            made = call(name, **{one: f"state[{quoted(one)}]" for one in sure})
            return is_async, _awaited(made) if is_async else made, False
        if len(wanted) == 1 and not set(wanted) & set(place.names):
            made = call(name, "dict(state)")
            keyword = next(iter(wanted.values())).kind in (inspect.Parameter.KEYWORD_ONLY,)
            if not keyword:
                return is_async, _awaited(made) if is_async else made, False
        return True, _awaited(call(self.module.yaml("apply"), name, "state")), False

    def plain_handler(
        self, node: NodeDefinition, handler: str, speaker: Speaker, place: _Place
    ) -> tuple[bool, Code, bool] | None:
        if node.context is None:
            return None
        function = load_function(handler, node.context)
        wanted = parameters(function)
        given = given_inputs(node.common)
        odd = any(p.kind not in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) for p in wanted.values()) and given is None
        if odd or ("context" in wanted and "context" not in (given or {})) or not inspect.isroutine(function):
            return None
        if any(identifier(key) != key or key in _KEYWORDS for key in given or ()):
            return None
        arguments: list[tuple[str, Code]] = []
        if given is not None:
            arguments = [(f"{key}=", self.value(raw, speaker, node, place)) for key, raw in given.items()]
        else:
            arguments = self.by_name(wanted, place)
        name = self.module.load(handler, node.context, f"node {node.id!r}")
        made = Group(f"{name}(", tuple(arguments), ")")
        is_async = inspect.iscoroutinefunction(function)
        return is_async, _awaited(made) if is_async else made, False

    def by_name(self, wanted: Mapping[str, inspect.Parameter], place: _Place) -> list[tuple[str, Code]]:
        """Arguments for what a function names of the state."""
        found: list[tuple[str, Code]] = []
        perhaps = []
        for one in wanted.values():
            if one.name not in place.names:
                continue
            sure = one.name in self.definition.inputs and one.name not in self.definition.optional
            if one.default is one.empty or (sure and place.graph == self.graph):
                found.append((f"{one.name}=", f"state[{quoted(one.name)}]"))
            else:
                perhaps.append(quoted(one.name))
        if perhaps:
            found.append(("", f"**{self.module.yaml('given')}(state, {', '.join(perhaps)})"))
        return found

    def value(self, raw: Any, speaker: Speaker, node: NodeDefinition, place: _Place) -> Code:
        """A value, by `Steps` where Python has no words for it."""
        said = speaker.value(raw)
        if said is None:
            said = call(f"{self.steps(node, place)}.value", literal(raw), "state")
        return said

    def step(self, node: NodeDefinition, place: _Place) -> Code:
        """A node declared by `Steps`."""
        steps, spec, kind = self.steps(node, place), node.spec, node.common.type
        keys = dict(node.own)
        inputs = given_inputs(node.common)
        if inputs is not None:
            keys["inputs"] = inputs
        if node.common.output is not None:
            keys["output"] = node.common.output
        if isinstance(spec, ComputeNode) and spec.handler is not None and node.context is not None:
            self.handler_by_name(keys, "handler", node)
        if isinstance(spec, TransformNode) and spec.transform is not None and spec.assigned is None:
            self.handler_by_name(keys, "transform", node)
        first: list[Code] = [quoted(node.id)]
        method = {"agent": "agent", "transform": "transform"}.get(kind, "node")
        if isinstance(spec, HumanNode) and kind == "hitl":
            method = "ask"
        elif isinstance(spec, ComputeNode) and spec.tools and kind == "compute":
            method = "tools"
            first += [quoted(one) for one in keys.pop("tools")]
        if method == "node":
            first.insert(0, quoted(kind))
        plain = {key: literal(value) for key, value in keys.items() if identifier(key) == key and key not in _KEYWORDS}
        made = call(f"{steps}.{method}", *first, **plain)
        odd = {key: value for key, value in keys.items() if key not in plain}
        return made if not odd else Group(made.open, (*made.items, ("**", literal(odd))), made.close)

    def handler_by_name(self, keys: dict[str, Any], key: str, node: NodeDefinition) -> None:
        """Give a function that the program registered the name it can be imported by."""
        context = node.context
        if context is None or keys[key] not in context.functions:
            return
        from victor.graph.yaml.export.imports import NotImportableError, import_string

        try:
            keys[key] = import_string(context.functions[keys[key]], context.folder or self.module.folder)
        except NotImportableError as error:
            self.module.problems.append(
                f"node {node.id!r}: the function {keys[key]!r} that the program registers: {error}"
            )

    def subgraph(self, node: NodeDefinition) -> str:
        target = self.exporter.names[id(node.target)]
        return f"{target}.compile()"

    # ------------------------------------------------------------ policies

    def retry(self, node: NodeDefinition, *, execution: bool = True) -> Code | None:
        policies = retry_policies(node, self.definition.execution if execution else None)
        given = node.common.retry
        specs = given if isinstance(given, list) else [given]
        made = [self.policy(one, specs[i] if i < len(specs) else None, node) for i, one in enumerate(policies)]
        return None if not made else made[0] if len(made) == 1 else Group("[", tuple(("", one) for one in made), "]")

    def policy(self, policy: RetryPolicy, spec: Any, node: NodeDefinition) -> Code:
        usual = RetryPolicy()
        options: dict[str, Code | None] = {
            name: repr(getattr(policy, name))
            for name in ("max_attempts", "initial_interval", "backoff_factor", "max_interval", "jitter")
            if getattr(policy, name) != getattr(usual, name)
        }
        if policy.retry_on is may_pass:
            options["retry_on"] = self.module.yaml("may_pass")
        elif policy.retry_on is not default_retry_on and isinstance(spec, Retry) and node.context is not None:
            names = [spec.retry_on] if isinstance(spec.retry_on, str) else spec.retry_on or []
            loaded = [self.exception(name, node) for name in names]
            options["retry_on"] = loaded[0] if len(loaded) == 1 else f"({', '.join(loaded)})"
        return call(self.module.graph("RetryPolicy"), **options)

    def exception(self, name: str, node: NodeDefinition) -> str:
        module, _, attribute = name.partition(":")
        if module == "builtins" or node.context is None:
            return attribute
        return self.module.load(name, node.context, f"node {node.id!r}")

    def timeout(self, node: NodeDefinition, *, execution: bool = True) -> Code | None:
        found = timeout_of(node, self.definition.execution if execution else None)
        if not isinstance(found, TimeoutPolicy):
            return None if found is None else repr(found)
        return call(
            self.module.graph("TimeoutPolicy"),
            run_timeout=None if found.run_timeout is None else repr(found.run_timeout),
            idle_timeout=None if found.idle_timeout is None else repr(found.idle_timeout),
            refresh_on=None if found.refresh_on == "auto" else quoted(found.refresh_on),
        )

    def cache(self, node: NodeDefinition, place: _Place) -> Code | None:
        policy = cache_policy(node)
        if policy is None:
            return None
        key: Code | None = None
        if isinstance(policy.key_func, CacheKey):
            inputs = given_inputs(node.common)
            names = [quoted(name) for name in policy.key_func.names]
            made = call(f"{self.steps(node, place)}.key", *names, inputs=None if inputs is None else literal(inputs))
            name = self.module.name(f"{self.functions[id(node)]}_key")
            self.module.blocks.append(f"{name} = {render(made, 0, len(name) + 3)}")
            key = name
        elif policy.key_func is not default_cache_key and node.context is not None:
            key = self.module.load(node.common.cache.key, node.context, f"node {node.id!r}")  # type: ignore[union-attr]
        ttl = None if policy.ttl is None else repr(policy.ttl)
        return call(self.module.graph("CachePolicy"), key_func=key, ttl=ttl)

    def guarded(self, function: str, node: NodeDefinition) -> Code:
        """A function with the retries and the timeout of its node."""
        retry, timeout = self.retry(node), timeout_of(node, self.definition.execution)
        limit = timeout.run_s if isinstance(timeout, TimeoutPolicy) else timeout
        if retry is None and limit is None:
            return function
        listed = (
            retry
            if retry is None or (isinstance(retry, Group) and retry.open == "[")
            else Group("[", (("", retry),), "]")
        )
        return call(
            self.module.yaml("guarded"),
            function,
            quoted(node.id),
            policies=listed,
            timeout=None if limit is None else repr(limit),
        )

    # ------------------------------------------------------------ flow

    def condition(self, node: NodeDefinition, place: _Place, after: str) -> None:
        spec: Condition = node.spec
        ends = {answer: after if target in END_NAMES else quoted(target) for answer, target in spec.branches.items()}
        name = self.module.name(f"{self.functions[id(node)]}_way")
        is_async, code = self.answer(node, spec, place, ends)
        listed = list(dict.fromkeys(ends.values()))
        if "END" in listed:
            self.module.graph("END")
        head = f"{'async ' if is_async else ''}def {name}(state: {place.private or place.state}) -> str:\n"
        self.module.blocks.append(f"{head}{_docs(node)}    return {render(code, 4, 11)}")
        self.add(node.id, self.module.yaml("pass_on"), place)
        place.lines.append(f"{place.graph}.add_conditional_edges({quoted(node.id)}, {name}, [{', '.join(listed)}])")

    def answer(
        self, node: NodeDefinition, spec: Condition, place: _Place, ends: Mapping[str, str]
    ) -> tuple[bool, Code]:
        """The expression that says where a condition leads to."""
        speaker = Speaker(place.names, exact=_exact(node, self.definition))
        branches = Group("{", tuple((f"{quoted(answer)}: ", end) for answer, end in ends.items()), "}")
        choose = self.module.yaml
        if "condition" not in node.compiled and node.context is not None:
            name = self.module.load(str(spec.condition), node.context, f"node {node.id!r}")
            is_async, answer, _ = self.applied(load_function(str(spec.condition), node.context), name, place)
            return is_async, call(choose("choose"), quoted(node.id), answer, branches)
        said = speaker.condition(spec.condition)
        if said is not None and said.kind is bool and {"true", "false"} <= set(ends):
            if ends["true"] == ends["false"]:
                return False, ends["true"]
            return False, f"{ends['true']} if {said.at(2)} else {ends['false']}"
        answer = (
            call(f"{self.steps(node, place)}.test", literal(spec.condition), "state") if said is None else said.source
        )
        return False, call(choose("choose"), quoted(node.id), answer, branches)

    def route(self, source: str, route: Route, context: Any, place: _Place) -> None:
        function = self.module.load(route.function, context, f"the route from {source}")
        made: list[tuple[str, Code]] = []
        if isinstance(route.to, list):
            ends = [self.end(one) for one in route.to]
            place.lines.append(f"{place.graph}.add_conditional_edges({source}, {function}, [{', '.join(ends)}])")
            return
        for answer, target in (route.to or {}).items():
            made += [(f"{key}: ", self.end(target)) for key in _answers(answer)]
        mapping = [Group("{", tuple(made), "}")] if route.to is not None else []
        place.lines.append(render(call(f"{place.graph}.add_conditional_edges", source, function, *mapping)))

    def end(self, target: str) -> str:
        return self.module.graph("END") if target in END_NAMES else quoted(target)

    def parallel(self, node: NodeDefinition, place: _Place, targets: list[str]) -> None:
        if node.spec.join_strategy != "all":
            return
        join = f"{node.id}:join"
        nothing = self.module.yaml("pass_on")
        self.add(node.id, nothing, place)
        self.add(join, nothing, place)
        children = [node.scope.nodes[one] for one in node.spec.parallel_nodes]
        for child in children:
            place.lines.append(f"{place.graph}.add_edge({quoted(node.id)}, {quoted(child.id)})")
        ends = literal([exit_of(child) for child in children])
        place.lines.append(f"{place.graph}.add_edge({render(ends)}, {quoted(join)})")
        self.edges(quoted(join), targets, place)

    def race(self, node: NodeDefinition, place: _Place, targets: list[str]) -> None:
        children = [node.scope.nodes[one] for one in node.spec.parallel_nodes]
        runners = [(f"{quoted(c.id)}: ", self.guarded(self.function(c, place), c)) for c in children]
        name = self.functions[id(node)]
        made = call(
            f"{self.steps(node, place)}.race",
            quoted(node.id),
            Group("{", tuple(runners), "}"),
            strategy=quoted(node.spec.join_strategy),
        )
        self.module.blocks.append(_remark(node) + f"{name} = {render(made, 0, len(name) + 3)}")
        self.add(
            node.id,
            name,
            place,
            retry_policy=self.retry(node),
            timeout=self.timeout(node),
            cache_policy=self.cache(node, place),
        )
        self.edges(quoted(node.id), targets, place)

    def map(self, node: NodeDefinition, place: _Place, targets: list[str]) -> None:
        spec, name = node.spec, self.functions[id(node)]
        do = self.body(node, place)
        retry = self.retry(node, execution=False)
        made = call(
            f"{self.steps(node, place)}.map",
            quoted(node.id),
            literal(spec.over),
            do,
            item=None if spec.as_ == "item" else quoted(spec.as_),
            uses=literal(names_used(node)) if names_used(node) else None,
            output=None if node.output == node.id else quoted(node.output),
            results=quoted(place.keys[node.id]),
            limit=None if spec.max_concurrency == 8 else repr(spec.max_concurrency),
            on_error=None if spec.on_error == "fail" else quoted(spec.on_error),
            errors=None if spec.errors is None else quoted(spec.errors),
            retry=retry,
            timeout=self.timeout(node, execution=False),
        )
        self.module.blocks.append(_remark(node) + f"{name} = {render(made, 0, len(name) + 3)}")
        title = {"title": node.common.name} if node.common.name else {}
        metadata = {**node.common.metadata, **title}
        schema = [place.private] if place.private else []
        cache = self.cache(node, place)
        added = call(
            f"{name}.add_to", place.graph, *schema, cache_policy=cache, metadata=literal(metadata) if metadata else None
        )
        place.lines.append(render(added))
        self.edges(quoted(f"{node.id}:join"), targets, place)

    def body(self, node: NodeDefinition, outer: _Place) -> Code:
        """Write what a map does for one item; returns the expression of it."""
        body = node.body
        assert body is not None
        last = list(body.nodes.values())[-1]
        alone = len(body.nodes) == 1 and not last.common.cache
        alone = alone and not isinstance(last.spec, (Map, Loop, Condition, Parallel))
        base = self.functions[id(node)]
        kind = self.module.name("".join(part[:1].upper() + part[1:] for part in base.split("_")) + "Item")
        names = [*names_used(node), node.spec.as_, "index"]
        inner = [name for one in _with_loop_bodies(body) for name in one.writes]
        every = list(dict.fromkeys([*names, *([] if alone else inner)]))
        place = _Place(kind, "", "" if alone else self.module.name(f"{base}_graph"), {})
        place.names = self.item_kinds(node, body, outer, every)
        keys = [] if alone else self.private_keys(body, place, set(every))
        before, self.module.blocks = self.module.blocks, []
        self.item_class(kind, {name: _type_text(place.names[name], self.module) for name in every}, keys)
        if alone:
            done = self.guarded(self.function(last, place, raw=True), last)
            place.graph = base
            self.module.blocks = before + self.with_steps(place)
            return done
        self.scope(body, place, "END")
        self.module.typing("Any")
        graph = self.module.graph("StateGraph")
        lines = [f"{place.graph} = {graph}({kind}, name={quoted(node.id + ':body')})", *self.lines(place, [body.start])]
        self.module.blocks.append("\n".join(lines))
        compiled, function = self.module.name(f"{base}_body"), self.module.name(f"{base}_item")
        self.module.blocks.append(f"{compiled} = {place.graph}.compile()")
        self.module.blocks.append(
            f"async def {function}(item: {kind}) -> Any:\n"
            f"    state = await {compiled}.ainvoke(item)\n"
            f"    return state.get({quoted(last.output)})"
        )
        self.module.blocks = before + self.with_steps(place)
        return function

    def item_kinds(self, node: NodeDefinition, body: Scope, outer: _Place, every: list[str]) -> dict[str, Any]:
        shared = {name: outer.names.get(name) for name in names_used(node)}
        found = {**self.kinds(body, [name for name in every if name not in shared]), **shared}
        over = Speaker(outer.names).kind(node.spec.over)
        found[node.spec.as_] = get_args(over)[0] if get_origin(over) is list and get_args(over) else None
        found["index"] = int
        return found

    def item_class(self, name: str, fields: Mapping[str, str], keys: list[str]) -> None:
        self.module.typing("TypedDict")
        odd = {key: kind for key, kind in fields.items() if identifier(key) != key or key in _KEYWORDS}
        base = "TypedDict"
        if odd:
            base = self.module.name(f"{name}Others")
            pairs = Group("{", tuple((f"{quoted(key)}: ", kind) for key, kind in odd.items()), "}")
            made = call("TypedDict", quoted(base), pairs, total="False")
            self.module.blocks.append(f"{base} = {render(made, 0, len(base) + 3)}")
        lines = [f"    {key}: {kind}" for key, kind in fields.items() if key not in odd]
        lines += [f"    {one}" for one in keys]
        self.module.blocks.append(f"class {name}({base}, total=False):\n" + "\n".join(lines or ["    pass"]))

    def loop(self, node: NodeDefinition, place: _Place, targets: list[str]) -> None:
        spec, name = node.spec, self.functions[id(node)]
        assert node.body is not None
        going, rounds = quoted(place.keys[node.id]), quoted(f"{node.id}_round")
        again, way = self.module.name(f"{name}_again"), self.module.name(f"{name}_way")
        kind = place.private or place.state
        speaker = Speaker(place.names, exact=_exact(node, self.definition))
        self.module.typing("Any")
        self.module.blocks.append(
            f"def {name}(state: {kind}) -> dict[str, Any]:\n{_docs(node)}    return {{{rounds}: 1, {going}: True}}"
        )
        lines = [f"def {again}(state: {kind}) -> dict[str, Any]:"]
        if spec.until is not None:
            lines += [f"    if {self.test(spec.until, speaker, node, place)}:", f"        return {{{going}: False}}"]
        lines.append(f"    if state[{rounds}] >= {spec.max_iterations}:")
        if spec.on_limit == "fail":
            error = self.module.yaml("WorkflowRunError")
            said = quoted(f"node {node.id!r}: the loop was not done after {spec.max_iterations} rounds")
            lines.append(f"        raise {error}({said})")
        else:
            lines.append(f"        return {{{going}: False}}")
        lines.append(f"    return {{{rounds}: state[{rounds}] + 1, {going}: True}}")
        self.module.blocks.append("\n".join(lines))
        done = targets[0] if len(targets) == 1 else quoted(f"{node.id}:done")
        if done == "END":
            self.module.graph("END")
        test = f"state[{going}]"
        if spec.while_ is not None:
            test += f" and {self.test(spec.while_, speaker, node, place, rank=4)}"
        self.module.blocks.append(
            f"def {way}(state: {kind}) -> str:\n    return {quoted(node.body.start)} if {test} else {done}"
        )
        self.add(node.id, name, place)
        self.add(f"{node.id}:again", again, place)
        self.scope(node.body, place, quoted(f"{node.id}:again"))
        if len(targets) > 1:
            self.add(f"{node.id}:done", self.module.yaml("pass_on"), place)
            self.edges(done, targets, place)
        for source in (node.id, f"{node.id}:again"):
            ends = f"[{quoted(node.body.start)}, {done}]"
            place.lines.append(f"{place.graph}.add_conditional_edges({quoted(source)}, {way}, {ends})")

    def test(self, raw: Any, speaker: Speaker, node: NodeDefinition, place: _Place, *, rank: int = 1) -> str:
        said = speaker.condition(raw)
        if said is not None:
            return said.at(rank)
        return render(call(f"{self.steps(node, place)}.test", literal(raw), "state"))

    # ------------------------------------------------------------ the end

    def lines(self, place: _Place, starts: Sequence[str]) -> list[str]:
        """The lines that fill a graph: nodes, then edges from where it begins."""
        nodes = [line for line in place.lines if ".add_node(" in line or ".add_to(" in line]
        edges = [line for line in place.lines if line not in nodes]
        self.module.graph("START")
        return [*nodes, *(f"{place.graph}.add_edge(START, {quoted(start)})" for start in starts), *edges]

    def finish(self, place: _Place, inputs: str) -> None:
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
        name = self.exporter.names[id(definition)]
        module.blocks.append(f"{name} = {render(workflow, 0, len(name) + 3)}")


_KEYWORDS: Final = frozenset(
    "False None True and as assert async await break class continue def del elif else except finally for from global if "
    "import in is lambda nonlocal not or pass raise return try while with yield".split()
)


def _with_loop_bodies(scope: Scope) -> list[NodeDefinition]:
    """The nodes of a list, and those of the loops in it, which share its names."""
    found = []
    for node in scope.nodes.values():
        found.append(node)
        if node.body is not None and isinstance(node.spec, Loop):
            found += _with_loop_bodies(node.body)
    return found


def _written(node: NodeDefinition, speaker: Speaker) -> dict[str, Any]:
    """The types of what a node writes, where they are certain."""
    spec = node.spec
    if isinstance(spec, Map):
        return {node.output: list, **({spec.errors: list} if spec.errors else {})}
    if isinstance(spec, Loop):
        return {f"{node.id}_round": int}
    if isinstance(spec, TransformNode):
        if spec.template is not None or spec.template_file is not None:
            return {node.output: str}
        if spec.set is not None and node.common.output is None:
            return {name: speaker.kind(raw) for name, raw in spec.set.items()}
    if isinstance(spec, HumanNode) and spec.fallback == "abort":
        return {
            node.output: {"approval": bool, "confirmation": bool, "choice": str, "review": dict}.get(spec.hitl_type)
        }
    if isinstance(spec, Subworkflow) and not works_on_state(node):
        return {node.output: dict}
    if isinstance(spec, AgentNode) and isinstance(spec.output_schema, Mapping):
        return {node.output: dict} if read_shape(spec.output_schema).get("type") == "object" else {}
    if (
        isinstance(spec, ComputeNode)
        and spec.handler is not None
        and not works_on_state(node)
        and node.context is not None
    ):
        return {node.output: _returned(load_function(spec.handler, node.context))}
    return {}


def _returned(function: Any) -> Any:
    """What a function says it returns, where that is a plain type or a list or mapping."""
    try:
        found = get_type_hints(function).get("return")
    except Exception:  # noqa: BLE001 - annotations may name what is not there at run time; then nothing is known
        return None
    return found if (get_origin(found) or found) in (str, int, float, bool, list, dict) else None


def _exact(node: NodeDefinition, definition: WorkflowDefinition) -> bool:
    """Whether the error of a node matters: it decides on a retry, or its text is kept."""
    if retry_policies(node, definition.execution):
        return True
    scope: Scope | None = node.scope
    while scope is not None:
        for one in scope.nodes.values():
            if (
                isinstance(one.spec, Parallel)
                and one.spec.join_strategy == "any"
                and node.id in one.spec.parallel_nodes
            ):
                return True
        parent = scope.parent
        if parent is not None and isinstance(parent.spec, Map) and (parent.spec.errors or parent.common.retry):
            return True
        scope = parent.scope if parent is not None else None
    return False


def _type_text(kind: Any, module: Module) -> str:
    if kind is None or kind is Any:
        return module.typing("Any")
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin in (list, dict):
        value = _type_text(inner[-1] if inner else None, module)
        return f"list[{value}]" if origin is list else f"dict[str, {value}]"
    return str(kind.__name__) if kind in (str, int, float, bool) else module.typing("Any")


def _answers(answer: str) -> list[str]:
    """The values that an answer of a file stands for."""
    found = [quoted(answer)]
    if answer in ("true", "false", "null"):
        found.append({"true": "True", "false": "False", "null": "None"}[answer])
    elif answer.lstrip("-").isdecimal() and answer.isascii() and str(int(answer)) == answer:
        found.append(answer)
    return found


def _awaited(code: Group) -> Group:
    return Group(f"await {code.open}", code.items, code.close)


def _docs(node: NodeDefinition) -> str:
    if not node.common.description:
        return ""
    text = " ".join(node.common.description.split()).replace("\\", "\\\\").replace('"""', "'''")
    return f'    """{text}{" " if text.endswith(chr(34)) else ""}"""\n'


def _remark(node: NodeDefinition) -> str:
    text = " ".join(node.common.description.split())
    return f"# {text}\n" if text else ""

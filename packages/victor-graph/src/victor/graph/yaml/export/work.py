"""Nodes that do work: as functions where a line of Python says it, else as steps."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from victor.graph.yaml.checking import given_inputs
from victor.graph.yaml.context import load_function, parameters
from victor.graph.yaml.definition import NodeDefinition
from victor.graph.yaml.edges import works_on_state
from victor.graph.yaml.export.expressions import Speaker
from victor.graph.yaml.export.layout import Code, Group, call, literal, quoted, render
from victor.graph.yaml.export.module import identifier
from victor.graph.yaml.export.options import OptionWriter, errors_matter
from victor.graph.yaml.export.place import KEYWORDS, Place
from victor.graph.yaml.nodes.compute import ComputeNode
from victor.graph.yaml.nodes.hitl import HumanNode
from victor.graph.yaml.nodes.transform import TransformNode
from victor.graph.yaml.spec import Subworkflow

__all__ = ["WorkWriter", "docstring_of", "remark_on"]


class WorkWriter(OptionWriter):
    """Writes nodes that do work."""

    def function(self, node: NodeDefinition, place: Place, *, raw: bool = False) -> str:
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
            self.module.blocks.append(remark_on(node) + step)
            return f"{name}.answer" if raw else name
        is_async, code, spread = body
        value = code if spread or raw else Group("{", ((f"{quoted(node.output)}: ", code),), "}")
        self.module.typing("Any")
        result = "Any" if raw else "dict[str, Any]"
        text = f"{'async ' if is_async else ''}def {name}(state: {place.state}) -> {result}:\n"
        self.module.blocks.append(f"{text}{docstring_of(node)}    return {render(value, 4, 11)}")
        return name

    def plain(self, node: NodeDefinition, place: Place) -> tuple[bool, Code, bool] | None:
        """A node as a line of Python: whether it is async, the expression, and whether that is the update as it is."""
        speaker = Speaker(place.names, exact=errors_matter(node, self.definition))
        spec = node.spec
        if isinstance(spec, Subworkflow):
            given = given_inputs(node.common) or {}
            values = {key: self.value(raw, speaker, node, place) for key, raw in given.items()}
            target = self.names[id(node.target)]
            return True, _awaited(call(f"{target}.step", **values)), False
        if isinstance(spec, TransformNode):
            return self.plain_transform(node, spec, speaker, place)
        if isinstance(spec, ComputeNode) and spec.handler is not None:
            return self.plain_handler(node, spec.handler, speaker, place)
        return None

    def plain_transform(
        self, node: NodeDefinition, spec: TransformNode, speaker: Speaker, place: Place
    ) -> tuple[bool, Code, bool] | None:
        """A transform as a line of Python."""
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

    def applied(self, function: Any, name: str, place: Place) -> tuple[bool, Code, bool]:
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
        self, node: NodeDefinition, handler: str, speaker: Speaker, place: Place
    ) -> tuple[bool, Code, bool] | None:
        """A call of a function of the program as a line of Python."""
        if node.context is None:
            return None
        function = load_function(handler, node.context)
        wanted = parameters(function)
        given = given_inputs(node.common)
        odd = any(p.kind not in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) for p in wanted.values()) and given is None
        if odd or ("context" in wanted and "context" not in (given or {})) or not inspect.isroutine(function):
            return None
        if any(identifier(key) != key or key in KEYWORDS for key in given or ()):
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

    def by_name(self, wanted: Mapping[str, inspect.Parameter], place: Place) -> list[tuple[str, Code]]:
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

    def value(self, raw: Any, speaker: Speaker, node: NodeDefinition, place: Place) -> Code:
        """A value, by `Steps` where Python has no words for it."""
        said = speaker.value(raw)
        if said is None:
            said = call(f"{self.steps(node, place)}.value", literal(raw), "state")
        return said

    def step(self, node: NodeDefinition, place: Place) -> Code:
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
        plain = {key: literal(value) for key, value in keys.items() if identifier(key) == key and key not in KEYWORDS}
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
        """The expression for a workflow that works on the same state."""
        target = self.names[id(node.target)]
        return f"{target}.compile()"


def _awaited(code: Group) -> Group:
    return Group(f"await {code.open}", code.items, code.close)


def docstring_of(node: NodeDefinition) -> str:
    """The docstring of a node's function; empty where the file does not describe it."""
    if not node.common.description:
        return ""
    text = " ".join(node.common.description.split()).replace("\\", "\\\\").replace('"""', "'''")
    return f'    """{text}{" " if text.endswith(chr(34)) else ""}"""\n'


def remark_on(node: NodeDefinition) -> str:
    """What the file says of a node, as a comment above what declares it."""
    text = " ".join(node.common.description.split())
    return f"# {text}\n" if text else ""

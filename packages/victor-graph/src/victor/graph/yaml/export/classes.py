"""The classes of inputs and state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

from victor.graph.schema import read_schema
from victor.graph.yaml.definition import NodeDefinition, Scope
from victor.graph.yaml.export.expressions import Speaker
from victor.graph.yaml.export.kinds import type_text, with_loop_bodies, written_types
from victor.graph.yaml.export.layout import Group, call, literal, quoted, render
from victor.graph.yaml.export.module import identifier
from victor.graph.yaml.export.place import KEYWORDS, Place, Writer
from victor.graph.yaml.policies import names_used
from victor.graph.yaml.spec import ABSENT, Input, Loop, Map
from victor.graph.yaml.state import TYPES

__all__ = ["ClassWriter"]


class ClassWriter(Writer):
    """Writes the classes of a workflow."""

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
                    f"workflow {definition.name!r}: the state is a class that cannot have more keys "
                    f"({names}); make it a TypedDict"
                )
            bases = [loaded, *bases] if inputs else [loaded]
            known |= set(read_schema(shape.kind).channels)
        elif shape is not None and isinstance(top.inputs, str):
            known |= set(read_schema(shape.inputs).channels) if shape.inputs is not None else set()
        state = self.class_name("State")
        kinds = self.kinds(definition.scope, definition.names)
        rest = {name: self.state_type(name, kinds.get(name)) for name in definition.names if name not in known}
        odd = {name: kind for name, kind in rest.items() if identifier(name) != name or name in KEYWORDS}
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
        kind = type_text(TYPES[one.type], module)
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
            text = type_text(TYPES[spec.get("type", "any")], self.module)
            if spec.get("reducer"):
                self.module.typing("Annotated")
                reducer = self.module.load(spec["reducer"], self.definition.context, f"state key {name!r}")
                return f"Annotated[{text}, {reducer}]"
            return text
        return type_text(kind, self.module)

    def private_keys(self, scope: Scope, place: Place, taken: set[str]) -> list[str]:
        """Fields for what the maps and loops of a list keep for themselves."""
        found = []
        for node in with_loop_bodies(scope):
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
        told: dict[str, list[Any]] = {}
        for node in with_loop_bodies(scope):
            for name, kind in written_types(node, speaker).items():
                told.setdefault(name, []).append(kind)
                sure = len(told[name]) == writers.get(name) and all(one == kind for one in told[name])
                if sure and name in found and (state is None or name not in state.channels):
                    found[name] = kind
        return found

    def item_kinds(self, node: NodeDefinition, body: Scope, outer: Place, every: list[str]) -> dict[str, Any]:
        """The names of an item of a map, with the types of their values where they are certain."""
        shared = {name: outer.names.get(name) for name in names_used(node)}
        found = {**self.kinds(body, [name for name in every if name not in shared]), **shared}
        over = Speaker(outer.names).kind(node.spec.over)
        found[node.spec.as_] = get_args(over)[0] if get_origin(over) is list and get_args(over) else None
        found["index"] = int
        return found

    def item_class(self, name: str, fields: Mapping[str, str], keys: list[str]) -> None:
        """Write the class of an item of a map."""
        self.module.typing("TypedDict")
        odd = {key: kind for key, kind in fields.items() if identifier(key) != key or key in KEYWORDS}
        base = "TypedDict"
        if odd:
            base = self.module.name(f"{name}Others")
            pairs = Group("{", tuple((f"{quoted(key)}: ", kind) for key, kind in odd.items()), "}")
            made = call("TypedDict", quoted(base), pairs, total="False")
            self.module.blocks.append(f"{base} = {render(made, 0, len(base) + 3)}")
        lines = [f"    {key}: {kind}" for key, kind in fields.items() if key not in odd]
        lines += [f"    {one}" for one in keys]
        self.module.blocks.append(f"class {name}({base}, total=False):\n" + "\n".join(lines or ["    pass"]))

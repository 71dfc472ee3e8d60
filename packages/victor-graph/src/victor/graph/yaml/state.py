"""The state of a workflow that says more of it than names: a class, or keys with types and reducers.

A workflow without ``state`` has a key for each input and each output of a node. With it, functions written for a
`StateGraph` run in a workflow as they are: they get the state as the class they were written for, and what they write
is combined by its reducers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypedDict, get_args, get_origin, get_type_hints

from attrs import frozen

from victor.core.errors import VictorError
from victor.graph.channels import Channel
from victor.graph.graph import StateGraph
from victor.graph.schema import ROOT, has_fields, read_schema
from victor.graph.yaml.context import load_object
from victor.graph.yaml.spec import Input, InputType, StateKey

__all__ = ["Say", "StateShape", "declared_inputs", "new_graph", "read_class", "read_keys", "typed_dict"]

Say = Callable[[str, str], None]
"""Takes what is wrong: the key below the workflow (``".state.n"``), and the text."""

TYPES: Final[Mapping[str, Any]] = {
    "string": str, "text": str, "integer": int, "number": float, "boolean": bool, "list": list, "object": dict,
    "path": str, "file": str, "folder": str, "any": Any,
}  # fmt: skip
"""What the types of inputs and state keys are in Python."""

_NAMES: Final[Mapping[Any, InputType]] = {
    str: "string", int: "integer", float: "number", bool: "boolean", list: "list", dict: "object",
}  # fmt: skip


@frozen
class StateShape:
    """What ``state`` and, where they name classes, ``inputs`` and ``outputs`` of a workflow say.

    Args:
        kind: The state class; one made of the keys where the file lists them.
        inputs: The class of what goes in, where that is another.
        outputs: The class of what comes out, where that is another.
        listed: Whether the class is made of keys the file lists; it then has all other names of the workflow too.
    """

    kind: Any
    inputs: Any = None
    outputs: Any = None
    listed: bool = False

    @property
    def channels(self) -> dict[str, Channel]:
        """The keys of the state, those of the other classes included."""
        found: dict[str, Channel] = {}
        for kind in (self.kind, self.inputs, self.outputs):
            if kind is not None:
                found.update({n: c for n, c in read_schema(kind).channels.items() if n not in found})
        return found


def typed_dict(name: str, annotations: Mapping[str, Any]) -> Any:
    """A TypedDict made at run time, no key of which must be there."""
    make: Any = TypedDict
    return make(name, dict(annotations), total=False)


def read_class(name: str, folder: Path | None) -> Any:
    """The class an import string names, whose fields can be keys of a state.

    Raises:
        VictorError: There is none, or it has no fields.
    """
    found = load_object(name, folder)
    if get_origin(found) is not Annotated and not has_fields(found):
        raise VictorError(f"{name!r} is no class with fields, such as a TypedDict or a dataclass")
    if ROOT in read_schema(found).channels:
        raise VictorError(f"{name!r} has no fields, and a workflow's values have names")
    return found


def read_keys(keys: Mapping[str, StateKey], folder: Path | None, say: Say) -> Any:
    """A state class of the keys a file lists."""
    annotations: dict[str, Any] = {}
    for name, one in keys.items():
        annotations[name] = TYPES[one.type]
        if one.reducer is not None:
            try:
                reducer = load_object(one.reducer, folder)
                if not callable(reducer) or isinstance(reducer, type):
                    raise VictorError(f"{one.reducer!r} is no function")
                annotations[name] = Annotated[TYPES[one.type], reducer]
                read_schema(typed_dict("State", {name: annotations[name]}))
            except VictorError as error:
                say(f".state.{name}.reducer", str(error))
                annotations[name] = TYPES[one.type]
    return typed_dict("State", annotations)


def declared_inputs(kind: Any) -> tuple[dict[str, Input], frozenset[str]]:
    """The inputs a class stands for, and which of them are left out of the state where they are not given.

    A field annotated with an `Input` (``Annotated[int, Input(default=1)]``) is that input; another may be given or not.

    Example:
        >>> class Inputs(TypedDict):
        ...     name: str
        ...     visits: Annotated[int, Input(default=1)]
        >>> inputs, optional = declared_inputs(Inputs)
        >>> [(name, one.type) for name, one in inputs.items()], sorted(optional)
        ([('name', 'string'), ('visits', 'integer')], ['name'])
    """
    hints = get_type_hints(kind, include_extras=True)
    found: dict[str, Input] = {}
    optional: set[str] = set()
    for name in read_schema(kind).channels:
        declared, plain = None, hints.get(name, Any)
        for one in _inside(plain):
            declared = one if isinstance(one, Input) else declared
            plain = one
        kind_name = _NAMES.get(get_origin(plain) or plain, "any")
        if declared is None:
            optional.add(name)
            found[name] = Input(type=kind_name)
        elif declared.type == "any":
            found[name] = Input(kind_name, declared.description, declared.default, declared.enum, declared.required)
        else:
            found[name] = declared
    return found, frozenset(optional)


def _inside(annotation: Any) -> Iterator[Any]:
    """The metadata of an annotation, then what it annotates."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from annotation.__metadata__
        yield from _inside(annotation.__origin__)
    elif getattr(origin, "_name", None) in ("Required", "NotRequired", "ReadOnly"):
        yield from _inside(get_args(annotation)[0])
    else:
        yield annotation


def new_graph(shape: StateShape | None, keys: Mapping[str, Any], name: str) -> tuple[StateGraph[Any], Any]:
    """An empty graph with these keys, and the class its nodes of the file get, None where that is the state's.

    Args:
        shape: What the file says of the state.
        keys: Every name of the workflow, and those nodes need for themselves, with their annotations.
        name: Of the graph.
    """
    if shape is None:
        return StateGraph(typed_dict("State", keys), name=name), None
    channels = shape.channels
    if shape.listed:
        own = get_type_hints(shape.kind, include_extras=True)
        whole = typed_dict("State", {**dict.fromkeys(channels, Any), **keys, **own})
        return StateGraph(whole, input_schema=shape.inputs, output_schema=shape.outputs, name=name), None
    more = {key: kind for key, kind in keys.items() if key not in channels}
    dictionary = hasattr(shape.kind, "__required_keys__")
    everything = typed_dict("Names", {**dict.fromkeys(channels, Any), **more})
    graph: StateGraph[Any] = StateGraph(
        shape.kind,
        input_schema=shape.inputs or (everything if more else None),
        output_schema=shape.outputs or (everything if more else None),
        name=name,
    )
    if not more and dictionary and set(read_schema(shape.kind).channels) == set(channels):
        return graph, None
    graph.schema(everything)
    return graph, everything

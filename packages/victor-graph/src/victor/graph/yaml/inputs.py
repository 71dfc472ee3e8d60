"""What goes into a workflow, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from victor.core.catalog import near_matches
from victor.core.errors import ConfigurationError
from victor.graph.yaml.definition import WorkflowDefinition
from victor.graph.yaml.spec import ABSENT, Input

__all__ = ["default_problem", "missing_inputs", "read_inputs", "read_outputs"]

_TEXTS: Final = frozenset({"string", "text", "any"})
_PATHS: Final = frozenset({"path", "file", "folder"})
_TRUE: Final = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}


def read_inputs(definition: WorkflowDefinition, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every input of a workflow, checked and converted, defaults filled in.

    Args:
        definition: The workflow.
        given: By name; texts are converted where another type is wanted. Of the keys of a state class, nothing else is.

    Raises:
        ConfigurationError: Inputs are missing, unknown or of the wrong type; lists them all.
    """
    problems: list[str] = []
    values: dict[str, Any] = {}
    missing = missing_inputs(definition, given)
    for name in given:
        if name not in definition.inputs:
            near = near_matches(name, definition.inputs)
            there = ", ".join(definition.inputs) or "none"
            problems.append(
                f"unknown input {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"the inputs are: {there}")
            )
    for name, spec in definition.inputs.items():
        if name in definition.optional and not (isinstance(given.get(name), str) and spec.type not in _TEXTS):
            values.update({name: given[name]} if name in given else {})
            continue
        if name not in given:
            if name in missing:
                what = f" ({spec.description})" if spec.description else ""
                problems.append(f"the input {name!r}{what} is missing")
                continue
            if spec.default is ABSENT or spec.default is None:
                values[name] = None
                continue
        try:
            values[name] = _convert(spec, given.get(name, spec.default))
        except ValueError as error:
            problems.append(f"the input {name!r} {error}")
    if problems:
        raise ConfigurationError(f"workflow {definition.name!r}: " + "; ".join(problems))
    return values


def missing_inputs(definition: WorkflowDefinition, given: Mapping[str, Any]) -> list[str]:
    """The inputs that must be given and are not."""
    return [
        name
        for name, spec in definition.inputs.items()
        if name not in given
        and name not in definition.optional
        and spec.default is ABSENT
        and spec.required is not False
    ]


def read_texts(declared: Mapping[str, Input], given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Texts, as they come from a command line, as the types that are declared; everything else stays as it is.

    Args:
        declared: By name; of others nothing is known.
        given: By name.
        name: Of the graph, for the error.

    Raises:
        ConfigurationError: Some are of the wrong type; lists them all.
    """
    problems: list[str] = []
    values = dict(given)
    for key, value in given.items():
        spec = declared.get(key)
        if spec is None or spec.type in _TEXTS or not isinstance(value, str):
            continue
        try:
            values[key] = _convert(spec, value)
        except ValueError as error:
            problems.append(f"the input {key!r} {error}")
    if problems:
        raise ConfigurationError(f"graph {name!r}: " + "; ".join(problems))
    return values


def default_problem(spec: Input) -> str | None:
    """What is wrong with the default of an input, or None. Whether a file exists is for the run to see."""
    default = spec.default
    if default is ABSENT or default is None:
        return None
    if isinstance(default, str) and spec.type not in _TEXTS | _PATHS:
        return f"the default must be a value of type {spec.type}, not the text {default!r:.60}"
    try:
        _CONVERTERS["text" if spec.type in _PATHS else spec.type](default)
    except ValueError as error:
        return f"the default {error}"
    if spec.enum and default not in spec.enum:
        return f"{default!r} is none of the values in enum"
    return None


def read_outputs(definition: WorkflowDefinition, state: Mapping[str, Any]) -> dict[str, Any]:
    """What a finished workflow gives back: its ``outputs``, or all that its nodes wrote, and keys of a state class.

    An output made of what a node writes that was not on the path taken is null.
    """
    values = {name: state[name] for name in definition.names if name in state}
    if definition.outputs is not None:
        return {
            name: output.evaluate(values) if output.names <= values.keys() else None
            for name, output in definition.outputs.items()
        }
    if definition.result is not None:
        return {name: values[name] for name in definition.result if name in values}
    inputs = definition.inputs.keys() - definition.optional
    return {name: value for name, value in values.items() if name not in inputs}


def _convert(spec: Input, value: Any) -> Any:
    value = _CONVERTERS[spec.type](value)
    if spec.enum is not None and value not in spec.enum:
        raise ValueError(f"must be one of {', '.join(map(repr, spec.enum))}, not {value!r}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, (str, int, float, Path)) or isinstance(value, bool):
        raise ValueError(f"must be a text, not {value!r:.60}")
    return str(value)


def _integer(value: Any) -> int:
    try:
        if isinstance(value, bool) or int(value) != float(value):
            raise ValueError
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"must be a whole number, not {value!r:.60}") from None


def _number(value: Any) -> float:
    try:
        if isinstance(value, bool):
            raise ValueError
        return value if isinstance(value, int) else float(value)
    except (TypeError, ValueError):
        raise ValueError(f"must be a number, not {value!r:.60}") from None


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE:
        return _TRUE[value.lower()]
    raise ValueError(f"must be true or false, not {value!r:.60}")


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        text = value.strip()
        value = _json(text) if text.startswith("[") else [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(value, (list, tuple)):
        return list(value)
    raise ValueError(f"must be a list, not {value!r:.60}")


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        value = _json(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise ValueError(f"must be an object, not {value!r:.60}")


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None


def _file(value: Any) -> str:
    path = _text(value)
    if not Path(path).is_file():
        raise ValueError(f"must be a file that exists, not {path!r}")
    return path


def _folder(value: Any) -> str:
    path = _text(value)
    if not Path(path).is_dir():
        raise ValueError(f"must be a folder that exists, not {path!r}")
    return path


_CONVERTERS: Final[dict[str, Callable[[Any], Any]]] = {
    "string": _text,
    "text": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "list": _list,
    "object": _object,
    "path": _text,
    "file": _file,
    "folder": _folder,
    "any": lambda value: value,
}

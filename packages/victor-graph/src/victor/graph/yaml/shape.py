"""Short notation for the shape of an answer.

==========================================  ========================================
``{title: string, words: integer}``         an object with these fields
``tags: list[string]``                      a list
``kind: [guide, reference]``                one of these
``date: string?``                           may be null
``{type: object, properties: ...}``         a JSON Schema, taken as it is
==========================================  ========================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from victor.core.errors import ConfigurationError

__all__ = ["read_shape"]

_TYPES: Final = {
    "string": "string", "str": "string", "text": "string", "integer": "integer", "int": "integer", "number": "number",
    "float": "number", "boolean": "boolean", "bool": "boolean", "object": "object",
}  # fmt: skip
_LIST: Final = re.compile(r"(?:list|array)(?:\[(.*)\])?", re.DOTALL)
_SCHEMA_KEYS: Final = frozenset({"properties", "items", "enum", "anyOf", "oneOf", "$ref", "const"})


def read_shape(shape: Any) -> dict[str, Any]:
    """A JSON Schema from the short notation.

    Raises:
        ConfigurationError: It means nothing.

    Example:
        >>> read_shape({"n": "integer", "kind": ["a", "b"]})["properties"]
        {'n': {'type': 'integer'}, 'kind': {'type': 'string', 'enum': ['a', 'b']}}
    """
    if isinstance(shape, Mapping):
        if _is_schema(shape):
            return dict(shape)
        if not shape:
            raise ConfigurationError("the shape of an answer needs at least one field")
        return {
            "type": "object",
            "properties": {str(name): read_shape(part) for name, part in shape.items()},
            "required": [str(name) for name in shape],
            "additionalProperties": False,
        }
    if isinstance(shape, list):
        if not shape or not all(isinstance(choice, (str, int, float, bool)) for choice in shape):
            raise ConfigurationError(f"a list stands for a choice of texts or numbers, not {shape!r}")
        kinds = {_kind(choice) for choice in shape}
        return {"type": kinds.pop(), "enum": shape} if len(kinds) == 1 else {"enum": shape}
    if not isinstance(shape, str):
        raise ConfigurationError(f"{shape!r} is no type; the types are: {', '.join(_TYPES)}, list[...]")
    return _named(shape.strip())


def _named(name: str) -> dict[str, Any]:
    if name.endswith("?"):
        return {"anyOf": [_named(name[:-1].strip()), {"type": "null"}]}
    if name in _TYPES:
        return {"type": _TYPES[name]}
    listed = _LIST.fullmatch(name)
    if listed:
        return {"type": "array", "items": _named(listed[1].strip())} if listed[1] else {"type": "array"}
    raise ConfigurationError(f"unknown type {name!r}; the types are: {', '.join(_TYPES)}, list[...]")


def _is_schema(shape: Mapping[str, Any]) -> bool:
    kind = shape.get("type")
    return (
        isinstance(kind, str) and kind in {*_TYPES.values(), "array", "null"} and bool(_SCHEMA_KEYS & set(shape))
    ) or ("$schema" in shape or "anyOf" in shape or "$ref" in shape)


def _kind(choice: Any) -> str:
    if isinstance(choice, bool):
        return "boolean"
    return {str: "string", int: "integer", float: "number"}[type(choice)]

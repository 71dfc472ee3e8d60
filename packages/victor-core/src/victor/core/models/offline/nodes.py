"""Reading a JSON Schema: references followed, null and unions taken apart, and a value checked against it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

__all__ = ["Node", "conforms", "node_of"]

_DEPTH = 24


@frozen
class Node:
    """What a schema allows, for one way of filling it.

    Args:
        type: ``"object"``, ``"array"``, ``"string"``, ``"integer"``, ``"number"``, ``"boolean"``, ``"null"``, or
            ``""`` for anything.
        schema: The resolved schema.
        nullable: ``null`` is allowed too.
        choices: The values of an enum or const, null left out; empty when any value goes.
        alternatives: The other schemas of a union.
    """

    type: str
    schema: Mapping[str, Any] = field(hash=False)
    nullable: bool = False
    choices: tuple[Any, ...] = ()
    alternatives: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)

    @property
    def description(self) -> str:
        """What the schema says about the value."""
        return str(self.schema.get("description") or "")


def node_of(schema: Any, root: Mapping[str, Any], depth: int = 0) -> Node:
    """The node of a schema.

    Args:
        schema: Part of ``root``; a boolean counts as a schema that allows anything.
        root: The whole schema, where ``$ref`` points into.
        depth: References followed so far.

    Example:
        >>> node_of({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {})
        Node(type='integer', schema={'type': 'integer'}, nullable=True, choices=(), alternatives=())
    """
    if not isinstance(schema, Mapping) or depth > _DEPTH:
        return Node("", {}, nullable=True)
    schema = _merged(schema, root)
    options = [option for key in ("anyOf", "oneOf") for option in schema.get(key) or () if isinstance(option, Mapping)]
    if options:
        return _union(schema, options, root, depth)
    choices = _choices(schema)
    kind = schema.get("type", "")
    nullable = choices is not None and None in choices
    if isinstance(kind, list):
        nullable = nullable or "null" in kind
        kind = next((name for name in kind if name != "null"), "null")
    if choices is not None:
        choices = tuple(choice for choice in choices if choice is not None)
        nullable = (nullable and schema.get("type") in (None, "null")) or (
            nullable and isinstance(schema.get("type"), list)
        )
        if not kind and choices:
            kind = _type_of(choices[0])
    if not kind and "properties" in schema:
        kind = "object"
    if not kind and ("items" in schema or "prefixItems" in schema):
        kind = "array"
    if kind == "null" or not kind:
        nullable = True
    return Node(str(kind), schema, nullable, choices or ())


def _union(schema: Mapping[str, Any], options: list[Mapping[str, Any]], root: Mapping[str, Any], depth: int) -> Node:
    nodes = [node_of(option, root, depth + 1) for option in options]
    nullable = any(node.nullable for node in nodes)
    solid = [node for node in nodes if node.type != "null"]
    if not solid:
        return Node("null", schema, nullable=True)
    if all(node.choices for node in solid) and len({node.type for node in solid}) == 1:
        choices = tuple(choice for node in solid for choice in node.choices)
        return Node(solid[0].type, {**schema, **solid[0].schema}, nullable, choices)
    outer = {key: schema[key] for key in ("description", "title", "default") if key in schema}
    first = solid[0]
    merged = {**first.schema, **outer} if outer else first.schema
    rest = tuple(node.schema for node in solid[1:])
    return Node(first.type, merged, nullable, first.choices, (*first.alternatives, *rest))


def _choices(schema: Mapping[str, Any]) -> tuple[Any, ...] | None:
    if "const" in schema:
        return (schema["const"],)
    if isinstance(schema.get("enum"), list | tuple):
        return tuple(schema["enum"])
    return None


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object" if isinstance(value, dict) else ""


def _merged(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    for _ in range(_DEPTH):
        reference = schema.get("$ref")
        if isinstance(reference, str):
            target = _lookup(reference, root)
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**target, **rest} if rest else target
            continue
        parts = schema.get("allOf")
        if isinstance(parts, list) and parts:
            merged: dict[str, Any] = {}
            for part in (*parts, {key: value for key, value in schema.items() if key != "allOf"}):
                part = _merged(part, root) if isinstance(part, Mapping) else {}
                for key, value in part.items():
                    if key == "properties" and isinstance(merged.get(key), Mapping):
                        merged[key] = {**merged[key], **value}
                    elif key == "required" and isinstance(merged.get(key), list):
                        merged[key] = [*merged[key], *value]
                    else:
                        merged[key] = value
            schema = merged
            continue
        return schema
    return {}


def _lookup(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    here: Any = root
    for part in reference.removeprefix("#").split("/"):
        if part:
            part = part.replace("~1", "/").replace("~0", "~")
            here = here.get(part) if isinstance(here, Mapping) else None
    return here if isinstance(here, Mapping) else {}


def conforms(value: Any, schema: Any, root: Mapping[str, Any], depth: int = 0) -> bool:
    """Whether a value is valid by a schema, for the keywords that types are described with.

    Example:
        >>> conforms({"n": 3}, {"type": "object", "properties": {"n": {"type": "integer", "maximum": 2}}}, {})
        False
    """
    if schema is True or schema == {}:
        return True
    if not isinstance(schema, Mapping) or depth > 4 * _DEPTH:
        return False
    if "$ref" in schema and not conforms(value, _lookup(str(schema["$ref"]), root), root, depth + 1):
        return False
    if "enum" in schema and not any(_same(value, choice) for choice in schema["enum"]):
        return False
    if "const" in schema and not _same(value, schema["const"]):
        return False
    if any(not conforms(value, part, root, depth + 1) for part in schema.get("allOf") or ()):
        return False
    if "anyOf" in schema and not any(conforms(value, part, root, depth + 1) for part in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(conforms(value, part, root, depth + 1) for part in schema["oneOf"]) != 1:
        return False
    if "not" in schema and conforms(value, schema["not"], root, depth + 1):
        return False
    kinds = schema.get("type")
    if kinds is not None and not any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return False
    if isinstance(value, str):
        return _string_conforms(value, schema)
    if isinstance(value, bool) or value is None:
        return True
    if isinstance(value, int | float):
        return _number_conforms(value, schema)
    if isinstance(value, list):
        return _list_conforms(value, schema, root, depth)
    return not isinstance(value, dict) or _object_conforms(value, schema, root, depth)


def _same(value: Any, other: Any) -> bool:
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if kind == "number":
        return isinstance(value, int | float)
    types: dict[str, type] = {"string": str, "array": list, "object": dict, "null": type(None)}
    expected = types.get(kind)
    return expected is not None and isinstance(value, expected)


_FORMATS: dict[str, str] = {
    "date": r"\d{4}-\d{2}-\d{2}",
    "date-time": r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})?",
    "time": r"\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})?",
    "email": r"[^@\s]+@[^@\s]+",
    "uuid": r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
    "uri": r"[A-Za-z][A-Za-z0-9+.-]*:\S+",
    "duration": r"P(?=.)\S+",
    "decimal": r"[-+]?\d+(?:\.\d+)?",
    "ipv4": r"\d{1,3}(?:\.\d{1,3}){3}",
    "ipv6": r"[0-9a-fA-F:.]{2,}",
}


def _string_conforms(value: str, schema: Mapping[str, Any]) -> bool:
    if len(value) < schema.get("minLength", 0) or len(value) > schema.get("maxLength", len(value)):
        return False
    pattern = schema.get("pattern")
    if pattern is not None:
        try:
            if not re.search(str(pattern), value):
                return False
        except re.error:
            return False  # a pattern of another dialect: better no value than a wrong one
    form = schema.get("format")
    return form not in _FORMATS or bool(re.fullmatch(_FORMATS[str(form)], value))


def _number_conforms(value: float, schema: Mapping[str, Any]) -> bool:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    step = schema.get("multipleOf")
    return not (
        (low is not None and value < low)
        or (high is not None and value > high)
        or (above is not None and above is not True and value <= above)
        or (below is not None and below is not True and value >= below)
        or (step and (value / step) != int(value / step))
    )


def _list_conforms(value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> bool:
    if len(value) < schema.get("minItems", 0) or len(value) > schema.get("maxItems", len(value)):
        return False
    if schema.get("uniqueItems") and any(item in value[:at] for at, item in enumerate(value)):
        return False
    prefix = list(schema.get("prefixItems") or ())
    items = schema.get("items", True)
    return all(
        conforms(item, prefix[at] if at < len(prefix) else items, root, depth + 1) for at, item in enumerate(value)
    )


def _object_conforms(value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> bool:
    if any(name not in value for name in schema.get("required") or ()):
        return False
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
        return False
    properties = schema.get("properties") or {}
    others = schema.get("additionalProperties", True)
    return all(conforms(item, properties.get(name, others), root, depth + 1) for name, item in value.items())

"""Narrows a JSON Schema to the dialect with which providers force an answer into shape.

Both OpenAI's strict mode and Anthropic's structured outputs know a part of JSON Schema only. What is narrowed
still allows nothing the original forbids, apart from keywords that cannot be expressed; the answer is
validated against the original anyway.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["strict_schema"]

_SHAPE: Final = frozenset(
    {
        "type",
        "properties",
        "required",
        "items",
        "anyOf",
        "enum",
        "const",
        "$ref",
        "$defs",
        "description",
        "additionalProperties",
    }
)
_LIMITS: Final = frozenset(
    {"pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems"}
)
_FORMATS: Final = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_CHANGES_MEANING: Final = frozenset(
    {"allOf", "not", "if", "then", "else", "patternProperties", "dependentRequired", "dependentSchemas", "prefixItems"}
)


class _Cannot(Exception):
    """This schema has no strict form."""


def strict_schema(schema: Mapping[str, Any], *, require_all: bool, limits: bool) -> dict[str, Any] | None:
    """The schema in the strict dialect, or None when it has no such form.

    Args:
        schema: With an object at its root.
        require_all: Every property must be required; those that were not get their default told in words.
        limits: Keep bounds of numbers, lengths of arrays and patterns.

    Example:
        >>> town = {"type": "object", "properties": {"name": {"type": "string", "title": "Name"}}, "required": ["name"]}
        >>> strict_schema(town, require_all=True, limits=True)["additionalProperties"]
        False
        >>> strict_schema({"type": "object"}, require_all=True, limits=True) is None
        True
    """
    if schema.get("type") != "object":
        return None
    try:
        return _narrow(schema, require_all, limits)
    except _Cannot:
        return None


def _narrow(schema: Any, require_all: bool, limits: bool) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or _CHANGES_MEANING & schema.keys():
        raise _Cannot
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}  # nothing may stand beside it
    kept = _SHAPE | _LIMITS if limits else _SHAPE
    made: dict[str, Any] = {key: value for key, value in schema.items() if key in kept}
    if schema.get("format") in _FORMATS:
        made["format"] = schema["format"]
    if "oneOf" in schema:
        made["anyOf"] = schema["oneOf"]
    if "anyOf" in made:
        made["anyOf"] = [_narrow(option, require_all, limits) for option in made["anyOf"]]
    if "$defs" in made:
        made["$defs"] = {name: _narrow(part, require_all, limits) for name, part in made["$defs"].items()}
    if "items" in made:
        made["items"] = _narrow(made["items"], require_all, limits)
    kinds = schema.get("type")
    if kinds == "array" and "items" not in made:
        raise _Cannot
    if kinds == "object" or "properties" in schema:
        _narrow_object(schema, made, require_all, limits)
    elif not made.keys() - {"description"}:
        raise _Cannot  # anything goes
    return made


def _narrow_object(schema: Mapping[str, Any], made: dict[str, Any], require_all: bool, limits: bool) -> None:
    properties = schema.get("properties")
    if not properties or schema.get("additionalProperties") not in (None, False):
        raise _Cannot  # an open mapping
    required = set(schema.get("required", ()))
    made["additionalProperties"] = False
    made["properties"] = {name: _narrow(part, require_all, limits) for name, part in properties.items()}
    if require_all:
        made["required"] = list(properties)
        for name, part in made["properties"].items():
            if name not in required and "default" in properties[name] and "$ref" not in part:
                usual = f"Usually {json.dumps(properties[name]['default'], ensure_ascii=False, default=str)}."
                part["description"] = f"{part['description']} {usual}" if part.get("description") else usual

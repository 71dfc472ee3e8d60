"""Checks a value against a JSON Schema that came from outside, such as that of a tool on another server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from victor.core.shapes.base import Problems, shown
from victor.core.shapes.constraints import Constraints
from victor.core.shapes.containers import key_path, parsed_text
from victor.core.shapes.records import unknown_name

__all__ = ["check"]

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
_NOUNS: Final = {
    "null": "null",
    "boolean": "true or false",
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "array": "an array",
    "object": "an object",
}
_BOUNDS: Final = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
    "minProperties": "min_length",
    "maxProperties": "max_length",
    "pattern": "pattern",
}
_DEEPEST: Final = 60
_MOST_BRANCHES: Final = 100_000
_REPEATED_GROUP: Final = re.compile(r"\)\??[*+{]")


class _Whole:
    """The whole schema, for ``$ref``, and how many branches may still be tried: a schema may refer to itself."""

    __slots__ = ("left", "schema")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self.left = _MOST_BRANCHES


def check(value: Any, schema: Mapping[str, Any], problems: Problems) -> Any:
    """The value, with texts turned into the numbers, truths, arrays or objects that were asked for.

    A schema of a stranger takes bounded time: what would take longer to check counts as right.

    Args:
        value: Parsed JSON.
        schema: Its schema.
        problems: Is appended to.
    """
    return _check(value, schema, "$", problems, _Whole(schema), 0)


def _check(value: Any, schema: Any, path: str, problems: Problems, root: _Whole, depth: int) -> Any:
    if not isinstance(schema, Mapping):
        if schema is False:
            problems.append((path, "is not allowed here"))
        return value
    if depth > _DEEPEST:
        problems.append((path[:60] + "...", "is nested too deep"))
        return value
    target = _referred(schema.get("$ref"), root)
    if target is not None:
        return _check(value, target, path, problems, root, depth + 1)
    kinds = schema.get("type")
    wanted = (
        [kinds]
        if isinstance(kinds, str)
        else [k for k in kinds if isinstance(k, str)]
        if isinstance(kinds, list)
        else []
    )
    if wanted and all(kind in _TYPES for kind in wanted):
        value = _fitting(value, wanted)
        if not _is_a(value, wanted):
            problems.append((path, f"expected {' or '.join(_NOUNS[kind] for kind in wanted)}, got {shown(value)}"))
            return value
    if "enum" in schema and isinstance(schema["enum"], list) and not any(_same(value, each) for each in schema["enum"]):
        problems.append((path, f"must be one of {', '.join(map(shown, schema['enum'][:30]))}, got {shown(value)}"))
    if "const" in schema and not _same(value, schema["const"]):
        problems.append((path, f"must be {shown(schema['const'])}, got {shown(value)}"))
    value = _branches(value, schema, path, problems, root, depth)
    bounds = {
        name: schema[key] for key, name in _BOUNDS.items() if key in schema and _concerns(key, schema[key], value)
    }
    if bounds:
        try:
            Constraints(bounds).check(value, path, problems)
        except re.error:  # a pattern of another dialect
            pass
    if isinstance(value, dict):
        return _object(value, schema, path, problems, root, depth)
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        return [
            _check(each, schema["items"], f"{path}[{n}]", problems, root, depth + 1) for n, each in enumerate(value)
        ]
    return value


def _object(
    value: dict[str, Any], schema: Mapping[str, Any], path: str, problems: Problems, root: _Whole, depth: int
) -> dict[str, Any]:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    others = schema.get("additionalProperties", True)
    out: dict[str, Any] = {}
    for name, each in value.items():
        at = key_path(path, name)
        if name in properties:
            out[name] = _check(each, properties[name], at, problems, root, depth + 1)
        elif others is False and not schema.get("patternProperties"):
            problems.append((at, unknown_name(name, list(properties))))
        else:
            out[name] = _check(each, others, at, problems, root, depth + 1)
    required = schema.get("required")
    for name in required if isinstance(required, list) else ():
        if isinstance(name, str) and name not in value:
            problems.append((key_path(path, name), "is required"))
    return out


def _branches(value: Any, schema: Mapping[str, Any], path: str, problems: Problems, root: _Whole, depth: int) -> Any:
    every = schema.get("allOf")
    for branch in every if isinstance(every, list) else ():
        root.left -= 1
        if root.left < 0:
            return value
        value = _check(value, branch, path, problems, root, depth + 1)
    branches = schema.get("anyOf") or schema.get("oneOf")
    if not isinstance(branches, list) or not branches:
        return value
    best: Problems | None = None
    for branch in sorted(branches, key=lambda branch: not _is_exact(value, branch, root)):
        root.left -= 1
        if root.left < 0:
            return value
        found: Problems = []
        out = _check(value, branch, path, found, root, depth + 1)
        if not found:
            return out
        if best is None or len(found) < len(best):
            best = found
    problems.extend(best or ())
    return value


def _is_exact(value: Any, branch: Any, root: _Whole) -> bool:
    if not isinstance(branch, Mapping):
        return False
    branch = _referred(branch.get("$ref"), root) or branch
    kind = branch.get("type")
    return isinstance(kind, str) and kind in _TYPES and _is_a(value, [kind])


def _referred(reference: Any, root: _Whole) -> Mapping[str, Any] | None:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    at: Any = root.schema
    for part in reference[2:].split("/"):
        at = at.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(at, Mapping) else None
    return at if isinstance(at, Mapping) else None


def _is_a(value: Any, kinds: list[str]) -> bool:
    if isinstance(value, bool):
        return "boolean" in kinds
    return any(isinstance(value, _TYPES[kind]) for kind in kinds)


def _fitting(value: Any, kinds: list[str]) -> Any:
    """The value a text stands for, where the text itself is not asked for; 5 for 5.0 where an integer is."""
    if isinstance(value, float) and value.is_integer() and "integer" in kinds and "number" not in kinds:
        return int(value)
    if not isinstance(value, str) or "string" in kinds:
        return value
    from victor.core.shapes.base import FAILED, Number, Truth

    unused: Problems = []
    for kind, shape in (("integer", Number(int)), ("number", Number(float)), ("boolean", Truth())):
        if kind in kinds:
            out = shape.convert(value, "$", unused, True)
            if out is not FAILED:
                return out
    return parsed_text(value, tuple(_TYPES[kind][0] for kind in kinds if kind in ("array", "object")), True)


def _same(a: Any, b: Any) -> bool:
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def _concerns(key: str, wanted: Any, value: Any) -> bool:
    if key == "pattern":
        return isinstance(value, str) and isinstance(wanted, str) and _is_quick(wanted, value)
    if isinstance(wanted, bool) or not isinstance(wanted, (int, float)) or (key == "multipleOf" and wanted <= 0):
        return False
    if key in {"minLength", "maxLength"}:
        return isinstance(value, str)
    if key in {"minItems", "maxItems"}:
        return isinstance(value, list)
    if key in {"minProperties", "maxProperties"}:
        return isinstance(value, dict)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_quick(pattern: str, text: str) -> bool:
    """Whether searching takes a moment in the worst case; Python's expressions know no time limit."""
    if _REPEATED_GROUP.search(pattern) or "(?P=" in pattern or "\\1" in pattern:
        return False
    repeats = sum(map(pattern.count, "*+{"))
    return bool(len(text) ** max(1, repeats) <= 10_000_000)

"""The JSON Schema of workflow files, for editors that complete and check, made from the classes of `spec`.

``schema.json`` beside this module is the published one, with the node types of this package; `build_schema` makes one
that has those of installed plugins too. The schema knows keys, types and choices; names, branch targets, templates and
tools are the loader's to check.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from victor.core.errors import VictorError
from victor.core.schema import json_schema
from victor.graph.yaml.spec import CONTROL, Common, Input, Loop, Map, StateKey, Top

__all__ = ["SCHEMA_FILE", "build_schema", "node_types", "render_schema"]

Schema = dict[str, Any]

SCHEMA_FILE: Final = Path(__file__).with_name("schema.json")
"""The published schema."""


def node_types() -> dict[str, type]:
    """The node types there are: those that shape the flow, and those that plugins registered, by name.

    A plugin's type that cannot be imported is left out; whoever uses it is told by the loader.
    """
    from victor.core.plugins import get_plugins

    found = dict(CONTROL)
    catalog = get_plugins().node_types
    for name in catalog.names:
        try:
            kind = catalog.get(name)
        except VictorError:
            continue
        if isinstance(kind, type):
            found[name] = kind
    return found


def build_schema(types: Mapping[str, type] | None = None) -> Schema:
    """The schema.

    Args:
        types: Node types by name; those installed where None.

    Returns:
        A JSON Schema (draft 7, which editors know best).
    """
    types = node_types() if types is None else types
    definitions: Schema = {}
    top = _described(Top, definitions)
    top["properties"]["nodes"] = _nodes("the steps; each runs after the one before it unless it says otherwise")
    top["properties"]["inputs"] = {
        "type": ["object", "string"],
        "description": "what goes in: name -> type, or {type, default, description}; or the import string of a class",
        "additionalProperties": {"$ref": "#/$defs/input"},
    }
    key = _described(StateKey, definitions)
    top["properties"]["state"] = {
        "type": ["object", "string"],
        "description": top["properties"]["state"]["description"],
        "additionalProperties": {"anyOf": [{"enum": key["properties"]["type"]["enum"]}, key]},
    }
    definitions["workflow"] = top
    definitions["input"] = _input(definitions)
    for name, kind in types.items():
        definitions[f"node_{name}"] = _node(name, kind, definitions)
    definitions["node"] = _any_node(list(types), types)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Victor workflow file",
        "description": "One or more workflows for `victor workflow run`.",
        "type": "object",
        "required": ["workflows"],
        "additionalProperties": False,
        "properties": {
            "workflows": {
                "type": "object",
                "description": "name -> workflow",
                "minProperties": 1,
                "additionalProperties": {"$ref": "#/$defs/workflow"},
            },
            "version": {"description": "of the file; not used"},
            "description": {"description": "what the file is about; not used"},
            "metadata": {"description": "author and the like; not used"},
        },
        "$defs": dict(sorted(definitions.items())),
    }


def render_schema(types: Mapping[str, type] | None = None) -> str:
    """The schema as it is published: JSON, indented by two."""
    return json.dumps(build_schema(types), indent=2, ensure_ascii=False) + "\n"


def _described(kind: type, definitions: Schema) -> Schema:
    """The schema of a class of `spec` or of a node type, with its descriptions; classes it uses go to definitions."""
    made: Schema = json_schema(kind)
    for name, body in made.pop("$defs", {}).items():
        definitions.setdefault(name, _tidy(body))
    made = dict(_tidy(made))
    metadata = {field.name: field.metadata for field in getattr(kind, "__attrs_attrs__", ())}
    properties = {}
    for name, body in made["properties"].items():
        description = metadata.get(name, {}).get("description")
        named = name.rstrip("_")
        properties[named] = {"description": description, **body} if description else body
    made["properties"] = properties
    made["additionalProperties"] = False
    made["description"] = (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")
    made.pop("title", None)
    return made


def _tidy(schema: Any) -> Any:
    """The same, shorter: null beside one type, and no default that is null, which editors would offer to write."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _tidy(value) for key, value in schema.items()}
    if "default" in found and found["default"] is None:
        del found["default"]
    match found.get("anyOf"):
        case [{"type": str(kind), **rest}, {"type": "null"}] if "enum" not in rest:
            del found["anyOf"]
            found = {"type": [kind, "null"], **rest, **found}
    return found


def _nodes(description: str) -> Schema:
    return {
        "type": "array",
        "minItems": 1,
        "description": description,
        "items": {"allOf": [{"$ref": "#/$defs/node"}, {"anyOf": [{"required": ["id"]}, {"required": ["$ref"]}]}]},
    }


def _input(definitions: Schema) -> Schema:
    """An input: the name of a type, a mapping, or any other value, which is then its default."""
    whole = _described(Input, definitions)
    whole["properties"]["default"].pop("default", None)
    return {
        "description": "a type, a mapping with type, default, description, or a default value",
        "if": {"type": "object"},
        "then": whole,
        "else": {"anyOf": [{"enum": whole["properties"]["type"]["enum"]}, {"not": {"type": "object"}}]},
    }


def _node(name: str, kind: type, definitions: Schema) -> Schema:
    common = _described(Common, definitions)
    own = _described(kind, definitions)
    if kind in (Map, Loop):
        own["properties"]["nodes"] = _nodes("the body: a chain of nodes")
    if kind is Map:
        own["properties"]["node"] = {"$ref": "#/$defs/node"}
    properties = {**common["properties"], **own["properties"]}
    properties["type"] = {"const": name, "description": "what the node does"}
    made: Schema = {
        "type": "object",
        "description": own["description"],
        "properties": properties,
        "required": [_plain(key) for key in own.get("required", ())],
        "additionalProperties": False,
    }
    if not made["required"]:
        del made["required"]
    return made


def _plain(key: str) -> str:
    return key.rstrip("_")


def _any_node(names: Iterable[str], types: Mapping[str, type]) -> Schema:
    """A node: its type says which keys there are; a reference to a node of another file may have any."""
    names = list(names)
    said = {name: (inspect.getdoc(types[name]) or "").partition("\n")[0] for name in names}
    cases = []
    for name in names:
        condition: Schema = {"properties": {"type": {"const": name}}, "not": {"required": ["$ref"]}}
        if name != "agent":  # the type of a node that does not say
            condition["required"] = ["type"]
        cases.append({"if": condition, "then": {"$ref": f"#/$defs/node_{name}"}})
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "minLength": 1, "description": "unique in the workflow"},
            "type": {
                "enum": names,
                "default": "agent",
                "description": "; ".join(f"{name}: {text.rstrip('.').lower()}" for name, text in said.items()),
            },
            "$ref": {
                "type": "string",
                "pattern": "#",
                "description": "./file.yaml#node: the node of another file, with what stands here laid over it",
            },
        },
        "allOf": cases,
    }

"""Tools as the plain schemas of others: OpenAI, Anthropic, pydantic-ai, MCP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from victor.core.errors import ConfigurationError
from victor.core.tool import Tool, ToolMetadata

__all__ = ["from_schema", "to_schema"]

_Style = Literal["openai", "responses", "anthropic", "mcp"]


def from_schema(schema: Any, function: Callable[..., Any], **metadata: Any) -> Tool:
    """A tool from a schema written for somebody else, and the function that does it.

    Args:
        schema: An OpenAI function (of either API), an Anthropic tool, an MCP tool, or an object with ``name``,
            ``description`` and ``parameters_json_schema`` (pydantic-ai's ToolDefinition).
        function: Takes the arguments by keyword; sync or async.
        **metadata: Fields of `ToolMetadata` to set or replace.

    Raises:
        ConfigurationError: It is none of these.

    Example:
        >>> schema = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
        >>> from_schema(schema, lambda a, b: a + b).name
        'add'
    """
    if not isinstance(schema, Mapping):
        parameters = getattr(schema, "parameters_json_schema", None) or getattr(schema, "input_schema", None)
        schema = {
            "name": getattr(schema, "name", None),
            "description": getattr(schema, "description", None),
            "parameters": parameters,
        }
    inner: Any = schema["function"] if isinstance(schema.get("function"), Mapping) else schema
    keys = [key for key in ("parameters", "input_schema", "inputSchema") if inner.get(key) is not None]
    parameters = inner[keys[0]] if keys else None
    name = inner.get("name")
    if not isinstance(name, str):
        raise ConfigurationError(f"this is no schema of a tool: it needs a name, and has {sorted(map(str, inner))}")
    if parameters is None and (inner.get("type") == "function" or inner is not schema):
        parameters = {"type": "object", "properties": {}}  # OpenAI: a function without parameters
    if not isinstance(parameters, Mapping):
        raise ConfigurationError(f"the schema of the tool {name!r} has no parameters; it has {sorted(map(str, inner))}")
    if parameters.get("type", "object") != "object":
        raise ConfigurationError(
            f"the parameters of the tool {name!r} are of type {parameters['type']!r}; models give an object"
        )
    given = {"name": name, "description": inner.get("description") or "", **metadata}
    return Tool(function, ToolMetadata(**given), parameters=dict(parameters))


def to_schema(made: Tool, style: _Style = "openai") -> dict[str, Any]:
    """The schema of a tool as others write it.

    Args:
        made: The tool.
        style: Whose.

    Raises:
        ConfigurationError: There is no such style.

    Example:
        >>> made = Tool.from_function(len, name="size", description="How big.", parameters={"type": "object"})
        >>> to_schema(made, "anthropic")
        {'name': 'size', 'description': 'How big.', 'input_schema': {'type': 'object'}}
    """
    styles = get_args(_Style)
    if style not in styles:
        raise ConfigurationError(f"style {style!r}: it is one of {', '.join(map(repr, styles))}")
    about = {"name": made.name, "description": made.description}
    if style == "anthropic":
        return {**about, "input_schema": made.parameters}
    if style == "mcp":
        return {**about, "inputSchema": made.parameters}
    function = {**about, "parameters": made.parameters}
    return {"type": "function", "function": function} if style == "openai" else {"type": "function", **function}

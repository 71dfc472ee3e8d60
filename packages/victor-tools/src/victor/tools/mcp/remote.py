"""What a server says of its tools and answers to calls, taken with a pinch of salt.

Everything a model will read is the server's own words. So they are bounded, characters nobody sees are taken out, and
what no provider would accept is left out and told, instead of failing every request of an agent.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from victor.core.errors import ToolError
from victor.core.tool import ToolResult
from victor.tools.plain_text import plain

if TYPE_CHECKING:
    from mcp.types import CallToolResult
    from mcp.types import Tool as RemoteTool

__all__ = ["MOST_TOOLS", "chosen", "problem_of", "result_of", "safe_name", "schema_of"]

MOST_TOOLS: Final = 1_000
"""Most tools taken from one server."""

_NOTE: Final = 2_000  # characters of a description inside of its schema
_SCHEMA: Final = 60_000  # characters of a whole schema
_DEEPEST: Final = 60
_TOO_DEEP: Final = "\x00 too deep"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")


def safe_name(text: str) -> str:
    """A name with what providers refuse replaced.

    Example:
        >>> safe_name("odd name!")
        'odd_name_'
    """
    return _UNSAFE.sub("_", text)


def schema_of(remote: RemoteTool) -> dict[str, Any]:
    """The schema of its arguments, with an object at the root and its texts as `plain` makes them."""
    schema: dict[str, Any] = _cleaned(remote.input_schema)
    schema.setdefault("type", "object")
    schema.setdefault("properties", {})
    return schema


def _cleaned(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return _TOO_DEEP
    if isinstance(value, dict):
        return {
            key: plain(each, _NOTE)
            if key in {"description", "title", "$comment"} and isinstance(each, str)
            else _cleaned(each, depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_cleaned(each, depth + 1) for each in value]
    return value


def problem_of(remote: RemoteTool, schema: dict[str, Any]) -> str:
    """Why a tool cannot be used, or ``""``."""
    if not remote.name.strip():
        return "has no name"
    if schema["type"] != "object":
        return f"takes {str(schema['type'])[:40]!r} and not an object"
    text = msgspec.json.encode(schema)
    if msgspec.json.encode(_TOO_DEEP) in text:
        return f"has a schema of more than {_DEEPEST} levels"
    size = len(text)
    if size > _SCHEMA:
        return f"has a schema of {size:,} characters; the most is {_SCHEMA:,}"
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"has an invalid schema: {error.json_path}: {error.message[:200]}"
    except Exception as error:  # noqa: BLE001 - a validator may trip over a schema it cannot even walk
        return f"has an invalid schema: {type(error).__name__}"
    return ""


def chosen(found: Iterable[RemoteTool], only: frozenset[str] | None) -> tuple[list[RemoteTool], list[str]]:
    """The tools to take, each name once, and what is wrong with the others."""
    taken: dict[str, RemoteTool] = {}
    problems: list[str] = []
    for remote in found:
        if only is not None and remote.name not in only:
            continue
        name = plain(remote.name, 100)
        if remote.name in taken:
            problems.append(f"{name!r} is listed twice; the first one is used")
        elif len(taken) >= MOST_TOOLS:
            problems.append(f"it lists more than {MOST_TOOLS:,} tools; the others are left out")
            break
        else:
            taken[remote.name] = remote
    return list(taken.values()), problems


def result_of(result: CallToolResult, name: str) -> ToolResult:
    """What a call gave: the structured content, or the text, or a list of parts where there is more than text.

    The model is told the texts, and of images and sounds what and how big they are; their bytes are in the value.

    Raises:
        ToolError: The server says the call failed.
    """
    texts: list[str] = []
    parts: list[dict[str, Any]] = []
    for block in result.content:
        text, part = _part(block)
        texts.append(text)
        parts.append(part)
    said = "\n".join(texts)
    if result.is_error:
        raise ToolError(said or f"{name}: the server reports a failure without a word", retry=True)
    if result.structured_content is not None:
        return ToolResult(result.structured_content, text=said or None)
    only_text = all(part["type"] == "text" for part in parts)
    return ToolResult(said if only_text else parts, text=said or "done, without a word")


def _part(block: Any) -> tuple[str, dict[str, Any]]:
    kind = str(getattr(block, "type", ""))
    if kind == "text":
        return block.text, {"type": "text", "text": block.text}
    if kind in {"image", "audio"}:
        try:
            data = b64decode(block.data, validate=True)
        except (NotBase64, ValueError):
            return f"[{kind} that cannot be read]", {"type": kind, "mime_type": block.mime_type, "data": b""}
        shown = f"[{kind} {plain(block.mime_type, 100)}, {len(data):,} bytes]"
        return shown, {"type": kind, "mime_type": block.mime_type, "data": data}
    if kind == "resource_link":
        return f"[resource {block.uri}]", {"type": "resource_link", "uri": str(block.uri)}
    if kind == "resource":
        inner = block.resource
        text = getattr(inner, "text", None)
        shown = text if text is not None else f"[resource {inner.uri}]"
        return shown, {"type": "resource", "uri": str(inner.uri), "text": text, "blob": getattr(inner, "blob", None)}
    return f"[{kind or 'something'} unknown]", {"type": kind}

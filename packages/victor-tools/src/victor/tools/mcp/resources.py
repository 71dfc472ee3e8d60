"""What else an MCP server has to read, as two tools."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from victor.core.cut import cut_middle
from victor.core.tool import Tool, ToolMetadata
from victor.tools.plain_text import plain
from victor.tools.policy.policy import Policy

__all__ = ["Ask", "resource_tools"]

Ask = Callable[[Callable[[Any], Awaitable[Any]], str], Awaitable[Any]]
"""Asks a server something: takes a function of the SDK's client, and what is asked, for errors."""

_MOST: Final = 500


def resource_tools(ask: Ask, *, prefix: str, source: str) -> list[Tool]:
    """Tools that list and read the resources of a server.

    Args:
        ask: See `Ask`.
        prefix: Put before their names.
        source: Where they come from.
    """

    async def list_resources() -> list[dict[str, Any]]:
        """List what else this server has to read: address, name, type and description of each resource."""

        async def listed(client: Any) -> list[Any]:
            found: list[Any] = []
            cursor: str | None = None
            while len(found) < _MOST:
                page = await client.list_resources(cursor=cursor)
                found += page.resources
                cursor = page.next_cursor
                if not cursor or not page.resources:
                    break
            return found[:_MOST]

        return [
            {
                "uri": str(each.uri),
                "name": plain(each.name, 200),
                "type": each.mime_type or "",
                "description": plain(each.description or "", 1_000),
            }
            for each in await ask(listed, "listing the resources")
        ]

    async def read_resource(uri: str) -> str:
        """Read one resource of this server.

        Args:
            uri: Its address, as list_resources tells it.
        """
        found = await ask(lambda client: client.read_resource(uri), f"reading {cut_middle(uri, 200)}")
        texts = []
        for each in found.contents:
            text = getattr(each, "text", None)
            size = len((getattr(each, "blob", "") or "").rstrip("=")) * 3 // 4
            texts.append(text if text is not None else f"[{each.mime_type or 'bytes'}, {size:,} bytes]")
        return "\n".join(texts)

    from victor.core.docstring import summary_of

    return [
        Tool(
            function,
            ToolMetadata(f"{prefix}{name}"[:64], summary_of(function), "mcp", idempotent=True, source=source),
            middleware=Policy(max_result_chars=100_000).build(),
        )
        for name, function in (("list_resources", list_resources), ("read_resource", read_resource))
    ]

"""Your Python functions as an MCP server, for editors, desktop assistants and other agents.

A function that works in your agents can be used by every program that speaks the Model Context Protocol, through the
same path: arguments are checked, limits hold, errors are told in words. A tool whose every call needs approval is not
offered, since nobody could be asked. For tools that are installed, no code is needed: `victor tools serve --preset
minimal`. The client here is the protocol's own SDK, as an editor would use it; it starts this file with `serve`.

Needs: victor-core, victor-tools[mcp]
Run: python docs/examples/integrations/mcp_server.py
Prints:
    offered: price: What a parcel costs, in EUR. ['express', 'grams']
    answer: 8.0
    error: price: the arguments do not fit:
    - $.grams: must be at most 2000, got 5000
    - $.expres: is unknown; did you mean 'express'?
"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import msgspec

from victor.core import as_tool
from victor.tools.mcp.server import build_server, serve_stdio


def price(grams: Annotated[int, msgspec.Meta(gt=0, le=2000)], express: bool = False) -> float:
    """What a parcel costs, in EUR.

    Args:
        grams: Its weight.
        express: Whether it has to arrive tomorrow.
    """
    return round((3 + grams * 0.002) * (2 if express else 1), 2)


def cancel_all() -> str:
    """Cancel all orders."""
    return "cancelled"


async def serve() -> None:
    """What an editor starts."""
    await serve_stdio(build_server([as_tool(price), as_tool(cancel_all, requires_approval=True)], name="parcels"))


async def client() -> None:
    """What an editor does with it."""
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    program = StdioServerParameters(command=sys.executable, args=[__file__, "serve"])
    async with Client(stdio_client(program)) as session:
        for tool in (await session.list_tools()).tools:
            print(f"offered: {tool.name}: {tool.description} {sorted(tool.input_schema['properties'])}")
        for arguments in ({"grams": 500, "express": True}, {"grams": 5000, "expres": True}):
            answer = await session.call_tool("price", arguments)
            print("error:" if answer.is_error else "answer:", answer.content[0].text)


if __name__ == "__main__":
    asyncio.run(serve() if sys.argv[1:] == ["serve"] else client())

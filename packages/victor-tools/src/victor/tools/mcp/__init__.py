"""The Model Context Protocol, both ways: other servers' tools for our agents, our tools for others.

Needs ``pip install 'victor-tools[mcp]'``. The SDK is imported when a connection is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.tools.mcp.client import MCPToolset
    from victor.tools.mcp.server import build_server, serve_http, serve_stdio

__all__ = ["MCPToolset", "build_server", "serve_http", "serve_stdio"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module 'victor.tools.mcp' has no attribute {name!r}")
    module = import_module("victor.tools.mcp.client" if name == "MCPToolset" else "victor.tools.mcp.server")
    return getattr(module, name)

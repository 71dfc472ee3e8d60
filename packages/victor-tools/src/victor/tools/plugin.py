"""What victor-tools contributes, by the same hooks as any plugin."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from victor.core.hookspecs import Register, RegisterTool, hookimpl
from victor.tools.builtin import KITS

if TYPE_CHECKING:
    from victor.core.tool import Tool

__all__ = ["victor_adjust_tool", "victor_register_commands", "victor_register_tools"]

BUILT_IN_DEFAULTS: Final = frozenset({"mcp", "web"})
"""The built-in categories that say something about tools that do not."""


@hookimpl
def victor_register_tools(register: RegisterTool) -> None:
    """The built-in tools, and those that were decorated before plugins were loaded."""
    for section, (_, tools) in KITS.items():
        for name, help in tools.items():
            register(f"{section}.{name}", f"victor.tools.builtin:{section}_{name}", help=help)
    for server, name in _configured_remote_tools():
        where = f"victor.tools.mcp.configured:servers.{server}.{name}"
        register(f"{server}.{name}", where, help=f"of the MCP server {server}", replace=True)
    registry = sys.modules.get("victor.tools.registry")  # nothing was decorated if it was never imported
    if registry is not None:
        registry.UnifiedToolRegistry.get_instance().publish(register)


@hookimpl
def victor_adjust_tool(tool: Tool) -> Tool | None:
    """The defaults of its category, whoever the tool comes from."""
    if tool.metadata.category not in BUILT_IN_DEFAULTS and not _own_categories():
        return None  # and no file is read for that
    from victor.tools.registry import UnifiedToolRegistry

    return UnifiedToolRegistry.get_instance().categories.apply(tool)


def _own_categories() -> bool:
    """Whether there are categories besides the built-in ones."""
    from victor.core.settings import load_settings

    if "categories" in load_settings().section("tools"):
        return True
    registry = sys.modules.get("victor.tools.registry")
    return registry is not None and registry.UnifiedToolRegistry.get_instance().has_categories


def _configured_remote_tools() -> list[tuple[str, str]]:
    """Server and name of the tools that the settings bring in. Wrong settings are told when they are used."""
    from victor.core.errors import ConfigurationError
    from victor.core.settings import load_settings

    try:
        tables = load_settings().section("tools").get("mcp", {})
    except ConfigurationError:
        return []
    if not isinstance(tables, dict):
        return []
    return [
        (server, name)
        for server, table in tables.items()
        if isinstance(table, dict)
        for name in table.get("tools", ())
        if isinstance(name, str)
    ]


@hookimpl
def victor_register_commands(register: Register) -> None:
    """``victor tools``, in the place of core's smaller one."""
    register("tools", "victor.tools.cli.app:app", help="list, search, run and serve tools", replace=True)

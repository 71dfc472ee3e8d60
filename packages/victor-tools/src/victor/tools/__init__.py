"""Tools for Victor agents: three lines to make one, one registry, a safe path for every call.

Everything public is here, imported when it is first used::

    from victor.tools import tool

    @tool(category="math", keywords=["sum", "plus"])
    def add(a: int, b: int) -> int:
        "Add two numbers."
        return a + b
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.core.tool import CostTier, Tool, ToolCategory, ToolContext, ToolMetadata, ToolResult, as_tool
    from victor.tools.base_tool import BaseTool
    from victor.tools.decorator import tool
    from victor.tools.policy import Policy
    from victor.tools.registry import RegistryChange, UnifiedToolRegistry
    from victor.tools.toolkit import Toolkit, tools_of
    from victor.tools.toolset import Toolset

__version__ = "0.1.0"

_HOME = {
    "tool": "victor.tools.decorator",
    "BaseTool": "victor.tools.base_tool",
    "Policy": "victor.tools.policy",
    "RegistryChange": "victor.tools.registry",
    "UnifiedToolRegistry": "victor.tools.registry",
    "Toolkit": "victor.tools.toolkit",
    "tools_of": "victor.tools.toolkit",
    "Toolset": "victor.tools.toolset",
    **dict.fromkeys(
        ("CostTier", "Tool", "ToolCategory", "ToolContext", "ToolMetadata", "ToolResult", "as_tool"), "victor.core.tool"
    ),
}

__all__ = [
    "BaseTool", "CostTier", "Policy", "RegistryChange", "Tool", "ToolCategory", "ToolContext", "ToolMetadata",
    "ToolResult", "Toolkit", "Toolset", "UnifiedToolRegistry", "as_tool", "tool", "tools_of",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    try:
        module = import_module(_HOME[name])
    except KeyError:
        raise AttributeError(f"module 'victor.tools' has no attribute {name!r}") from None
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

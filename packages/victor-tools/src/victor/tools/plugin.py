"""What victor-tools contributes, by the same hooks as any plugin."""

from __future__ import annotations

import sys

from victor.core.hookspecs import Register, RegisterTool, hookimpl
from victor.tools.builtin import KITS

__all__ = ["victor_register_commands", "victor_register_tools"]


@hookimpl
def victor_register_tools(register: RegisterTool) -> None:
    """The built-in tools, and those that were decorated before plugins were loaded."""
    for section, (_, tools) in KITS.items():
        for name, help in tools.items():
            register(f"{section}.{name}", f"victor.tools.builtin:{section}_{name}", help=help)
    registry = sys.modules.get("victor.tools.registry")  # nothing was decorated if it was never imported
    if registry is not None:
        registry.UnifiedToolRegistry.get_instance().publish(register)


@hookimpl
def victor_register_commands(register: Register) -> None:
    """``victor tools``, in the place of core's smaller one."""
    register("tools", "victor.tools.cli.app:app", help="list, search, run and serve tools", replace=True)

"""Tools by which agents use the memory they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from victor.core.errors import ToolError
from victor.core.tool import Tool, as_tool

if TYPE_CHECKING:
    from victor.teams.memory import MemoryView

__all__ = ["memory_tools"]


def memory_tools(memory: MemoryView) -> list[Tool]:
    """``remember`` and ``recall`` for one turn.

    Args:
        memory: What the turn sees.
    """

    async def remember(key: str, value: str) -> str:
        """Keep something for all members of the team, under a short name.

        Args:
            key: The name.
            value: What to keep.
        """
        memory[key] = value
        return f"kept as {key!r}"

    async def recall(key: str) -> str:
        """Read what a member of the team has kept.

        Args:
            key: The name.
        """
        if key not in memory:
            raise ToolError(
                f"nothing is kept as {key!r}; there is: {', '.join(memory.keys()) or 'nothing'}", retry=True
            )
        return str(memory[key])

    return [as_tool(remember), as_tool(recall)]

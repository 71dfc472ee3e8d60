"""The import path tools of victor-ai use for their base class. New tools: `victor.tools.BaseTool`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from attrs import frozen

from victor.core.tool import CostTier, Tool

__all__ = ["BaseTool", "CostTier", "ToolResult"]


@frozen
class ToolResult:
    """What tools of the older kind return.

    Args:
        success: Whether it worked.
        output: What came of it.
        error: Why not.
        metadata: Ignored.
    """

    success: bool
    output: Any = None
    error: str | None = None
    metadata: dict[str, Any] | None = None


class BaseTool(ABC):
    """The base class of tools of the older kind; they work as they are, and warn once."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The tool's name."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What it does."""

    @property
    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """JSON Schema of its arguments."""

    @abstractmethod
    async def execute(self, _exec_ctx: dict[str, Any], **kwargs: Any) -> Any:
        """What it does."""

    @property
    def metadata(self) -> Any:
        """More about it, or None."""
        return None

    @property
    def cost_tier(self) -> CostTier:
        """What a call costs."""
        return CostTier.FREE

    @property
    def is_idempotent(self) -> bool:
        """Whether calling it again changes nothing more."""
        return False

    @property
    def __victor_tool__(self) -> Tool:
        """The tool core runs; made once per object."""
        made: Tool | None = self.__dict__.get("_victor_tool")
        if made is None:
            from victor.tools.bridges.adapt import from_predecessor

            made = self.__dict__["_victor_tool"] = from_predecessor(self)
        return made

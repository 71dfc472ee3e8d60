"""The tool for reading the rest of a result that was cut."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from attrs import frozen

from victor.core.tool import ToolCategory
from victor.tools.decorator import tool
from victor.tools.policy.truncation import long_results
from victor.tools.toolkit import Toolkit

__all__ = ["Results"]


@frozen
class Results(Toolkit):
    """Whole results that were too long for a model, as far as they are still kept."""

    section: ClassVar[str] = "results"

    @tool(
        category=ToolCategory.CORE,
        idempotent=True,
        keywords=["rest", "more", "truncated", "cut", "continue", "remaining", "full", "output"],
    )
    def read(
        self,
        ref: str,
        offset: Annotated[int, msgspec.Meta(ge=0)] = 0,
        limit: Annotated[int, msgspec.Meta(ge=1, le=20_000)] = 8_000,
    ) -> str:
        """Read a part of a result that was cut because it was too long.

        Args:
            ref: The name the cut result told, such as r3.
            offset: First character, counted from 0.
            limit: Most characters.
        """
        part = long_results.read(ref, offset, limit)
        size = long_results.size(ref)
        end = offset + len(part)
        return (
            part if end >= size else f"{part}\n[characters {offset:,} to {end:,} of {size:,}; go on with offset={end}]"
        )

"""The tables of a registry: tools by id, name, category, tier and keyword, kept in step."""

from __future__ import annotations

from victor.core.tool import CostTier, Tool, ToolMetadata

__all__ = ["ToolTables"]


class ToolTables:
    """Tools, found in one step by whatever is asked for. Not locked: that is its owner's business.

    Attributes:
        tools: By id.
        metadata: By id.
        by_name: Ids by name; several where the name is ambiguous.
        by_category: Ids, in the order they came.
        by_tier: The same.
        by_keyword: The same, by keywords in lower case.

    Example:
        >>> tables = ToolTables()
        >>> tables.add(Tool.from_function(len, name="size", keywords=("How Big",), parameters={}))
        >>> list(tables.by_keyword["how big"]), tables.by_name["size"]
        (['custom.size'], ('custom.size',))
    """

    __slots__ = ("by_category", "by_keyword", "by_name", "by_tier", "metadata", "tools")

    def __init__(self) -> None:
        self.tools: dict[str, Tool] = {}
        self.metadata: dict[str, ToolMetadata] = {}
        self.by_name: dict[str, tuple[str, ...]] = {}
        self.by_category: dict[str, dict[str, None]] = {}
        self.by_tier: dict[CostTier, dict[str, None]] = {}
        self.by_keyword: dict[str, dict[str, None]] = {}

    def add(self, made: Tool) -> None:
        """Add a tool whose id is free."""
        metadata = made.metadata
        tool_id = metadata.id
        self.tools[tool_id] = made
        self.metadata[tool_id] = metadata
        self.by_name[metadata.name] = (*self.by_name.get(metadata.name, ()), tool_id)
        self.by_category.setdefault(metadata.category, {})[tool_id] = None
        self.by_tier.setdefault(metadata.cost_tier, {})[tool_id] = None
        for keyword in metadata.keywords:
            self.by_keyword.setdefault(keyword.lower(), {})[tool_id] = None

    def remove(self, tool_id: str) -> None:
        """Take a tool out that is there."""
        metadata = self.metadata.pop(tool_id)
        del self.tools[tool_id]
        left = tuple(each for each in self.by_name[metadata.name] if each != tool_id)
        if left:
            self.by_name[metadata.name] = left
        else:
            del self.by_name[metadata.name]
        self.by_category[metadata.category].pop(tool_id, None)
        self.by_tier[metadata.cost_tier].pop(tool_id, None)
        for keyword in metadata.keywords:
            self.by_keyword[keyword.lower()].pop(tool_id, None)

    def settle(self, settled: Tool) -> None:
        """Put a tool in the place of the one with its id, from which it differs in price or approval."""
        tool_id = settled.metadata.id
        self.by_tier[self.metadata[tool_id].cost_tier].pop(tool_id, None)
        self.by_tier.setdefault(settled.metadata.cost_tier, {})[tool_id] = None
        self.tools[tool_id], self.metadata[tool_id] = settled, settled.metadata

    def select(self, categories: list[str] | None, tier: CostTier | None, keyword: str | None) -> list[Tool]:
        """The tools that fit all of what is given, sorted by id."""
        ids = (
            list(self.tools)
            if categories is None
            else [i for name in categories for i in self.by_category.get(name, ())]
        )
        if tier is not None:
            of_tier = self.by_tier.get(tier, {})
            ids = [i for i in ids if i in of_tier]
        if keyword is not None:
            having = self.by_keyword.get(keyword.lower(), {})
            ids = [i for i in ids if i in having]
        return [self.tools[i] for i in sorted(ids)]

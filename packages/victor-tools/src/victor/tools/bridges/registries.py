"""The three registries of victor-ai by the names they had, in front of the one there is now.

Each name warns once. What they did is one call of `UnifiedToolRegistry`; the migration guide has the table.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, ClassVar

from victor.core.tool import CostTier, Tool, ToolMetadata, ToolResult
from victor.tools.bridges.adapt import adapt
from victor.tools.registry import UnifiedToolRegistry

__all__ = ["SharedToolRegistry", "ToolMetadataRegistry", "ToolRegistry"]

_TIERS = list(CostTier)


class _Old:
    """What all three had."""

    _warned: ClassVar[set[str]] = set()

    def __init__(self, registry: UnifiedToolRegistry | None = None) -> None:
        self.registry: UnifiedToolRegistry = UnifiedToolRegistry() if registry is None else registry
        name = type(self).__name__
        if name not in _Old._warned:
            _Old._warned.add(name)
            warnings.warn(
                f"{name} is now UnifiedToolRegistry (from victor.tools); `victor tools migrate` rewrites the calls",
                DeprecationWarning,
                stacklevel=3,
            )

    @classmethod
    def get_instance(cls) -> Any:
        """In front of the default registry."""
        return cls(UnifiedToolRegistry.get_instance())

    def register(self, tool: Any, **unused: Any) -> None:
        """Add a tool, old or new."""
        self.registry.register(adapt(tool), replace=True)

    register_tool = register

    def unregister(self, name: str) -> bool:
        """Take a tool out; whether there was one."""
        found = self.registry.get_tool(name)
        if found is not None:
            self.registry.unregister(found.id)
        return found is not None

    unregister_tool = unregister


class ToolRegistry(_Old):
    """Enabled and disabled tools of one session."""

    def __init__(self, registry: UnifiedToolRegistry | None = None) -> None:
        super().__init__(registry)
        self._disabled: set[str] = set()

    def register(self, tool: Any, enabled: bool = True, **unused: Any) -> None:
        """Add a tool, old or new."""
        made = self.registry.register(adapt(tool), replace=True)
        if not enabled:
            self._disabled.add(made.name)

    register_tool = register

    def get(self, name: str) -> Tool | None:
        """The tool of that name, or None."""
        found = self.registry.get_tool(name)
        return None if found is None else self.registry.tool(found.id)

    def list_tools(self, only_enabled: bool = True, include_folded: bool = False) -> list[Tool]:
        """All tools, by default without those that are disabled."""
        return [made for made in self.registry.tools() if not only_enabled or made.name not in self._disabled]

    def get_tool_schemas(self, only_enabled: bool = True, **unused: Any) -> list[dict[str, Any]]:
        """Their schemas, as OpenAI writes them."""
        from victor.tools.bridges.schemas import to_schema

        return [to_schema(made) for made in self.list_tools(only_enabled)]

    def enable_tool(self, name: str) -> bool:
        """Enable a tool; whether there is one."""
        self._disabled.discard(name)
        return name in self.registry

    def disable_tool(self, name: str) -> bool:
        """Disable a tool; whether there is one."""
        if name in self.registry:
            self._disabled.add(name)
        return name in self.registry

    def is_tool_enabled(self, name: str) -> bool:
        """Whether there is such a tool and it is not disabled."""
        return name in self.registry and name not in self._disabled

    def get_tool_cost(self, name: str) -> CostTier | None:
        """Its cost tier."""
        found = self.registry.get_tool(name)
        return None if found is None else found.cost_tier

    def get_tools_by_cost(self, max_tier: CostTier = CostTier.HIGH, only_enabled: bool = True) -> list[Tool]:
        """Tools that cost no more than that."""
        most = _TIERS.index(CostTier(max_tier))
        return [made for made in self.list_tools(only_enabled) if _TIERS.index(made.metadata.cost_tier) <= most]

    async def execute(self, name: str, _exec_ctx: dict[str, Any] | None = None, **arguments: Any) -> ToolResult:
        """Call a tool. The result has ``ok``, ``value``, ``text`` and ``error``."""
        return await self.registry.tool(name).call(arguments)


class SharedToolRegistry(_Old):
    """All tools of the process."""

    def get_tool_names(self, airgapped_mode: bool = False) -> list[str]:
        """The names of all tools."""
        return [made.name for made in self.get_all_tools_for_registration(airgapped_mode)]

    def get_all_tools_for_registration(self, airgapped_mode: bool = False) -> list[Tool]:
        """All tools, without those of the web if so wished."""
        return self.registry.tools(preset="airgapped" if airgapped_mode else None)

    def create_tool_instance(self, tool_name: str) -> Tool | None:
        """The tool of that name, or None."""
        found = self.registry.get_tool(tool_name)
        return None if found is None else self.registry.tool(found.id)

    def get_tools_for_names(self, names: Iterable[str], **unused: Any) -> list[Tool]:
        """Those of these names that there are."""
        return [made for name in names if (made := self.create_tool_instance(name)) is not None]


class ToolMetadataRegistry(_Old):
    """What is known about tools."""

    def get_metadata(self, name: str) -> ToolMetadata | None:
        """What is known of the tool of that name."""
        return self.registry.get_tool(name)

    get = get_metadata

    def get_all(self) -> dict[str, ToolMetadata]:
        """All, by name."""
        return {made.name: made.metadata for made in self.registry}

    def register_all(self, tools: Iterable[Any]) -> None:
        """Add tools, old or new."""
        for each in tools:
            self.register(each)

    def get_by_category(self, category: str) -> list[ToolMetadata]:
        """Those of a category."""
        return self.registry.get_tools_by_category(category)

    def get_tools_by_category(self, category: str) -> set[str]:
        """The names of those of a category."""
        return {found.name for found in self.registry.get_tools_by_category(category)}

    def get_all_categories(self) -> set[str]:
        """All categories that tools are in."""
        return {made.metadata.category for made in self.registry}

    def get_by_keyword(self, keyword: str) -> list[ToolMetadata]:
        """Those with that keyword."""
        return [made.metadata for made in self.registry.tools(keyword=keyword)]

    def get_tools_by_keywords(self, keywords: Iterable[str]) -> set[str]:
        """The names of those with one of the keywords."""
        return {found.name for keyword in keywords for found in self.get_by_keyword(keyword)}

    def get_tools_matching_text(self, text: str) -> set[str]:
        """The names of those that fit a text."""
        return {found.name for found in self.registry.search_tools(text)}

    def get_idempotent_tools(self) -> set[str]:
        """The names of those that may be called again."""
        return {made.name for made in self.registry.tools(idempotent=True)}

    def get_all_tool_names(self) -> set[str]:
        """All names."""
        return {made.name for made in self.registry}

"""Tools for one conversation: all of them if there is room, else the fitting ones and a way to the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from victor.core.errors import ToolNotFoundError
from victor.core.ranking import BM25
from victor.core.tool import CostTier, Tool, ToolCategory, ToolContext, ToolMetadata, ToolResult

__all__ = ["Toolset", "estimated_tokens"]

_ORDER: Final = (CostTier.FREE, CostTier.LOW, CostTier.MEDIUM, CostTier.HIGH)


def estimated_tokens(tools: Iterable[Tool]) -> int:
    """About how many tokens a model reads to know these tools: a quarter of the characters of what is sent.

    Example:
        >>> estimated_tokens([Tool.from_function(len, parameters={"type": "object"}, description="Length of a text.")])
        11
    """
    return sum(_tokens(made) for made in tools)


def _tokens(made: Tool) -> int:
    return (len(made.name) + len(made.description) + len(msgspec.json.encode(made.parameters))) // 4 + 2


class Toolset:
    """A selection of tools to give to a model.

    Args:
        tools: The tools.

    Example:
        >>> from victor.tools import UnifiedToolRegistry
        >>> def add(a: int, b: int) -> int:
        ...     "Add two numbers."
        ...     return a + b
        >>> registry = UnifiedToolRegistry()
        >>> _ = registry.register(add)
        >>> [made.name for made in registry.toolset().for_model("sums", budget=1000)]
        ['add']
    """

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = {made.name: made for made in tools}
        self._index: BM25[str] | None = None

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def for_model(self, query: str = "", *, budget: int = 8_000) -> list[Tool]:
        """The tools to send to a model.

        All of them, when what they take to describe fits the budget. Otherwise those that fit the question best and
        the cheapest ones, as many as fit, and two more: ``search_tools`` finds the others and tells how to call them,
        ``call_tool`` calls them. The list stays as it is for the whole conversation, so that what a provider has cached
        of it stays good.

        Args:
            query: What the conversation is about, such as the user's first message.
            budget: Most tokens the descriptions may take.
        """
        if estimated_tokens(self) <= budget:
            return list(self)
        reach = self._reach()
        left = budget - estimated_tokens(reach)
        chosen: list[Tool] = []
        for made in self._best_first(query):
            cost = _tokens(made)
            if cost <= left:
                chosen.append(made)
                left -= cost
        return [*chosen, *reach]

    def _best_first(self, query: str) -> list[Tool]:
        found = [self._tools[name] for name, _ in self._searchable().search(query, 8)] if query else []
        names = {made.name for made in found}
        rest = [
            made for made in self if made.name not in names and made.metadata.cost_tier in (CostTier.FREE, CostTier.LOW)
        ]
        return [*found, *sorted(rest, key=lambda made: (_ORDER.index(made.metadata.cost_tier), made.name))]

    def _searchable(self) -> BM25[str]:
        if self._index is None:
            from victor.tools.categories import Categories
            from victor.tools.search import document, new_index

            self._index = new_index()
            categories = Categories({}, {})
            for made in self:
                self._index.add(made.name, document(made, categories))
        return self._index

    def _reach(self) -> list[Tool]:
        async def search_tools(query: str, limit: int = 5) -> list[dict[str, Any]]:
            """Find more tools by what they do. Returns names, descriptions and parameters; call one with call_tool.

            Args:
                query: What you want to do, in a few words.
                limit: Most tools to return.
            """
            found = self._searchable().search(query, max(1, min(limit, 20)))
            return [
                {"name": name, "description": self._tools[name].description, "parameters": self._tools[name].parameters}
                for name, _ in found
            ]

        async def call_tool(name: str, context: ToolContext, arguments: Mapping[str, Any] = {}) -> Any:
            """Call a tool that search_tools found.

            Args:
                name: Its name.
                context: Of this call.
                arguments: Its arguments, as its parameters say.
            """
            made = self._tools.get(name)
            if made is None:
                from victor.core.catalog import near_matches

                near = near_matches(name, self._tools)
                hint = f"; did you mean {near[0]!r}?" if near else "; search_tools finds what there is"
                raise ToolNotFoundError(f"there is no tool {name!r}{hint}")
            from victor.core.plugins import get_plugins

            made = get_plugins().tool(made)  # as an agent would have it: with the defaults of its category
            result = await made.call(arguments, call_id=context.call_id, scope=context.scope)
            if result.error is not None:
                raise result.error
            return ToolResult(result.value, text=result.text)

        return [
            Tool(search_tools, ToolMetadata("search_tools", _text(search_tools), ToolCategory.CORE, idempotent=True)),
            Tool(call_tool, ToolMetadata("call_tool", _text(call_tool), ToolCategory.CORE)),
        ]


def _text(function: Any) -> str:
    from victor.core.docstring import summary_of

    return summary_of(function)

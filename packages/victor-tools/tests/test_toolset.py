"""Tools for one conversation: all of them, or the fitting ones and a way to the rest."""

from __future__ import annotations

import asyncio
from typing import Any

from victor.core.events import EventStream
from victor.core.tool import Tool, ToolMetadata, ToolScope
from victor.tools import Toolset, UnifiedToolRegistry
from victor.tools.toolset import estimated_tokens


def made(number: int, tier: str = "free", approval: bool = False) -> Tool:
    async def function(x: int) -> int:
        return x + number

    metadata = ToolMetadata(
        f"tool_{number}", f"Does the thing called thing{number}. " * 5, cost_tier=tier, requires_approval=approval
    )
    return Tool(function, metadata)


def test_everything_when_it_fits() -> None:
    toolset = Toolset([made(n) for n in range(5)])
    assert [t.name for t in toolset.for_model("x", budget=10_000)] == [f"tool_{n}" for n in range(5)]
    assert len(toolset) == 5


def test_the_budget_is_kept_and_what_fits_the_question_comes_first() -> None:
    toolset = Toolset([made(n, tier="high" if n % 2 else "free") for n in range(100)])
    chosen = toolset.for_model("please do thing77 and thing78", budget=1500)
    names = [t.name for t in chosen]
    assert estimated_tokens(chosen) <= 1500
    assert set(names[:2]) == {"tool_77", "tool_78"}
    assert names[-2:] == ["search_tools", "call_tool"]
    # Of the rest only the cheap ones are shown unasked.
    assert all(int(name.partition("_")[2]) % 2 == 0 for name in names[2:-2])
    assert len(names) > 10


def test_the_others_are_found_and_called(call: Any) -> None:
    toolset = Toolset([made(n) for n in range(100)] + [made(500, approval=True)])
    tools = {t.name: t for t in toolset.for_model("", budget=600)}
    assert "tool_99" not in tools
    found = call(tools["search_tools"], query="thing99").value
    assert found[0]["name"] == "tool_99" and found[0]["parameters"]["required"] == ["x"]
    stream, seen = EventStream(), []
    stream.subscribe(lambda event: seen.append((event.name, event.phase)), kinds=["tool.call"])

    def through(**arguments: Any) -> Any:
        return asyncio.run(tools["call_tool"].call(arguments, scope=ToolScope(stream=stream)))

    assert through(name="tool_99", arguments={"x": 1}).value == 100
    assert ("tool_99", "end") in seen and ("call_tool", "end") in seen
    assert "$.x: is required" in through(name="tool_99").text
    assert "did you mean 'tool_99'" in through(name="tool99").text
    # What needs approval needs it here, too.
    assert "needs approval" in through(name="tool_500", arguments={"x": 1}).text


def test_from_a_registry() -> None:
    registry = UnifiedToolRegistry([made(1), made(2, tier="high")])
    assert [t.name for t in registry.toolset(tier="high")] == ["tool_2"]

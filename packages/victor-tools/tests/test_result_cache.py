"""When two calls are the same."""

from __future__ import annotations

from typing import Any

from victor.core.tool import Tool, ToolMetadata, ToolScope
from victor.tools.policy.cache import ResultCache


def make(function: Any, *middleware: Any, **metadata: Any) -> Tool:
    return Tool(function, ToolMetadata("t", **metadata), middleware=middleware)


async def test_calls_are_equal_by_their_arguments_whatever_these_are() -> None:
    from pathlib import Path

    from pydantic import BaseModel

    class Place(BaseModel):
        town: str

    made: list[object] = []

    async def look(path: Path, place: Place) -> int:
        made.append(path)
        return len(made)

    looking = make(look, ResultCache(60), idempotent=True)
    calls = ['{"path": "a", "place": {"town": "Ulm"}}', '{"path": "b", "place": {"town": "Ulm"}}'] * 2
    assert [(await looking.call(each)).value for each in calls] == [1, 2, 1, 2]

    async def anything(value: object) -> int:
        made.append(value)
        return len(made)

    odd = Tool(anything, ToolMetadata("odd", idempotent=True), parameters={}, middleware=(ResultCache(60),))
    before = len(made)
    for _ in range(2):  # what cannot be compared is asked each time
        assert (await odd.call({"value": object()})).ok
    assert len(made) == before + 2
    unhashable = ToolScope(deps=["a", "list"])
    for _ in range(2):
        await looking.call(calls[0], scope=unhashable)
    assert len(made) == before + 4

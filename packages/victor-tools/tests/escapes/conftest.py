"""What the escape attempts share: each must be refused in words, and nothing outside may be seen or changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from victor.core.errors import ToolError
from victor.core.tool import Tool, ToolResult, ToolScope

SECRET = "SECRET-OUTSIDE"


@pytest.fixture
def guarded(root: Path) -> Iterator[Path]:
    """The root; afterwards everything outside of it is as it was."""
    outside = root.parent / "outside"
    before = {p.name: p.read_bytes() for p in outside.iterdir()}
    yield root
    assert {p.name: p.read_bytes() for p in outside.iterdir()} == before
    assert sorted(p.name for p in root.parent.iterdir()) == ["outside", "root"]


Refused = Callable[..., ToolResult]


@pytest.fixture
def refused() -> Refused:
    """Call a tool with approval given, and expect a clear refusal that tells nothing of the secret."""

    def run(made: Tool, **arguments: Any) -> ToolResult:
        result = asyncio.run(made.call(arguments, scope=ToolScope(approve=lambda context: True)))
        assert isinstance(result.error, ToolError), f"let through: {result.text[:300]}"
        assert SECRET not in result.text
        assert "Traceback" not in result.text and not result.text.startswith(f"{made.name} failed:"), (
            f"not in words for a model: {result.text}"
        )
        assert len(result.text) > 10
        return result

    return run

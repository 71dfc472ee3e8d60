"""Fixtures for the tests of tools."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from victor.core.tool import Tool, ToolResult, ToolScope

Call = Callable[..., ToolResult]


@pytest.fixture
def call() -> Call:
    """Call a tool as an agent would, from Python values; approval is given."""

    def run(made: Tool, **arguments: Any) -> ToolResult:
        return asyncio.run(made.call(arguments, scope=ToolScope(approve=lambda context: True)))

    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory to work in, inside of another one with a secret nobody may see or change."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("SECRET-OUTSIDE\n")
    folder = tmp_path / "root"
    folder.mkdir()
    return folder

"""Every built-in tool, called as a hostile or confused model would: an answer or a typed error, and soon."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from victor.core.plugins import Plugins, set_plugins
from victor.core.tool import Tool, ToolScope
from victor.tools import UnifiedToolRegistry
from victor.tools.builtin import KITS

BIG = "x" * 2_000_000
VALUES: list[Any] = [
    "", None, True, -1, 0, 10**30, 1e308, float("nan"), "NaN", "\x00", "a\x00b", "../../etc/passwd", "/etc/passwd", "~",
    "\u202e", "\ud800", "\U0001d7dc", "é" * 1000, BIG, [], {}, [[[]]], {"a": {"b": [1]}}, "-rf", "--help", "$(id)", "`id`",
    "; touch hacked", "%s%n", "{0.__class__}", "'; DROP TABLE t; --", "🎉", "\n\r\t", "file:///etc/passwd",
    "http://169.254.169.254/", "9" * 5000, "1e999", "[" * 5000, "(" * 200, "P1D", "2024-02-30", "d.json", "a.txt", "x.db",
]  # fmt: skip
RAW = [
    "",
    "null",
    "[]",
    "5",
    '"x"',
    "{",
    '{"a":1,"a":2}',
    "{}",
    " " * 100_000,
    '{"path":' * 500,
    "\x00",
    '{"x":"\\ud800"}',
]
ASKS = {"shell", "git", "human"}
NAMES = [f"{kit}.{name}" for kit, (_, tools) in KITS.items() for name in tools if (kit, name) != ("sql", "execute")]


@pytest.fixture(scope="module", autouse=True)
def _project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("a.txt").write_text("hello\nworld\n")
        Path("d.json").write_text('{"a": [1, 2]}')
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example"]
        subprocess.run([*git, "init", "-q", "."], check=True)
        subprocess.run([*git, "add", "a.txt"], check=True)
        subprocess.run([*git, "commit", "-qm", "first"], check=True)
        with sqlite3.connect("x.db") as db:
            db.execute("CREATE TABLE t (a)")
        db.close()
        was_plugins, was = set_plugins(Plugins(only=["core", "tools"]).load()), UnifiedToolRegistry.set_instance(None)
        try:
            yield
        finally:
            set_plugins(was_plugins)
            UnifiedToolRegistry.set_instance(was)


def fitting(made: Tool) -> dict[str, Any]:
    """Arguments that are all right."""
    plain = {"string": "a.txt", "integer": 1, "number": 1, "boolean": True, "array": ["a"], "object": {}}
    properties = made.parameters.get("properties", {})
    return {name: plain.get(str(properties[name].get("type")), "a.txt") for name in made.parameters.get("required", ())}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
async def test_any_argument_is_answered_or_refused(name: str) -> None:
    made = UnifiedToolRegistry.get_instance().tool(name)
    scope = ToolScope(approve=lambda context: name.partition(".")[0] not in ASKS)
    calls: list[Any] = [*RAW, json.dumps({"x": "\x00"})]
    calls += [{**fitting(made), each: value} for each in made.parameters.get("properties", {}) for value in VALUES]
    for arguments in calls:
        began = time.process_time()
        result = await made.call(arguments, scope=scope)
        shown = f"{name}({str(arguments)[:200]})"
        assert time.process_time() - began < 10, shown
        result.text.encode()
        if result.error is not None:
            assert not result.text.startswith(f"{made.name} failed: "), f"{shown}: {result.text[:500]}"
            assert len(result.text) < 25_000, shown
    assert Path("a.txt").exists() and not Path("hacked").exists()
    assert not [path for path in Path.cwd().parent.iterdir() if path.name in {"etc", "hacked"}]

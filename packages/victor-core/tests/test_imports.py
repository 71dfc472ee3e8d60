"""What is imported when: starting fast is a feature, and so is running where there are no threads or subprocesses."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = {
    "anthropic", "docstring_parser", "httpx", "jinja2", "networkx", "numpy", "openai", "opentelemetry", "platformdirs",
    "pydantic", "rich", "structlog", "typer", "yaml",
}  # fmt: skip


def loaded(code: str, **variables: str) -> set[str]:
    """Top-level modules after running the code in a fresh Python."""
    script = (
        f"import sys\n{code}\nsys.stderr.write(' '.join(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    )
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("VICTOR_", "COV_", "COVERAGE"))
    }
    environment |= {"VICTOR_CONFIG": "", **variables}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code", ["import victor.core", "from victor.core import Agent", "from victor.core.cli import main"]
)
def test_imports_are_light(code):
    assert loaded(code) & HEAVY == set()


def test_the_face_alone_imports_no_library_at_all():
    assert loaded("import victor.core") & {"attrs", "attr", "pluggy", "msgspec", "asyncio"} == set()


def test_plugins_load_without_heavy_libraries():
    found = loaded(
        "from victor.core import get_plugins\nassert 'offline' in get_plugins().models", VICTOR_LOAD_PLUGINS="core"
    )
    assert found & HEAVY == set()


def test_settings_load_without_heavy_libraries():
    assert loaded("from victor.core import load_settings\nload_settings()") & HEAVY == set()


def test_an_agent_runs_where_threads_and_subprocesses_are_missing():
    code = """
import _thread, asyncio, subprocess, sys

def none(*args, **kwargs):
    raise RuntimeError("can't start new thread")

_thread.start_new_thread = none
import threading
threading._start_new_thread = none
subprocess.Popen = none
sys.platform = "emscripten"  # Pyodide

from victor.core import Agent
from victor.core.testing import ScriptedModel, call

def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

result = Agent(tools=[add], model=ScriptedModel([call("add", a=2, b=3), "5"])).run_sync("2 + 3?")
assert result.output == "5", result
assert [m.content for m in result.messages if m.role == "tool"] == ["5"]
"""
    assert loaded(code, VICTOR_LOAD_PLUGINS="core") & {"typer", "rich", "structlog"} == set()

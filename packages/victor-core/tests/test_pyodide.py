"""The real Pyodide (Python in a browser, here in Node): agents, tools, streams and chat without threads or processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from importlib.metadata import distribution, files
from pathlib import Path
from typing import Any

import pytest

import victor.core

NEEDED = ("attrs", "pluggy", "docstring-parser")
WHEEL = (
    "pip download --no-deps --only-binary=:all: --implementation cp --python-version 3.14 --abi cp314 "
    "--platform pyemscripten_2026_0_wasm32 msgspec -d $VICTOR_TEST_NODE_MODULES/../pyodide-wheels"
)

START = """
import { loadPyodide } from %(pyodide)s;
import { readFileSync } from "node:fs";
try {
  const pyodide = await loadPyodide({ stdout: () => {} });
  pyodide.unpackArchive(new Uint8Array(readFileSync(%(wheel)s)), "wheel");
  for (const [at, folder] of Object.entries(%(folders)s)) pyodide.mountNodeFS(at, folder);
  pyodide.runPython(`import sys; sys.path[:0] = ["/libraries", "/victor"]`);
  console.log(await pyodide.runPythonAsync(readFileSync(%(program)s, "utf8")));
  process.exit(0);  // the time limits of runs are timers that Node would wait for
} catch (error) {
  console.error(String(error.message ?? error).slice(-3000));
  process.exit(1);
}
"""

PROGRAM = """
import asyncio, json, sys
from victor.core import Agent, EventStream, Limits, ToolCall, ToolError
from victor.core.message import Message
from victor.core.run_events import RunFinished, TextDelta, ToolFinished
from victor.core.testing import ScriptedModel

seen = {"platform": sys.platform, "version": sys.version_info[:2]}

def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

async def later(text: str) -> str:
    "Answers a little later."
    await asyncio.sleep(0.01)
    return text.upper()

def steps(count: int):
    "Counts."
    for number in range(count):
        yield number
    return "counted"

def fail() -> str:
    "Fails."
    raise ToolError("no luck")

calls = [
    ToolCall("1", "add", '{"a": 2, "b": 3}'), ToolCall("2", "later", '{"text": "ulm"}'),
    ToolCall("3", "steps", '{"count": 2}'), ToolCall("4", "fail", "{}"), ToolCall("5", "add", '{"a": "x"}'),
]
from victor.core import ModelResponse

stream, events = EventStream(), []
stream.subscribe(lambda event: events.append((event.kind, event.phase)))
agent = Agent(
    "Be brief.", tools=[add, later, steps, fail], stream=stream, limits=Limits(timeout_s=30),
    model=ScriptedModel([ModelResponse("", tuple(calls), finish_reason="tool_calls"), "Done."]),
)
result = await agent.run("go")
seen["answers"] = [m.content.splitlines()[0] for m in result.messages if m.role == "tool"]
seen["output"] = result.output
seen["kinds"] = sorted({kind for kind, _ in events})

agent = Agent(tools=[add], model=ScriptedModel([calls[0], "The sum is five."]))
streamed = [event async for event in agent.stream("2 + 3?")]
seen["streamed"] = [type(event).__name__ for event in streamed if not isinstance(event, TextDelta)]
seen["text"] = "".join(event.text for event in streamed if isinstance(event, TextDelta))

chat = Agent(model=ScriptedModel(["One.", "Two."])).chat()
seen["chat"] = [(await chat.send("first")).output, (await chat.send("second")).output, len(chat.messages)]

seen["offline"] = (await Agent(model="offline").run("Summarize in one sentence: Ulm is a town. It lies on the Danube.")).output
seen["typed"] = (await Agent(model="test", output_type=list[int]).run("x")).output

async def wait() -> None:
    "Waits."
    await asyncio.Event().wait()

limited = Agent(tools=[wait], model=ScriptedModel([ToolCall("1", "wait", "{}")]), limits=Limits(timeout_s=0.05))
seen["stopped"] = (await limited.run("x")).stop_reason.value

clerk = Agent(name="clerk", model=ScriptedModel(["128,000."]))
boss = Agent(tools=[clerk.as_tool()], model=ScriptedModel([ToolCall("1", "clerk", '{"task": "count"}'), "Many."]))
seen["asked"] = [m.content for m in (await boss.run("Ulm?")).messages if m.role == "tool"]

from victor.core.redact import redact
seen["redacted"] = redact({"password": "abc", "text": "token=abc"})
json.dumps(seen)
"""


def _node_modules() -> Path | None:
    named = os.environ.get("VICTOR_TEST_NODE_MODULES")
    for folder in [Path(named)] if named else [at / "node_modules" for at in Path(__file__).parents]:
        if (folder / "pyodide/pyodide.mjs").exists():
            return folder
    return None


def _copy(names: tuple[str, ...], into: Path) -> None:
    """What is installed here in plain Python, as it would be installed there."""
    for name in names:
        for file in files(name) or ():
            source = Path(str(file.locate()))
            if file.parts[0] != ".." and "__pycache__" not in file.parts and source.is_file():
                target = into / Path(*file.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program saw in Pyodide."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed: apt-get install nodejs npm")
    modules = _node_modules()
    if modules is None:
        pytest.skip("Pyodide is not installed: npm install pyodide, and set VICTOR_TEST_NODE_MODULES to node_modules")
    wheel = next((modules.parent / "pyodide-wheels").glob("msgspec-*wasm32.whl"), None)
    if wheel is None:
        pytest.skip(f"msgspec for Pyodide is not there: {WHEEL}")
    place = tmp_path_factory.mktemp("pyodide")
    libraries = place / "libraries"
    libraries.mkdir()
    _copy(NEEDED, libraries)
    core = place / "victor" / "victor" / "core"
    shutil.copytree(Path(victor.core.__file__).parent, core, ignore=shutil.ignore_patterns("__pycache__"))
    info = libraries / "victor_core-0.dist-info"  # by which the models of core are found
    info.mkdir()
    for name in ("METADATA", "entry_points.txt"):
        (info / name).write_text(distribution("victor-core").read_text(name) or "")
    (place / "program.py").write_text(PROGRAM)
    folders = {"/libraries": str(libraries), "/victor": str(place / "victor")}
    given = {
        "pyodide": (modules / "pyodide/pyodide.mjs").as_uri(),
        "wheel": str(wheel),
        "folders": folders,
        "program": str(place / "program.py"),
    }
    (place / "start.mjs").write_text(START % {name: json.dumps(value) for name, value in given.items()})
    done = subprocess.run(
        [node, str(place / "start.mjs")], capture_output=True, text=True, timeout=120, cwd=place, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_it_is_the_real_one(seen: dict[str, Any]) -> None:
    assert seen["platform"] == "emscripten"


def test_an_agent_calls_tools_of_every_kind(seen: dict[str, Any]) -> None:
    assert seen["answers"] == ["5", "ULM", "counted", "no luck", "add: the arguments do not fit:"]
    assert seen["output"] == "Done."
    assert seen["kinds"] == ["agent.run", "model.request", "tool.call", "tool.progress"]


def test_it_streams(seen: dict[str, Any]) -> None:
    assert seen["streamed"] == ["ToolStarted", "ToolFinished", "RunFinished"]
    assert seen["text"] == "The sum is five."


def test_it_chats(seen: dict[str, Any]) -> None:
    assert seen["chat"] == ["One.", "Two.", 4]


def test_models_without_a_network_answer(seen: dict[str, Any]) -> None:
    assert seen["offline"] == "Ulm is a town."
    assert all(isinstance(number, int) for number in seen["typed"])


def test_limits_delegation_and_redaction_hold(seen: dict[str, Any]) -> None:
    assert seen["stopped"] == "timeout"
    assert seen["asked"] == ["128,000."]
    assert seen["redacted"] == {"password": "[redacted]", "text": "token=[redacted]"}

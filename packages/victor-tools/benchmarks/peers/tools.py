"""One tool, made and called, in other frameworks; started by ../calls.py with the peers' own Python.

``python peers/tools.py NAME`` prints ``{"name": ..., "calls": {label: us}, "register_us": ..., "import": code}``:
median CPU microseconds of a call of an async function of two integers from JSON text, and of making a tool of a
function.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

ARGUMENTS = '{"a": 2, "b": 3}'
ROUNDS = 5
Peer = tuple[str, str, dict[str, Callable[[], Awaitable[Any]]], Callable[[Any], Any]]


async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def pydantic_ai() -> Peer:
    """A bare toolset (no policy), and the manager that agents call tools through."""
    from pydantic_ai.messages import ToolCallPart
    from pydantic_ai.models.test import TestModel
    from pydantic_ai.tool_manager import ToolManager
    from pydantic_ai.tools import RunContext
    from pydantic_ai.toolsets import FunctionToolset
    from pydantic_ai.usage import RunUsage

    toolset: Any = FunctionToolset([add])
    context: Any = RunContext(deps=None, model=TestModel(), usage=RunUsage())
    tool = (await toolset.get_tools(context))["add"]
    check = tool.args_validator.validate_json
    manager: Any = await ToolManager(toolset).for_run_step(context)
    part = ToolCallPart("add", ARGUMENTS)
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "toolset, no policy": lambda: toolset.call_tool("add", check(ARGUMENTS), context, tool),
        "ToolManager.handle_call": lambda: manager.handle_call(part),
    }
    return "pydantic-ai-slim", "from pydantic_ai import Tool", calls, lambda function: FunctionToolset([function])


async def openai_agents() -> Peer:
    """A function tool, invoked as the runner does."""
    from agents import function_tool
    from agents.tool_context import ToolContext

    tool = function_tool(add)
    context: Any = ToolContext(context=None, tool_name="add", tool_call_id="1", tool_arguments=ARGUMENTS)
    return (
        "openai-agents",
        "from agents import function_tool",
        {"on_invoke_tool": lambda: tool.on_invoke_tool(context, ARGUMENTS)},
        function_tool,
    )


async def langchain() -> Peer:
    """A structured tool."""
    from langchain_core.tools import StructuredTool

    def make(function: Any) -> Any:
        return StructuredTool.from_function(coroutine=function, name="add", description="Add two numbers.")

    tool = make(add)
    return (
        "langchain-core",
        "from langchain_core.tools import tool",
        {"StructuredTool.ainvoke": lambda: tool.ainvoke(json.loads(ARGUMENTS))},
        make,
    )


async def fastmcp() -> Peer:
    """A tool of a FastMCP server, without the protocol."""
    from fastmcp.tools import Tool

    tool = Tool.from_function(add)
    calls: dict[str, Callable[[], Awaitable[Any]]] = {"Tool.run": lambda: tool.run(json.loads(ARGUMENTS))}
    return "fastmcp", "from fastmcp.tools import Tool", calls, Tool.from_function


async def per_call(call: Callable[[], Awaitable[Any]]) -> float:
    """Median CPU microseconds of awaiting a call; a round takes about a tenth of a second."""
    began = time.process_time()
    for _ in range(20):
        await call()
    number = max(20, int(0.1 / max((time.process_time() - began) / 20, 1e-6)))
    rounds = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.process_time()
        for _ in range(number):
            await call()
        rounds.append((time.process_time() - began) / number * 1e6)
    return statistics.median(rounds)


def per_tool(make: Callable[[Any], Any], number: int = 60) -> float:
    """Median CPU microseconds of making a tool of a function nobody has seen."""
    rounds = []
    for _ in range(ROUNDS):
        functions = []
        for _ in range(number):

            async def find(path: str, limit: int = 10) -> str:
                """Find something.

                Args:
                    path: Where.
                    limit: Most of them.
                """
                return path

            functions.append(find)
        gc.collect()
        began = time.process_time()
        for function in functions:
            make(function)
        rounds.append((time.process_time() - began) / number * 1e6)
    return statistics.median(rounds)


async def main(peer: Callable[[], Awaitable[Peer]]) -> None:
    """Measure and print."""
    package, imported, calls, make = await peer()
    for call in calls.values():
        found = await call()
        if "5" not in str(found):
            raise SystemExit(f"{package} answers {found!r}")
    figures = {label: await per_call(call) for label, call in calls.items()}
    name = f"{package} {version(package)}"
    print(json.dumps({"name": name, "calls": figures, "register_us": per_tool(make), "import": imported}))


PEERS = {"pydantic_ai": pydantic_ai, "openai_agents": openai_agents, "langchain": langchain, "fastmcp": fastmcp}

if __name__ == "__main__":
    asyncio.run(main(PEERS[sys.argv[1]]))

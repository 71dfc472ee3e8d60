"""Three clocks: of a tool, of a whole run, and of the one who stops waiting; and what is left when each of them rings.

A tool that hangs is an error the model is told (`timeout`), so it can do something else. A run that takes too long
ends with what it has (`Limits.timeout_s`); the time a person takes to approve does not count. A caller that goes away
cancels the run, tools included, and nothing keeps running behind its back. Each case ends in messages that can be the
history of another run. The models are scripted.

Needs: victor-core, victor-tools
Run: python docs/examples/agents/intermediate/time_limits.py
Prints:
    tool: 'slow_page did not finish within 0.05 s' -> The server does not answer; ask again tomorrow.
    run: timeout in less than a second: True; endless_job was told to stop, and cleaned up
    after it: The job took too long.
    caller: cancelled: True; endless_job was told to stop, and cleaned up; kept: ['user', 'assistant', 'tool']
"""

from __future__ import annotations

import asyncio

from victor.core import Agent, Limits
from victor.core.testing import ScriptedModel, call
from victor.tools import tool

ended: list[str] = []
started = asyncio.Event()


@tool(timeout=0.05)
async def slow_page() -> str:
    """Read a page from a slow server."""
    await asyncio.Event().wait()
    return "never"


@tool
async def endless_job() -> str:
    """A job without a limit of its own."""
    started.set()
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("endless_job was told to stop, and cleaned up")
    return "never"


async def main() -> None:
    agent = Agent(tools=[slow_page, endless_job])

    script = ScriptedModel([call("slow_page"), "The server does not answer; ask again tomorrow."])
    result = await agent.run("Read it.", model=script)
    print(f"tool: {result.messages[-2].content!r} -> {result.output}")

    result = await agent.run("Do it.", model=ScriptedModel([call("endless_job")]), limits=Limits(timeout_s=0.1))
    print(f"run: {result.stop_reason.value} in less than a second: {result.duration_s < 1}; {ended.pop()}")
    again = await agent.run("What happened?", history=result.messages, model=ScriptedModel(["The job took too long."]))
    print("after it:", again.output)

    started.clear()
    chat = Agent(tools=[endless_job], model=ScriptedModel([call("endless_job")])).chat()
    task = asyncio.create_task(chat.send("Do it."))
    await started.wait()
    task.cancel()
    await asyncio.wait([task])
    print(f"caller: cancelled: {task.cancelled()}; {ended.pop()}; kept: {[message.role for message in chat.messages]}")


if __name__ == "__main__":
    asyncio.run(main())

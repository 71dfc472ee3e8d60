"""Words on the screen as they come, and the tools that are called on the way.

A person who waits ten seconds for a whole answer thinks the program is stuck. `Agent.stream` yields the pieces of
text, the start and the end of each tool call, and last the result with usage and cost: what a terminal, a chat window
or a server-sent event stream needs, from one loop. The answers are scripted, word by word, because the offline model
answers in one piece; leave `model=` out, or name one, to have it answer.

Needs: victor-core
Run: python docs/examples/agents/basic/streaming.py
Prints:
    [departures {"station":"Ulm"}]
    [departures: done]
    The |next |train |to |Augsburg |leaves |at |10:17.|
    [8 pieces of text, 2 requests]
"""

from __future__ import annotations

import asyncio

from victor.core import Agent, RunFinished, TextDelta, ToolFinished, ToolStarted
from victor.core.testing import ScriptedModel, call

SCRIPT = [call("departures", station="Ulm"), "The next train to Augsburg leaves at 10:17."]


def departures(station: str) -> str:
    """List the next departures of a station.

    Args:
        station: Name of the station.
    """
    return {"Ulm": "10:02 to Stuttgart, 10:17 to Augsburg, 10:31 to Kempten"}.get(station, "none")


async def main() -> None:
    agent = Agent("Tell travellers about trains.", tools=[departures], model=ScriptedModel(SCRIPT))
    pieces = 0
    async for event in agent.stream("When does the next train go from Ulm to Augsburg?"):
        match event:
            case ToolStarted(call):
                print(f"[{call.name} {call.arguments}]")
            case ToolFinished(call, result):
                print(f"[{call.name}: {'done' if result.ok else result.text}]")
            case TextDelta(text):
                pieces += 1
                print(text, end="|", flush=True)
            case RunFinished(result):
                print(f"\n[{pieces} pieces of text, {result.steps} requests]")


if __name__ == "__main__":
    asyncio.run(main())

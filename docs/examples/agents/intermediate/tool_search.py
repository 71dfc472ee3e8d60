"""Many tools and little room: the model sees those that fit the question, and finds the rest by itself.

The descriptions of all installed tools are read with every request, and paid for. A `Toolset` sends those that fit
the first question into a budget of tokens, and two more: `search_tools` and `call_tool`, by which the model reaches
every other tool, through the same validation, approval and limits. The list stays the same during a conversation, so
a provider's cache stays good.

Needs: victor-core, victor-tools
Run: python docs/examples/agents/intermediate/tool_search.py
Prints:
    24 tools, about 988 tokens
    search: ['office_heating', 'office_lamp']
    sent: ['kitchen_lamp', 'kitchen_blind', 'kitchen_heating', 'kitchen_socket', 'bedroom_lamp', 'cellar_lamp',
        'search_tools', 'call_tool'], about 413 tokens
    called: kitchen_lamp {"on":true}
    called: search_tools {"query":"close the blind in the bedroom","limit":1}
    called: call_tool {"name":"bedroom_blind","arguments":{"on":true}}
"""

from __future__ import annotations

import json

from victor.core import Agent, Tool
from victor.core.testing import ScriptedModel, call
from victor.tools import UnifiedToolRegistry
from victor.tools.toolset import estimated_tokens

ROOMS = ["kitchen", "bedroom", "cellar", "garage", "office", "garden"]
DEVICES = {"lamp": "light dark", "heating": "warm cold temperature", "blind": "window sun", "socket": "power plug"}


def device_tool(room: str, device: str, what: str) -> Tool:
    """One of the many tools of a house."""

    def switch(on: bool) -> str:
        return f"{room} {device} is {'on' if on else 'off'}"

    return Tool.from_function(
        switch,
        name=f"{room}_{device}",
        description=f"Switch the {device} of the {room} on or off.",
        category="home",
        keywords=what.split(),
    )


if __name__ == "__main__":
    registry = UnifiedToolRegistry(
        device_tool(room, device, what) for room in ROOMS for device, what in DEVICES.items()
    )
    toolset = registry.toolset(category="home")
    print(f"{len(toolset)} tools, about {estimated_tokens(toolset)} tokens")
    print("search:", [found.name for found in registry.search_tools("it is too cold in the office", limit=2)])

    question = "It is dark in the kitchen"
    chosen = toolset.for_model(question, budget=450)
    print(f"sent: {[each.name for each in chosen]}, about {estimated_tokens(chosen)} tokens")

    script = [
        call("kitchen_lamp", on=True),
        call("search_tools", query="close the blind in the bedroom", limit=1),
        lambda request: call(
            "call_tool", name=json.loads(request.messages[-1].content)[0]["name"], arguments={"on": True}
        ),
        lambda request: f"Done: {request.messages[-1].content}.",
    ]
    agent = Agent("You run a house.", tools=chosen, model=ScriptedModel(script))
    for message in agent.run_sync(question + ", and close the blind upstairs.").messages:
        for tool_call in message.tool_calls:
            print("called:", tool_call.name, tool_call.arguments)

"""Tools of an MCP server in an agent of yours: started, listed, called, and asked before it may destroy something.

Many programs offer tools over the Model Context Protocol; `MCPToolset` makes them tools like any other, with
validation, time limits, approval and events. What a server says of its own tools is believed only so far: those that
it does not call harmless need a yes. The server here is a foreign program (written with the protocol's own SDK, this
file with `serve`), spoken to over standard input and output. The model is scripted, so that the same happens every
time; leave `model=` out, or name one, to have it decide.

Needs: victor-core, victor-tools[mcp]
Run: python docs/examples/integrations/mcp_client.py
Prints:
    notes_read: Read a note. needs approval: False
    notes_remove: Remove a note. needs approval: True
    asked: notes_remove {'title': 'old'}
    asked: notes_remove {'title': 'shopping'}
    notes_read: tea, honey
    notes_remove: removed: call Bob
    notes_remove: notes_remove was not approved; this call was not made
"""

from __future__ import annotations

import sys

from victor.core import Agent, ToolContext
from victor.core.testing import ScriptedModel, call
from victor.tools.mcp import MCPToolset


def serve() -> None:
    """The foreign program: notes that can be read and removed."""
    from mcp.server.mcpserver import MCPServer
    from mcp.types import ToolAnnotations

    server, notes = MCPServer("notes"), {"shopping": "tea, honey", "old": "call Bob"}

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    def read(title: str) -> str:
        "Read a note."
        return notes[title]

    @server.tool()
    def remove(title: str) -> str:
        "Remove a note."
        return f"removed: {notes.pop(title)}"

    server.run("stdio")


def ask(context: ToolContext) -> bool:
    """Whoever decides about calls that may destroy something."""
    print("asked:", context.tool.name, context.arguments)
    return context.arguments["title"] == "old"


SCRIPT = [
    call("notes_read", title="shopping"),
    [call("notes_remove", title="old"), call("notes_remove", title="shopping")],
    "The old note is gone; the shopping list was to stay.",
]

if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        with MCPToolset([sys.executable, __file__, "serve"], name="notes") as notes:
            for made in notes.tools:
                print(f"{made.name}: {made.description} needs approval: {made.metadata.requires_approval}")
            agent = Agent("Tidy up.", tools=notes.tools, model=ScriptedModel(SCRIPT), approve=ask)
            for message in agent.run_sync("Tidy up my notes.").messages:
                if message.role == "tool":
                    print(f"{message.name}: {message.content}")

"""A manager asks two specialists, whose usage, limits and events are counted as its own.

Each has tools and a model of its own. Split an agent when one list of instructions no longer fits all of its work, or
when a part of it may use a cheaper model or must not see some tool. A specialist is a tool like any other: the
manager sees a name, a description and parameters. What you would lose with a plain function that calls another agent:
usage, cost, limits, approval and events of both in one run.

Needs: victor-core
Run: python docs/examples/agents/intermediate/agents_as_tools.py
Prints:
    The letter is ready: Dear Ada, we have 12.
    3 requests of the manager, 6 in all, 360 tokens
    agent.run manager
      model.request scripted
      tool.call stock
        agent.run stock
          model.request scripted
          tool.call in_stock
          model.request scripted
      model.request scripted
      tool.call writer
        agent.run writer
          model.request scripted
      model.request scripted
    with 3 requests for everybody: max_steps after 1 call
"""

from __future__ import annotations

from victor.core import Agent, Limits, Usage
from victor.core.testing import ScriptedModel, call, capture_events

STOCK = {"tea": 12}


def in_stock(product: str) -> int:
    """How many pieces of a product there are."""
    return STOCK.get(product, 0)


def about_stock(product: str) -> str:
    """Knows what is in stock and when more comes.

    Args:
        product: Its name.
    """
    return f"How many pieces of {product} are there?"


def letter(to: str, message: str) -> str:
    """Writes letters to customers.

    Args:
        to: Who it is for.
        message: What it has to say.
    """
    return f"Write to {to}: {message}"


def team(budget: Limits) -> Agent[str]:
    """The manager with its specialists, all scripted; each may have a model of its own."""
    used = Usage(50, 10, requests=1)
    stock = Agent(
        "You keep the stock.",
        name="stock",
        tools=[in_stock],
        model=ScriptedModel([call("in_stock", product="tea"), "12 packets."], usage=used),
    )
    writer = Agent(
        "You write friendly letters.", name="writer", model=ScriptedModel(["Dear Ada, we have 12."], usage=used)
    )
    script = [
        call("stock", product="tea"),
        call("writer", to="Ada", message="there are 12 packets"),
        "The letter is ready: Dear Ada, we have 12.",
    ]
    return Agent(
        "You answer customers by your specialists.",
        name="manager",
        tools=[stock.as_tool(prompt=about_stock), writer.as_tool(prompt=letter)],
        model=ScriptedModel(script, usage=used),
        limits=budget,
    )


if __name__ == "__main__":
    with capture_events() as events:
        result = team(Limits()).run_sync("Ada asks how much tea there is.")
    print(result.output)
    print(f"{result.steps} requests of the manager, {result.usage.requests} in all, {result.usage.total_tokens} tokens")
    print(events.tree())

    short = team(Limits(steps=3)).run_sync("Ada asks how much tea there is.")
    print("with 3 requests for everybody:", short.stop_reason.value, "after", short.tool_calls, "call")

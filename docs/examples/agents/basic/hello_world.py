"""An agent with one function of yours as its tool, in ten lines.

The smallest program that is whole: the signature of `order_status` is the tool's schema, its docstring what the model
is told. No model is named, so the built-in offline model answers; `VICTOR_MODEL=openai:gpt-5-mini` changes that, and
nothing in the program. Start here, and read `qa_agent.py` next.

Needs: victor-core
Run: python docs/examples/agents/basic/hello_world.py
Prints:
    on its way, arrives on Friday
    completed: 2 requests to offline, 1 tool call
"""

from __future__ import annotations

from victor.core import Agent

ORDERS = {17: "on its way, arrives on Friday", 18: "waiting for payment"}


def order_status(order: int) -> str:
    """Say where an order is.

    Args:
        order: Number of the order.
    """
    return ORDERS.get(order, "there is no such order")


if __name__ == "__main__":
    agent = Agent("You help the customers of a shop.", tools=[order_status])
    result = agent.run_sync("Where is order 17?")
    print(result.output)
    print(f"{result.stop_reason.value}: {result.steps} requests to {result.model}, {result.tool_calls} tool call")

"""A shop's assistant asks two specialists, within one budget, and afterwards the figures tell who used what.

Specialists are agents that the assistant may call as tools (`as_tool`); what they use counts against the assistant's
limits, so that delegation is no way around a budget. A recorder of victor-observability listens on the program's event
stream and knows each agent's requests, tools and failures afterwards, without a line of code in the agents. The last
customer asks for more than the budget allows, and the run stops with a reason. The assistant is scripted, the
specialists run on the offline model.

Needs: victor-core, victor-observability
Run: python docs/examples/verticals/ecommerce_shop.py
Prints:
    There are 12 kettles, and your order arrives on Friday.
    the second run ended: max_steps
    shop: 2 runs, 2 without an error
    catalog: 4 runs, 4 without an error
    orders: 1 runs, 1 without an error
"""

from __future__ import annotations

from victor.core import Limits, Vertical
from victor.core.testing import ScriptedModel, call
from victor.observability import current_recorder

STOCK = {"kettle": 12, "lamp": 0, "spoon": 200}


def in_stock(item: str) -> str:
    """Say how many of an item are in stock."""
    return f"There are {STOCK.get(item, 0)} of the {item} in stock."


def order_status(order: int) -> str:
    """Say where an order is.

    Args:
        order: Number of the order.
    """
    return f"Order {order} is on its way and arrives on Friday."


CATALOG = Vertical("catalog", "Knows what is in stock.", tools=(in_stock,))
ORDERS = Vertical("orders", "Knows where orders are.", tools=(order_status,))


def shop(*script: object) -> Vertical:
    """The assistant, with the specialists as its tools."""
    return Vertical(
        "shop",
        "Helps customers.",
        instructions="Ask the specialists.",
        tools=(CATALOG.agent(model="offline").as_tool(), ORDERS.agent(model="offline").as_tool()),
        model=ScriptedModel(list(script)),
        limits=Limits(steps=6, tokens=1_500),
    )


if __name__ == "__main__":
    both = [
        call("catalog", task="How many of the item kettle are in stock?"),
        call("orders", task="Where is order 1002?"),
    ]
    helped = shop(both, "There are 12 kettles, and your order arrives on Friday.")
    result = helped.agent().run_sync("Do you have kettles, and where is order 1002?")
    print(result.output)

    greedy = shop(*[call("catalog", task=f"How many of the item spoon are in stock, shelf {n}?") for n in range(9)])
    result = greedy.agent().run_sync("Count all spoons, shelf by shelf.")
    print(f"the second run ended: {result.stop_reason}")

    recorder = current_recorder()
    recorder.flush()
    for name in ("shop", "catalog", "orders"):
        figures = recorder.metrics.metrics(agent=name)
        print(f"{name}: {figures.total_runs} runs, {figures.successful_runs} without an error")

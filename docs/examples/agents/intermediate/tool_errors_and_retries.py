"""What happens when a tool fails: words the model can act on, attempts that are made again, and failures that are not.

Three kinds of failure want three answers. A wrong argument is told to the model, with what would be right
(`ToolError`). A connection that was lost is tried again without asking the model, where a second call does no harm
(`retries` of an `idempotent` tool). A bug is told to the model without its traceback, and to you by events. Retries
for tools that are not idempotent are refused: a payment that failed may have been made. The model is scripted to run
into each of them.

Needs: victor-core, victor-tools
Run: python docs/examples/agents/intermediate/tool_errors_and_retries.py
Prints:
      price: attempt 1 failed (ConnectionResetError), once more
      price: attempt 2 failed (TimeoutError), once more
    in_stock: ERROR no product 'tea'; there are: green tea, black tea
    in_stock: 12
    price: 8.9
    discount: ERROR discount failed: ZeroDivisionError: division by zero
    There are 12 packets of green tea, at 8.90.
    refused: tool 'pay': retries needs idempotent=True; a call that failed may have had its effect already
"""

from __future__ import annotations

from victor.core import Agent, ConfigurationError, Event, ToolError, get_stream
from victor.core.testing import ScriptedModel, call
from victor.tools import tool

STOCK = {"green tea": 12, "black tea": 0}
answers = iter([ConnectionResetError("connection reset"), TimeoutError("no answer"), 8.9])


@tool
def in_stock(product: str) -> int:
    """How many pieces of a product there are."""
    if product not in STOCK:
        raise ToolError(f"no product {product!r}; there are: {', '.join(STOCK)}", retry=True)
    return STOCK[product]


@tool(idempotent=True, retries=2)
def price(product: str) -> float:
    """Ask another shop for the price of a product."""
    answer = next(answers)
    if isinstance(answer, Exception):
        raise answer
    return answer


@tool
def discount(product: str) -> float:
    """The discount of a product."""
    return 1 / STOCK[product]


def show(event: Event) -> None:
    """What a log would say."""
    if event.kind == "tools.retry":
        print(f"  {event.name}: attempt {event.attributes['attempt']} failed ({event.attributes['error']}), once more")


if __name__ == "__main__":
    script = [
        call("in_stock", product="tea"),
        call("in_stock", product="green tea"),
        call("price", product="green tea"),
        call("discount", product="black tea"),
        "There are 12 packets of green tea, at 8.90.",
    ]
    agent = Agent(tools=[in_stock, price, discount], model=ScriptedModel(script))
    with get_stream().listening(show, ["tools.*"]):
        result = agent.run_sync("How much is tea, and is there any?")
    for message in result.messages:
        if message.role == "tool":
            print(f"{message.name}: {'ERROR ' if message.is_error else ''}{message.content}")
    print(result.output)

    try:

        @tool(retries=2)
        def pay(amount: float) -> None:
            """Pay."""

    except ConfigurationError as error:
        print("refused:", error)

"""What customers write is personal: what leaves the program is redacted, and a person takes over where one is wanted.

Events go to logs, metrics and traces. A stream with a `Redactor` of the domain hides customer numbers and addresses
besides the secrets that are always hidden; the agent itself still works with the real values. The tool that hands the
case over needs no model to decide when: the words of the customer do. Without this one would find customers' addresses
in the logs after the first week.

Needs: victor-core
Run: python docs/examples/verticals/customer_support.py
Prints:
    Where is order 1002? Order 1002 is on its way to ada@example.org, customer C-20417.
    Please hand this over to a person! A colleague will call you back within the hour.
    waiting: ['a customer asks for a person']
    in the log:
      order_status: Order 1002 is on its way to [redacted], customer [redacted].
      hand_over: A colleague will call you back within the hour.
"""

from __future__ import annotations

from attrs import define, field

from victor.core import Event, EventStream, ToolContext, Vertical
from victor.core.redact import Redactor


@define
class Desk:
    """Cases that wait for a person."""

    waiting: list[str] = field(factory=list)


def order_status(order: int) -> str:
    """Say where an order is.

    Args:
        order: Number of the order.
    """
    return f"Order {order} is on its way to ada@example.org, customer C-20417."


def hand_over(ctx: ToolContext) -> str:
    """Hand over to a person: a human colleague, a complaint."""
    ctx.deps.waiting.append("a customer asks for a person")
    return "A colleague will call you back within the hour."


SUPPORT = Vertical(
    name="support",
    description="Helps customers of a shop.",
    instructions="You help the customers of a shop.",
    tools=(order_status, hand_over),
    attributes={"redact": Redactor(patterns=[r"C-\d{5}", r"[\w.]+@[\w.]+\w"])},
)

if __name__ == "__main__":
    told: list[str] = []

    def listen(event: Event) -> None:
        """A log, as any listener may keep one."""
        if event.kind == "tool.call" and event.phase == "end":
            told.append(f"{event.name}: {event.content.get('result')}")

    stream = EventStream(capture_content=True, redactor=SUPPORT.attributes["redact"])
    stream.subscribe(listen)
    desk = Desk()
    agent = SUPPORT.agent(stream=stream)
    for message in ("Where is order 1002?", "Please hand this over to a person!"):
        print(f"{message} {agent.run_sync(message, deps=desk).output}")
    print("waiting:", desk.waiting)
    print("in the log:", *told, sep="\n  ")

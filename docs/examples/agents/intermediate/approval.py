"""A person decides about large payments; small ones pass, and a no is told to the model, which goes on.

Whether a call needs approval is a function of its arguments, so nobody is asked for trifles. The one who is asked
sees the call with its validated arguments. Without anybody to ask, such a call is denied. Here a rule stands in for
the person; `intermediate/human_in_the_loop.py` asks on the terminal, and workflows can wait for days
(`advanced/workflow_agent.py`).

Needs: victor-core, victor-tools
Run: python docs/examples/agents/intermediate/approval.py
Prints:
      asked: pay {'to': 'Landlord', 'amount': 900.0} -> allowed
      asked: pay {'to': 'Unknown Ltd', 'amount': 700.0} -> denied
    Open: pay was not approved; this call was not made
    paid: [('Post office', 4.5), ('Landlord', 900.0)]
    Open: pay needs approval and nobody can be asked; do not call it again in this run; pay needs approval and nobody
        can be asked; do not call it again in this run
    paid: [('Post office', 4.5)]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from victor.core import Agent, ToolContext
from victor.core.testing import ScriptedModel, call
from victor.tools import tool

paid: list[tuple[str, float]] = []


def is_large(arguments: Mapping[str, Any]) -> bool:
    """Whether somebody has to allow this payment."""
    return float(arguments["amount"]) > 100


@tool(requires_approval=is_large, sequential=True)
def pay(to: str, amount: float) -> str:
    """Pay an invoice.

    Args:
        to: Who gets the money.
        amount: EUR.
    """
    paid.append((to, amount))
    return f"paid {amount:.2f} EUR to {to}"


async def ask_the_office(context: ToolContext) -> bool:
    """In a real program: a message with two buttons, awaited."""
    allowed = context.arguments["to"] != "Unknown Ltd"
    print(f"  asked: {context.tool.name} {context.arguments} -> {'allowed' if allowed else 'denied'}")
    return allowed


SCRIPT = [
    [
        call("pay", to="Post office", amount=4.5),
        call("pay", to="Landlord", amount=900),
        call("pay", to="Unknown Ltd", amount=700),
    ],
    lambda request: "Open: " + "; ".join(message.content for message in request.messages if message.is_error),
]

if __name__ == "__main__":
    clerk = Agent(
        "Pay the invoices.", tools=[pay], model=ScriptedModel(SCRIPT), approve=ask_the_office, approval_timeout_s=60
    )
    print(clerk.run_sync("Pay all three.").output)
    print("paid:", paid)

    paid.clear()
    nobody = Agent("Pay the invoices.", tools=[pay], model=ScriptedModel(SCRIPT))  # nobody to ask
    print(nobody.run_sync("Pay all three.").output)
    print("paid:", paid)

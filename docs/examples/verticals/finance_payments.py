"""Payments above a limit need a second person, and the rule is in the tool, not in the prompt.

`requires_approval` is a function of the arguments: small sums go through, larger ones ask. The one who asked for the
payment may not be the one who allows it (four eyes), which the approval knows from `deps`, past the model. What was not
approved was not paid, whatever the model says. A model can be talked into anything; this cannot. What it does not do:
add up small sums.

Needs: victor-core
Run: python docs/examples/verticals/finance_payments.py
Prints:
    84.00 EUR are on their way to Hill Dairy
      bob is asked about 1250.00 EUR: yes
    1250.00 EUR are on their way to Quick Print
      bob is asked about 9000.00 EUR: no
    The tool pay failed: pay was not approved; this call was not made
    paid for ann: ['84.00 EUR to Hill Dairy', '1250.00 EUR to Quick Print']

    84.00 EUR are on their way to Hill Dairy
      ann is asked about 1250.00 EUR: no
    The tool pay failed: pay was not approved; this call was not made
      ann is asked about 9000.00 EUR: no
    The tool pay failed: pay was not approved; this call was not made
    paid for ann: ['84.00 EUR to Hill Dairy']
"""

from __future__ import annotations

from pathlib import Path

from attrs import define, field

from victor.core import Limits, ToolContext, ToolError, Vertical, as_tool

LIMIT_EUR = 500
SUPPLIERS = {"Hill Dairy", "Quick Print"}
DUE = Path(__file__).parent / "data" / "purchases.md"


@define
class Desk:
    """Who is at work, and what was paid."""

    asked_by: str
    second: str
    paid: list[str] = field(factory=list)


def pay(amount: float, to: str, ctx: ToolContext) -> str:
    """Pay an amount in EUR to a supplier."""
    if amount <= 0:
        raise ToolError("the amount must be more than 0")
    ctx.deps.paid.append(f"{amount:.2f} EUR to {to}")
    return f"{amount:.2f} EUR are on their way to {to}"


def allowed(ctx: ToolContext) -> bool:
    """The second person looks at the payment: another one than who asked for it, and a supplier that is known."""
    desk: Desk = ctx.deps
    answer = desk.second != desk.asked_by and ctx.arguments["to"] in SUPPLIERS
    print(f"  {desk.second} is asked about {ctx.arguments['amount']:.2f} EUR: {'yes' if answer else 'no'}")
    return answer


PAYMENTS = Vertical(
    name="payments",
    description="Pays invoices.",
    instructions="Pay what you are told to pay, once.",
    tools=(as_tool(pay).with_(requires_approval=lambda arguments: arguments["amount"] > LIMIT_EUR),),
    limits=Limits(steps=4, repeats=2),
)

if __name__ == "__main__":
    agent = PAYMENTS.agent(approve=allowed)
    for asked_by, second in (("ann", "bob"), ("ann", "ann")):
        desk = Desk(asked_by, second)
        for line in DUE.read_text(encoding="utf-8").splitlines():
            if line.startswith("- "):
                print(agent.run_sync(line[2:], deps=desk).output)
        print(f"paid for {asked_by}: {desk.paid}\n")

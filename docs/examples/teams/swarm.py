"""A customer's message goes from the front desk to whoever can help: `swarm`.

One member works at a time and hands the work over itself, with the tool `hand_over`, which a member gets beside its own
where `may` says to whom it may hand over. The front desk has no tool for the case, so all it can do is pass it on. What
the program knows of the customer travels as `deps` to every tool, past all models. After the tool, a language model
would write what its colleague needs to know; the offline model repeats what the tool says.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/swarm.py
Prints:
    front: The work goes to billing when your turn ends.

    billing: 80 EUR were charged twice to Ada; I have paid them back once.
    -- front -> billing; Account(name='Ada', charges=[80, 12], locked=False)

    front: The work goes to login when your turn ends.

    login: The account of Bob is unlocked.
    -- front -> login; Account(name='Bob', charges=[12], locked=False)
"""

from __future__ import annotations

from attrs import define

from victor.core import Agent, ToolContext
from victor.teams import Swarm, Team


@define
class Account:
    """A customer's account."""

    name: str
    charges: list[int]
    locked: bool = False


def take_over_billing(ctx: ToolContext) -> str:
    """Take over the work of billing: pay back what was charged twice."""
    account: Account = ctx.deps
    twice = next((one for one in account.charges if account.charges.count(one) > 1), None)
    if twice is None:
        return f"Nothing was charged twice to {account.name}."
    account.charges.remove(twice)
    return f"{twice} EUR were charged twice to {account.name}; I have paid them back once."


def take_over_login(ctx: ToolContext) -> str:
    """Take over the work of logins: unlock an account."""
    account: Account = ctx.deps
    was, account.locked = account.locked, False
    return f"The account of {account.name} {'is unlocked' if was else 'was not locked'}."


if __name__ == "__main__":
    front = Agent(name="front", description="first contact")
    billing = Agent(name="billing", description="charges, invoices, money", tools=[take_over_billing])
    login = Agent(name="login", description="passwords, locked accounts", tools=[take_over_login])
    team = Team([front, billing, login], Swarm(may={"front": ["billing", "login"]}))
    for message, account in (
        ("Please pass me on to billing, I was charged twice.", Account("Ada", [80, 80, 12])),
        ("Pass me on to login, my account is locked.", Account("Bob", [12], locked=True)),
    ):
        result = team.run_sync(message, deps=account)
        print(result.transcript())
        print(f"-- {' -> '.join(turn.member for turn in result.turns)}; {account}\n")

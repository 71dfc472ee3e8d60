"""A bakery's order is worked out by a head with two hands, one of them a team itself: `hierarchical`.

The manager gives out pieces of work, which are done side by side; each worker sees only its own piece. The manager sees
what came of them and gives out more, or answers. Who does what stands in a plan that the manager reads with a tool. The
member `buying` is a team of its own, a line of two, with a part of the budget. What stands under "answer" beside work
that is given out is not taken for one.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/hierarchical.py
Prints:
    head: {"assignments":[{"member":"oven","task":"Multiply 12 by 25"},{"member":"buying","task":"Read
    order.txt"}],"answer":"oven: works out amounts"}

    oven: 300

    buying: - 2026-03-03

    head: {"answer":"300 rolls, flour on 2026-03-03"}
    -- completed: 300 rolls, flour on 2026-03-03
"""

from __future__ import annotations

import re

from victor.core import Agent
from victor.teams import Team

PLAN = """
| member | task |
|---|---|
| oven | Multiply 12 by 25 |
| buying | Read order.txt |
"""


def work_plan(text: str) -> str:
    """Give out work, or answer when the work is done.

    Args:
        text: The task, the members, and what came of the work so far.
    """
    results = dict(re.findall(r"- (\w+), asked to .*?: (?:- )?(.*)", text.partition("What came of the work:")[2]))
    return f"answer: {results['oven']} rolls, flour on {results['buying']}" if results else PLAN


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def read_order(path: str) -> str:
    """Read an order."""
    return "We need 20 kg of flour. It must be here on 3 March 2026. Please ring twice."


if __name__ == "__main__":
    buying = Team(
        [Agent(name="reader", tools=[read_order]), Agent("Extract all dates.", name="dates")],
        "pipeline",
        name="buying",
    )
    oven = Agent(name="oven", description="works out amounts", tools=[multiply])
    head = Agent(name="head", tools=[work_plan])
    result = Team([head, oven, buying], "hierarchical").run_sync("the order of the week")
    print(result.transcript())
    print(f"-- {result.stop_reason.value}: {result.output}")

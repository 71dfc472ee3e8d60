"""A full disk is dealt with by a runbook, and by another plan when the first does not help: `magentic`.

The planner writes down facts and a plan, judges the progress before every step, and says who does what. When the work
is stuck it plans anew, knowing what was tried. Here the planner reads facts, plan and progress from a runbook, by three
tools; the hand has a tool for each thing it can do.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/magentic.py
Prints:
    planner: {"facts":"2 percent of the disk are free, it should be 20","plan":"Empty the cache"}

    planner: {"done":false,"stuck":false,"member":"hand","instruction":"Empty the cache"}

    hand: The cache is empty, 3 percent are free.

    planner: {"done":false,"stuck":true,"member":"hand","instruction":"Empty the cache"}

    hand: The cache is empty, 4 percent are free.

    planner: {"done":false,"stuck":true,"member":"hand","instruction":"Empty the cache"}

    planner: {"facts":"4 percent of the disk are free, it should be 20","plan":"Delete the old logs"}

    planner: {"done":false,"stuck":false,"member":"hand","instruction":"Delete the old logs"}

    hand: The old logs are gone, 34 percent are free.

    planner: {"done":true,"member":"hand: empties caches and deletes logs"}

    planner: Solved: The old logs are gone, 34 percent are free.
    -- completed: Solved: The old logs are gone, 34 percent are free.
"""

from __future__ import annotations

import re

from victor.core import Agent
from victor.teams import Magentic, Team

FREE = {"percent": 2}


def facts_and_plan(text: str) -> str:
    """Write down the facts and a plan."""
    plan = "Delete the old logs" if "The old plan did not work" in text else "Empty the cache"
    return f"facts: {FREE['percent']} percent of the disk are free, it should be 20\nplan: {plan}"


def how_work_stands(text: str) -> str:
    """Say how the work stands, and who does what next."""
    plan = re.findall(r"Plan:\n(.*)", text)[-1]
    steps = text.rpartition("What was done:\n")[2]
    if int((re.findall(r"(\d+) percent", steps) or ["0"])[-1]) >= 20:
        return "done: yes"
    tried = steps.count(plan)
    return f"done: no\nstuck: {'yes' if tried else 'no'}\nmember: hand\ninstruction: {plan}"


def final_answer(text: str) -> str:
    """Write the final answer."""
    return f"Solved: {text.strip().splitlines()[-1].rpartition(': ')[2]}"


def empty_cache() -> str:
    """Empty the cache."""
    FREE["percent"] += 1
    return f"The cache is empty, {FREE['percent']} percent are free."


def delete_logs() -> str:
    """Delete the old logs."""
    FREE["percent"] += 30
    return f"The old logs are gone, {FREE['percent']} percent are free."


if __name__ == "__main__":
    planner = Agent(name="planner", tools=[facts_and_plan, how_work_stands, final_answer])
    hand = Agent(name="hand", description="empties caches and deletes logs", tools=[empty_cache, delete_logs])
    result = Team([planner, hand], Magentic(stalls=1)).run_sync("The disk of the server is full")
    print(result.transcript())
    print(f"-- {result.stop_reason.value}: {result.found}")

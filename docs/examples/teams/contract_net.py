"""Print shops bid for a job, and the best offer gets it: `contract_net`.

All are asked at once and none sees the other offers. Each agent has two tools: one that says whether and at what price
its shop can do a job, one that does it. The lowest price wins; a shop that cannot do the job says so, and where nobody
can, the run ends with `no_decision` and no output.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/contract_net.py
Prints:
    {'offset': 81.0, 'digital': 9.0, 'corner': 7.5} -> Printed by corner: 50 pages in black
    {'offset': 98.0, 'digital': 77.0} -> Printed by digital: 900 pages in black
    {'offset': 140.0, 'digital': 245.0} -> Printed by offset: 3,000 pages in black
    {} -> nobody bid for the task: offset, digital, corner
"""

from __future__ import annotations

import re

from victor.core import Agent
from victor.teams import ContractNet, Team


def shop(name: str, *, setup: float, a_page: float, most: int) -> Agent[str]:
    """A print shop and its price list."""

    def offer(text: str) -> str:
        """Say whether the shop can do a job, at what price and how."""
        pages = int(re.sub(r"\D", "", text.split(" pages")[0]))
        if pages > most:
            return f"able: no\nplan: {pages} pages are too many for us"
        return f"able: yes\nprice: {setup + a_page * pages:.2f}\nplan: {setup:.2f} and {a_page} a page"

    def carry_out(text: str) -> str:
        """Carry out a task."""
        return f"Printed by {name}: {text}"

    return Agent(name=name, tools=[offer, carry_out])


if __name__ == "__main__":
    shops = [
        shop("offset", setup=80, a_page=0.02, most=100_000),
        shop("digital", setup=5, a_page=0.08, most=5_000),
        shop("corner", setup=0, a_page=0.15, most=300),
    ]
    team = Team(shops, ContractNet(reserve=1_000))
    for job in ("50 pages in black", "900 pages in black", "3,000 pages in black", "200,000 pages in black"):
        result = team.run_sync(job)
        bids = {turn.member: turn.data.price for turn in result.turns if turn.data and turn.data.able}
        print(bids, "->", result.output if result.completed else result.detail)

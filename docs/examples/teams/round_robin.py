"""Three colleagues fill a rota by choosing in turn until it is full: `round_robin`.

Nobody plans for the others: whoever has the turn takes the first free week that suits. The run ends by a condition,
`TextMention("the rota is full")`; without one it would go on until a limit of the team ends it.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/round_robin.py
Prints:
    ann: I take week 22.

    bob: I take week 20.

    cid: I take week 21.

    ann: I take week 23.

    bob: I take week 24.

    cid: No free week suits me; there are 1.

    ann: I take week 25. Now the rota is full.
    -- condition: {20: 'bob', 21: 'cid', 22: 'ann', 23: 'ann', 24: 'bob', 25: 'ann'}
"""

from __future__ import annotations

from victor.core import Agent
from victor.teams import Team, TextMention

WEEKS = range(20, 26)
AWAY = {"ann": {20, 21}, "bob": {22}, "cid": {24, 25}}


def colleague(name: str, rota: dict[int, str]) -> Agent[str]:
    """Somebody who knows when they are away."""

    def take_turn() -> str:
        """Take your turn for the rota: choose a week."""
        free = [week for week in WEEKS if week not in rota]
        suits = [week for week in free if week not in AWAY[name]]
        if not suits:
            return f"No free week suits me; there are {len(free)}."
        rota[suits[0]] = name
        return f"I take week {suits[0]}." + ("" if free[1:] else " Now the rota is full.")

    return Agent(name=name, tools=[take_turn])


if __name__ == "__main__":
    rota: dict[int, str] = {}
    members = [colleague(name, rota) for name in AWAY]
    team = Team(members, "round_robin", until=TextMention("the rota is full"))
    result = team.run_sync("It is your turn: choose a week for the rota.")
    print(result.transcript())
    print(f"-- {result.stop_reason.value}: {dict(sorted(rota.items()))}")

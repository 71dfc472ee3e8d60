"""A day out is planned on a board by three who each know one thing: `blackboard`.

In each round everybody looks at the board and says what it could add and how much that would help; the best offer is
carried out. Nobody says in which order they work: who wants a boat for the day needs the day first, so the boats have
nothing to add before somebody has written the day on the board.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/blackboard.py
Prints:
    food: {"value":0,"what":"nothing now"}

    boats: {"value":0,"what":"nothing now"}

    weather: {"value":9,"what":"On Sunday the sun shines."}

    weather: On Sunday the sun shines.

    food: {"value":0,"what":"nothing now"}

    boats: {"value":7,"what":"The boat leaves at 10:30."}

    weather: {"value":0,"what":"nothing now"}

    boats: The boat leaves at 10:30.

    food: {"value":5,"what":"Lunch is at the inn on the island."}

    boats: {"value":0,"what":"nothing now"}

    weather: {"value":0,"what":"nothing now"}

    food: Lunch is at the inn on the island.

    food: {"value":0,"what":"nothing now"}

    boats: {"value":0,"what":"nothing now"}

    weather: {"value":0,"what":"nothing now"}
    -- completed:
    weather: On Sunday the sun shines.

    boats: The boat leaves at 10:30.

    food: Lunch is at the inn on the island.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from victor.core import Agent
from victor.teams import Team

BOATS = {"Saturday": "9:00", "Sunday": "10:30"}


def weather(board: str) -> str:
    """Which day will be fine."""
    return "" if "weather:" in board else "value: 9\nwhat: On Sunday the sun shines."


def boats(board: str) -> str:
    """When there is a boat on the day that is on the board."""
    day = re.search(r"weather: On (\w+)", board)
    return f"value: 7\nwhat: The boat leaves at {BOATS[day[1]]}." if day and "boats:" not in board else ""


def food(board: str) -> str:
    """Where to eat, by the time of the boat that is on the board."""
    boat = re.search(r"boats: The boat leaves at (\d+)", board)
    if boat is None or "food:" in board:
        return ""
    return "value: 5\nwhat: " + ("Bring breakfast." if int(boat[1]) < 10 else "Lunch is at the inn on the island.")


def expert(knows: Callable[[str], str]) -> Agent[str]:
    """An agent that offers what it knows when its time has come, and writes it down when it is asked to."""

    def could_help(text: str) -> str:
        """Say what could help, and how much."""
        return knows(text) or "value: 0\nwhat: nothing now"

    def add_to_board(text: str) -> str:
        """Add to the board what you offered."""
        return knows(text).partition("what: ")[2]

    return Agent(name=knows.__name__, description=knows.__doc__ or "", tools=[could_help, add_to_board])


if __name__ == "__main__":
    result = Team([expert(food), expert(boats), expert(weather)], "blackboard").run_sync("a day on the island")
    print(result.transcript())
    print(f"-- {result.stop_reason.value}:\n{result.output}")

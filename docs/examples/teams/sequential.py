"""The minutes of a meeting become a note for those who were not there: `sequential`.

Every member has one turn and sees what was said before. Three agents each look for one thing in the minutes; the last
member is no agent but a function, which puts together what they found: what needs no model should use none.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/sequential.py
Prints:
    Harbour committee, 3 March 2026: The crane at the east quay has been broken since February.

    To do
    - Bob will ask two firms for an offer by 10 March 2026.
    - Carla will write to the band.

    Dates: 2026-03-03, 2026-03-10, 2026-06-20, 2026-04-07
"""

from __future__ import annotations

from victor.core import Agent
from victor.teams import Ask, Team

MINUTES = """# Harbour committee, 3 March 2026

The crane at the east quay has been broken since February. Without the crane no boat gets into the water. Bob will ask
two firms for an offer by 10 March 2026.

The summer feast is on 20 June 2026. Last year the beer ran out at nine. Carla will write to the band. The next meeting
is on 7 April 2026.
"""


def note(ask: Ask) -> str:
    """Puts together what the others found."""
    said = dict(message.content.split(": ", 1) for message in ask.history[1:])
    dates = said["dates"].replace("- ", "").replace("\n", ", ")
    return f"{said['title']}: {said['gist']}\n\nTo do\n{said['actions']}\n\nDates: {dates}"


def agent(name: str, instructions: str) -> Agent[str]:
    """One that reads the minutes."""
    return Agent(instructions, name=name)


if __name__ == "__main__":
    team = Team(
        [
            agent("title", "Give the title."),
            agent("gist", "Summarize in one sentence."),
            agent("actions", "List the action items."),
            agent("dates", "Extract all dates."),
            note,
        ],
        "sequential",
    )
    print(team.run_sync(MINUTES).output)

"""Three letters go down a line and come out as subjects with a label: `pipeline`.

Each stage gets what the one before made, and nothing else. `split` makes several pieces of the task, which go down the
line side by side, so the outcome is a list. The first stage reads a file with a tool; where one letter cannot be read,
the run fails and says so.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/pipeline.py
Prints:
    gist: The water tap at berth 14 has been leaking for two weeks, and the planks are green and slippery.
    desk: repair
    gist: we are a school class of 24 children and would like to visit the lighthouse on 12 June.
    desk: visit
    gist: I was charged 80 EUR twice for my berth in April.
    desk: money
    ['repair', 'visit', 'money']
"""

from __future__ import annotations

from pathlib import Path

from victor.core import Agent
from victor.teams import Pipeline, Team

LETTERS = Path(__file__).parent / "texts"


def read_letter(path: str) -> str:
    """Read a letter.

    Args:
        path: Name of the file.
    """
    return (LETTERS / path).read_text(encoding="utf-8")


KINDS = """Classify the sentence.
- repair: broken, leaking, water, repair
- visit: visit, open, school, class
- money: charge, charged, invoice, pay, EUR
"""

if __name__ == "__main__":
    reader = Agent(name="reader", tools=[read_letter])
    gist = Agent("Summarize in one sentence.", name="gist")
    desk = Agent(KINDS, name="desk")
    line = Team([reader, gist, desk], Pipeline(split=str.splitlines))
    result = line.run_sync("Read letter-1.txt\nRead letter-2.txt\nRead letter-3.txt")
    for turn in result.turns:
        if turn.member != "reader":
            print(f"{turn.member}: {turn.text}")
    print(result.output)

"""A long text is read in parts, side by side, and the parts' gists become one: `map_reduce`.

The task is split at its headings by a function; the readers take the parts in turn; the editor sees only what the
readers made of them, so that no model ever has to read the whole text.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/map_reduce.py
Prints:
    reader-1: The lighthouse had 18,400 visitors in 2025, a third more than in 2024.
    reader-2: The lamp of the lighthouse was out on two nights.
    reader-1: The tickets of the visitors brought 64,000 EUR, and painting the lighthouse cost 41,000 EUR.
    reader-2: One place for a guide is still open, so the lighthouse was closed on 31 Mondays.
    editor: The lighthouse had 18,400 visitors in 2025, a third more than in 2024. One place for a guide is still
    open, so the lighthouse was closed on 31 Mondays.
"""

from __future__ import annotations

import re
from pathlib import Path

from victor.core import Agent
from victor.teams import MapReduce, Team

REPORT = Path(__file__).parent / "texts" / "lighthouse.md"


def sections(text: str) -> list[str]:
    """The parts of a text in Markdown, each with its heading."""
    return re.split(r"\n(?=## )", text.partition("\n## ")[2])


if __name__ == "__main__":
    readers = [Agent("Summarize in one sentence.", name=f"reader-{number}") for number in (1, 2)]
    editor = Agent("Summarize in two sentences.", name="editor")
    team = Team([*readers, editor], MapReduce(split=sections, reducer="editor"))
    result = team.run_sync(REPORT.read_text(encoding="utf-8"))
    for turn in result.turns:
        print(f"{turn.member}: {turn.text}")

"""A question is tried the cheap way first, and the thorough way when that does not serve: `adaptive`.

One clerk sorts a message; where the clerk does not know, a panel of three votes. A function says whether an outcome
will do, and the patterns are tried in order, so that most messages cost one turn and only the hard ones four.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/adaptive.py
Prints:
    bug: clerk said bug
    bug: clerk said other, panel said bug
"""

from __future__ import annotations

from victor.core import Agent
from victor.teams import Adaptive, Parallel, Router, Team

LABELS = "Classify as bug, feature or other."
PANEL = {
    "support": "- bug: stuck, nothing happens, empty\n- feature: missing, nice\n- other: thanks",
    "sales": "- bug: refund, empty\n- feature: competitors, price, export\n- other: meeting",
    "office": "- bug: empty, page\n- feature: colours, language\n- other: invoice, address",
}


def knows(outcome: str) -> bool:
    """True for a label that says something."""
    return outcome != "other"


if __name__ == "__main__":
    clerk = Agent(LABELS, name="clerk")
    panel = Team(
        [Agent(f"Classify the message.\n{words}", name=name) for name, words in PANEL.items()],
        Parallel("vote"),
        name="panel",
    )
    patterns = {
        "quick": Router(choose=lambda task: "clerk"),
        "careful": Router(choose=lambda task: "panel"),
    }
    team = Team([clerk, panel], Adaptive(patterns, good=knows))
    for message in ("The app crashes with an error.", "After the login the page stays empty and I am stuck."):
        result = team.run_sync(message)
        print(f"{result.output}: {', '.join(f'{turn.member} said {turn.text}' for turn in result.turns)}")

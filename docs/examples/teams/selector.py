"""A page is checked, mended and checked again before it is published: `selector`.

Before each turn a function of what was said so far decides who is next, so the team is a small machine of states: after
a check that found something comes the mender, after one that found nothing the publisher, and then nobody. A function
asks no model; `Selector(by="member")` lets a member choose.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/selector.py
Prints:
    checker: I found adress, seperate, recieve.

    mender: I changed adress to address.

    checker: I found seperate, recieve.

    mender: I changed seperate to separate.

    checker: I found recieve.

    mender: I changed recieve to receive.

    checker: I found no mistake.

    publisher: Published: Write your address on a separate sheet and you will receive a map.
    -- completed
"""

from __future__ import annotations

from collections.abc import Sequence

from victor.core import Agent
from victor.teams import Selector, Team, Turn

WRONG = {"adress": "address", "recieve": "receive", "seperate": "separate"}


def who_is_next(turns: Sequence[Turn]) -> str | None:
    """After a check: mend or publish; after mending: check again; after publishing: nobody."""
    if not turns or turns[-1].member == "mender":
        return "checker"
    if turns[-1].member == "publisher":
        return None
    return "publisher" if "no mistake" in turns[-1].text else "mender"


def team_for(page: list[str]) -> Team:
    """A team that works on one page, a list of words."""

    def check_turn() -> str:
        """Take a turn of checking the page."""
        wrong = [word for word in page if word in WRONG]
        return f"I found {', '.join(wrong) or 'no mistake'}."

    def mend_turn() -> str:
        """Take a turn of mending the page."""
        at = next(index for index, word in enumerate(page) if word in WRONG)
        was, page[at] = page[at], WRONG[page[at]]
        return f"I changed {was} to {page[at]}."

    def publish_turn() -> str:
        """Take a turn of publishing the page."""
        return f"Published: {' '.join(page)}"

    return Team(
        [
            Agent(name="checker", tools=[check_turn]),
            Agent(name="mender", tools=[mend_turn]),
            Agent(name="publisher", tools=[publish_turn]),
        ],
        Selector(choose=who_is_next),
    )


if __name__ == "__main__":
    page = "Write your adress on a seperate sheet and you will recieve a map.".split()
    result = team_for(page).run_sync("Check the page.")
    print(result.transcript())
    print(f"-- {result.stop_reason.value}")

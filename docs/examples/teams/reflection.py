"""A notice is written, checked and written again until nobody objects: `reflection`.

The first member writes, the others review each draft, each by itself and side by side. Here all of them are agents
with tools: the checks are exact, so that no model judges what a program can measure. The outcome is the last draft,
approved or not.

Needs: victor-core, victor-teams
Run: python docs/examples/teams/reflection.py
Prints:
    author: The ferry does not run on 3 and 4 May, as the landing stage is being painted. We are very sorry for all
    the trouble that this may cause to our dear guests and to everybody else. Use the bus from the market place, with
    the same ticket.

    length: {"approved":false,"comments":"too long, 48 words of 40"}

    contact: {"approved":false,"comments":"the number is missing"}

    author: The ferry does not run on 3 and 4 May, as the landing stage is being painted. Use the bus from the market
    place, with the same ticket. Call 555 0100.

    length: {"approved":true}

    contact: {"approved":true}
    -- completed: The ferry does not run on 3 and 4 May, as the landing stage is being painted. Use the bus from the
    market place, with the same ticket. Call 555 0100.
"""

from __future__ import annotations

import re

from victor.core import Agent
from victor.teams import Reflection, Team

FIRST = """
The ferry does not run on 3 and 4 May, as the landing stage is being painted. We are very sorry for all the trouble that
this may cause to our dear guests and to everybody else. Use the bus from the market place, with the same ticket.
"""


def draft_notice(text: str) -> str:
    """Draft a notice, or a better one by what the reviews say.

    Args:
        text: The last draft and its reviews.
    """
    draft = text.partition("Your draft:\n")[2].partition("\n\n")[0] or " ".join(FIRST.split())
    sentences = re.findall(r"[^.]+\.", draft)
    if "too long" in text:
        sentences.remove(max(sentences, key=len))
    if "number is missing" in text:
        sentences.append(" Call 555 0100.")
    return "".join(sentences).strip()


def length(text: str) -> str:
    """Review a draft: is it short enough?"""
    draft = text.partition("The draft:\n")[2]
    count = len(draft.split())
    return "approved: yes" if count <= 40 else f"approved: no\ncomments: too long, {count} words of 40"


def contact(text: str) -> str:
    """Review a draft: does it say whom to call?"""
    draft = text.partition("The draft:\n")[2]
    return "approved: yes" if "Call" in draft else "approved: no\ncomments: the number is missing"


if __name__ == "__main__":
    author = Agent(name="author", tools=[draft_notice])
    reviewers = [Agent(name="length", tools=[length]), Agent(name="contact", tools=[contact])]
    result = Team([author, *reviewers], Reflection(rounds=4)).run_sync("Draft a notice about the ferry.")
    print(result.transcript())
    print(f"-- {result.stop_reason.value}: {result.output}")

"""Pages are read along their links: each page sends the run to pages nobody has read, many at once.

`Send` starts a node for each item, with a state of its own; the number of nodes is known only while the work goes on. A
`map` in YAML goes over a list that is there; this is for work that finds more work, such as links, folders or pages of
a search. A set with a reducer keeps any page from being read twice, and a limit bounds the supersteps. What would be
lost without it: how a cycle in the data ends.

Needs: victor-core, victor-graph
Run: python docs/examples/workflows/complex/follow_links.py
Prints:
    read side by side: index
    read side by side: boats, hours
    read side by side: ada, bea, winter (missing)
"""

from __future__ import annotations

import re
from operator import or_
from typing import Annotated, TypedDict

from victor.graph import END, START, Send, StateGraph

SITE = {
    "index": "Welcome. See [opening hours](hours) and [our boats](boats).",
    "hours": "Open from 9 to 5. Back to the [index](index).",
    "boats": "We rent [the Ada](ada) and [the Bea](bea), but not in [winter](winter).",
    "ada": "Four seats. See [hours](hours).",
    "bea": "Six seats, see also [the Ada](ada).",
}


class State(TypedDict, total=False):
    """Pages that were read, with the links on them, and pages that are not there."""

    read: Annotated[dict[str, list[str]], or_]
    missing: Annotated[set[str], or_]


class Page(TypedDict):
    """What one reader is told."""

    name: str


def read(page: Page) -> State:
    """Read one page."""
    text = SITE.get(page["name"])
    if text is None:
        return {"missing": {page["name"]}}
    return {"read": {page["name"]: re.findall(r"\]\((\w+)\)", text)}}


def go_on(state: State) -> list[Send] | str:
    """A reader for each page that is linked to and that nobody has read, or the end."""
    found = {link for links in state["read"].values() for link in links}
    new = found - state["read"].keys() - state["missing"]
    return [Send("read", {"name": name}) for name in sorted(new)] or END


if __name__ == "__main__":
    graph = StateGraph(State).add_node("read", read).add_node("look", lambda state: {})
    graph.add_conditional_edges(START, lambda state: Send("read", {"name": "index"}), ["read"])
    graph.add_edge("read", "look")
    graph.add_conditional_edges("look", go_on, ["read", END])
    start: State = {"read": {}, "missing": set()}
    known: set[str] = set()
    for state in graph.compile().stream(start, {"recursion_limit": 20}, stream_mode="values"):
        here = state["read"].keys() | {f"{name} (missing)" for name in state["missing"]}
        if here > known:
            print("read side by side:", ", ".join(sorted(here - known)))
            known = here

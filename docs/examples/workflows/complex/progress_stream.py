"""A long job tells how far it is, while an agent in the next step is heard word by word.

`stream` yields while the run goes on: `custom` carries what nodes send with a writer (a progress bar needs no more),
`updates` what each node changed, `messages` the words of agents inside nodes. The reader sets the pace, and a reader
that stops has stopped the run. The answer is scripted; with `model="openai:gpt-5-mini"` the words come as they are
written.

Needs: victor-core, victor-graph
Run: python docs/examples/workflows/complex/progress_stream.py
Prints:
    page 1 of 3: 6 words
    page 2 of 3: 15 words
    page 3 of 3: 5 words
    updates {'read': ['text']}
    updates {'summarize': ['gist']}
    heard in 4 pieces: The |harbour |was |dredged.
"""

from __future__ import annotations

from typing import TypedDict

from victor.core import Agent
from victor.core.testing import ScriptedModel
from victor.graph import START, StateGraph, StreamWriter

PAGES = [
    "The harbour was dredged in spring.",
    "The dredging of the harbour cost 210,000 EUR, which is 30,000 EUR less than planned.",
    "The old crane was sold.",
]


class State(TypedDict, total=False):
    """What was read, and what an agent made of it."""

    text: str
    gist: str


def read(state: State, writer: StreamWriter) -> State:
    """Read the pages, and say how far it is."""
    for number, page in enumerate(PAGES, 1):
        writer({"page": number, "of": len(PAGES), "words": len(page.split())})
    return {"text": " ".join(PAGES)}


clerk = Agent("Summarize in one sentence.", name="clerk", model=ScriptedModel(["The harbour was dredged."]))


async def summarize(state: State) -> State:
    """Let an agent say what it is about."""
    return {"gist": (await clerk.run(state["text"])).output}


if __name__ == "__main__":
    graph = StateGraph(State).add_sequence([read, summarize]).add_edge(START, "read").compile()
    words: list[str] = []
    for mode, part in graph.stream({}, stream_mode=["custom", "updates", "messages"]):
        if mode == "custom":
            print(f"page {part['page']} of {part['of']}: {part['words']} words")
        elif mode == "messages":
            words.append(part[0].content)
        else:
            print(mode, {node: list(change) for node, change in part.items()})
    print(f"heard in {len(words)} pieces:", "|".join(words))

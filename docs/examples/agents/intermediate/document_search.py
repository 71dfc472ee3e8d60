"""Answers out of a folder of documents that is too large to send: find the passages, answer from them, name the source.

This is retrieval without a vector database: paragraphs are ranked by words (BM25, `victor.core.ranking`, which needs
no service and indexes thousands of paragraphs a second), and the best ones go to the model. Headings count for each
paragraph below them, which finds "How long does it take?" under the right title. Where words differ from the
question's, add embeddings behind the same function. The documents are those in `texts` beside the agents.

Needs: victor-core
Run: python docs/examples/agents/intermediate/document_search.py
Prints:
    8 passages
    Who built the tower that was lit in 1882?
      James Douglass built the fourth tower, which was lit in 1882 and still stands.
        (eddystone.md: Eddystone)
    What may be played before noon?
      The piano in the second room may be played before noon only, since readers below hear it.
        (library.md: The town library > Rooms)
    When was the first lens put into the Cordouan lighthouse?
      The first one was put into the Cordouan lighthouse in France in 1823.
        (lenses.md: Lenses)
    How do I bake bread?
      Nothing in the documents speaks of that.
"""

from __future__ import annotations

import re
from pathlib import Path

from attrs import frozen

from victor.core import Agent
from victor.core.ranking import BM25

FOLDERS = [Path(__file__).parent / "texts" / "lighthouses", Path(__file__).parents[1] / "basic" / "texts"]


@frozen
class Passage:
    """A paragraph, with the file and the headings it stands under."""

    file: str
    headings: str
    text: str


def passages() -> list[Passage]:
    """All paragraphs of all documents."""
    found = []
    for path in sorted(file for folder in FOLDERS for file in folder.glob("*.md")):
        headings: list[str] = []
        for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
            if heading := re.match(r"(#+) (.+)", block):
                headings = [*headings[: len(heading[1]) - 1], heading[2]]
            else:
                found.append(Passage(path.name, " > ".join(headings), " ".join(block.split())))
    return found


PASSAGES = passages()
INDEX = BM25({number: f"{each.headings} {each.text}" for number, each in enumerate(PASSAGES)})


def answer(question: str, agent: Agent[str]) -> str:
    """The agent's answer from the best passages, and where they stand."""
    best = [PASSAGES[number] for number, _ in INDEX.search(question, 2)]
    if not best:
        return "Nothing in the documents speaks of that."
    text = "\n\n".join(passage.text for passage in best)
    output = agent.run_sync(f"{question}\n\n{text}").output
    return f"{output}\n    ({best[0].file}: {best[0].headings})"


if __name__ == "__main__":
    agent = Agent("Answer from the passages alone, in one sentence.")
    print(f"{len(PASSAGES)} passages")
    for question in (
        "Who built the tower that was lit in 1882?",
        "What may be played before noon?",
        "When was the first lens put into the Cordouan lighthouse?",
        "How do I bake bread?",
    ):
        print(f"{question}\n  {answer(question, agent)}")

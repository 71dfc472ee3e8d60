"""Questions are answered from a folder of notes, with the source; what the notes do not say is not answered.

The tool ranks passages by words (BM25, built in), and returns them with the file they stand in. The check after the
answer is what makes it research: the quotation must stand in the file it names, word for word, or it is refused. The
model may be any; an invented source does not get past a comparison of texts. Both models here are functions of the
example, one that quotes what it found and one that invents.

Needs: victor-core
Run: python docs/examples/verticals/research_notes.py
Prints:
    How many bees has a colony in June?
      A colony has about 40,000 bees in June. [notes-bees.md]
    How much honey does a colony give?
      A colony gives 25 kg of honey in a good year. [notes-honey.md]
    How tall is a giraffe?
      the notes do not say
    How much honey does a colony give?
      refused: notes-honey.md does not say 'A colony gives 90 kg of honey.'
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from attrs import frozen

from victor.core import Limits, Vertical
from victor.core.ranking import BM25, content_words
from victor.core.testing import FunctionModel, call

NOTES = {file.name: file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("data/notes-*.md")}
PASSAGES = {
    (name, " ".join(sentence.split()))
    for name, text in NOTES.items()
    for sentence in re.split(r"(?<=[.!?])\s+", text.partition("\n\n")[2].strip())
}
INDEX = BM25({passage: passage[1] for passage in PASSAGES})


def search_notes(question: str) -> list[dict[str, str]]:
    """Search the notes for what answers a question: at most three passages, the best first."""
    wanted = set(content_words(question))
    found = [passage for passage, _ in INDEX.search(question, 3) if len(wanted & set(content_words(passage[1]))) >= 2]
    return [{"source": source, "quotation": text} for source, text in found]


@frozen
class Finding:
    """An answer, and where it stands."""

    quotation: str
    source: str


def checked(finding: Finding) -> str:
    """The finding, if it is one."""
    text = " ".join(NOTES.get(finding.source, "").split())
    if not finding.quotation:
        return "the notes do not say"
    if finding.quotation not in text:
        return f"refused: {finding.source} does not say {finding.quotation!r}"
    return f"{finding.quotation} [{finding.source}]"


RESEARCH = Vertical(
    name="research",
    description="Answers from notes, with the source.",
    instructions="Search the notes, and answer with the passage that says it.",
    tools=(search_notes,),
    limits=Limits(steps=4),
    attributes={"output_type": Finding},
)


def quoting(request: Any) -> Any:
    """Searches, and quotes the first passage: the least a model does with a tool like this one."""
    last = request.messages[-1]
    if last.role != "tool":
        return call("search_notes", question=last.content)
    found = json.loads(last.content)
    return json.dumps(found[0] if found else {"quotation": "", "source": ""})


def inventing(request: Any) -> str:
    """Answers at once, from nowhere."""
    return json.dumps({"quotation": "A colony gives 90 kg of honey.", "source": "notes-honey.md"})


if __name__ == "__main__":
    for question, model in (
        ("How many bees has a colony in June?", quoting),
        ("How much honey does a colony give?", quoting),
        ("How tall is a giraffe?", quoting),
        ("How much honey does a colony give?", inventing),
    ):
        agent = RESEARCH.agent(model=FunctionModel(model), **RESEARCH.attributes)
        print(f"{question}\n  {checked(agent.run_sync(question).output)}")

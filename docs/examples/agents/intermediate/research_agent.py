"""Research in a folder of texts: claims carry quotations, and one that does not stand there is sent back.

Models quote from memory, and quote wrongly. So the type of the answer checks itself: each quotation must stand, word
for word, in the file it names, or the model is told and has to correct it (`output_retries`). The script below makes
that mistake once, on purpose; searching and reading are the real tools, confined to the folder.

Needs: victor-core, victor-tools
Run: python docs/examples/agents/intermediate/research_agent.py
Prints:
    files_grep {"pattern":"Smeaton","path":"."}
    files_read {"path":"bell_rock.md"}
    files_read {"path":"eddystone.md"}
    sent back: - $.claims[0]: "The stones were cut like Smeaton's." does not stand in bell_rock.md; quote it as it is
        written
    - Bell Rock's tower was built like Smeaton's.
      bell_rock.md: The stones are dovetailed as those of Smeaton's tower were.
    - Smeaton's tower stood until the 1880s.
      eddystone.md: It was taken down in the 1880s because the rock below it was being eaten away by the sea.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from attrs import define, frozen

from victor.core import Agent, AnswerRejected, RunFinished, ToolStarted
from victor.core.testing import ScriptedModel, call
from victor.tools import tools_of
from victor.tools.files.kit import Files

FOLDER = Path(__file__).parent / "texts" / "lighthouses"


@frozen
class Claim:
    """A sentence of the report with what it rests on.

    Args:
        says: The claim, in the report's words.
        file: Name of the file.
        quotation: From that file, word for word.
    """

    says: str
    file: str
    quotation: str

    def __attrs_post_init__(self) -> None:
        source = FOLDER / Path(self.file).name
        text = " ".join(source.read_text(encoding="utf-8").split()) if source.exists() else ""
        if self.quotation not in text:
            raise ValueError(f"{self.quotation!r} does not stand in {self.file}; quote it as it is written")


@define
class Report:
    """What was found."""

    question: str
    claims: list[Claim]


FIRST = {"says": "Bell Rock's tower was built like Smeaton's.", "file": "bell_rock.md"}
SECOND = {"says": "Smeaton's tower stood until the 1880s.", "file": "eddystone.md"}
QUESTION = "What did Smeaton's tower pass on?"
RIGHT = "The stones are dovetailed as those of Smeaton's tower were."
TAKEN_DOWN = "It was taken down in the 1880s because the rock below it was being eaten away by the sea."
SCRIPT = [
    call("files_grep", pattern="Smeaton", path="."),
    [call("files_read", path="bell_rock.md"), call("files_read", path="eddystone.md")],
    {
        "question": QUESTION,
        "claims": [
            {**FIRST, "quotation": "The stones were cut like Smeaton's."},  # made up
            {**SECOND, "quotation": TAKEN_DOWN},
        ],
    },
    {"question": QUESTION, "claims": [{**FIRST, "quotation": RIGHT}, {**SECOND, "quotation": TAKEN_DOWN}]},
]


async def main() -> None:
    agent = Agent(
        "Research in the files. Back each claim with a quotation.",
        tools=tools_of(Files(FOLDER, read_only=True), prefix="files_"),
        model=ScriptedModel(SCRIPT),  # model="openai:gpt-5-mini" does the same work
        output_type=Report,
    )
    async for event in agent.stream(QUESTION):
        match event:
            case ToolStarted(call):
                print(f"{call.name} {call.arguments}")
            case AnswerRejected(reason):
                print("sent back:", reason.splitlines()[-1])
            case RunFinished(result):
                for claim in result.output.claims:
                    print(f"- {claim.says}\n  {claim.file}: {claim.quotation}")


if __name__ == "__main__":
    asyncio.run(main())

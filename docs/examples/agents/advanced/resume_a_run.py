"""The provider fails in the middle of a long run: go on from there later, and do no work twice.

A run that fails raises, and the error carries the run as far as it came (`error.result`), with every tool call
answered. Its messages are the history of the next attempt, so what tools have done (and you have paid for) is kept.
Written to a file after each failure, this is a job that can be started again and again until it is through. For
processes that are killed, put the agent into a workflow (`workflow_agent.py`), which records by itself. The model is
scripted, its failures included.

Needs: victor-core
Run: python docs/examples/agents/advanced/resume_a_run.py
Prints:
    failed: the connection to the provider broke; tool calls made and kept: 2
    goes on after 5 messages
    failed: the connection to the provider broke; tool calls made and kept: 1
    goes on after 8 messages
    Three reports, 36 pages.
    3 starts, fetched: January, February, March
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from victor.core import Agent, ModelConnectionError, ModelError
from victor.core.message import dump_messages, load_messages
from victor.core.testing import ScriptedModel, call

SAVED = Path("job.json")
fetched: list[str] = []


def fetch(report: str) -> str:
    """Fetch a report; slow and expensive."""
    fetched.append(report)
    return f"{report}: 12 pages"


AWAY = ModelConnectionError("the connection to the provider broke")
MODEL = ScriptedModel(
    [
        [call("fetch", report="January"), call("fetch", report="February")],
        AWAY,  # first attempt ends here
        call("fetch", report="March"),
        AWAY,  # second attempt ends here
        "Three reports, 36 pages.",
    ]
)


def attempt(agent: Agent[str]) -> str | None:
    """One start of the job: from the beginning, or from where the last one ended."""
    try:
        if SAVED.exists():
            history = load_messages(SAVED.read_bytes())
            print(f"goes on after {len(history)} messages")
            answer = agent.run_sync("The connection was lost. Go on.", history=history).output
        else:
            answer = agent.run_sync("Fetch the reports of January to March and count the pages.").output
    except ModelError as error:
        if (so_far := error.result) is not None:
            SAVED.write_bytes(dump_messages(so_far.messages))
            print(f"failed: {error}; tool calls made and kept: {so_far.tool_calls}")
        return None
    SAVED.unlink(missing_ok=True)
    return answer


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    agent = Agent("Work on reports.", tools=[fetch], model=MODEL)
    starts = 1
    while (answer := attempt(agent)) is None:
        starts += 1
    print(answer)
    print(f"{starts} starts, fetched: {', '.join(fetched)}")

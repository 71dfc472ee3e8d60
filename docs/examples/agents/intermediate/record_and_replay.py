"""Ask a real model once, keep its answers in a file, and run the agent from the file ever after, for nothing.

The file (a cassette) belongs into version control beside the tests: they need no key, no network and no luck. Each
answer remembers what it answered, so a changed prompt does not replay the old conversation as if it still fitted; it
fails and says what was asked then and now. Secrets are taken out before the file is written. The model recorded here
is the offline one; a program that names no model is recorded by
`VICTOR_MODEL=recording:lesson.json:openai:gpt-5-mini`.

Needs: victor-core
Run: python docs/examples/agents/intermediate/record_and_replay.py
Prints:
    recorded: Ulm: rain until noon, then sun. Wind from the west.
      kept: [{'id': 'offline_1', 'name': 'forecast', 'arguments': {'town': 'Ulm'}}]
      kept: Ulm: rain until noon, then sun. Wind from the west.
    replayed: Ulm: rain until noon, then sun. Wind from the west. (the tool itself was called: ['Ulm', 'Ulm'])
    another question: scripted:lesson.json: answer 1 of 2 was written for another request: last should be 'What is the
        weather of the town Ulm?', and is 'Will it rain in Bonn?'; correct the script, or record it again
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from victor.core import Agent, Model
from victor.core.testing import RecordingModel, ScriptedModel, ScriptError, no_network

CASSETTE = Path("lesson.json")
calls: list[str] = []


def forecast(town: str) -> str:
    """The weather of a town today."""
    calls.append(town)
    return f"{town}: rain until noon, then sun. Wind from the west."


def weather(model: Model | str, question: str = "What is the weather of the town Ulm?") -> str:
    """The agent under test, with any model."""
    return Agent("Tell people about the weather.", tools=[forecast], model=model).run_sync(question).output


if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    print("recorded:", weather(RecordingModel("offline", CASSETTE)))
    for answer in json.loads(CASSETTE.read_text(encoding="utf-8"))["answers"]:
        print("  kept:", answer.get("tool_calls") or answer["text"])

    with no_network():
        print("replayed:", weather(ScriptedModel.from_file(CASSETTE)), f"(the tool itself was called: {calls})")

    try:
        weather(ScriptedModel.from_file(CASSETTE), "Will it rain in Bonn?")
    except ScriptError as error:
        print("another question:", error)

"""An agent asks a person back when a request can mean two things, and the person chooses from what there really is.

The built-in tool `human_ask` puts a question with choices: on a terminal it reads the keyboard, and elsewhere it asks
whoever `set_answerer` names (a chat window, a queue). Where nobody can be asked it says so, and the agent goes on
without an answer instead of waiting for ever. Here the answer comes from a list when the program does not run on a
terminal; start it on one and it asks you. The model is a few rules in a function; name one to have it decide.

Needs: victor-core, victor-tools
Run: python docs/examples/agents/intermediate/human_in_the_loop.py
Prints:
    Which Anna? Anna Berg / Anna Thal -> Anna Thal
    Done: sent to a.thal@example.org.
    Not sent: nobody can be asked here; go on without an answer, or say what is unclear in yours.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from victor.core import Agent, ModelRequest
from victor.core.testing import FunctionModel, call
from victor.tools.human_kit import set_answerer

PEOPLE = {"Anna Berg": "a.berg@example.org", "Anna Thal": "a.thal@example.org", "Otto": "otto@example.org"}


def find_people(name: str) -> list[str]:
    """Find people by a part of their name."""
    return [person for person in PEOPLE if name.lower() in person.lower()]


def send(to: str, text: str) -> str:
    """Send a message to a person, by the whole name."""
    return f"sent to {PEOPLE[to]}"


def assistant(request: ModelRequest) -> Any:
    """What a language model would do with these tools, as rules: look, ask when there are several, send."""
    results = [message for message in request.messages if message.role == "tool"]
    last = results[-1] if results else None
    if last is None:
        return call("find_people", name="Anna")
    if last.name == "find_people":
        return call("human_ask", question="Which Anna?", options=["Anna Berg", "Anna Thal"])
    if last.is_error:
        return f"Not sent: {last.content}."
    return (
        call("send", to=last.content, text="See you at noon.") if last.name == "human_ask" else f"Done: {last.content}."
    )


def from_a_list(question: str, options: Sequence[str]) -> str:
    """Stands in for a person."""
    print(f"{question} {' / '.join(options)} -> {options[1]}")
    return options[1]


if __name__ == "__main__":
    agent = Agent("Send messages.", tools=[find_people, send, "human.ask"], model=FunctionModel(assistant))
    if not sys.stdin.isatty():
        set_answerer(from_a_list)
    print(agent.run_sync("Tell Anna: see you at noon.").output)

    if not sys.stdin.isatty():
        set_answerer(None)  # as in a cron job
        print(agent.run_sync("Tell Anna: see you at noon.").output)

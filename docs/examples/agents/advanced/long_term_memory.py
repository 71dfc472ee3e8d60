"""What an agent knows about a person stays from one conversation to the next, and can be forgotten.

A history grows and is forgotten; facts are few and stay. Two tools keep and remove them in a store of victor-graph
(an SQLite file here, PostgreSQL by its URL), below a namespace of the person that comes from `deps`, so nobody's
facts reach anybody else. What is known goes into the instructions of each conversation. Forgetting is a tool, too:
people may ask for it. The model is scripted, so that the same happens every time; leave `model=` out, or name one, to
have it decide.

Needs: victor-core, victor-graph
Run: python docs/examples/agents/advanced/long_term_memory.py
Prints:
    [You are the assistant of ada. Nothing is known yet.]
    ada: I eat no nuts, and I live in Ulm.
        I will remember.
    [You are the assistant of bob. Nothing is known yet.]
    bob: Hello!
        Hello Bob.
    [You are the assistant of ada. Ada eats no nuts. Ada lives in Ulm.]
    ada: I moved to Bonn. And forget about my food.
        Done.
    [You are the assistant of ada. Ada lives in Bonn.]
    ada: Where do I live?
        In Bonn.
    found for 'which town': ['Ada lives in Bonn.']
"""

from __future__ import annotations

import os
import tempfile

from attrs import frozen

from victor.core import Agent, ToolContext
from victor.core.testing import ScriptedModel, call
from victor.graph.store import Store, open_store


@frozen
class Person:
    """Who is talked to, and where what is known of them is kept."""

    name: str
    store: Store

    @property
    def place(self) -> tuple[str, ...]:
        """Where this person's facts are."""
        return ("people", self.name)


def remember(topic: str, fact: str, context: ToolContext) -> str:
    """Keep a fact about the person for later conversations.

    Args:
        topic: One word; a fact of the same topic is replaced.
        fact: What to remember, in one sentence.
    """
    person: Person = context.deps
    person.store.put(person.place, topic, {"fact": fact})
    return f"noted under {topic}"


def forget(topic: str, context: ToolContext) -> str:
    """Forget what is known about a topic."""
    person: Person = context.deps
    person.store.delete(person.place, topic)
    return f"forgot {topic}"


def instructions(person: Person) -> str:
    """What is known goes into each conversation."""
    facts = [item.value["fact"] for item in person.store.search(person.place)]
    known = " ".join(sorted(facts)) or "Nothing is known yet."
    return f"You are the assistant of {person.name}. {known}"


NO_NUTS = call("remember", topic="food", fact="Ada eats no nuts.")
ULM = call("remember", topic="town", fact="Ada lives in Ulm.")
BONN = call("remember", topic="town", fact="Ada lives in Bonn.")
TALKS = [
    ("ada", "I eat no nuts, and I live in Ulm.", [[NO_NUTS, ULM], "I will remember."]),
    ("bob", "Hello!", ["Hello Bob."]),
    ("ada", "I moved to Bonn. And forget about my food.", [[BONN, call("forget", topic="food")], "Done."]),
    ("ada", "Where do I live?", ["In Bonn."]),
]

if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    for name, said, script in TALKS:
        with open_store("sqlite:memory.db") as store:  # each conversation opens the file anew
            agent = Agent(instructions, tools=[remember, forget], model=ScriptedModel(script))
            result = agent.run_sync(said, deps=Person(name, store))
            print(f"[{result.messages[0].content}]\n{name}: {said}\n    {result.output}")
    with open_store("sqlite:memory.db") as store:
        print("found for 'which town':", [item.value["fact"] for item in store.search(("people",), query="lives town")])

"""An agent inside a workflow: it reads a letter, a person decides days later, and the process may end in between.

An agent alone is a loop that lives in memory. Put into a graph, its answer is a step that is recorded: the run stops
at the question to a person (`interrupt`), its process may end, and another one goes on from the record with the
answer. Where the path is known, let the graph hold it, and the agent do the part that needs a model: that is cheaper
and can be tested.

Needs: victor-core, victor-graph
Run: python docs/examples/agents/advanced/workflow_agent.py
Prints:
    monday: A complaint: pay 14.0 EUR back?
    thursday: paid 14.0 EUR
    the model was asked 1 time
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal, TypedDict

from attrs import frozen

from victor.core import Agent
from victor.graph import END, START, Command, SqliteSaver, StateGraph, interrupt

LETTER = "The parcel came late and the cup is broken. I want my 14 EUR back."


@frozen
class Letter:
    """What is known of a letter."""

    kind: Literal["complaint", "praise", "question"]
    amount: float | None = None


class State(TypedDict, total=False):
    """What the run knows."""

    letter: str
    kind: str
    amount: float | None
    decision: str
    done: str


reader = Agent("Read letters of customers.", name="reader", output_type=Letter)


async def read(state: State) -> State:
    """The agent's part: from a letter to a record."""
    Path("model-was-asked").open("a").write("x")  # noqa: ASYNC230, SIM115 - counts how often this is really done
    found = (await reader.run(state["letter"])).output
    return {"kind": found.kind, "amount": found.amount}


def decide(state: State) -> State:
    """A person's part; the run waits here as long as it takes."""
    return {"decision": interrupt(f"A {state['kind']}: pay {state['amount']} EUR back?")}


def settle(state: State) -> State:
    """What is done then."""
    return {"done": f"paid {state['amount']} EUR" if state["decision"] == "yes" else "sent an apology"}


def desk(store: SqliteSaver) -> Any:
    """The workflow: who does what, and in which order."""
    graph = StateGraph(State).add_node(read).add_node(decide).add_node(settle)
    graph.add_edge(START, "read").add_edge("decide", "settle").add_edge("settle", END)
    graph.add_conditional_edges("read", lambda state: "decide" if state["kind"] == "complaint" else END)
    return graph.compile(checkpointer=store)


def day(name: str) -> None:
    """What happens on a day, in a process of its own."""
    with SqliteSaver("desk.db") as store:
        if name == "monday":
            waiting = desk(store).invoke({"letter": LETTER}, thread_id="letter-1")
            print("monday:", waiting["__interrupt__"][0].value)
        else:
            print("thursday:", desk(store).invoke(Command(resume="yes"), thread_id="letter-1")["done"])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        day(sys.argv[1])
    else:
        os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written goes there
        for name in ("monday", "thursday"):
            subprocess.run([sys.executable, __file__, name], check=True)
        print("the model was asked", len(Path("model-was-asked").read_text(encoding="utf-8")), "time")

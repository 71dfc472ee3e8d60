"""A workflow that is to be killed, and a process that starts it quickly, again and again.

Run as a program, it imports everything once and then forks a child for each line it reads (``url journal thread``),
and answers with its process id. The next line, whatever it says, has it wait for the child and answer with its exit
code: until then, the process id is nobody else's.
"""

from __future__ import annotations

import operator
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated, Any, TypedDict

from victor.graph import END, START, StateGraph
from victor.graph.checkpoint.base import Checkpointer
from victor.graph.checkpoint.urls import open_checkpointer
from victor.graph.compiled import CompiledGraph
from victor.graph.durable import step

ROUNDS = 40


class State(TypedDict, total=False):
    n: int
    left: Annotated[list[int], operator.add]
    right: Annotated[list[int], operator.add]


class Journal:
    """Lines of what happened, in a file that survives the death of the process: one write each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, *words: object) -> None:
        os.write(self.file, (" ".join(map(str, words)) + "\n").encode())


def build(store: Checkpointer, journal: Journal, thread: str, rounds: int = ROUNDS) -> CompiledGraph:
    """Counts to ``rounds``; each round goes through two nodes side by side, each with a durable step.

    The journal says ``state thread n`` when a round begins (so the state before it is acknowledged), ``effect thread
    node n`` when a step's function runs, and ``recorded thread node n`` when the step has returned.
    """

    def tick(state: State) -> State:
        journal.write("state", thread, state["n"])
        return {"n": state["n"] + 1}

    def side(name: str) -> Any:
        def node(state: State) -> State:
            n = state["n"]

            def effect() -> int:
                journal.write("effect", thread, name, n)
                return n * 7

            value = step("effect", effect)
            journal.write("recorded", thread, name, n)
            return {name: [value]}  # type: ignore[misc]

        return node

    builder = StateGraph(State)
    builder.add_node("tick", tick)
    builder.add_node("go_left", side("left"))
    builder.add_node("go_right", side("right"))
    builder.add_node("meet", lambda state: {})
    builder.add_edge(START, "tick")
    builder.add_edge("tick", "go_left")
    builder.add_edge("tick", "go_right")
    builder.add_edge(["go_left", "go_right"], "meet")
    builder.add_conditional_edges("meet", lambda state: END if state["n"] >= rounds else "tick", [END, "tick"])
    return builder.compile(checkpointer=store, name="crash")


def work(url: str, journal: Journal, thread: str) -> None:
    """Begin, or go on from where the thread stands."""
    with open_checkpointer(url) as store:
        graph = build(store, journal, thread)
        begun = store.chain(thread) is not None
        graph.invoke(None if begun else {"n": 0, "left": [], "right": []}, thread_id=thread)
    journal.write("done", thread)


def main() -> None:
    import psycopg  # noqa: F401 - so that children need not
    import psycopg_pool  # noqa: F401

    with tempfile.TemporaryDirectory() as place:  # imports all that is imported when it is used
        for url in ("memory:", f"sqlite:{place}/warm.db"):
            work(url, Journal(Path(place) / "journal"), "warm")
    print("ready", flush=True)
    while line := sys.stdin.readline():
        url, path, thread = line.split()
        pid = os.fork()
        if pid == 0:
            try:
                work(url, Journal(Path(path)), thread)
                code = 0
            except BaseException:
                traceback.print_exc()
                code = 1
            sys.stderr.flush()
            os._exit(code)
        print(pid, flush=True)
        sys.stdin.readline()
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()

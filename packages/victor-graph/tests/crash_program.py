"""The program the crash tests kill. Prints a line for every superstep it knows to be stored, and for every effect.

``python crash_program.py FILE`` runs or goes on with thread ``t`` in the SQLite file FILE.
"""

from __future__ import annotations

import operator
import sys
from typing import Annotated, Any, TypedDict

from victor.graph import END, START, SqliteSaver, StateGraph, step

STEPS = 60


class State(TypedDict, total=False):
    n: int
    log: Annotated[list[str], operator.add]


def say(*words: Any) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def build(store: Any) -> Any:
    def work(state: State) -> State:
        number = state.get("n", 0) + 1

        def effect(which: str) -> str:
            say("effect", number, which)
            return f"{number}{which}"

        first = step("first", effect, "a")
        say("recorded", number, "a")
        second = step("second", effect, "b")
        say("recorded", number, "b")
        return {"n": number, "log": [first, second]}

    def left(state: State) -> State:
        return {"log": [f"left{state['n']}"]}

    def right(state: State) -> State:
        return {"log": [f"right{state['n']}"]}

    graph = StateGraph(State).add_node(work).add_node(left).add_node(right).add_node("join", lambda state: None)
    graph.add_edge(START, "work").add_edge("work", "left").add_edge("work", "right").add_edge(["left", "right"], "join")
    graph.add_conditional_edges("join", lambda state: "work" if state["n"] < STEPS else END, ["work", END])
    return graph.compile(store)


def expected() -> list[str]:
    """The log of a run that nothing happened to."""
    return [text for n in range(1, STEPS + 1) for text in (f"{n}a", f"{n}b", f"left{n}", f"right{n}")]


def main() -> None:
    with SqliteSaver(sys.argv[1]) as store:
        graph = build(store)
        known = graph.get_state(thread_id="t")
        if known.config["configurable"].get("checkpoint_id") and not known.next:
            say("finished")
            return
        begun = known.metadata is not None
        for state in graph.stream(None if begun else {}, thread_id="t", stream_mode="values"):
            say("stored", state.get("n", 0), len(state["log"]))
        say("finished")


if __name__ == "__main__":
    main()

"""Going back to an earlier checkpoint: replay, change and fork, bulk updates."""

import operator
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import StateUpdate


class State(TypedDict):
    words: Annotated[list, operator.add]
    style: str


RAN = []


def pick(state: State):
    RAN.append("pick")
    return {"words": ["pick"], "style": "plain"}


def write(state: State):
    RAN.append("write")
    return {"words": [f"write {state['style']}"]}


def main():
    graph = (
        StateGraph(State)
        .add_node(pick)
        .add_node(write)
        .add_edge(START, "pick")
        .add_edge("pick", "write")
        .add_edge("write", END)
        .compile(checkpointer=InMemorySaver())
    )
    config = {"configurable": {"thread_id": "1"}}
    graph.invoke({"words": []}, config)
    history = list(graph.get_state_history(config))
    before = next(one for one in history if one.next == ("write",))
    out = [[[list(one.next), one.values, one.metadata["step"], one.metadata["source"]] for one in history]]
    RAN.clear()
    out.append([graph.invoke(None, before.config), list(RAN)])
    forked = graph.update_state(before.config, {"style": "bold"})
    out.append(graph.get_state(forked).values)
    out.append(graph.invoke(None, forked))
    out.append(len(list(graph.get_state_history(config))))
    out.append([one.values for one in graph.get_state_history(config, filter={"source": "update"})])
    as_pick = graph.update_state(config, {"words": ["by hand"], "style": "own"}, as_node="pick")
    out.append([list(graph.get_state(as_pick).next), graph.invoke(None, config)])
    other = {"configurable": {"thread_id": "2"}}
    graph.bulk_update_state(
        other,
        [
            [StateUpdate({"words": ["one"], "style": "s"}, "pick")],
            [StateUpdate({"words": ["three"]}, "write"), StateUpdate({"words": ["two"]}, "pick")],
        ],
    )
    state = graph.get_state(other)
    out.append([state.values, list(state.next), state.metadata["source"]])
    out.append(graph.invoke(None, other))
    for wrong in ([], [[]]):
        try:
            graph.bulk_update_state(other, wrong)
        except ValueError:
            out.append("refused")
    return out

"""Checkpoints: state, history, updates, going on from the past."""

import operator
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    n: int
    seen: Annotated[list, operator.add]


def main():
    graph = StateGraph(State)
    graph.add_sequence([(name, lambda state, name=name: {"seen": [name], "n": len(state["seen"])}) for name in "abc"])
    graph.add_edge(START, "a")
    compiled = graph.compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    compiled.invoke({"n": 9}, config)
    states = list(compiled.get_state_history(config))
    told = [[s.metadata["step"], s.metadata["source"], s.next, s.values, [t.name for t in s.tasks]] for s in states]
    again = compiled.invoke(None, states[2].config)
    edited = compiled.update_state(states[2].config, {"seen": ["edited"]})
    after = compiled.get_state(edited)
    compiled.update_state(config, {"seen": ["as a"]}, as_node="a")
    return (
        told,
        again,
        [after.next, after.values, after.metadata["source"]],
        compiled.get_state(config).next,
        compiled.invoke(None, config),
    )

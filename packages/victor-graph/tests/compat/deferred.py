"""A node that waits until nothing else is left."""

import operator
from typing import Annotated, TypedDict

from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    seen: Annotated[list, operator.add]


def main():
    graph = StateGraph(State)
    for name in ("a", "b", "b2"):
        graph.add_node(name, lambda state, name=name: {"seen": [name]})
    graph.add_node("last", lambda state: {"seen": [f"last of {len(state['seen'])}"]}, defer=True)
    graph.add_edge(START, "a").add_edge(START, "b").add_edge("b", "b2").add_edge("a", "last").add_edge("b2", "last")
    return list(graph.compile().stream({}))

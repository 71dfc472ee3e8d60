"""Branches of different length, with and without a join."""

import operator
from typing import Annotated, TypedDict

from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    seen: Annotated[list, operator.add]


def build(join):
    graph = StateGraph(State)
    for name in ("a", "b", "b2", "c"):
        graph.add_node(name, lambda state, name=name: {"seen": [name]})
    graph.add_edge(START, "a").add_edge(START, "b").add_edge("b", "b2")
    if join:
        graph.add_edge(["a", "b2"], "c")
    else:
        graph.add_edge("a", "c").add_edge("b2", "c")
    return graph.compile()


def main():
    return [build(join).invoke({}) for join in (True, False)]

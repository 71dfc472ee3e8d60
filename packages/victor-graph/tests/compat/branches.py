"""Fan out, join, conditional edges with a map, an edge from several nodes."""

import operator
from typing import Annotated, TypedDict

from langgraph.graph import END, StateGraph


class State(TypedDict, total=False):
    n: int
    seen: Annotated[list, operator.add]


def node(name):
    return lambda state: {"seen": [f"{name}{state['n']}"]}


def main():
    graph = StateGraph(State)
    for name in ("start", "left", "right", "middle", "join", "even", "odd"):
        graph.add_node(name, node(name))
    graph.set_entry_point("start")
    for name in ("right", "middle", "left"):
        graph.add_edge("start", name)
    graph.add_edge(["left", "middle", "right"], "join")
    graph.add_conditional_edges("join", lambda state: state["n"] % 2 == 0, {True: "even", False: "odd"})
    graph.set_finish_point("even")
    graph.add_edge("odd", END)
    compiled = graph.compile()
    return [compiled.invoke({"n": n}) for n in (1, 2)], list(
        compiled.stream({"n": 2, "seen": ["in"]}, stream_mode="values")
    )

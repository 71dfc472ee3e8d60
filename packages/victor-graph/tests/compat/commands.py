"""Commands that update and jump, from a node and from a subgraph to the graph around it."""

import operator
from typing import Annotated, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command


class State(TypedDict, total=False):
    n: int
    seen: Annotated[list, operator.add]


def decide(state: State) -> Command[Literal["small", "sub"]]:
    return Command(update={"seen": ["decide"]}, goto="small" if state["n"] < 5 else "sub")


def small(state: State):
    return [Command(update={"seen": ["small"]}), {"n": state["n"] * 10}]


def inside(state: State):
    return Command(graph=Command.PARENT, update={"seen": ["inside"]}, goto="small")


def main():
    inner = StateGraph(State).add_node(inside).add_edge(START, "inside").compile()
    graph = StateGraph(State)
    graph.add_node(decide).add_node(small).add_node("sub", inner, destinations=("small",))
    graph.add_edge(START, "decide").add_edge("small", END)
    compiled = graph.compile()
    return [compiled.invoke({"n": n}) for n in (1, 7)]

"""A supervisor hands work to others by commands; one of them is a subgraph that hands back to its parent."""

import operator
from typing import Annotated, Literal, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command


class State(TypedDict):
    todo: list
    log: Annotated[list, operator.add]


def supervisor(state: State) -> Command[Literal["research", "maths", "__end__"]]:
    if not state["todo"]:
        return Command(goto=END, update={"log": ["done"]})
    kind, _, rest = state["todo"][0].partition(":")
    return Command(goto=kind, update={"log": [f"to {kind}: {rest}"]})


def research(state: State) -> Command[Literal["supervisor"]]:
    return Command(goto="supervisor", update={"todo": state["todo"][1:], "log": ["looked it up"]})


def add(state: State):
    numbers = state["todo"][0].partition(":")[2].split("+")
    return Command(
        graph=Command.PARENT,
        goto="supervisor",
        update={"todo": state["todo"][1:], "log": [str(sum(map(int, numbers)))]},
    )


def main():
    maths = StateGraph(State).add_node(add).add_edge(START, "add").compile()
    builder = StateGraph(State)
    builder.add_node(supervisor)
    builder.add_node(research)
    builder.add_node("maths", maths, destinations=("supervisor",))
    builder.add_edge(START, "supervisor")
    graph = builder.compile()
    start = {"todo": ["research:ulm", "maths:1+2+3", "research:danube"], "log": []}
    return [graph.invoke(start), [next(iter(part)) for part in graph.stream(start)]]

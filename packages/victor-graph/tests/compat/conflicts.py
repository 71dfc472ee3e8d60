"""Two writers of one key; too many steps; overwrites."""

import operator
from typing import Annotated, TypedDict

from langgraph.errors import GraphRecursionError, InvalidUpdateError
from langgraph.graph import START, StateGraph
from langgraph.types import Overwrite


class State(TypedDict, total=False):
    n: int
    seen: Annotated[list, operator.add]


def write(state):
    return dict(n=1)


def main():
    found = []
    graph = StateGraph(State).add_node("a", write).add_node("b", write).add_edge(START, "a").add_edge(START, "b")
    try:
        graph.compile().invoke({})
    except InvalidUpdateError as error:
        found.append(type(error).__name__)
    runs = []
    loop = (
        StateGraph(State).add_node("a", lambda state: runs.append(1)).add_edge(START, "a").add_edge("a", "a").compile()
    )
    try:
        loop.invoke({}, {"recursion_limit": 5})
    except GraphRecursionError as error:
        found.append((type(error).__name__, isinstance(error, RecursionError), len(runs)))
    fresh = StateGraph(State).add_node("a", lambda state: {"seen": Overwrite(["new"])}).add_edge(START, "a").compile()
    return found, fresh.invoke({"seen": ["old"]})

"""Graphs as nodes, and graphs called in nodes; questions from inside; streams of both."""

import operator
from typing import Annotated, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt


class State(TypedDict, total=False):
    n: int
    seen: Annotated[list, operator.add]


class Inner(TypedDict, total=False):
    n: int
    own: str


def double(state: Inner):
    return {"n": state["n"] * 2, "own": "o"}


def ask(state: Inner):
    return {"n": state["n"] + interrupt("how much?")}


def main():
    inner = StateGraph(Inner).add_sequence([double, ask]).add_edge(START, "double").compile()

    def call(state: State):
        result = inner.invoke({"n": state["n"]})
        return {"n": result["n"], "seen": [sorted(result)]}

    told = []
    for node in (inner, call):
        graph = StateGraph(State).add_node("sub", node).add_node("after", lambda s: {"n": s["n"] + 1000})
        graph = graph.add_edge(START, "sub").add_edge("sub", "after").compile(checkpointer=InMemorySaver())
        config = {"configurable": {"thread_id": "1"}}
        first = graph.invoke({"n": 1}, config)
        told.append([first["n"], [q.value for q in first["__interrupt__"]]])
        told.append(graph.invoke(Command(resume=30), config))
    plain = StateGraph(Inner).add_node(double).add_edge(START, "double").compile()
    graph = StateGraph(State).add_node("sub", plain).add_edge(START, "sub").compile()
    parts = list(graph.stream({"n": 1}, subgraphs=True))
    told.append([[len(namespace), part] for namespace, part in parts])
    return told

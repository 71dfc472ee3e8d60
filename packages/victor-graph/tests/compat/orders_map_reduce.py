"""Map-reduce: one node plans parts, each part is worked on by itself, the best is chosen."""

import operator
from typing import Annotated, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send


class Overall(TypedDict):
    topic: str
    subjects: list
    lines: Annotated[list, operator.add]
    best: str


class OneSubject(TypedDict):
    subject: str


def plan(state: Overall):
    return {"subjects": [f"{state['topic']} {n}" for n in range(4)]}


def write(state: OneSubject):
    return {"lines": [f"a line on {state['subject']}"]}


def fan_out(state: Overall):
    return [Send("write", {"subject": one}) for one in state["subjects"]]


def choose(state: Overall):
    return {"best": max(state["lines"], key=lambda line: line[-1])}


def main():
    builder = StateGraph(Overall)
    builder.add_node("plan", plan)
    builder.add_node("write", write)
    builder.add_node("choose", choose)
    builder.add_edge(START, "plan")
    builder.add_conditional_edges("plan", fan_out, ["write"])
    builder.add_edge("write", "choose")
    builder.add_edge("choose", END)
    graph = builder.compile()
    parts = list(graph.stream({"topic": "rivers"}))
    values = list(graph.stream({"topic": "hills"}, stream_mode="values"))
    return [parts, values[-1], len(values), graph.invoke({"topic": "x"}, output_keys=["best"])]

"""Stream modes, alone and together, and what nodes write to the stream."""

import operator
from typing import Annotated, TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    n: int
    seen: Annotated[list, operator.add]


def first(state: State):
    get_stream_writer()({"progress": 1})
    return {"seen": ["first"], "n": 2}


def second(state: State, writer):
    writer("half")


def main():
    graph = StateGraph(State).add_sequence([first, second]).add_edge(START, "first").compile()
    told = {}
    for mode in ("values", "updates", "custom"):
        told[mode] = list(graph.stream({"n": 1}, stream_mode=mode))
    told["default"] = list(graph.stream({"n": 1}))
    told["several"] = list(graph.stream({"n": 1}, stream_mode=["updates", "custom"]))
    told["tasks"] = [
        [part["name"], sorted(set(part) - {"id", "triggers"}), part.get("input"), part.get("result")]
        for part in graph.stream({"n": 1}, stream_mode="tasks")
    ]
    return told

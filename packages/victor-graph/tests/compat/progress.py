"""Streams own progress, several modes at once, from nested graphs too, in both versions of the parts."""

import asyncio
from typing import TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import START, StateGraph
from langgraph.types import StreamWriter


class State(TypedDict, total=False):
    n: int
    done: bool


def load(state: State, writer: StreamWriter):
    for part in range(3):
        writer({"loaded": part})
    return {"n": state["n"] + 3}


def crunch(state: State):
    write = get_stream_writer()
    write(f"crunching {state['n']}")
    return {"n": state["n"] * 2}


async def finish(state: State, *, writer: StreamWriter):
    writer("finishing")
    return {"done": True}


def main():
    inner = StateGraph(State).add_node(crunch).add_edge(START, "crunch").compile()
    graph = (
        StateGraph(State)
        .add_node(load)
        .add_node("inner", inner)
        .add_edge(START, "load")
        .add_edge("load", "inner")
        .compile()
    )
    out = [list(graph.stream({"n": 1}, stream_mode="custom"))]
    out.append([list(part) for part in graph.stream({"n": 1}, stream_mode=["custom", "updates", "values"])])
    out.append(
        [
            [[one.partition(":")[0] for one in namespace], mode, part]
            for namespace, mode, part in graph.stream({"n": 1}, stream_mode=["custom", "updates"], subgraphs=True)
        ]
    )
    out.append(
        [
            [part["type"], part["data"]]
            for part in graph.stream({"n": 1}, stream_mode=["custom", "values"], version="v2")
        ]
    )
    out.append(graph.invoke({"n": 1}, stream_mode="updates"))
    result = graph.invoke({"n": 1}, version="v2")
    out.append([result.value, list(result.interrupts)])

    async def run():
        later = (
            StateGraph(State)
            .add_node(load)
            .add_node(finish)
            .add_edge(START, "load")
            .add_edge("load", "finish")
            .compile()
        )
        parts = [list(part) async for part in later.astream({"n": 5}, stream_mode=["updates", "custom"])]
        return [parts, await later.abatch([{"n": 1}, {"n": 2}])]

    out.append(asyncio.run(run()))
    out.append(graph.batch([{"n": n} for n in range(3)], {"max_concurrency": 2}))
    return out

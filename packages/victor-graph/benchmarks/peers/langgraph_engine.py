"""LangGraph on the work of ``engine.py``; prints JSON."""

from __future__ import annotations

import asyncio
import json
import operator
import statistics
import time
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Send

STEPS, FAN, RUNS = 100, 1000, 100


class Counter(TypedDict):
    n: int


class Collected(TypedDict):
    out: Annotated[list, operator.add]


async def inc(state: Counter) -> Any:
    return {"n": state["n"] + 1}


async def collect(number: int) -> Any:
    return {"out": [number]}


def chain(length: int) -> Any:
    graph = StateGraph(Counter)
    for number in range(length):
        graph.add_node(f"n{number}", inc)
        graph.add_edge(START if number == 0 else f"n{number - 1}", f"n{number}")
    return graph


async def measure(work: Any, units: int, rounds: int = 12) -> float:
    samples = []
    for number in range(rounds + 1):
        began = time.process_time_ns()
        await work()
        if number:
            samples.append((time.process_time_ns() - began) / 1000 / units)
    return statistics.median(samples)


async def main() -> None:
    limit = {"recursion_limit": 5000}
    long, ten, one = chain(STEPS).compile(), chain(10).compile(), chain(1).compile()
    fan = StateGraph(Collected).add_node("work", collect).add_node("join", lambda state: None)
    fan.add_conditional_edges(START, lambda state: [Send("work", number) for number in range(FAN)], ["work"])
    fanned = fan.add_edge("work", "join").compile()
    recorded = chain(STEPS).compile(InMemorySaver())
    threads = iter(range(1_000_000))

    async def invoke() -> None:
        for _ in range(20):
            await one.ainvoke({"n": 0})

    async def concurrent() -> None:
        await asyncio.gather(*(ten.ainvoke({"n": 0}) for _ in range(RUNS)))

    def thread() -> dict[str, Any]:
        return {"configurable": {"thread_id": str(next(threads))}, **limit}

    figures = {
        "superstep": await measure(lambda: long.ainvoke({"n": 0}, limit), STEPS),
        "invoke, one node": await measure(invoke, 20),
        "fan-out 1,000, each": await measure(lambda: fanned.ainvoke({"out": []}), FAN, 4),
        "superstep of 1,000 runs": await measure(concurrent, RUNS * 10, 3),
        "superstep, memory saver": await measure(
            lambda: recorded.ainvoke({"n": 0}, thread(), durability="sync"), STEPS
        ),
    }
    graph = chain(1000)
    began = time.process_time_ns()
    graph.compile()
    figures["compile_ms"] = (time.process_time_ns() - began) / 1e6
    print(json.dumps(figures))


asyncio.run(main())

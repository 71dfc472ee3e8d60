"""pydantic-graph on the work of ``engine.py``; prints JSON."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time
from typing import Any

from pydantic_graph import GraphBuilder, StepContext, reduce_list_append

FAN = 1000


def chain(length: int) -> Any:
    builder = GraphBuilder(input_type=int, output_type=int)

    async def inc(ctx: StepContext[None, None, int]) -> int:
        return ctx.inputs + 1

    steps = [builder.step(inc, node_id=f"n{number}") for number in range(length)]
    builder.add(builder.edge_from(builder.start_node).to(steps[0]))
    for start, end in itertools.pairwise(steps):
        builder.add(builder.edge_from(start).to(end))
    builder.add(builder.edge_from(steps[-1]).to(builder.end_node))
    return builder


def fan() -> Any:
    builder = GraphBuilder(input_type=list[int], output_type=list[int])

    async def collect(ctx: StepContext[None, None, int]) -> int:
        return ctx.inputs

    step = builder.step(collect, node_id="collect")
    join = builder.join(reduce_list_append, initial_factory=list[int])
    builder.add(builder.edge_from(builder.start_node).map().to(step))
    builder.add(builder.edge_from(step).to(join), builder.edge_from(join).to(builder.end_node))
    return builder.build()


async def measure(work: Any, units: int, rounds: int = 12) -> float:
    samples = []
    for number in range(rounds + 1):
        began = time.process_time_ns()
        await work()
        if number:
            samples.append((time.process_time_ns() - began) / 1000 / units)
    return statistics.median(samples)


async def main() -> None:
    long, ten, one, many = chain(100).build(), chain(10).build(), chain(1).build(), fan()

    async def invoke() -> None:
        for _ in range(20):
            await one.run(inputs=0)

    async def concurrent() -> None:
        await asyncio.gather(*(ten.run(inputs=0) for _ in range(100)))

    figures = {
        "superstep": await measure(lambda: long.run(inputs=0), 100),
        "invoke, one node": await measure(invoke, 20),
        "fan-out 1,000, each": await measure(lambda: many.run(inputs=list(range(FAN))), FAN, 4),
        "superstep of 1,000 runs": await measure(concurrent, 1000, 3),
    }
    builder = chain(1000)
    began = time.process_time_ns()
    builder.build()
    figures["compile_ms"] = (time.process_time_ns() - began) / 1e6
    print(json.dumps(figures))


asyncio.run(main())

"""Agent Framework on the work of ``engine.py`` that it can do; prints JSON."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from typing import Any

from agent_framework import Executor, WorkflowBuilder, WorkflowContext, handler


class Step(Executor):
    def __init__(self, id: str, stop: int) -> None:
        super().__init__(id=id)
        self.stop = stop

    @handler
    async def step(self, n: int, ctx: WorkflowContext[int, int]) -> None:
        if n + 1 >= self.stop:
            await ctx.yield_output(n + 1)
        else:
            await ctx.send_message(n + 1)


def loop(stop: int) -> Any:
    step = Step("step", stop)
    return WorkflowBuilder(start_executor=step, max_iterations=stop + 5).add_edge(step, step).build()


async def measure(work: Any, units: int, rounds: int = 12) -> float:
    samples = []
    for number in range(rounds + 1):
        began = time.process_time_ns()
        await work()
        if number:
            samples.append((time.process_time_ns() - began) / 1000 / units)
    return statistics.median(samples)


async def main() -> None:
    long, one = loop(100), loop(1)

    async def invoke() -> None:
        for _ in range(20):
            await one.run(0)

    async def concurrent() -> None:
        await asyncio.gather(*(loop(10).run(0) for _ in range(100)))

    print(
        json.dumps(
            {
                "superstep": await measure(lambda: long.run(0), 100),
                "invoke, one node": await measure(invoke, 20),
                "superstep of 1,000 runs": await measure(concurrent, 1000, 3),
            }
        )
    )


asyncio.run(main())

"""What the engine costs beside a bare asyncio loop and beside its peers: supersteps, invocations, fan-out, concurrency.

Figures are microseconds of CPU time, the median of short windows, so that other work on the machine matters little. All
promises are kept while measuring: isolation, interrupts, retries and events are in place (nobody listens to them). Each
peer does the same work in a process of its own, in the same run, with the interpreter that ``--peers`` or
``VICTOR_BENCH_PEERS_PYTHON`` names.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import operator
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypedDict

from _results import record

from victor.graph import START, MemorySaver, Send, StateGraph

STEPS = 100
FAN = 1000
RUNS = 1000


class Counter(TypedDict):
    """The state of the chains."""

    n: int


class Collected(TypedDict):
    """The state of the fan-out."""

    out: Annotated[list[int], operator.add]


async def inc(state: Counter) -> Counter:
    """The work of a step: next to none."""
    return {"n": state["n"] + 1}


async def collect(number: int) -> Collected:
    """The work of one of many."""
    return {"out": [number]}


def chain(length: int) -> StateGraph[Counter]:
    """Nodes one after the other."""
    graph = StateGraph(Counter)
    for number in range(length):
        graph.add_node(f"n{number}", inc)
        graph.add_edge(START if number == 0 else f"n{number - 1}", f"n{number}")
    return graph


async def measure(work: Callable[[], Awaitable[object]], units: int, rounds: int = 40) -> float:
    """Median CPU microseconds per unit."""
    samples = []
    for number in range(rounds + 3):
        began = time.process_time_ns()
        await work()
        if number >= 3:
            samples.append((time.process_time_ns() - began) / 1000 / units)
    return statistics.median(samples)


async def floors() -> dict[str, float]:
    """What asyncio itself costs."""

    async def nothing() -> None:
        pass

    async def inline() -> None:
        for _ in range(STEPS):
            await nothing()

    async def tasks() -> None:
        for _ in range(STEPS):
            await asyncio.create_task(nothing())

    async def gather() -> None:
        await asyncio.gather(*(nothing() for _ in range(FAN)))

    return {
        "a bare await": await measure(inline, STEPS),
        "a task per step": await measure(tasks, STEPS),
        "gather of 1,000, each": await measure(gather, FAN, 15),
    }


async def ours() -> dict[str, float]:
    """The engine."""
    long, ten, one = chain(STEPS).compile(), chain(10).compile(), chain(1).compile()
    fan = StateGraph(Collected).add_node("work", collect).add_node("join", lambda state: None)
    fan.add_conditional_edges(START, lambda state: [Send("work", number) for number in range(FAN)], ["work"])
    fanned = fan.add_edge("work", "join").compile()
    recorded = chain(STEPS).compile(MemorySaver())
    threads = iter(range(1_000_000))

    async def invoke() -> None:
        for _ in range(STEPS):
            await one.ainvoke({"n": 0})

    async def concurrent() -> None:
        await asyncio.gather(*(ten.ainvoke({"n": 0}) for _ in range(RUNS)))

    return {
        "superstep": await measure(lambda: long.ainvoke({"n": 0}), STEPS),
        "invoke, one node": await measure(invoke, STEPS),
        "fan-out 1,000, each": await measure(lambda: fanned.ainvoke({"out": []}), FAN, 15),
        "superstep of 1,000 runs": await measure(concurrent, RUNS * 10, 5),
        "superstep, memory saver": await measure(
            lambda: recorded.ainvoke({"n": 0}, thread_id=str(next(threads))), STEPS
        ),
    }


def sync_invoke() -> float:
    """A sync node by the sync face: no event loop at all."""
    graph = StateGraph(Counter).add_node("a", lambda state: {"n": state["n"] + 1}).add_edge(START, "a").compile()
    samples = []
    for _ in range(40):
        began = time.process_time_ns()
        for _ in range(STEPS):
            graph.invoke({"n": 0})
        samples.append((time.process_time_ns() - began) / 1000 / STEPS)
    return statistics.median(samples)


def compiling() -> float:
    """Milliseconds to compile 1,000 nodes."""
    graph = chain(1000)
    samples = []
    for _ in range(7):
        began = time.process_time_ns()
        graph.compile()
        samples.append((time.process_time_ns() - began) / 1e6)
    return statistics.median(samples)


def importing(statement: str) -> float:
    """Milliseconds of CPU time an import takes in a new process."""
    program = f"import time; began = time.process_time()\n{statement}\nprint((time.process_time() - began) * 1000)"
    command = [sys.executable, "-c", program]
    return statistics.median(float(subprocess.check_output(command, text=True)) for _ in range(7))


def peers(python: str) -> dict[str, dict[str, float]]:
    """The same of the peers."""
    found = {}
    for program in sorted(Path(__file__).with_name("peers").glob("*_engine.py")):
        done = subprocess.run([python, str(program)], capture_output=True, text=True)
        if done.returncode == 0:
            found[program.stem.removesuffix("_engine")] = json.loads(done.stdout.splitlines()[-1])
        else:
            print(f"{program.name} skipped: {(done.stderr.strip().splitlines() or ['?'])[-1]}", file=sys.stderr)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("VICTOR_BENCH_PEERS_PYTHON")
    parser.add_argument("--peers", default=default, help="a Python that has the peers")
    options = parser.parse_args()
    floor = asyncio.run(floors())
    figures = asyncio.run(ours())
    figures["invoke, one sync node, sync"] = sync_invoke()
    others = peers(options.peers) if options.peers else {}
    if not options.peers:
        print("peers skipped: name a Python that has them with --peers or VICTOR_BENCH_PEERS_PYTHON", file=sys.stderr)
    print("floor: " + "; ".join(f"{name} {value:.2f} us" for name, value in floor.items()))
    print(f"{'us of CPU time':32}{'victor':>10}" + "".join(f"{name:>24}" for name in others))
    for name, value in figures.items():
        line = f"{name:32}{value:10.2f}"
        for other in others.values():
            line += f"{other[name]:14.1f} ({other[name] / value:5.1f}x)" if name in other else f"{'-':>24}"
        print(line)
    print(f"supersteps per CPU-second, 1,000 runs: {1e6 / figures['superstep of 1,000 runs']:,.0f}")
    theirs = [f"; {name} {other['compile_ms']:.1f} ms" for name, other in others.items() if "compile_ms" in other]
    compiled = compiling()
    print(f"compile 1,000 nodes: {compiled:.1f} ms{''.join(theirs)}")
    base, face = importing("import asyncio, attrs, msgspec"), importing("from victor.graph import StateGraph")
    print(f"from victor.graph import StateGraph: {face:.0f} ms, {face / base:.2f}x of import asyncio, attrs, msgspec")
    tell(floor, figures, compiled, face / base, others)


DISTRIBUTIONS = {
    "agent_framework": "agent-framework-core",
    "langgraph": "langgraph",
    "pydantic_graph": "pydantic-graph",
}


def tell(
    floor: dict[str, float],
    figures: dict[str, float],
    compiled: float,
    imported: float,
    others: dict[str, dict[str, float]],
) -> None:
    """The figures for the page."""

    def of_peers(key: str) -> dict[str, float]:
        return {DISTRIBUTIONS[name]: other[key] for name, other in others.items() if key in other}

    inline, task = floor["a bare await"], floor["a task per step"]
    step = "superstep, nodes one after the other, async"
    fan = "fan-out of 1,000 and join, per node"

    def tell_us(name: str, what: str, key: str, goal: float, base: float | None = None, base_name: str = "") -> None:
        peers = of_peers(key)
        record(name, what, figures[key], "us", goal=goal, floor=base, floor_name=base_name, peers=peers)

    tell_us("superstep", step, "superstep", 12, inline, "a bare `await`")
    tell_us("invoke", "`ainvoke` of one node that does nothing", "invoke, one node", 25)
    tell_us("fan_out", fan, "fan-out 1,000, each", 15, task, "a task per step")
    tell_us("memory", "superstep with a checkpoint in memory", "superstep, memory saver", 20)
    concurrent = "superstep of 1,000 runs"
    record(
        "concurrent",
        "1,000 runs of 10 steps at once, supersteps per second of CPU",
        1e6 / figures[concurrent],
        "/s",
        goal=60_000,
        more=True,
        peers={name: 1e6 / cost for name, cost in of_peers(concurrent).items()},
    )
    record("compile", "compiling 1,000 nodes", compiled, "ms", goal=20, peers=of_peers("compile_ms"))
    record(
        "import",
        "`from victor.graph import StateGraph`, over `import asyncio, attrs, msgspec`",
        imported,
        "x",
        goal=1.5,
    )


if __name__ == "__main__":
    main()

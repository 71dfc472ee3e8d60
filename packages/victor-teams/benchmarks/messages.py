"""What messages and turns cost: requests, topics, and teams of 50, 200 and 800 turns, beside asyncio and peers.

Figures are microseconds of CPU time, the median of short windows, so that other work on the machine matters little. A
request has a correlation id, a deadline, a bounded mailbox and a place in the history; a turn is that of an agent with
a scripted model, its budgets, journal and loop detection in place. Each peer does the same work in a process of its
own, in the same run, with the interpreter that ``--peers`` or ``VICTOR_BENCH_PEERS_PYTHON`` names. The bus over NATS
is measured by ``nats_requests.py``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from _results import record

from victor.core import Agent
from victor.core.events import EventStream, set_stream
from victor.core.message import Usage
from victor.core.testing import FunctionModel
from victor.teams import RoundRobin, Team, TeamLimits
from victor.teams.communication import MessageBus

TURNS = (50, 200, 800)
GOALS = {"request": "18", "delivery": "4", "turn, 50": "100", "turn, 200": "100", "turn, 800": "100"}


async def measure(work: Callable[[], Awaitable[object]], units: int, rounds: int = 15) -> float:
    """Median CPU microseconds of a unit."""
    samples = []
    for number in range(rounds + 2):
        began = time.process_time_ns()
        await work()
        if number >= 2:
            samples.append((time.process_time_ns() - began) / 1000 / units)
    return statistics.median(samples)


async def floors() -> dict[str, float]:
    """A queue and a future, without and with a timeout; a queue for each of 100 readers."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Any] = asyncio.Queue()

    async def serve() -> None:
        while True:
            future, value = await queue.get()
            future.set_result(value)

    async def ask() -> None:
        for _ in range(500):
            future = loop.create_future()
            await queue.put((future, 1))
            await future

    async def ask_in_time() -> None:
        for _ in range(500):
            async with asyncio.timeout(5):
                future = loop.create_future()
                await queue.put((future, 1))
                await future

    queues: list[asyncio.Queue[int]] = [asyncio.Queue() for _ in range(100)]

    async def read(one: asyncio.Queue[int]) -> None:
        while True:
            await one.get()

    async def publish() -> None:
        for _ in range(10):
            for one in queues:
                one.put_nowait(1)
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(serve()), *(asyncio.create_task(read(one)) for one in queues)]
    found = {
        "request": await measure(ask, 500),
        "request, asyncio.timeout": await measure(ask_in_time, 500),
        "delivery": await measure(publish, 1000),
    }
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return found


async def ours() -> dict[str, float]:
    """The same on the bus, and turns of a team."""
    found: dict[str, float] = {}
    async with MessageBus() as bus:
        ann, bob = await bus.join("ann"), await bus.join("bob")
        await bob.serve(lambda message: message.content)

        async def ask() -> None:
            for _ in range(500):
                await ann.request("bob", "x")

        found["request"] = await measure(ask, 500)
        for number in range(100):
            reader = await bus.join(f"r{number}")
            await reader.follow("news")
            await reader.serve(lambda message: None)

        async def publish() -> None:
            for _ in range(10):
                await ann.publish("news", "x")
                await asyncio.sleep(0)

        found["delivery"] = await measure(publish, 1000)
        if bus.dead_letters:
            raise RuntimeError("the readers did not keep up")
    for turns in TURNS:
        found[f"turn, {turns}"] = await measure(_team(turns), turns, rounds=7)
    return found


def _team(turns: int) -> Callable[[], Awaitable[object]]:
    from victor.core.model import ModelResponse

    number = 0

    def answer(request: object) -> ModelResponse:
        nonlocal number
        number += 1
        return ModelResponse(content=f"answer {number}", usage=Usage(10, 2))

    agents = [Agent("You talk.", name=f"a{index}", model=FunctionModel(answer)) for index in range(5)]
    team = Team(agents, RoundRobin(rounds=turns // 5), limits=TeamLimits(turns=turns + 1))

    async def run() -> None:
        result = await team.run("go")
        if len(result.turns) != turns or not result.completed:
            raise RuntimeError(f"{len(result.turns)} turns: {result.stop_reason}")

    return run


def peer(python: str, name: str) -> dict[str, Any]:
    """What a peer measured in its own process."""
    program = Path(__file__).parent / "peers" / "messages.py"
    done = subprocess.run([python, str(program), name], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name} did not run: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return {}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


DISTRIBUTIONS = {"autogen": "autogen-core", "agent_framework": "agent-framework-core"}


def tell(floor: dict[str, float], own: dict[str, float], peers: dict[str, dict[str, Any]]) -> None:
    """The figures for the page."""
    what = {"request": "request and response", "delivery": "publish to 100, per delivery"}
    names = {"request": "a queue and a future", "delivery": "a queue for each reader"}
    for name, value in own.items():
        record(
            name.replace(", ", "_"),
            what.get(name, f"turn of an agent in a team of 5, {name.partition(', ')[2]} turns"),
            value,
            "us",
            goal=float(GOALS[name]),
            floor=floor.get(name),
            floor_name=names.get(name, ""),
            peers={DISTRIBUTIONS[peer]: theirs[name] for peer, theirs in peers.items() if name in theirs},
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers", default=os.environ.get("VICTOR_BENCH_PEERS_PYTHON", ""), help="their interpreter")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    set_stream(EventStream())  # nobody listens, whatever else is installed
    floor, own = asyncio.run(floors()), asyncio.run(ours())
    peers = {name: peer(options.peers, name) for name in ("autogen", "agent_framework")} if options.peers else {}
    tell(floor, own, peers)
    if options.json:
        print(json.dumps({"floor": floor, "victor": own, **peers}))
        return
    print("floor: " + "; ".join(f"{name} {value:.2f} us" for name, value in floor.items()))
    print(
        f"{'us of CPU time':24} {'victor':>8} {'goal':>6} {'x floor':>8} " + " ".join(f"{name:>26}" for name in peers)
    )
    for name, value in own.items():
        ratio = f"{value / floor[name]:.2f}" if name in floor else "-"
        others = [
            f"{theirs[name]:>15.1f} ({theirs[name] / value:>6.1f}x)" if name in theirs else f"{'-':>26}"
            for theirs in peers.values()
        ]
        print(f"{name:24} {value:8.2f} {GOALS[name]:>6} {ratio:>8} " + " ".join(f"{text:>26}" for text in others))
    first, last = f"turn, {TURNS[0]}", f"turn, {TURNS[-1]}"
    for name, figures in {"victor": own, **peers}.items():
        if first in figures and last in figures:
            print(f"{name}: a turn of {TURNS[-1]} takes {figures[last] / figures[first]:.2f}x one of {TURNS[0]}")
    if not peers:
        print("peers are left out: name their interpreter with --peers")


if __name__ == "__main__":
    main()

"""What one iteration of the agent loop costs (a scripted model's answer and one tool call), and an event.

Figures are medians of CPU time in microseconds. Each peer runs the same work in a process of its own, in the same run,
with the interpreter that ``VICTOR_BENCH_PEERS_PYTHON`` names.
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

from _results import record

from victor.core import Agent, Limits, Model, ModelRequest, ModelResponse, ToolCall, Usage
from victor.core.events import EventStream

_USAGE = Usage(10, 5)


class Scripted(Model):
    """Calls ``add`` a given number of times, then answers."""

    provider = "bench"

    def __init__(self, calls: int) -> None:
        self._answers = [
            ModelResponse("", (ToolCall(f"c{i}", "add", f'{{"a": {i}, "b": 1}}'),), _USAGE, "tool_calls")
            for i in range(calls)
        ] + [ModelResponse("done", usage=_USAGE)]
        self._next = 0

    async def request(self, request: ModelRequest) -> ModelResponse:
        """The next answer."""
        self._next += 1
        return self._answers[self._next - 1]


async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def measure(run: Callable[[int], Awaitable[object]], calls: int, rounds: int) -> float:
    """Median CPU microseconds per iteration."""
    samples = []
    for _ in range(rounds + 2):
        began = time.process_time()
        await run(calls)
        samples.append((time.process_time() - began) * 1e6 / calls)
    return statistics.median(samples[2:])


def agent_on(stream: EventStream) -> Callable[[int], Awaitable[object]]:
    """Runs of one agent, each with a script of its own; the agent is made once, as in a program that serves."""
    agent = Agent(tools=[add], limits=Limits(tokens=None, steps=None), stream=stream)

    async def run(calls: int) -> object:
        result = await agent.run("go", model=Scripted(calls))
        if result.tool_calls != calls:
            raise SystemExit(f"made {result.tool_calls} calls, not {calls}")
        return result

    return run


async def floor(calls: int) -> object:
    """The same without a framework: decode the arguments, run the tool in a task, keep the messages."""
    messages: list[dict[str, object]] = []
    for i in range(calls):
        text = f'{{"a": {i}, "b": 1}}'
        value = await asyncio.create_task(add(**json.loads(text)))
        messages += [{"role": "assistant", "call": text}, {"role": "tool", "content": json.dumps(value)}]
    return messages


def events() -> dict[str, float]:
    """Median microseconds of an event operation, silent and heard by one listener that does nothing."""
    figures = {}
    for name, stream in (("nobody listens", EventStream()), ("one listener", EventStream())):
        if name == "one listener":
            stream.subscribe(lambda event: None)
        samples = []
        for _ in range(15):
            began = time.process_time()
            for _ in range(10_000):
                with stream.operation("tool.call", "add") as operation:
                    operation.set(ok=True)
            samples.append((time.process_time() - began) * 100)
        figures[name] = statistics.median(samples)
    return figures


def peers_rows(python: str | None) -> list[tuple[str, dict[int, float]]]:
    """What each peer measures of itself, with its own Python."""
    if not python:
        print("(peers are left out: VICTOR_BENCH_PEERS_PYTHON is not set)", file=sys.stderr)
        return []
    rows = []
    script = str(Path(__file__).parent / "peers" / "agent_loop.py")
    for peer in ("agent-framework-core", "langchain", "openai-agents", "pydantic-ai"):
        done = subprocess.run([python, script, peer], capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{peer}: did not run: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            continue
        figures = json.loads(done.stdout.splitlines()[-1])
        rows.append((figures["name"], {int(calls): cost for calls, cost in figures["us"].items()}))
    return rows


def distribution(peer: str) -> str:
    """What is installed for a peer, whose name comes with its version."""
    name = peer.partition(" ")[0]
    return "pydantic-ai-slim" if name == "pydantic-ai" else name


async def main(peers: str | None, rounds: int) -> None:
    """Measure and print."""
    silent = EventStream()
    heard = EventStream()
    heard.subscribe(lambda event: None)
    for name, cost in events().items():
        print(f"event operation, {name:<16} {cost:8.2f} us")
        record(f"event, {name}", f"an event operation, {name}", cost, "us")
    base = {calls: await measure(floor, calls, rounds) for calls in (10, 100)}
    print(f"{'agent loop, per iteration':<34}{'10 calls':>12}{'100 calls':>12}{'over the floor':>18}")
    rows: list[tuple[str, dict[int, float]]] = [("floor: json + a task per call", base)]
    for name, stream in (("victor", silent), ("victor, one listener", heard)):
        run = agent_on(stream)
        rows.append((name, {calls: await measure(run, calls, rounds) for calls in (10, 100)}))
    theirs = peers_rows(peers)
    for calls in (10, 100):
        for key, (_, cost) in zip((f"loop_{calls}", f"loop_{calls}_heard"), rows[1:3], strict=True):
            record(
                key,
                f"agent loop of {calls} calls, per call{', one listener' if key.endswith('heard') else ''}",
                cost[calls],
                "us",
                floor=base[calls],
                floor_name="JSON and a task per call",
                peers={distribution(name): cost[calls] for name, cost in theirs} if key[-1] == "0" else {},
            )
    rows += theirs
    for name, cost in rows:
        print(f"{name:<34}{cost[10]:>9.1f} us{cost[100]:>9.1f} us{cost[100] / base[100]:>16.1f}x")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    asyncio.run(main(os.environ.get("VICTOR_BENCH_PEERS_PYTHON"), options.rounds))

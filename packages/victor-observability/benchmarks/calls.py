"""What recording adds to a tool call on the thread that makes it, and what the recorder's own thread does for it.

Figures are CPU time of the calling thread in microseconds: the lowest of many short turns, in which all variants take
part one after the other, so that a busy machine slows all of them alike. The reference is the same call with nobody
listening, and OpenTelemetry's span of the same call (SDK, batch processor, no exporter) measured in the same turns.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable

from _results import record

from victor.core.events import EventStream
from victor.core.tool import Tool, ToolScope, as_tool
from victor.observability.recorder import Recorder
from victor.observability.settings import Settings
from victor.observability.store import open_store

GOAL_OFF, GOAL_ON = 1.0, 8.0


async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def caller(stream: EventStream) -> Callable[[int], Awaitable[None]]:
    """Calls of one tool on a stream, in a run, as an agent makes them."""
    tool: Tool = as_tool(add)
    scope = ToolScope(stream=stream, agent="bench")
    call = tool.call
    arguments = '{"a": 1, "b": 2}'

    async def calls(count: int) -> None:
        with stream.operation("agent.run", "bench"):
            for number in range(count):
                await call(arguments, call_id=f"call_{number}", scope=scope)

    return calls


def otel_caller() -> Callable[[int], Awaitable[None]] | None:
    """The same call inside a span of OpenTelemetry; None where its SDK is not installed."""
    try:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
    except ImportError:
        return None

    class Nowhere(SpanExporter):
        def export(self, spans: object) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere(), max_queue_size=100_000))
    tracer = provider.get_tracer("bench")
    tool: Tool = as_tool(add)
    scope = ToolScope(stream=EventStream(), agent="bench")

    async def calls(count: int) -> None:
        for number in range(count):
            attributes = {
                "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "add", "gen_ai.tool.call.id": str(number),
                "gen_ai.agent.name": "bench",
            }  # fmt: skip
            with tracer.start_as_current_span("execute_tool add", attributes=attributes):
                await tool.call('{"a": 1, "b": 2}', call_id=f"call_{number}", scope=scope)

    return calls


async def turn(calls: Callable[[int], Awaitable[None]], count: int) -> float:
    """CPU microseconds of this thread per call."""
    began = time.thread_time_ns()
    await calls(count)
    return (time.thread_time_ns() - began) / count / 1000


async def main(turns: int, count: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        silent, other, heard = EventStream(), EventStream(), EventStream()
        stop = other.subscribe(lambda event: None, kinds=["nothing.of.that"])
        stop()  # installed, and switched off: the stream had a listener and has none
        recorder = Recorder(lambda: open_store(f"sqlite:{folder}/metrics.db"), Settings(rows_per_s=1e9, overhead=1.0))
        recorder.listen_to(heard)
        variants: dict[str, Callable[[int], Awaitable[None]] | None] = {
            "nobody listens": caller(silent),
            "installed, switched off": caller(other),
            "recorded (SQLite, figures)": caller(heard),
            "OpenTelemetry SDK span": otel_caller(),
        }
        lowest: dict[str, float] = {}
        for _ in range(turns):
            for name, calls in variants.items():
                if calls is not None:
                    took = await turn(calls, count)
                    lowest[name] = min(lowest.get(name, took), took)
            recorder.flush(60)
        own = recorder.own()
        recorder.close()
    base = lowest["nobody listens"]
    span = "OpenTelemetry SDK span"
    peers = {"opentelemetry-sdk": lowest[span] - base} if span in lowest else {}
    off, on = (lowest[name] - base for name in ("installed, switched off", "recorded (SQLite, figures)"))
    record("off", "added per tool call, installed but off", max(off, 0.0), "us", goal=GOAL_OFF)
    record("recording", "added per tool call, recording", on, "us", goal=GOAL_ON, peers=peers)
    print(f"{'a tool call, CPU of its thread':<34}{'us':>9}{'added':>9}{'goal':>9}")
    for name, took in lowest.items():
        goal = {"installed, switched off": GOAL_OFF, "recorded (SQLite, figures)": GOAL_ON}.get(name)
        print(f"{name:<34}{took:>9.2f}{took - base:>9.2f}" + (f"{f'<= {goal:g}':>9}" if goal else ""))
    print(
        f"\nthe recorder's thread: {own['overhead'] / own['seen'] * 1e6:.1f} us of CPU per event, writing included "
        f"({own['seen']:,.0f} events, {own['dropped']:.0f} dropped)"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--count", type=int, default=500)
    options = parser.parse_args()
    asyncio.run(main(options.turns, options.count))

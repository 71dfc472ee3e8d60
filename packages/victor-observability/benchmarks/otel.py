"""What tracing with OpenTelemetry adds to an operation, in CPU time of the thread that works.

The floor is a span of the SDK alone with the same attributes, made current and handed to a batch processor, measured in
the same run. Run: ``python packages/victor-observability/benchmarks/otel.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count

from _results import record
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from victor.core.events import EventStream
from victor.core.tool import Tool, ToolScope
from victor.observability.otel import OpenTelemetryIntegration
from victor.observability.otel.exporting import Watched
from victor.observability.otel.ids import VictorIds

CALLS, ROUNDS = 500, 60


class Nowhere(SpanExporter):
    """Takes everything, at once."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass


def provider() -> TracerProvider:
    """As `OpenTelemetryIntegration` makes it, with an exporter that costs nothing."""
    made = TracerProvider(id_generator=VictorIds())
    made.add_span_processor(BatchSpanProcessor(Watched(Nowhere())))  # type: ignore[arg-type]
    return made


def fastest(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Microseconds of one call of each, the best of many rounds in turn: what disturbs one disturbs all."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS):
        for name, work in works.items():
            began = time.thread_time_ns()
            for _ in range(CALLS):
                work()
            best[name] = min(best[name], (time.thread_time_ns() - began) / CALLS / 1000)
    return best


def calls(tool: Tool, stream: EventStream) -> Callable[[], None]:
    """Makes one call of a tool; it waits for nothing, so no event loop has a share in the figure."""
    scope, numbers = ToolScope(agent="clerk", stream=stream), count()

    def call() -> None:
        with suppress(StopIteration):
            tool.call({"a": 1, "b": 2}, call_id=f"call_{next(numbers)}", scope=scope).send(None)

    return call


async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def main() -> None:
    """Print the table."""
    tracer = provider().get_tracer("floor")
    same = {
        "victor.kind": "tool.call", "gen_ai.tool.type": "function", "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "add", "gen_ai.tool.call.id": "call_1", "victor.tool.category": "custom",
        "gen_ai.agent.name": "clerk", "gen_ai.conversation.id": "0" * 32, "session.id": "0" * 32,
    }  # fmt: skip

    def span() -> None:
        tracer.start_span("execute_tool add", attributes=same).end()

    def current_span() -> None:
        with tracer.start_as_current_span("execute_tool add", attributes=same):
            pass

    def listened(event: object) -> None:
        pass

    idle, heard = EventStream(), EventStream()
    heard.subscribe(listened)
    own = OpenTelemetryIntegration(stream=(told := EventStream()), exporter=Nowhere()).start()
    tool = Tool.from_function(add)

    def operation(stream: EventStream) -> Callable[[], None]:
        attributes = {"call_id": "call_1", "category": "custom", "agent": "clerk", "source": ""}

        def run() -> None:
            with stream.operation("tool.call", "add", attributes):
                pass

        return run

    alone, bare, call = "SDK span alone: start_span, end", "tool call, nobody listens", "tool call, traced"
    with told.operation("agent.run", "clerk"):
        best = fastest(
            {
                alone: span,
                "SDK span made current: start_as_current_span": current_span,
                "operation, nobody listens": operation(idle),
                "operation, an empty listener": operation(heard),
                "operation, traced": operation(told),
                bare: calls(tool, idle),
                call: calls(tool, told),
            }
        )
    own.close()
    floor = best[alone]
    idly, name = "operation, nobody listens", "a span of `opentelemetry-sdk` alone"
    told_us, call_us = best["operation, traced"] - best[idly], best[call] - best[bare]
    what = "with spans of OpenTelemetry"
    record("operation", f"added per operation, {what}", told_us, "us", goal=35, floor=floor, floor_name=name)
    record("call", f"added per tool call, {what}", call_us, "us", goal=35, floor=floor, floor_name=name)
    rows = [*best.items(), ("added to a tool call by tracing", best[call] - best[bare])]
    print(f"{'':46} {'us':>7} {'x SDK span':>11}")
    for name, microseconds in rows:
        print(f"{name:46} {microseconds:7.2f} {microseconds / floor:11.2f}")


if __name__ == "__main__":
    main()

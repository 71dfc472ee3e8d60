"""One trace through all packages: the host, a workflow, its agents, their tools, messages, programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from victor.core import Agent
from victor.core.events import EventStream, set_stream
from victor.core.models.answers import call
from victor.core.models.scripted import ScriptedModel
from victor.graph import END, START, RetryPolicy, StateGraph
from victor.observability.otel import OpenTelemetryIntegration
from victor.teams.communication import AgentMessage, MessageBus
from victor.tools.programs.shell import Shell


class State(TypedDict, total=False):
    text: str


@pytest.fixture
def traced() -> Iterator[tuple[TracerProvider, InMemorySpanExporter]]:
    stream, exporter, provider = EventStream(), InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    was = set_stream(stream)
    with OpenTelemetryIntegration(tracer_provider=provider, stream=stream):
        yield provider, exporter
    set_stream(was)
    provider.shutdown()


def numbers(span: ReadableSpan) -> tuple[str, str]:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


async def test_a_request_of_the_host_down_to_a_program(
    traced: tuple[TracerProvider, InMemorySpanExporter], tmp_path: Path
) -> None:
    provider, exporter = traced
    run = next(tool for tool in Shell(root=tmp_path).tools() if tool.name == "shell_run").with_(requires_approval=False)
    command = [sys.executable, "-c", "import os; print(os.environ['TRACEPARENT'])"]
    model = ScriptedModel([call("shell_run", command=command), "Done."], name="m-1")
    agent = Agent(model=model, name="clerk", tools=[run])
    tries = 0

    async def ask(state: State) -> State:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ConnectionError("not yet")
        result = await agent.run("Do it.")
        return {"text": result.messages[-2].content}

    graph: Any = StateGraph(State, name="review")
    graph.add_node("ask", ask, retry_policy=RetryPolicy(initial_interval=0.001))
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    with provider.get_tracer("host").start_as_current_span("POST /review"):
        found = await graph.compile().ainvoke({})
    spans = {span.name: span for span in exporter.get_finished_spans() if "attempt" not in span.name}
    above = {
        name: next((other.name for other in spans.values() if numbers(other)[1] == f"{span.parent.span_id:016x}"), None)
        for name, span in spans.items()
        if span.parent is not None
    }
    assert above["invoke_workflow review"] == "POST /review"
    assert above["run_node ask"] == "run_step review"
    assert above["invoke_agent clerk"] == "run_node ask"
    assert above["execute_tool shell_run"] == "invoke_agent clerk"
    assert above["chat m-1"] == "invoke_agent clerk"
    assert len({numbers(span)[0] for span in exporter.get_finished_spans()}) == 1
    trace_id, span_id = numbers(spans["execute_tool shell_run"])
    assert f"00-{trace_id}-{span_id}-" in found["text"]
    first, second = (span for span in exporter.get_finished_spans() if span.name == "attempt run_node ask")
    assert (first.attributes or {})["error.type"] == "ConnectionError"
    assert second.links[0].context == first.get_span_context()


async def test_messages_of_one_process(traced: tuple[TracerProvider, InMemorySpanExporter]) -> None:
    provider, exporter = traced
    agent = Agent(model=ScriptedModel(["Hello."], name="m-1"), name="bob")

    async def handle(message: AgentMessage) -> str:
        return (await agent.run(message.content)).text

    async with MessageBus() as bus:
        ann, bob = await bus.join("ann"), await bus.join("bob")
        await bob.serve(handle)
        with provider.get_tracer("host").start_as_current_span("POST /chat"):
            from victor.core.events import get_stream

            with get_stream().operation("agent.run", "ann"):
                assert (await ann.request("bob", "Hello?")).content == "Hello."
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert spans["invoke_agent bob"].parent == spans["invoke_agent ann"].get_span_context()
    assert {event.name for event in spans["invoke_agent ann"].events} == {"message.sent", "message.received"}

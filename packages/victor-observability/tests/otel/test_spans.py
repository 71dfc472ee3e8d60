"""Live spans: what they are called, whose children they are, and that nothing leaks or raises."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator
from contextvars import copy_context
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, ParentBased, Sampler, SamplingResult

from victor.core import Agent
from victor.core.events import EventStream
from victor.core.message import Usage
from victor.core.models.answers import call
from victor.core.models.scripted import ScriptedModel
from victor.core.trace_context import continuing, traceparent
from victor.observability.otel import OpenTelemetryIntegration
from victor.observability.otel.integration import conversation

if TYPE_CHECKING:
    from conftest import Seen

REMOTE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def parent_of(span: ReadableSpan) -> str | None:
    return None if span.parent is None else f"{span.parent.span_id:016x}"


def id_of(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"{context.span_id:016x}"


def trace_of(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}"


def said(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def test_a_run_of_an_agent_by_the_conventions(seen: Seen) -> None:
    model = ScriptedModel([call("add", a=2, b=3), "It is 5."], name="m-1", usage=Usage(12, 3, cache_read_tokens=4))
    events: list[Any] = []
    seen.stream.subscribe(events.append, phases=["end"])
    await Agent(model=model, name="clerk", tools=[add], stream=seen.stream).run("What is 2 + 3?")
    tool, chat, last, run = sorted(seen.all, key=lambda span: (span.name != "execute_tool add", span.end_time))
    assert [span.name for span in (run, chat, last, tool)] == [
        "invoke_agent clerk", "chat m-1", "chat m-1", "execute_tool add",
    ]  # fmt: skip
    assert [span.kind.name for span in (run, chat, tool)] == ["INTERNAL", "CLIENT", "INTERNAL"]
    assert {parent_of(span) for span in (chat, last, tool)} == {id_of(run)}
    assert {(id_of(span), trace_of(span)) for span in seen.all} == {(e.span_id, e.run_id) for e in events}
    for span in seen.all:
        assert said(span)["gen_ai.agent.name"] == "clerk"
        assert said(span)["gen_ai.conversation.id"] == said(span)["session.id"] == trace_of(run)
    assert said(chat) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "scripted",
        "gen_ai.request.model": "m-1",
        "gen_ai.request.stream": False,
        "gen_ai.response.finish_reasons": ("tool_calls",),
        "gen_ai.response.model": said(chat)["gen_ai.response.model"],
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.agent.name": "clerk",
        "gen_ai.conversation.id": trace_of(run),
        "session.id": trace_of(run),
        "victor.request.messages": 1,
        "victor.request.tools": 1,
        "victor.response.tool_calls": 1,
    } | {key: value for key, value in said(chat).items() if key in {"gen_ai.usage.cache_creation.input_tokens",
                                                                    "gen_ai.usage.reasoning.output_tokens"}}  # fmt: skip
    assert said(tool)["gen_ai.tool.name"] == "add"
    assert said(tool)["gen_ai.tool.call.id"]
    assert said(run)["gen_ai.operation.name"] == "invoke_agent"
    assert said(run)["gen_ai.usage.output_tokens"] == 6
    assert said(run)["victor.stop_reason"] == "completed"
    assert seen.otel.open_spans == 0


def test_a_span_begins_and_ends_when_the_operation_does(seen: Seen) -> None:
    events: list[Any] = []
    seen.stream.subscribe(events.append)
    with seen.stream.operation("tool.call", "add"):
        pass
    span = seen["execute_tool add"]
    assert span.start_time == events[0].time_ns
    assert span.end_time is not None
    assert span.end_time - events[0].time_ns == events[1].duration_ns


def test_what_samplers_need_is_known_at_the_start(seen: Seen) -> None:
    given: list[dict[str, Any]] = []

    class Asked(Sampler):
        def should_sample(self, parent_context: Any, trace_id: int, name: str, *args: Any, **kwargs: Any) -> Any:
            attributes = dict(args[1] or {})
            given.append({**attributes, "name": name, "trace": trace_id, "kind": args[0]})
            return SamplingResult(Decision.DROP)

        def get_description(self) -> str:
            return "asked"

    provider = TracerProvider(sampler=Asked())
    stream = EventStream()
    with OpenTelemetryIntegration(tracer_provider=provider, stream=stream):
        attributes = {"provider": "gemini", "model": "flash", "agent": "clerk", "temperature": 0.5}
        with stream.operation("model.request", "flash", attributes) as operation:
            operation.set(input_tokens=3)
    assert given[0]["gen_ai.operation.name"] == "chat"
    assert given[0]["gen_ai.provider.name"] == "gcp.gemini"
    assert given[0]["gen_ai.request.model"] == "flash"
    assert given[0]["gen_ai.request.temperature"] == 0.5
    assert given[0]["gen_ai.agent.name"] == "clerk"
    assert given[0]["gen_ai.conversation.id"]
    assert given[0]["kind"] is trace.SpanKind.CLIENT


def test_what_is_sampled_away_is_no_span_and_says_so_to_others() -> None:
    stream, exporter = EventStream(), InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(ALWAYS_OFF))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with (
        OpenTelemetryIntegration(tracer_provider=provider, stream=stream),
        stream.operation("agent.run", "clerk"),
        stream.operation("tool.call", "add") as operation,
    ):
        header = traceparent()
        operation.set(retry=True)
        stream.emit("tools.retry", "add", {"attempt": 1, "error": "OSError"})
    assert exporter.get_finished_spans() == ()
    assert header is not None
    assert int(header[-2:], 16) & trace.TraceFlags.SAMPLED == 0


def test_the_agent_and_the_conversation_are_on_everything_below(seen: Seen) -> None:
    with (
        seen.stream.operation("workflow.run", "review", {"thread_id": "t-7"}),
        seen.stream.operation("workflow.node", "ask", {"thread_id": "t-7", "step": 1}),
    ):
        with seen.stream.operation("agent.run", "clerk"), seen.stream.operation("tool.call", "add"):
            pass
        with seen.stream.operation("checkpoint.save", "review"):
            pass
    assert {said(span)["gen_ai.conversation.id"] for span in seen.all} == {"t-7"}
    assert {said(span)["session.id"] for span in seen.all} == {"t-7"}
    agents = {span.name: said(span)["gen_ai.agent.name"] for span in seen.all}
    assert agents == {
        "invoke_workflow review": "review",
        "run_node ask": "review",
        "invoke_agent clerk": "clerk",
        "execute_tool add": "clerk",
        "save_checkpoint review": "review",
    }


def test_the_program_names_the_conversation(seen: Seen) -> None:
    for _ in range(2):
        with conversation("chat-1"), seen.stream.operation("agent.run", "clerk"):
            pass
    with seen.stream.operation("agent.run", "clerk"):
        pass
    *first, last = [said(span)["gen_ai.conversation.id"] for span in seen.all]
    assert first == ["chat-1", "chat-1"]
    assert last == trace_of(seen.all[-1])


def test_a_conversation_left_in_another_context_changes_nothing_here() -> None:
    block = conversation("chat-1")
    copy_context().run(block.__enter__)
    before = contexts.get_current()
    block.__exit__(None, None, None)
    assert contexts.get_current() is before


@pytest.mark.parametrize(
    ("kind", "attributes", "name", "span_kind"),
    [
        ("workflow.run", {}, "invoke_workflow x", "INTERNAL"),
        ("workflow.step", {"step": 1}, "run_step x", "INTERNAL"),
        ("workflow.node", {}, "run_node x", "INTERNAL"),
        ("team.run", {}, "invoke_team x", "INTERNAL"),
        ("team.turn", {}, "take_turn x", "INTERNAL"),
        ("negotiation.round", {}, "negotiate x", "INTERNAL"),
        ("tool.approval", {}, "await_approval x", "INTERNAL"),
        ("checkpoint.restore", {}, "restore_checkpoint x", "CLIENT"),
        ("crawler.page", {"depth": 2}, "crawler.page x", "INTERNAL"),
    ],
)
def test_other_operations_have_names_of_their_own(
    seen: Seen, kind: str, attributes: dict[str, Any], name: str, span_kind: str
) -> None:
    with seen.stream.operation(kind, "x", attributes):
        pass
    assert seen[name].kind.name == span_kind
    if kind == "crawler.page":
        assert said(seen[name])["victor.depth"] == 2


def test_an_error_is_type_status_and_exception_without_secrets(seen: Seen) -> None:
    with pytest.raises(ConnectionError), seen.stream.operation("tool.call", "fetch"):
        raise ConnectionError("https://ann:hunter2@db/ said no")
    span = seen["execute_tool fetch"]
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.status.description == "https://[redacted]@db/ said no"
    assert said(span)["error.type"] == "ConnectionError"
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes is not None
    assert event.attributes["exception.type"] == "ConnectionError"
    assert "test_spans.py" in str(event.attributes["exception.stacktrace"])
    assert "hunter2" not in span.to_json()


def test_a_cancelled_operation_is_no_error(seen: Seen) -> None:
    with pytest.raises(asyncio.CancelledError), seen.stream.operation("tool.call", "wait"):
        raise asyncio.CancelledError
    span = seen["execute_tool wait"]
    assert span.status.status_code is trace.StatusCode.UNSET
    assert said(span)["victor.cancelled"] is True
    assert "error.type" not in said(span)


def test_values_are_plain_and_without_secrets(seen: Seen) -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd password=hunter2"

    attributes = {
        "token": "hunter2",
        "note": "curl -u ann:hunter2 http://x",
        "names": ["a", Odd()],
        "table": {"api_key": "hunter2", "page": 3},
        "odd": Odd(),
        "long": "x " * 5000,
        "none": None,
        "empty": "",
        "share": 0.5,
    }
    with seen.stream.operation("crawler.page", "x", attributes):
        pass
    span = seen["crawler.page x"]
    assert "hunter2" not in span.to_json()
    assert said(span)["victor.share"] == 0.5
    assert said(span)["victor.names"][0] == "a"
    assert len(said(span)["victor.long"]) == 2000
    assert "victor.none" not in said(span)
    assert "victor.empty" not in said(span)


def test_points_are_events_of_the_span_around_them(seen: Seen) -> None:
    with seen.stream.operation("workflow.run", "review"):
        seen.stream.emit("state.transition", "review", {"step": 1, "keys": ["a", "b"]})
    (event,) = seen["invoke_workflow review"].events
    assert event.name == "state.transition"
    assert dict(event.attributes or {}) == {"victor.name": "review", "victor.step": 1, "victor.keys": ("a", "b")}


def test_a_point_outside_of_everything_is_a_span_of_no_length(seen: Seen) -> None:
    with continuing(REMOTE):
        seen.stream.emit("message.received", "bob", {"id": "m-1", "sender": "ann", "bus": "main"})
    span = seen["receive_message bob"]
    assert span.start_time == span.end_time
    assert span.kind is trace.SpanKind.CONSUMER
    assert parent_of(span) == "00f067aa0ba902b7"
    assert said(span)["messaging.message.id"] == "m-1"
    assert contexts.get_current() == {}


def test_retries_are_attempts_linked_one_to_the_next(seen: Seen) -> None:
    with seen.stream.operation("model.request", "m-1", {"agent": "clerk", "model": "m-1"}):
        seen.stream.emit(
            "model.retry", "m-1", {"attempt": 1, "delay_s": 0.0, "reason": "RateLimitError", "status": 429}
        )
        seen.stream.emit("model.retry", "m-1", {"attempt": 2, "delay_s": 0.0, "reason": "ConnectionError"})
    *attempts, chat = seen.all
    assert [span.name for span in attempts] == ["attempt chat m-1"] * 3
    assert {parent_of(span) for span in attempts} == {id_of(chat)}
    assert [said(span)["victor.attempt"] for span in attempts] == [1, 2, 3]
    assert [said(span).get("error.type") for span in attempts] == ["RateLimitError", "ConnectionError", None]
    assert said(attempts[0])["http.response.status_code"] == 429
    assert [len(span.links) for span in attempts] == [0, 1, 1]
    for before, span in pairwise(attempts):
        assert span.links[0].context == before.get_span_context()
        assert before.end_time is not None
        assert span.start_time is not None
        assert span.start_time >= before.end_time
    assert attempts[-1].end_time == chat.end_time
    assert [event.name for event in chat.events] == ["model.retry", "model.retry"]
    assert len({id_of(span) for span in seen.all}) == 4


def test_the_last_attempt_fails_as_the_operation_does(seen: Seen) -> None:
    with pytest.raises(OSError), seen.stream.operation("tool.call", "fetch"):
        seen.stream.emit("tools.retry", "fetch", {"attempt": 1, "error": "TimeoutError", "delay_s": 99.0})
        raise OSError("gone")
    last = seen.all[1]
    assert said(last)["error.type"] == "OSError"
    assert last.start_time == last.end_time  # it cannot have begun after it ended


# ---------------------------------------------------------------- whose child


def test_below_a_span_of_the_host(hosted: Seen) -> None:
    host = TracerProvider().get_tracer("host")
    with host.start_as_current_span("GET /chat") as request:
        with hosted.stream.operation("agent.run", "clerk") as operation:
            header = traceparent()
        assert trace.get_current_span() is request
    span = hosted["invoke_agent clerk"]
    assert trace_of(span) == f"{request.get_span_context().trace_id:032x}"
    assert parent_of(span) == f"{request.get_span_context().span_id:016x}"
    assert said(span)["victor.run_id"] == operation.span.run_id
    assert said(span)["victor.span_id"] == operation.span.span_id
    assert header == f"00-{trace_of(span)}-{id_of(span)}-" + (header or "")[-2:]


def test_spans_of_the_host_hang_below_the_operation_and_above_the_next(hosted: Seen) -> None:
    host = TracerProvider().get_tracer("host")
    with (
        hosted.stream.operation("tool.call", "ask"),
        host.start_as_current_span("inner") as inner,
        hosted.stream.operation("agent.run", "clerk"),
    ):
        assert (traceparent() or "").split("-")[2] == f"{trace.get_current_span().get_span_context().span_id:016x}"
    own = f"{inner.get_span_context().span_id:016x}"
    assert inner.parent.span_id == int(id_of(hosted["execute_tool ask"]), 16)  # type: ignore[attr-defined]
    assert parent_of(hosted["invoke_agent clerk"]) == own


def test_others_are_told_of_the_span_of_the_host_within(hosted: Seen) -> None:
    host = TracerProvider().get_tracer("host")
    with hosted.stream.operation("tool.call", "ask"), host.start_as_current_span("inner") as inner:
        header = traceparent()
    assert (header or "").split("-")[2] == f"{inner.get_span_context().span_id:016x}"


def test_where_the_caller_was_in_another_process(seen: Seen) -> None:
    with continuing(REMOTE), seen.stream.operation("agent.run", "clerk"), seen.stream.operation("tool.call", "add"):
        pass
    run = seen["invoke_agent clerk"]
    assert trace_of(run) == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert parent_of(run) == "00f067aa0ba902b7"
    assert run.parent is not None
    assert run.parent.is_remote
    assert parent_of(seen["execute_tool add"]) == id_of(run)


def test_a_caller_that_did_not_sample_is_followed(seen: Seen) -> None:
    with continuing(REMOTE[:-2] + "00"), seen.stream.operation("agent.run", "clerk"):
        assert traceparent() is not None
    assert seen.all == ()


async def test_tasks_and_their_late_children(seen: Seen) -> None:
    done = asyncio.Event()

    async def late() -> None:
        await done.wait()
        with seen.stream.operation("tool.call", "late"):
            pass

    with seen.stream.operation("agent.run", "clerk"):
        task = asyncio.create_task(late())
        await asyncio.sleep(0)
    done.set()
    await task
    assert parent_of(seen["execute_tool late"]) == id_of(seen["invoke_agent clerk"])


def test_a_handler_continues_the_sender_and_not_whoever_started_it(seen: Seen) -> None:
    with seen.stream.operation("team.run", "crew"):
        context = copy_context()  # where the handler was started
        with seen.stream.operation("team.turn", "ann"):
            header = traceparent(own=True)

            def handle() -> None:
                with continuing(header), seen.stream.operation("tool.call", "answer"):
                    pass

            context.run(handle)
    assert parent_of(seen["execute_tool answer"]) == id_of(seen["take_turn ann"])


def test_threads_with_a_copied_context(seen: Seen) -> None:
    def work() -> None:
        with seen.stream.operation("tool.call", "add"):
            pass

    with seen.stream.operation("agent.run", "clerk"):
        thread = threading.Thread(target=copy_context().run, args=(work,))
        thread.start()
        thread.join()
    assert parent_of(seen["execute_tool add"]) == id_of(seen["invoke_agent clerk"])


@pytest.mark.slow
async def test_a_thousand_tasks_at_once(seen: Seen) -> None:
    async def work(number: int) -> None:
        with seen.stream.operation("agent.run", f"a{number % 10}") as run:
            await asyncio.sleep(0)
            with seen.stream.operation("tool.call", "add"):
                await asyncio.sleep(0)
            assert trace.get_current_span().get_span_context().span_id == int(run.span.span_id, 16)

    await asyncio.gather(*(work(number) for number in range(1000)))  # 2,000 spans: as many as may wait to be sent
    spans = seen.all
    runs = {id_of(span) for span in spans if span.name.startswith("invoke_agent")}
    assert len(runs) == 1000
    assert {parent_of(span) for span in spans if span.name == "execute_tool add"} == runs
    assert seen.otel.open_spans == 0
    assert contexts.get_current() == {}


# ---------------------------------------------------------------- what is left behind


async def test_a_generator_that_is_left_leaks_nothing_and_logs_nothing(
    seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    async def pieces() -> AsyncIterator[int]:
        with seen.stream.operation("agent.run", "clerk"), seen.stream.operation("tool.call", "add"):
            for number in range(100):
                yield number

    async def reader() -> None:
        async for _ in pieces():
            break
        gc.collect()
        await asyncio.sleep(0)  # the loop closes what was left, in another context

    with caplog.at_level(logging.DEBUG):
        await asyncio.create_task(reader())
        gc.collect()
        await asyncio.sleep(0.01)
    assert seen.otel.open_spans == 0
    assert {span.name for span in seen.all} == {"invoke_agent clerk", "execute_tool add"}
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.slow
async def test_tasks_that_start_the_next_one_keep_nothing_of_those_before(seen: Seen) -> None:
    from victor.observability.otel.spans import _Open

    done = asyncio.Event()

    async def step(left: int) -> None:
        with seen.stream.operation("agent.run", "clerk"):
            if left:
                tasks.append(asyncio.create_task(step(left - 1)))
                tasks.pop(0)
            else:
                gc.collect()
                kept.append(sum(isinstance(thing, _Open) for thing in gc.get_objects()))
                done.set()

    kept: list[int] = []
    tasks = [asyncio.create_task(step(200))]
    await asyncio.wait_for(done.wait(), 20)
    await asyncio.gather(*tasks)
    assert kept[0] < 20
    assert seen.otel.open_spans == 0


def test_what_ends_in_the_wrong_order_leaves_the_context_clean(seen: Seen) -> None:
    def work() -> None:
        outer = seen.stream.operation("agent.run", "outer")
        outer.__enter__()
        inner = seen.stream.operation("tool.call", "inner")
        inner.__enter__()
        outer.__exit__(None, None, None)
        assert not trace.get_current_span().get_span_context().is_valid
        inner.__exit__(None, None, None)
        assert not trace.get_current_span().get_span_context().is_valid

    copy_context().run(work)
    assert seen.otel.open_spans == 0


def test_what_ends_in_another_context_leaves_that_one_alone(seen: Seen) -> None:
    operation = seen.stream.operation("agent.run", "clerk")
    copy_context().run(operation.__enter__)
    before = contexts.get_current()
    operation.__exit__(None, None, None)
    assert contexts.get_current() is before
    assert seen["invoke_agent clerk"].end_time


def test_an_end_whose_start_nobody_heard_is_passed_over() -> None:
    stream, exporter = EventStream(), InMemorySpanExporter()
    stream.subscribe(lambda event: None)
    otel = OpenTelemetryIntegration(stream=stream, exporter=exporter)
    with stream.operation("agent.run", "clerk") as run:
        otel.start()
        with stream.operation("tool.call", "add"):
            pass
    otel.close()
    (span,) = exporter.get_finished_spans()
    assert span.name == "execute_tool add"
    assert parent_of(span) == run.span.span_id  # known to the store, if not to the collector


def test_closing_ends_what_is_open() -> None:
    stream, exporter = EventStream(), InMemorySpanExporter()
    otel = OpenTelemetryIntegration(stream=stream, exporter=exporter).start()
    with stream.operation("agent.run", "clerk"):
        otel.close()
    (span,) = exporter.get_finished_spans()
    assert said(span)["victor.unfinished"] is True
    assert otel.open_spans == 0


def test_a_tracer_that_fails_never_stops_the_work(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(trace.NoOpTracerProvider):
        def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
            raise RuntimeError("no tracer today")

    stream = EventStream()
    with OpenTelemetryIntegration(tracer_provider=Broken(), stream=stream):
        for _ in range(3):
            with stream.operation("agent.run", "clerk"):
                pass
            stream.emit("log", "x")
    assert stream.detached == []
    assert len([record for record in caplog.records if "no tracer today" in str(record.exc_info)]) == 1


def test_a_switched_off_sdk_makes_no_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    stream, exporter = EventStream(), InMemorySpanExporter()
    with OpenTelemetryIntegration(stream=stream, exporter=exporter), stream.operation("agent.run", "clerk") as run:
        assert traceparent() == f"00-{run.span.run_id}-{run.span.span_id}-00"
    assert exporter.get_finished_spans() == ()

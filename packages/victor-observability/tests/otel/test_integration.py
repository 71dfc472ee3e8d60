"""Switched on and off: whose provider, which settings, what is imported, what is told of contents."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from victor.core import Agent
from victor.core.errors import ConfigurationError
from victor.core.events import EventStream
from victor.core.models.answers import call
from victor.core.models.scripted import ScriptedModel
from victor.observability.otel import Endpoint, OpenTelemetryIntegration
from victor.observability.otel.listener import make_listener
from victor.observability.otel.semconv import METRICS, metric_names

if TYPE_CHECKING:
    from conftest import Received, Seen


def test_the_global_provider_is_left_alone(seen: Seen) -> None:
    with seen.stream.operation("agent.run", "clerk"):
        pass
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def test_a_provider_of_the_host_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    stream = EventStream()
    otel = OpenTelemetryIntegration(stream=stream).start()  # before the host sets its own
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    with stream.operation("agent.run", "clerk") as run:
        pass
    assert otel.flush() is True
    otel.close()
    (span,) = exporter.get_finished_spans()
    assert (span.attributes or {})["victor.run_id"] == run.span.run_id
    assert otel.status().sent == 0
    with provider.get_tracer("host").start_as_current_span("still open"):
        pass
    assert len(exporter.get_finished_spans()) == 2  # it was not shut down


def test_the_context_managers_of_foreign_code(seen: Seen) -> None:
    with (
        seen.otel.trace_agent_run("scout", {"model": "m-1", "provider": "xai", "api_key": "hunter2"}) as run,
        seen.otel.trace_tool_call("fetch", url="https://ann:hunter2@db/", count=3) as tool,
    ):
        run.set_attribute("mine", 1)
        assert trace.get_current_span() is tool
    spans = {span.name: span for span in seen.all}
    assert (spans["invoke_agent scout"].attributes or {})["mine"] == 1
    assert (spans["invoke_agent scout"].attributes or {})["gen_ai.provider.name"] == "x_ai"
    assert "hunter2" not in "".join(span.to_json() for span in seen.all)
    assert "gen_ai.tool.call.arguments" not in (spans["execute_tool fetch"].attributes or {})


def test_what_fails_in_them_is_recorded_and_raised(seen: Seen) -> None:
    with pytest.raises(ZeroDivisionError), seen.otel.trace_tool_call("divide", by=0):
        raise ZeroDivisionError("by zero")
    assert seen["execute_tool divide"].status.status_code is trace.StatusCode.ERROR


def test_they_switch_tracing_on() -> None:
    stream, exporter = EventStream(), InMemorySpanExporter()
    otel = OpenTelemetryIntegration(stream=stream, exporter=exporter)
    assert not stream.active
    with otel.trace_agent_run("scout"):
        pass
    otel.close()
    otel.close()
    assert not stream.active
    assert [span.name for span in exporter.get_finished_spans()] == ["invoke_agent scout"]


def test_twice_on_one_stream_is_refused() -> None:
    stream = EventStream()
    with (
        OpenTelemetryIntegration(stream=stream, exporter=InMemorySpanExporter()) as first,
        pytest.raises(ConfigurationError, match="listens to this event stream already"),
    ):
        first.start()
        OpenTelemetryIntegration(stream=stream, exporter=InMemorySpanExporter()).start()


# ---------------------------------------------------------------- contents


def spoken(exporter: InMemorySpanExporter) -> dict[str, dict[str, Any]]:
    return {span.name: dict(span.attributes or {}) for span in exporter.get_finished_spans()}


async def test_contents_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    async def work(**settings: Any) -> tuple[dict[str, dict[str, Any]], bool]:
        stream, exporter = EventStream(), InMemorySpanExporter()
        model = ScriptedModel([call("add", a=2, b=3), "It is 5."], name="m-1")
        with OpenTelemetryIntegration(stream=stream, exporter=exporter, **settings):
            agent = Agent("Be brief.", model=model, name="clerk", tools=[add], stream=stream)
            await agent.run("What is 2 + 3? My password=hunter2")
        return spoken(exporter), stream.capture_content

    spans, capturing = await work()
    assert not capturing
    assert not any("messages" in key and "gen_ai" in key for said in spans.values() for key in said)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    for settings in ({}, {"capture_content": True}):
        spans, capturing = await work(**settings)
        assert not capturing  # only while it was on
        chat = spans["chat m-1"]
        assert msgspec.json.decode(chat["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
        user, assistant, tool = msgspec.json.decode(chat["gen_ai.input.messages"])
        assert user["role"] == "user"
        assert user["parts"][0]["content"].endswith("My password=[redacted]")
        assert assistant["parts"] == [{"type": "tool_call", "name": "add", "arguments": '{"a":2,"b":3}'}]
        assert tool == {"role": "tool", "parts": [{"type": "tool_call_response", "response": "5"}]}
        (answer,) = msgspec.json.decode(chat["gen_ai.output.messages"])
        assert answer == {
            "role": "assistant", "parts": [{"type": "text", "content": "It is 5."}], "finish_reason": "stop",
        }  # fmt: skip
        assert msgspec.json.decode(spans["execute_tool add"]["gen_ai.tool.call.arguments"]) == {"a": 2, "b": 3}
        assert spans["execute_tool add"]["gen_ai.tool.call.result"] == "5"
        assert "hunter2" not in str(spans)
    spans, _ = await work(capture_content=False)
    assert "hunter2" not in str(spans)
    assert "gen_ai.input.messages" not in spans["chat m-1"]


def test_a_stream_that_captures_for_others_gives_spans_nothing() -> None:
    stream, exporter = EventStream(capture_content=True), InMemorySpanExporter()
    with OpenTelemetryIntegration(stream=stream, exporter=exporter), stream.operation("agent.run", "clerk") as run:
        run.capture(prompt="secret plans")
        stream.emit("message.sent", "ann", content={"content": "secret plans"})
    assert "secret plans" not in "".join(span.to_json() for span in exporter.get_finished_spans())


def test_long_contents_stay_json_and_odd_ones_are_put_into_words() -> None:
    stream, exporter = EventStream(), InMemorySpanExporter()
    otel = OpenTelemetryIntegration(stream=stream, exporter=exporter, capture_content=True, content_chars=50)
    with otel:
        with stream.operation("agent.run", "clerk") as run:
            run.capture(prompt="x" * 1000, output="y")
        with stream.operation("workflow.node", "ask") as node:
            node.capture(input={"a": {1: 2}, None: 3}, output=["z"])
            stream.emit("message.sent", "ann", content={"content": {"n": 1}})
    spans = spoken(exporter)
    (message,) = msgspec.json.decode(spans["invoke_agent clerk"]["gen_ai.input.messages"])
    assert "950 of 1000 characters were cut here" in message["parts"][0]["content"]
    assert spans["run_node ask"]["victor.output"] == '["z"]'
    assert "3" in spans["run_node ask"]["victor.input"]
    (node_span,) = (span for span in exporter.get_finished_spans() if span.name == "run_node ask")
    assert dict(node_span.events[0].attributes or {})["victor.content"] == '{"n":1}'


# ---------------------------------------------------------------- settings


def test_settings_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="has no setting 'endpont'; did you mean 'endpoint'"):
        make_listener(endpont="http://x")
    with pytest.raises(ConfigurationError, match="timeout_s is of type int or float, not True"):
        make_listener(timeout_s=True)
    with pytest.raises(ConfigurationError, match="semconv is one of '1.41', 'next', 'both', not '2'"):
        make_listener(semconv="2")
    with pytest.raises(ConfigurationError, match="'carrier pigeon' is not supported"):
        make_listener(protocol="carrier pigeon")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    from victor.observability.otel.exporting import make_provider

    with pytest.raises(ConfigurationError, match="no exporter 'zipkin'; otlp, console, none"):
        make_provider("x", Endpoint())


def test_the_listener_of_the_settings(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console,none")
    stream = EventStream()
    listener = make_listener(service_name="shop")
    stop = stream.subscribe(listener)
    with stream.operation("agent.run", "clerk"):
        pass
    stop()
    listener.__self__._find.__self__.close()  # type: ignore[attr-defined] # as the end of the process does
    assert '"name": "invoke_agent clerk"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "variables", "address"),
    [
        (Endpoint(), {}, "http://localhost:4318/v1/traces"),
        (Endpoint(protocol="grpc"), {}, "http://localhost:4317"),
        (Endpoint("http://x:1/"), {}, "http://x:1/v1/traces"),
        (Endpoint("http://x:1/v1/traces"), {}, "http://x:1/v1/traces"),
        (Endpoint("https://x/api/public/otel"), {}, "https://x/api/public/otel/v1/traces"),
        (Endpoint(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://y:2"}, "http://y:2/v1/traces"),
        (Endpoint(), {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://y:2/in"}, "http://y:2/in"),
        (Endpoint("http://x:1"), {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://y:2/in"}, "http://x:1/v1/traces"),
        (
            Endpoint(),
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"},
            "http://localhost:4318/v1/traces",
        ),
    ],
)
def test_where_spans_go(
    given: Endpoint, variables: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert given.address() == address


def test_both_generations_of_names() -> None:
    for version, names in (
        ("1.41", {"gen_ai.usage.cache_creation.input_tokens"}),
        ("next", {"gen_ai.usage.cache_write.input_tokens"}),
        ("both", {"gen_ai.usage.cache_creation.input_tokens", "gen_ai.usage.cache_write.input_tokens"}),
    ):
        stream, exporter = EventStream(), InMemorySpanExporter()
        with (
            OpenTelemetryIntegration(stream=stream, exporter=exporter, semconv=version),  # type: ignore[arg-type]
            stream.operation("model.request", "m-1") as request,
        ):
            request.set(cache_write_tokens=4)
        (span,) = exporter.get_finished_spans()
        assert {key for key in span.attributes or {} if "cache" in key} == names
    for measured, form in METRICS.items():
        assert metric_names(measured, "1.41") == ((form.name,) if form.name else ())
        assert set(metric_names(measured, "both")) == {form.name, form.next} - {""}


# ---------------------------------------------------------------- what is imported


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("victor.observability.otel", ("opentelemetry",)),
        ("victor.observability.otel.semconv", ("opentelemetry",)),
        ("victor.observability.otel.listener", ("opentelemetry",)),
        ("victor.observability.otel.integration", ("opentelemetry.sdk", "grpc", "requests")),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(module: str, absent: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_the_sdk_the_line_that_installs_it_is_said() -> None:
    program = (
        "import sys\nsys.modules['opentelemetry.sdk.trace'] = None\n"
        "from victor.core.events import EventStream\n"
        "from victor.observability.otel import OpenTelemetryIntegration\n"
        "try:\n    OpenTelemetryIntegration(stream=EventStream()).start()\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "ConfigurationError" in done.stdout
    assert "pip install 'victor-observability[otlp]'" in done.stdout


@pytest.mark.slow
def test_a_process_that_only_has_settings(received: Received, tmp_path: Path) -> None:
    """Switched on by ``victor.toml``, below a traced caller, and sent before the process ends."""
    (tmp_path / "victor.toml").write_text(
        f"""
listeners = ["otel"]

[listener.otel]
endpoint = "{received.address("grpc")}"
protocol = "grpc"
service_name = "from-settings"
"""
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "VICTOR_"))},
        "TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    command = ["run", "--model", "offline", "Summarize: Ulm is a town."]
    done = subprocess.run(
        [sys.executable, "-c", "from victor.core.cli import main; raise SystemExit(main())", *command],
        capture_output=True, text=True, cwd=tmp_path, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    spans = received.spans()
    (run,) = (span for span in spans if span["name"].startswith("invoke_agent"))
    assert run["parent_span_id"] == "00f067aa0ba902b7"
    assert {span["trace_id"] for span in spans} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert {span["resource"]["service.name"] for span in spans} == {"from-settings"}
    assert any(span["name"].startswith("chat ") for span in spans)

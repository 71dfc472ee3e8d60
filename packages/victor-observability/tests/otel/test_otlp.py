"""Spans sent by OTLP, over HTTP and gRPC, read back from a real receiver and compared field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from victor.core.events import Event, EventStream
from victor.core.trace_context import continuing
from victor.observability.otel import Endpoint, OpenTelemetryIntegration

if TYPE_CHECKING:
    from conftest import Received

REMOTE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PROTOCOLS = ["http/protobuf", "grpc"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_field_arrives(received: Received, protocol: str) -> None:
    stream = EventStream(capture_content=True)
    events: dict[str, Event] = {}
    stream.subscribe(lambda event: events.update({event.kind: event}), phases=["end", "point"])
    otel = OpenTelemetryIntegration(
        "shop", stream=stream, endpoint=received.address(protocol), protocol=protocol, capture_content=True,
        resource={"deployment.environment.name": "test"},
    )  # fmt: skip
    with otel, continuing(REMOTE), stream.operation("agent.run", "clerk", {"model": "m-1", "provider": "xai"}) as run:
        run.capture(prompt="Hello, my password=hunter2", output="Good day")
        run.set(cost_usd=0.25, input_tokens=10)
        with pytest.raises(OSError), stream.operation("tool.call", "fetch", {"call_id": "c-1"}) as tool:
            tool.capture(arguments={"url": "https://ann:hunter2@db/", "headers": {"Authorization": "Bearer hunter2"}})
            stream.emit("tools.retry", "fetch", {"attempt": 1, "error": "TimeoutError", "delay_s": 0.0})
            raise OSError("no way to https://ann:hunter2@db/")
    assert otel.status().failed == 0
    assert otel.status().sent == 4
    spans = received.spans()
    assert len(spans) == 4
    names = ["attempt execute_tool fetch", "attempt execute_tool fetch", "execute_tool fetch", "invoke_agent clerk"]
    assert sorted(span["name"] for span in spans) == names
    for span in spans:
        assert span["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
        assert span["resource"]["service.name"] == "shop"
        assert span["resource"]["deployment.environment.name"] == "test"
        assert span["attributes"]["gen_ai.agent.name"] == "clerk"
        assert span["attributes"]["gen_ai.conversation.id"] == span["trace_id"]
    first, second, fetch, agent = sorted(spans, key=lambda span: (span["name"], span["end_time_unix_nano"]))
    ended = events["agent.run"]
    assert agent["span_id"] == ended.span_id
    assert agent["parent_span_id"] == "00f067aa0ba902b7"
    assert agent["kind"] == "SPAN_KIND_INTERNAL"
    assert int(agent["end_time_unix_nano"]) - int(agent["start_time_unix_nano"]) == ended.duration_ns
    assert agent["attributes"] == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "clerk",
        "gen_ai.conversation.id": agent["trace_id"],
        "session.id": agent["trace_id"],
        "gen_ai.request.model": "m-1",
        "gen_ai.provider.name": "x_ai",
        "gen_ai.usage.input_tokens": 10,
        "victor.usage.cost_usd": 0.25,
        "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"Hello, my password=[redacted]"}]}]',
        "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"Good day"}],'
        '"finish_reason":"stop"}]',
    }
    assert agent["status"] == {}
    failed = events["tool.call"]
    assert fetch["span_id"] == failed.span_id
    assert fetch["parent_span_id"] == agent["span_id"]
    assert fetch["status"] == {"code": "STATUS_CODE_ERROR", "message": "no way to https://[redacted]@db/"}
    assert fetch["attributes"]["error.type"] == "OSError"
    assert fetch["attributes"]["gen_ai.tool.call.id"] == "c-1"
    arguments = '{"url":"https://[redacted]@db/","headers":{"Authorization":"[redacted]"}}'
    assert fetch["attributes"]["gen_ai.tool.call.arguments"] == arguments
    retry, exception = fetch["events"]
    assert retry["name"] == "tools.retry"
    assert int(retry["time_unix_nano"]) == events["tools.retry"].time_ns
    assert retry["attributes"]["error.type"] == "TimeoutError"
    assert exception["name"] == "exception"
    assert exception["attributes"]["exception.message"] == "no way to https://[redacted]@db/"
    assert first["span_id"] == events["tools.retry"].span_id
    assert first["links"] == []
    assert {first["parent_span_id"], second["parent_span_id"]} == {fetch["span_id"]}
    assert second["links"] == [
        {"trace_id": first["trace_id"], "span_id": first["span_id"], "attributes": {"victor.link": "retry"}}
    ]
    assert "hunter2" not in str(received.receiver.traces())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_standard_variables_say_where_to(
    received: Received, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.address(protocol))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-outside")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=blue")
    stream = EventStream()
    with OpenTelemetryIntegration(stream=stream) as otel, stream.operation("agent.run", "clerk"):
        pass
    assert otel.status().sent == 1
    (span,) = received.spans()
    assert span["resource"]["service.name"] == "from-outside"
    assert span["resource"]["team"] == "blue"


def test_a_receiver_that_is_away_is_counted_not_hidden(received: Received) -> None:
    stream = EventStream()
    nobody = Endpoint("http://127.0.0.1:9", timeout_s=1)
    with OpenTelemetryIntegration(stream=stream, endpoint=nobody) as otel:
        with stream.operation("agent.run", "clerk") as run:
            pass
        assert otel.flush() is False
    status = otel.status()
    assert (status.sent, status.failed, status.failures) == (0, 1, 1)
    assert status.undelivered == {run.span.run_id}


def test_a_wrong_path_is_a_failure_although_the_sdk_says_it_flushed(received: Received) -> None:
    stream = EventStream()
    wrong: Any = Endpoint(received.address("http/protobuf") + "/test/session", timeout_s=2)
    with OpenTelemetryIntegration(stream=stream, endpoint=wrong) as otel:
        with stream.operation("agent.run", "clerk"):
            pass
        assert otel.flush() is False
    assert otel.status().failed == 1


def test_it_can_be_switched_off_and_on_again(received: Received) -> None:
    stream = EventStream()
    otel = OpenTelemetryIntegration(stream=stream, endpoint=received.address("http/protobuf"))
    for name in ("first", "second"):
        with otel, stream.operation("agent.run", name):
            pass
    assert otel.status().sent == 2
    assert set(received.by_name()) == {"invoke_agent first", "invoke_agent second"}

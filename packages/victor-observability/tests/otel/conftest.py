"""Spans in memory, and a real receiver of OTLP."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk", reason="pip install 'victor-observability[otlp]'")

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from victor.core.events import EventStream
from victor.observability.otel import OpenTelemetryIntegration


class Seen:
    """A stream that is traced, and its finished spans."""

    def __init__(self, stream: EventStream, otel: OpenTelemetryIntegration, exporter: InMemorySpanExporter) -> None:
        self.stream = stream
        self.otel = otel
        self.exporter = exporter

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        """In the order they ended."""
        self.otel.flush()
        return self.exporter.get_finished_spans()

    def __getitem__(self, name: str) -> ReadableSpan:
        """The one span of this name."""
        found = [span for span in self.all if span.name == name]
        assert len(found) == 1, [span.name for span in self.all]
        return found[0]


@pytest.fixture(autouse=True)
def no_standard_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of whoever runs the tests says nothing about OpenTelemetry."""
    for name in list(os.environ):
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


@pytest.fixture
def seen() -> Iterator[Seen]:
    """Traced by a provider of our own: ids are Victor's."""
    stream, exporter = EventStream(), InMemorySpanExporter()
    with OpenTelemetryIntegration(stream=stream, exporter=exporter) as otel:
        yield Seen(stream, otel, exporter)


@pytest.fixture
def hosted() -> Iterator[Seen]:
    """Traced by a provider that the host made."""
    stream, exporter = EventStream(), InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with OpenTelemetryIntegration(tracer_provider=provider, stream=stream) as otel:
        yield Seen(stream, otel, exporter)
    provider.shutdown()


def plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    """Attributes of OTLP as a dict."""
    return {each["key"]: _value(each["value"]) for each in attributes}


def _value(value: dict[str, Any]) -> Any:
    for name, content in value.items():
        if name in {"array_value", "arrayValue"}:
            return tuple(_value(each) for each in content.get("values", []))
        if name in {"int_value", "intValue"}:
            return int(content)
        return content
    return None


class Received:
    """What a receiver of OTLP was sent.

    Args:
        receiver: The receiver.
    """

    def __init__(self, receiver: Any) -> None:
        self.receiver = receiver

    def address(self, protocol: str) -> str:
        """Where it takes a protocol."""
        found: str = self.receiver.grpc if protocol == "grpc" else self.receiver.http
        return found

    def spans(self) -> list[dict[str, Any]]:
        """All spans: ids in hexadecimal, attributes as dicts, the resource's under ``resource``."""
        return [
            _read(span, resource)
            for request in self.receiver.traces()
            for resource in request.get("resource_spans", [])
            for scope in resource.get("scope_spans", [])
            for span in scope.get("spans", [])
        ]

    def by_name(self) -> dict[str, dict[str, Any]]:
        """The spans by name; there must be one of each."""
        spans = self.spans()
        named = {span["name"]: span for span in spans}
        assert len(named) == len(spans), sorted(span["name"] for span in spans)
        return named


def _read(span: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any]:
    read = {
        **span,
        "trace_id": _hex(span["trace_id"]),
        "span_id": _hex(span["span_id"]),
        "parent_span_id": _hex(span.get("parent_span_id", "")),
        "attributes": plain(span.get("attributes", [])),
        "resource": plain(resource["resource"]["attributes"]),
    }
    read["events"] = [{**each, "attributes": plain(each.get("attributes", []))} for each in span.get("events", [])]
    read["links"] = [
        {"trace_id": _hex(each["trace_id"]), "span_id": _hex(each["span_id"]), "attributes": plain(each["attributes"])}
        for each in span.get("links", [])
    ]
    return read


def _hex(text: str) -> str:
    return base64.b64decode(text).hex()


@pytest.fixture
def received(otlp_receiver: Any) -> Received:
    """A real receiver that has got nothing yet."""
    return Received(otlp_receiver)

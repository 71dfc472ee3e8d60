"""What is delivered is counted, a receiver that is away is told once, and never holds up the end of a program."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from victor.core.ids import new_run_id, new_span_id
from victor.observability.otel.exporting import Endpoint, Watched, make_provider, make_resource
from victor.observability.otel.readable import readable_span


def some_span(run_id: str = "") -> ReadableSpan:
    return readable_span("x", run_id or new_run_id(), new_span_id(), None, 1, 2, make_resource("victor"))


class Answers(SpanExporter):
    """Takes what it is told to take."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.answers = list(answers)
        self.closed = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if not answer:
            logging.getLogger("opentelemetry.exporter.x").error("Failed to export spans batch code: 503, reason: busy")
        return SpanExportResult.SUCCESS if answer else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self.closed += 1

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def test_an_outage_is_told_once_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(Answers(True, False, False, ValueError("password=hunter2"), True, True), "http://x/v1/traces")
    run = "a" * 32
    for _ in range(6):
        watched.export([some_span(run)])
    assert (watched.status().sent, watched.status().failed, watched.status().failures) == (3, 3, 3)
    assert watched.status().undelivered == {run}
    away, back = (record.getMessage() for record in caplog.records)
    assert "not delivered to http://x/v1/traces" in away
    assert "code: 503, reason: busy" in away
    assert "victor observability export --otlp" in away
    assert back == "spans are delivered again to http://x/v1/traces; 3 were not"


def test_the_runs_that_miss_spans_are_known_by_their_own_ids() -> None:
    span = readable_span(
        "x", "b" * 32, new_span_id(), None, 1, 2, make_resource("victor"), attributes={"victor.run_id": "c" * 32}
    )
    watched = Watched(Answers(False))
    watched.export([span])
    assert watched.status().undelivered == {"c" * 32}


def test_an_exporter_is_shut_down_once() -> None:
    inner = Answers()
    watched = Watched(inner)
    watched.shutdown()
    watched.shutdown()
    assert inner.closed == 1
    assert watched.force_flush() is True


def test_a_receiver_that_is_away_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("victor.observability.otel.exporting._PATIENCE_S", 0.05)
    given_up = threading.Event()

    class Stuck(SpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            assert given_up.wait(20), "nobody gave up"
            return SpanExportResult.FAILURE

        def shutdown(self) -> None:
            given_up.set()

    own = make_provider("victor", Endpoint(), exporter=Stuck())
    own.provider.get_tracer("x").start_span("y").end()
    own._at_exit()
    assert own.watched[0].status().failed == 1


def test_what_is_sent_in_time_is_not_given_up() -> None:
    own = make_provider("victor", Endpoint(), exporter=(inner := Answers(True)))
    own.provider.get_tracer("x").start_span("y").end()
    own._at_exit()
    assert own.watched[0].status().sent == 1
    assert inner.closed == 1
    own.shutdown()


def test_a_protocol_whose_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from victor.core.errors import ConfigurationError

    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    with pytest.raises(ConfigurationError, match=r"OTLP over grpc needs .* pip install 'victor-observability\[otlp\]'"):
        Endpoint("http://x", "grpc").exporter()

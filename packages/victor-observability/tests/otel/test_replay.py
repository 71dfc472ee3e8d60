"""Stored runs sent later: what live export would have sent, each span once, whatever happened in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from victor.core.errors import VictorError
from victor.core.events import Event, EventStream
from victor.core.redact import redact
from victor.core.trace_context import continuing
from victor.observability.otel import Endpoint, OpenTelemetryIntegration, ReplayError, ReplayResult
from victor.observability.otel.journal import Journal, Sent, journal_path
from victor.observability.otel.replay import replay
from victor.observability.record import RUN_KINDS, Record, record_of
from victor.observability.store import open_store
from victor.observability.store.batch import Batch, RunDelta

if TYPE_CHECKING:
    from conftest import Received

    from victor.observability.store.protocol import Store


class Kept:
    """Writes what happens on a stream to a store, at once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.stream = EventStream(capture_content=True)
        self.stream.subscribe(self.keep)

    def keep(self, event: Event) -> None:
        if event.phase == "start" and event.kind not in RUN_KINDS:
            return
        record = record_of(event, redact)
        delta = RunDelta(record.run_id)
        delta.add(record)
        self.store.write(Batch([record], [], [delta]))


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with open_store(f"sqlite:{tmp_path}/metrics.db") as store:
        yield Kept(store)


def work(stream: EventStream, number: int = 0) -> None:
    """A run with a bit of everything."""
    thread = {"thread_id": f"t-{number}"}
    with stream.operation("workflow.run", "review", thread) as flow:
        with stream.operation("workflow.node", "ask", {"step": 1, **thread}):
            with stream.operation("agent.run", "clerk") as run:
                run.capture(prompt="Hello", output="password=hunter2")
                attributes = {"model": "m-1", "provider": "gemini", "agent": "clerk", "temperature": 0.5}
                with stream.operation("model.request", "m-1", attributes) as request:
                    stream.emit("model.retry", "m-1", {"attempt": 1, "delay_s": 0.0, "reason": "RateLimitError"})
                    request.set(
                        input_tokens=9, output_tokens=2, cache_write_tokens=4, cost_usd=0.5, finish_reason="stop"
                    )
                with pytest.raises(OSError), stream.operation("tool.call", "fetch", {"agent": "clerk", "call_id": "c"}):
                    raise OSError("https://ann:hunter2@db/ is away")
            stream.emit("state.transition", "review", {"step": 1, "keys": ["a"]})
        flow.set(status="completed")


def shape(spans: Sequence[ReadableSpan]) -> list[dict[str, Any]]:
    """What two exports of one run have in common, which is all but how an error came to be."""
    found = []
    for span in spans:
        context = span.get_span_context()
        assert context is not None
        found.append(
            {
                "name": span.name,
                "ids": (context.trace_id, context.span_id, span.parent.span_id if span.parent else None),
                "kind": span.kind,
                "attributes": dict(span.attributes or {}),
                "status": (span.status.status_code, span.status.description),
                "links": [(link.context.span_id, dict(link.attributes or {})) for link in span.links],
                "events": [(event.name, event.timestamp) for event in span.events if event.name != "exception"],
                "exceptions": sum(event.name == "exception" for event in span.events),
                "length": (span.end_time or 0) - (span.start_time or 0) if "attempt" not in span.name else None,
            }
        )
    return sorted(found, key=lambda each: each["ids"][1])


@pytest.mark.parametrize("contents", [False, True])
def test_a_replay_sends_what_live_export_sent(kept: Kept, contents: bool) -> None:
    live, later = InMemorySpanExporter(), InMemorySpanExporter()
    with OpenTelemetryIntegration(stream=kept.stream, exporter=live, capture_content=contents):
        work(kept.stream)
    result = replay(kept.store, exporter=later, capture_content=contents)
    assert result == ReplayResult(runs=1, spans=7)
    assert shape(later.get_finished_spans()) == shape(live.get_finished_spans())
    told = "".join(span.to_json() for span in (*live.get_finished_spans(), *later.get_finished_spans()))
    assert "hunter2" not in told
    assert ("Hello" in told) is contents


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_collector_that_was_away_misses_nothing(
    kept: Kept, received: Received, protocol: str, tmp_path: Path
) -> None:
    program = received.receiver.program
    where = Endpoint(received.address(protocol), protocol, timeout_s=0.2)
    program.stop()
    with OpenTelemetryIntegration(stream=kept.stream, endpoint=where) as otel:
        for number in range(3):
            work(kept.stream, number)
    status = otel.status()
    assert status.sent == 0
    assert status.failed == 21
    assert len(status.undelivered) == 3
    journal = tmp_path / "sent.jsonl"
    with pytest.raises(ReplayError, match="did not answer|answered (UNAVAILABLE|DEADLINE_EXCEEDED)") as raised:
        replay(kept.store, where, runs=status.undelivered, journal=journal, attempts=2, pause_s=0)
    assert raised.value.result.spans == 0
    program.start()
    received.receiver.clear()
    again = Endpoint(received.address(protocol), protocol, timeout_s=10)
    result = replay(kept.store, again, journal=journal)
    assert result == ReplayResult(runs=3, spans=21)
    spans = received.spans()
    assert len({(span["trace_id"], span["span_id"]) for span in spans}) == len(spans) == 21
    assert {span["trace_id"] for span in spans} == status.undelivered
    records = [record for run in status.undelivered for record in kept.store.run_records(run)[1]]
    stored = {record.span_id: record for record in records}
    for span in spans:
        record = stored.get(span["span_id"])
        if record is not None and record.duration_ns is not None:
            assert int(span["start_time_unix_nano"]) == record.start_ns
            assert int(span["end_time_unix_nano"]) == record.end_ns
            assert span["parent_span_id"] == (record.parent_id or "")
    assert replay(kept.store, again, journal=journal) == ReplayResult(before=3)
    assert len(received.spans()) == 21


class Flaky(SpanExporter):
    """Takes so many requests, and no more."""

    def __init__(self, takes: int) -> None:
        self.takes = takes
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.takes <= 0:
            return SpanExportResult.FAILURE
        self.takes -= 1
        self.spans += spans
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass


def test_a_replay_that_was_broken_off_goes_on_within_a_run(kept: Kept, tmp_path: Path) -> None:
    for number in range(5):
        work(kept.stream, number)
    journal, sent = tmp_path / "sent.jsonl", list[ReadableSpan]()
    for takes in range(1, 12):
        exporter = Flaky(takes)
        told = []
        try:
            told.append(replay(kept.store, exporter=exporter, journal=journal, batch=3, attempts=1))
        except ReplayError as error:
            told.append(error.result)
        assert [result.spans for result in told] == [len(exporter.spans)]
        sent += exporter.spans
    ids = [span.get_span_context().span_id for span in sent]  # type: ignore[union-attr]
    assert len(ids) == len(set(ids)) == 35
    assert replay(kept.store, exporter=Flaky(0), journal=journal) == ReplayResult(before=5)


def test_one_failure_is_tried_again(kept: Kept) -> None:
    class Once(Flaky):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            self.takes += 1
            return SpanExportResult.FAILURE if self.takes == 1 else super().export(spans)

    work(kept.stream)
    exporter = Once(0)
    assert replay(kept.store, exporter=exporter, pause_s=0).spans == len(exporter.spans) == 7


def test_runs_that_are_not_over_wait_until_they_are(kept: Kept, tmp_path: Path) -> None:
    exporter, journal = Flaky(9), tmp_path / "sent.jsonl"
    with kept.stream.operation("agent.run", "clerk"):
        with kept.stream.operation("tool.call", "add"):
            pass
        assert replay(kept.store, exporter=exporter, journal=journal) == ReplayResult(open=1)
        assert replay(kept.store, exporter=exporter, journal=journal, include_open=True).spans == 2
    run, tool = exporter.spans
    assert (run.attributes or {})["victor.unfinished"] is True
    assert run.end_time == tool.end_time
    assert replay(kept.store, exporter=Flaky(0), journal=journal).before == 1  # the same ids, the same number


def test_only_some_runs(kept: Kept) -> None:
    began = []
    for number in range(3):
        work(kept.stream, number)
        began.append(kept.store.runs(limit=1)[0])
    middle = began[1]
    exporter = Flaky(9)
    since, until = middle.start_ns / 1e9 - 1e-5, began[2].start_ns / 1e9 - 1e-5
    assert replay(kept.store, exporter=exporter, since=since, until=until).runs == 1
    assert replay(kept.store, exporter=exporter, runs=[middle.run_id[:12]]).runs == 1
    assert {f"{span.get_span_context().trace_id:032x}" for span in exporter.spans} == {middle.run_id}  # type: ignore[union-attr]


def test_more_runs_than_a_page_and_many_at_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("victor.observability.otel.replay._PAGE", 20)
    with open_store(f"sqlite:{tmp_path}/many.db") as store:
        batch = Batch()
        for number in range(1, 201):
            start = 1_700_000_000_000_000_000 + (number // 70) * 1000
            record = Record("agent.run", "clerk", f"{number:032x}", f"{number:016x}", None, start, 5)
            delta = RunDelta(record.run_id)
            delta.add(record)
            batch.records.append(record)
            batch.runs.append(delta)
        store.write(batch)
        exporter = Flaky(1000)
        assert replay(store, exporter=exporter).runs == 200
    assert len({span.get_span_context().trace_id for span in exporter.spans}) == 200  # type: ignore[union-attr]


def test_below_a_caller_and_points_by_themselves(kept: Kept) -> None:
    header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with continuing(header):
        kept.stream.emit("message.received", "bob", {"id": "m-1"})
        with kept.stream.operation("agent.run", "clerk"):
            pass
    exporter = Flaky(9)
    replay(kept.store, exporter=exporter)
    run, message = sorted(exporter.spans, key=lambda span: span.name)
    assert message.name == "receive_message bob"
    assert message.start_time == message.end_time
    for span in (run, message):
        assert span.parent is not None
        assert span.parent.is_remote
        assert span.parent.span_id == 0x00F067AA0BA902B7


def test_a_journal_survives_being_cut_off(tmp_path: Path) -> None:
    path = journal_path("http://x:4318/v1/traces", tmp_path)
    with Journal(path) as book:
        book.note([Sent("a" * 32, 3, 3), Sent("b" * 32, 2, 9)])
    with path.open("ab") as file:
        file.write(b'{"run":"cccc')
    with Journal(path) as book:
        assert (book.left("a" * 32, 3), book.left("b" * 32, 9), book.left("c" * 32, 1)) == (3, 2, 0)
        assert book.left("a" * 32, 4) == 0  # it has grown since
        book.note([Sent("d" * 32, 1, 1)])
    with Journal(path) as book:
        assert book.left("d" * 32, 1) == 1


def test_one_replay_at_a_time(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="not applicable: no locks of files on this platform")
    with Journal(tmp_path / "j"), pytest.raises(VictorError, match="another replay"), Journal(tmp_path / "j"):
        pass
    with pytest.raises(VictorError, match="cannot be written"):
        Journal(tmp_path)

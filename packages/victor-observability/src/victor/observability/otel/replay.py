"""Stored runs sent to a receiver of OTLP later: with the ids and times of then, each span once.

Live export drops what it cannot deliver while a collector is away. The store has it all the same: when the collector is
back, a replay sends it. Ids are those of the live spans, so a receiver that tells spans apart by id has each once even
where both arrive.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import Struct

from victor.core.errors import VictorError
from victor.core.redact import Redactor, redact
from victor.observability.otel.delivery import Delivery, deliver
from victor.observability.otel.exporting import Endpoint, make_resource
from victor.observability.otel.journal import Journal, Sent
from victor.observability.otel.readable import Reader
from victor.observability.otel.semconv import Version, check_version
from victor.observability.record import Record, Status

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

    from victor.observability.results import Run

__all__ = ["ReplayError", "ReplayResult", "RunSource", "replay"]

_PAGE: Final = 500


class RunSource(Protocol):
    """What is asked of a store: every `victor.observability.store` has it."""

    def runs(self, *, since: float | None = None, until: float | None = None, limit: int = 100) -> list[Run]:
        """Runs that began in a range of time, the newest first."""

    def run_records(self, run_id: str) -> tuple[Run, list[Record]]:
        """A run and its records."""


class ReplayResult(Struct, frozen=True):
    """What was sent.

    Args:
        runs: Runs of which spans were sent.
        spans: Spans that the receiver took.
        before: Runs that had been sent before, as the journal says.
        open: Runs left out because they are not over.
    """

    runs: int = 0
    spans: int = 0
    before: int = 0
    open: int = 0


class ReplayError(VictorError):
    """The receiver did not take everything. What it took is noted: the same call goes on where this one stopped.

    What to do: call again when the receiver is back; nothing is sent twice.

    Attributes:
        result: What was sent until then.
        delivery: What the receiver said.
    """

    def __init__(self, message: str, *, result: ReplayResult, delivery: Delivery) -> None:
        super().__init__(message)
        self.result = result
        self.delivery = delivery


def replay(
    store: RunSource,
    endpoint: str | Endpoint | None = None,
    *,
    protocol: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    since: float | None = None,
    until: float | None = None,
    runs: Iterable[str] | None = None,
    journal: str | os.PathLike[str] | None = None,
    include_open: bool = False,
    service_name: str = "victor",
    resource: Mapping[str, Any] | None = None,
    capture_content: bool = False,
    semconv: Version = "1.41",
    batch: int = 512,
    attempts: int = 2,
    pause_s: float = 1.0,
    redactor: Redactor = redact,
    exporter: SpanExporter | None = None,
) -> ReplayResult:
    """Send stored runs.

    Args:
        store: Where they are.
        endpoint: Where to; else the standard ``OTEL_*`` variables say.
        protocol: ``"http/protobuf"`` or ``"grpc"``.
        headers: Sent along, such as a token.
        timeout_s: Seconds one request may take.
        since: Runs that began then or later, in seconds since 1970.
        until: Runs that began before.
        runs: Instead: the ids of runs, such as those `OpenTelemetryIntegration.status` has as undelivered.
        journal: A file that remembers what was sent, so that nothing is sent twice and a replay that was broken off
            goes on (`victor.observability.otel.journal.journal_path` names one for each receiver); None for none.
        include_open: Send runs that are not over, or whose end was never seen, too. They are marked unfinished.
        service_name: What this program is called.
        resource: More attributes of the resource.
        capture_content: Send stored contents, too. They were redacted when they were stored.
        semconv: Version of the conventions.
        batch: Spans in one request, about.
        attempts: How often one request is tried; the exporter tries again by itself, too, until its timeout.
        pause_s: Seconds before it is tried again, doubled each time.
        redactor: Removes secrets.
        exporter: Instead of one made from all this.

    Returns:
        What was sent.

    Raises:
        ReplayError: The receiver did not take everything.
        ConfigurationError: The SDK is missing, or a setting is wrong.
        StoreError: The store cannot be read.
        VictorError: The journal cannot be used.
    """
    where = endpoint if isinstance(endpoint, Endpoint) else Endpoint(endpoint, protocol, headers, timeout_s)
    reader = Reader(
        make_resource(service_name, resource), redactor, check_version(semconv), capture_content=capture_content
    )
    sender = _Sender(where, exporter, attempts, pause_s)
    try:
        with Journal(journal) as book:
            return sender.send(_records(store, runs, since, until), reader, book, include_open, max(1, batch))
    finally:
        sender.exporter.shutdown()


class _Sender:
    """Sends runs in requests of a handy size."""

    def __init__(self, where: Endpoint, exporter: SpanExporter | None, attempts: int, pause_s: float) -> None:
        self.exporter = where.exporter() if exporter is None else exporter
        self._where = where
        self._attempts = attempts
        self._pause = pause_s
        self._waiting: list[ReadableSpan] = []
        self._parts: list[Sent] = []
        self._runs: set[str] = set()
        self._spans = self._before = self._open = 0

    def send(
        self,
        found: Iterable[tuple[str, Sequence[Record]]],
        reader: Reader,
        book: Journal,
        include_open: bool,
        batch: int,
    ) -> ReplayResult:
        for run_id, records in found:
            if not include_open and any(record.status is Status.OPEN for record in records):
                self._open += 1
                continue
            spans = reader.spans(records)
            done = book.left(run_id, len(spans))
            if done == len(spans):
                self._before += bool(spans)
                continue
            while done < len(spans):
                piece = spans[done : done + batch - len(self._waiting)]
                done += len(piece)
                self._waiting += piece
                self._parts.append(Sent(run_id, done, len(spans)))
                if len(self._waiting) >= batch:
                    self._flush(book)
        self._flush(book)
        return self._result()

    def _result(self) -> ReplayResult:
        return ReplayResult(len(self._runs), self._spans, self._before, self._open)

    def _flush(self, book: Journal) -> None:
        if not self._waiting:
            return
        pause, protocol = self._pause, self._where.spoken()
        for attempt in range(self._attempts):
            if attempt:
                time.sleep(pause)
                pause *= 2
            delivery = deliver(self.exporter, self._waiting, protocol)
            if delivery.ok:
                break
        else:
            answered = f"answered {delivery.status}" if delivery.status else "did not answer"
            raise ReplayError(
                f"{redact.text(self._where.address())} {answered} after {self._spans} spans were sent: "
                f"{delivery.advice} - What was sent is noted; the same call goes on from there. ({delivery.detail})",
                result=self._result(),
                delivery=delivery,
            )
        book.note(self._parts)
        self._spans += len(self._waiting)
        self._runs.update(part.run for part in self._parts)
        self._waiting, self._parts = [], []


def _records(
    store: RunSource, runs: Iterable[str] | None, since: float | None, until: float | None
) -> Iterator[tuple[str, Sequence[Record]]]:
    if runs is not None:
        for run_id in runs:
            run, records = store.run_records(run_id)
            yield run.run_id, records
        return
    page, last = _PAGE, set[str]()
    while True:
        found = store.runs(since=since, until=until, limit=page)
        new = [run for run in found if run.run_id not in last]
        for run in new:
            yield run.run_id, store.run_records(run.run_id)[1]
        if len(found) < page:
            return
        if not new:
            page *= 2  # more runs began at one moment than a page has
        last = {run.run_id for run in found}
        until = (found[-1].start_ns + 1000) / 1e9  # seconds are not as fine as nanoseconds

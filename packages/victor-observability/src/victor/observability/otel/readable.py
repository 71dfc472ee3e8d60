"""Finished spans of the SDK, made of what a store has: the ids and times are those of then. Imports the SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.trace import Event as SpanEvent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from victor.core.redact import Redactor
from victor.observability import __version__
from victor.observability.otel.attributes import Speaker, Value
from victor.observability.otel.content import content_attributes
from victor.observability.otel.ids import after
from victor.observability.otel.semconv import AGENT, CONVERSATION, ERROR_TYPE, SESSION, SPANS, Version
from victor.observability.otel.spans import RETRIES, SPAN_KINDS, exception_attributes, retry_reason
from victor.observability.record import Record, Status

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

__all__ = ["Reader", "readable_span"]


def readable_span(
    name: str,
    run_id: str,
    span_id: str,
    parent: str | None,
    start_ns: int,
    end_ns: int,
    resource: Resource,
    *,
    kind: trace.SpanKind = trace.SpanKind.INTERNAL,
    attributes: Mapping[str, Value] | None = None,
    events: Sequence[SpanEvent] = (),
    links: Sequence[trace.Link] = (),
    status: trace.Status | None = None,
    is_remote: bool = False,
) -> ReadableSpan:
    """A finished span.

    Args:
        name: What it is called.
        run_id: Id of its run, in hexadecimal.
        span_id: Its own.
        parent: Id of the span around it.
        start_ns: When it began, in nanoseconds since 1970.
        end_ns: When it ended.
        resource: What it is about.
        kind: Its kind.
        attributes: What is known about it.
        events: What happened in it.
        links: What it has to do with.
        status: How it ended.
        is_remote: Whether the span around it is of another process.
    """
    context = _context(run_id, span_id)
    return ReadableSpan(
        name,
        context,
        None if parent is None else _context(run_id, parent, is_remote=is_remote),
        resource,
        dict(attributes or {}),
        events,
        links,
        kind,
        status=status or trace.Status(),
        start_time=start_ns,
        end_time=end_ns,
        instrumentation_scope=InstrumentationScope("victor", __version__),
    )


def _context(run_id: str, span_id: str, *, is_remote: bool = False) -> trace.SpanContext:
    return trace.SpanContext(int(run_id, 16), int(span_id, 16), is_remote, trace.TraceFlags(trace.TraceFlags.SAMPLED))


class Reader:
    """Turns the records of a run into the spans that live export would have made of it.

    Args:
        resource: What the spans are about.
        redactor: Removes secrets.
        version: Of the conventions.
        capture_content: Put stored contents on spans.
        content_chars: Characters of one text.
    """

    def __init__(
        self,
        resource: Resource,
        redactor: Redactor,
        version: Version = "1.41",
        *,
        capture_content: bool = False,
        content_chars: int = 20_000,
    ) -> None:
        self._resource = resource
        self._speaker = Speaker(redactor, version)
        self._content = capture_content
        self._chars = content_chars

    def spans(self, records: Sequence[Record]) -> list[ReadableSpan]:
        """The spans of one run, in the order they began."""
        ordered = sorted(records, key=lambda record: (record.start_ns, record.span_id))
        operations = {record.span_id: record for record in ordered if _has_length(record)}
        points: dict[str, list[Record]] = {}
        lone: list[Record] = []
        ends: dict[str, int] = {}
        for record in ordered:
            parent = record.parent_id or ""
            if not _has_length(record):
                (points.setdefault(parent, []) if parent in operations else lone).append(record)
            while parent in operations:  # what a crash cut off lasted at least as long as all that is known of it
                ends[parent] = max(ends.get(parent, 0), record.end_ns)
                parent = operations[parent].parent_id or ""
        known: dict[str, tuple[str, str]] = {}
        found: list[ReadableSpan] = []
        for record in [*operations.values(), *lone]:
            end = record.end_ns if record.duration_ns is not None else ends.get(record.span_id, record.start_ns)
            found += self._operation(record, points.get(record.span_id, ()), end, operations, known)
        return found

    def _operation(
        self,
        record: Record,
        points: Sequence[Record],
        end: int,
        operations: Mapping[str, Record],
        known: dict[str, tuple[str, str]],
    ) -> list[ReadableSpan]:
        given = _given(record)
        form = self._speaker.form(record.kind)
        title, attributes = form.begin(record.name, given)
        agent, conversation = self._speakers(record, given, operations, known)
        common: dict[str, Value] = {
            AGENT: self._speaker.text(agent), CONVERSATION: conversation, SESSION: conversation,
        }  # fmt: skip
        attributes.update(common)
        if self._content and record.content:
            attributes.update(content_attributes(record.kind, record.content, given, self._chars))
        events = [self._event(point) for point in points]
        status = None
        if record.status is Status.ERROR:
            attributes[ERROR_TYPE] = record.error_type
            status = trace.Status(trace.StatusCode.ERROR, record.error_text)
            events.append(SpanEvent("exception", exception_attributes(record.error_type, record.error_text), end))
        elif record.status is Status.CANCELLED:
            attributes["victor.cancelled"] = True
        elif record.status is Status.OPEN:
            attributes["victor.unfinished"] = True
        parent = record.parent_id
        span = readable_span(
            title, record.run_id, record.span_id, parent, record.start_ns, end, self._resource,
            kind=SPAN_KINDS[form.form.kind], attributes=attributes, events=events, status=status,
            is_remote=parent is not None and parent not in operations,
        )  # fmt: skip
        return [span, *self._attempts(record, title, points, end, common)]

    def _speakers(
        self,
        record: Record,
        given: Mapping[str, Any],
        operations: Mapping[str, Record],
        known: dict[str, tuple[str, str]],
    ) -> tuple[str, str]:
        """Whose an operation is and to which conversation it belongs, as what is around it says."""
        chain, each = [record], record
        while each.span_id not in known and (each.parent_id or "") in operations:
            each = operations[each.parent_id or ""]
            if each in chain:
                break
            chain.append(each)
        for each in reversed(chain):
            if each.span_id in known:
                continue
            above = known.get(each.parent_id or "")
            own = each.agent or (each.name if each.kind == "team.turn" else "")
            if above is None:
                thread = (given if each is record else each.attributes).get("thread_id")
                conversation = self._speaker.text(thread) if isinstance(thread, str) and thread else each.run_id
                known[each.span_id] = own or each.name, conversation
            else:
                known[each.span_id] = own or above[0], above[1]
        return known[record.span_id]

    def _event(self, point: Record) -> SpanEvent:
        said: dict[str, Value] = {"victor.name": self._speaker.text(point.name)} if point.name else {}
        self._speaker.form(point.kind).write(said, _given(point))
        if self._content and point.content:
            said.update(content_attributes(point.kind, point.content, {}, self._chars))
        return SpanEvent(point.kind, said, point.start_ns)

    def _attempts(
        self, record: Record, title: str, points: Sequence[Record], end: int, common: Mapping[str, Value]
    ) -> list[ReadableSpan]:
        """The tries of what was tried again, each linked to the one before."""
        retries = [point for point in points if point.kind in RETRIES]
        found: list[ReadableSpan] = []
        began = record.start_ns
        before: trace.SpanContext | None = None
        form = SPANS["attempt"]
        for number, point in enumerate([*retries, None] if retries else [], 1):
            attributes: dict[str, Value] = {"victor.kind": "attempt", "victor.attempt": number, **common}
            failed = retry_reason(_given(point)) if point is not None else record.error_type
            if point is None and record.status is not Status.ERROR:
                failed = "CancelledError" if record.status is Status.CANCELLED else ""
            if failed:
                attributes[ERROR_TYPE] = failed
            if point is not None:
                said = {key: point.attributes.get(key) for key in ("delay_s", "status")}
                self._speaker.form("attempt").write(attributes, said)
            own = point.span_id if point is not None else f"{after(int(record.span_id, 16)):016x}"
            until = point.start_ns if point is not None else end
            links = [] if before is None else [trace.Link(before, {"victor.link": "retry"})]
            before = _context(record.run_id, own)
            found.append(
                readable_span(
                    form.title(title), record.run_id, own, record.span_id, min(began, until), until, self._resource,
                    kind=SPAN_KINDS[form.kind], attributes=attributes, links=links,
                    status=trace.Status(trace.StatusCode.ERROR, failed) if failed else None,
                )
            )  # fmt: skip
            delay = point.attributes.get("delay_s") if point is not None else 0
            began = until + int((delay if isinstance(delay, (int, float)) else 0) * 1e9)
        return found


def _has_length(record: Record) -> bool:
    return record.duration_ns is not None or record.status is Status.OPEN


def _given(record: Record) -> dict[str, Any]:
    """What the event said that the record was made of."""
    given: dict[str, Any] = dict(record.attributes)
    if record.kind == "model.request":
        for name in (
            "provider", "model", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost_usd",
        ):  # fmt: skip
            given[name] = getattr(record, name)
    return given

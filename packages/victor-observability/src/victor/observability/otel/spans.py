"""Live spans: a listener that begins a span when an operation begins and ends it with the operation.

It runs in the thread of the program and sets OpenTelemetry's current span, so that what other instrumentation records
within an operation (HTTP, databases) hangs below it, and Victor's outermost operation below a span of the host.

Whose child a span is: Victor's own nesting decides, and OpenTelemetry's current span where that lies between the two.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as contexts
from opentelemetry import trace

from victor.core.cut import cut_middle
from victor.core.events import Event, current_span
from victor.core.trace_context import incoming, read_traceparent
from victor.observability.otel.attributes import KindForm, Speaker, Value
from victor.observability.otel.content import content_attributes
from victor.observability.otel.semconv import AGENT, CONVERSATION, ERROR_TYPE, SESSION, SPANS

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from victor.observability.otel.ids import VictorIds

__all__ = ["CONVERSATION_KEY", "RETRIES", "SPAN_KINDS", "LiveSpans", "exception_attributes", "retry_reason"]

_log = logging.getLogger("victor.otel")

CONVERSATION_KEY: Final[str] = contexts.create_key("victor-conversation")
"""Where the context has the id of the conversation, if the program told it."""

RETRIES: Final = frozenset({"model.retry", "tools.retry", "workflow.retry"})
"""Points that say that what they happened in is tried again."""

_KEY: Final = contexts.create_key("victor-span")
_SPEAKING: Final = frozenset({"agent.run", "team.turn"})
SPAN_KINDS: Final[dict[str, trace.SpanKind]] = {
    "internal": trace.SpanKind.INTERNAL,
    "client": trace.SpanKind.CLIENT,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
}
"""Kinds of spans, by their names."""
_OPEN: Final = 100_000
_TEXT: Final = 2000
_STACK: Final = 20_000


class _Open:
    """A span that has begun."""

    __slots__ = (
        "agent", "around", "attempts", "before", "context", "conversation", "foreign", "form", "given", "id", "last",
        "run_id", "span", "start_ns", "title", "tried_ns",
    )  # fmt: skip

    span: trace.Span
    context: Context  # with this span in it
    before: Context | None  # where it began; None when it is over, so that what follows on one another is no chain
    around: _Open | None  # what was open there
    last: trace.SpanContext
    title: str
    foreign: bool  # the trace is not called as the run is

    def __init__(self, event: Event, form: KindForm, agent: str, conversation: str) -> None:
        self.id = event.span_id
        self.run_id = event.run_id
        self.form = form
        self.agent = agent
        self.conversation = conversation
        self.given: Mapping[str, Any] = event.attributes
        self.start_ns = self.tried_ns = event.time_ns
        self.attempts = 0

    def header(self) -> str:
        """By which others are told of it: of the span of the host within it, where there is one."""
        current = contexts.get_current()
        span = trace.get_current_span(current) if current.get(_KEY) is self else self.span
        told = span.get_span_context()
        if not told.is_valid:
            return f"00-{self.run_id}-{self.id}-00"
        return f"00-{told.trace_id:032x}-{told.span_id:016x}-{told.trace_flags:02x}"

    def led_to(self, other: object) -> bool:
        """Whether the context of the other was made out of this one's."""
        while isinstance(other, _Open):
            if other is self:
                return True
            other = other.around
        return False


class LiveSpans:
    """The listener.

    Args:
        tracer: Gives what makes spans, and the ids it can be told, or None where it has its own; asked once, when the
            first span begins.
        speaker: Puts values of events into values of spans.
        capture_content: Put captured contents on spans.
        content_chars: Characters of one text; of a longer one the middle is cut.
    """

    def __init__(
        self,
        tracer: Callable[[], tuple[trace.Tracer, VictorIds | None]],
        speaker: Speaker,
        *,
        capture_content: bool = False,
        content_chars: int = 20_000,
    ) -> None:
        self._find = tracer
        self._tracer: trace.Tracer | None = None
        self._ids: VictorIds | None = None
        self._speaker = speaker
        self._content = capture_content
        self._chars = content_chars
        self._open: dict[str, _Open] = {}
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def listen(self, event: Event) -> None:
        """Take an event. Never raises: what goes wrong with tracing is logged once and costs no more than its span."""
        try:
            if event.phase == "start":
                self._start(event)
            elif event.phase == "end":
                self._end(event)
            else:
                self._point(event)
        except Exception as error:  # noqa: BLE001 - tracing must never stop the work that is traced, nor itself
            if (name := type(error).__name__) not in self._told:
                self._told.add(name)
                _log.exception("a span of %s %r could not be made; said once for each %s", event.kind, event.name, name)

    @property
    def open(self) -> int:
        """How many spans have begun and not ended."""
        return len(self._open)

    def close(self) -> None:
        """End what is still open, marked as unfinished, and leave no span of it current here."""
        while self._open:
            self._give_up(next(iter(self._open)))
        while isinstance(inner := contexts.get_current().get(_KEY), _Open) and inner.before is not None:
            contexts.attach(inner.before)
        self._tracer = None  # another one is asked for if it begins again

    def _give_up(self, id: str) -> None:
        found = self._open.pop(id, None)
        if found is not None:
            found.span.set_attribute("victor.unfinished", True)
            found.span.end()

    def _start(self, event: Event) -> None:
        found = self._begin(event)
        found.context = trace.set_span_in_context(found.span, contexts.set_value(_KEY, found, found.context))
        if len(self._open) >= _OPEN:
            self._give_up(next(iter(self._open)))
        self._open[event.span_id] = found
        contexts.attach(found.context)
        span = current_span()
        if span is not None and span.span_id == event.span_id:
            span.outward = found.header

    def _found(self) -> trace.Tracer:
        with self._lock:  # threads may begin at once
            if self._tracer is None:
                tracer, self._ids = self._find()
                self._tracer = tracer
            return self._tracer

    def _begin(self, event: Event) -> _Open:
        """Start the span of an operation, or of a point that has none around it."""
        tracer = self._tracer
        if tracer is None:
            tracer = self._found()
        given, parent = event.attributes, event.parent_id
        current = context = contexts.get_current()
        above: _Open | None = None
        inner = current.get(_KEY)
        if not isinstance(inner, _Open):
            inner = None
        if parent is not None:
            if inner is not None and inner.id == parent:
                above = inner
            elif (above := self._open.get(parent)) is not None:
                context = above.context
            else:
                context = _from_elsewhere(event.run_id, parent, current)
        agent = given.get("agent") or (event.name if event.kind in _SPEAKING else "")
        if above is None:
            named = _text(current.get(CONVERSATION_KEY)) or _text(given.get("thread_id"))
            conversation = self._speaker.text(named) if named else event.run_id
            agent = agent or event.name
        else:
            conversation = above.conversation
            agent = agent or above.agent
        form, ids = self._speaker.form(event.kind), self._ids
        found = _Open(event, form, agent, conversation)
        found.before, found.context = current, context
        found.around = inner if inner is not None and inner.before is not None else None
        found.title, attributes = form.begin(event.name, given)
        attributes[AGENT] = self._speaker.text(agent)
        attributes[CONVERSATION] = attributes[SESSION] = conversation
        if ids is not None:
            ids.use(0 if above is not None else int(event.run_id, 16), int(event.span_id, 16))
        found.span = tracer.start_span(
            found.title, context, SPAN_KINDS[form.form.kind], attributes, start_time=event.time_ns
        )
        if above is not None:
            found.foreign = above.foreign
        else:
            found.foreign = ids is None or found.span.get_span_context().trace_id != int(event.run_id, 16)
        if found.foreign:
            found.span.set_attributes({"victor.run_id": event.run_id, "victor.span_id": event.span_id})
        return found

    def _end(self, event: Event) -> None:
        found = self._open.pop(event.span_id, None)
        if found is None:
            return  # it had begun before anybody listened
        before, found.before = found.before, None
        if before is not None and found.led_to(contexts.get_current().get(_KEY)):
            contexts.attach(before)  # else it ended in another context, as a generator that was left
        found.around = None
        span, end = found.span, found.start_ns + (event.duration_ns or 0)
        if found.attempts:
            self._attempt(found, end, event.error, None, None)
        del found.context  # which has it in turn: freed at once, and not by a search for such circles
        if span.is_recording():
            out: dict[str, Value] = {}
            found.form.write(out, event.attributes, found.given)
            if self._content and event.content:
                out.update(content_attributes(event.kind, event.content, event.attributes, self._chars))
            if event.error is not None:
                if event.cancelled:
                    out["victor.cancelled"] = True
                else:
                    out[ERROR_TYPE] = type(event.error).__name__
                    span.set_status(trace.Status(trace.StatusCode.ERROR, event.error_text[:_TEXT]))
                    span.add_event("exception", self._exception(event), end)
            if out:
                span.set_attributes(out)
        span.end(end)

    def _exception(self, event: Event) -> dict[str, Value]:
        error = event.error
        assert error is not None
        try:
            stack = self._speaker.redactor.text("".join(traceback.format_exception(error)))
        except Exception:  # noqa: BLE001 - an exception may be unable to say what it is
            stack = ""
        kind = type(error)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        return exception_attributes(name, event.error_text, cut_middle(stack, _STACK))

    def _point(self, event: Event) -> None:
        found = None if event.parent_id is None else self._open.get(event.parent_id)
        if found is None:
            lone = self._begin(event)
            if self._content and event.content:
                lone.span.set_attributes(dict(content_attributes(event.kind, event.content, {}, self._chars)))
            lone.span.end(event.time_ns)
            return
        if event.kind in RETRIES:
            self._attempt(found, event.time_ns, None, retry_reason(event.attributes), event)
        if found.span.is_recording():
            out: dict[str, Value] = {"victor.name": self._speaker.text(event.name)} if event.name else {}
            self._speaker.form(event.kind).write(out, event.attributes)
            if self._content and event.content:
                out.update(content_attributes(event.kind, event.content, {}, self._chars))
            found.span.add_event(event.kind, out, event.time_ns)

    def _attempt(
        self, found: _Open, end: int, error: BaseException | None, reason: str | None, event: Event | None
    ) -> None:
        """Record one try of an operation that was tried again, linked to the one before."""
        tracer = self._tracer
        if tracer is None or not found.span.is_recording():
            return
        links = [trace.Link(found.last, {"victor.link": "retry"})] if found.attempts else None
        found.attempts += 1
        failed = reason or (type(error).__name__ if error is not None else "")
        attributes: dict[str, Value] = {
            "victor.kind": "attempt", "victor.attempt": found.attempts, AGENT: self._speaker.text(found.agent),
            CONVERSATION: found.conversation, SESSION: found.conversation,
        }  # fmt: skip
        if failed:
            attributes[ERROR_TYPE] = failed
        delay = 0.0
        if event is not None:
            said = {key: event.attributes.get(key) for key in ("delay_s", "status")}
            self._speaker.form("attempt").write(attributes, said)
            delay = _seconds(event.attributes.get("delay_s"))
        if self._ids is not None:
            from victor.observability.otel.ids import after

            self._ids.use(0, int(event.span_id, 16) if event is not None else after(int(found.id, 16)))
        form = SPANS["attempt"]
        began = min(found.tried_ns, end)
        span = tracer.start_span(
            form.title(found.title), found.context, SPAN_KINDS[form.kind], attributes, links, start_time=began
        )
        if failed:
            span.set_status(trace.Status(trace.StatusCode.ERROR, failed))
        span.end(end)
        found.last = span.get_span_context()
        found.tried_ns = end + int(delay * 1e9)


def exception_attributes(kind: str, text: str, stack: str = "") -> dict[str, Value]:
    """What the event ``exception`` of a span says."""
    said: dict[str, Value] = {"exception.type": kind, "exception.message": text[:_TEXT]}
    if stack:
        said["exception.stacktrace"] = stack
    return said


def retry_reason(given: Mapping[str, Any]) -> str:
    """Why something is tried again: the type of the error."""
    return _text(given.get("reason")) or _text(given.get("error")) or "retry"


def _from_elsewhere(run_id: str, parent: str, current: Context) -> Context:
    """A context below an operation of another process, with what that said about sampling."""
    flags = trace.TraceFlags.SAMPLED
    header = incoming()
    if header is not None and (span := read_traceparent(header)) is not None and span.span_id == parent:
        flags = int(header[53:55], 16) & trace.TraceFlags.SAMPLED
    remote = trace.SpanContext(int(run_id, 16), int(parent, 16), True, trace.TraceFlags(flags))
    return trace.set_span_in_context(trace.NonRecordingSpan(remote), current)


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

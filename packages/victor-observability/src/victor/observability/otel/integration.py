"""OpenTelemetry switched on: spans of everything that happens, and context managers for what Victor does not run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context as contexts
from opentelemetry import trace

from victor.core.errors import ConfigurationError
from victor.core.events import EventStream, Listener, get_stream
from victor.core.redact import Redactor, redact
from victor.observability.otel.attributes import Speaker
from victor.observability.otel.exporting import (
    Endpoint,
    ExportStatus,
    OwnProvider,
    Watched,
    make_provider,
    need_sdk,
)
from victor.observability.otel.semconv import Version, check_version
from victor.observability.otel.spans import CONVERSATION_KEY, LiveSpans

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from victor.observability.otel.ids import VictorIds

__all__ = ["OpenTelemetryIntegration", "conversation"]

_CONTENT: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_YES: Final = frozenset({"1", "true", "span_only", "span_and_event"})
_SCOPE: Final = "victor"


class OpenTelemetryIntegration:
    """Makes a span of everything that happens, by the GenAI conventions of OpenTelemetry.

    Spans go to the ``tracer_provider`` that is given, else to the one the host program has set, else to one of our own,
    which is never made the global one and sends by OTLP. Only spans of our own provider have the ids of Victor's runs;
    elsewhere these are in the attributes ``victor.run_id`` and ``victor.span_id``.

    Args:
        service_name: What this program is called; ``OTEL_SERVICE_NAME`` wins over the default.
        tracer_provider: Where spans go.
        stream: What is listened to; the default stream where left out.
        endpoint: Where our own provider sends to: a URL or an `Endpoint`. Else the standard ``OTEL_*`` variables say.
        protocol: ``"http/protobuf"`` or ``"grpc"``.
        headers: Sent along, such as a token.
        timeout_s: Seconds one request may take.
        resource: More attributes of our own provider's resource.
        exporter: Instead of OTLP.
        capture_content: Put prompts, arguments and answers on spans, redacted. While it is on they are on the events of
            the stream, for all who listen. By default the variable
            ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` says.
        content_chars: Characters of one text; of a longer one the middle is cut.
        semconv: Version of the conventions.
        redactor: Removes secrets.

    Example:
        >>> from opentelemetry.sdk.trace import TracerProvider
        >>> from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        >>> from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        >>> provider, spans = TracerProvider(), InMemorySpanExporter()
        >>> provider.add_span_processor(SimpleSpanProcessor(spans))
        >>> with OpenTelemetryIntegration(tracer_provider=provider, stream=EventStream()) as otel:
        ...     with otel.trace_agent_run("clerk"), otel.trace_tool_call("add", a=1, b=2):
        ...         pass
        >>> [span.name for span in spans.get_finished_spans()]
        ['execute_tool add', 'invoke_agent clerk']
    """

    def __init__(
        self,
        service_name: str = "victor",
        tracer_provider: trace.TracerProvider | None = None,
        *,
        stream: EventStream | None = None,
        endpoint: str | Endpoint | None = None,
        protocol: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        resource: Mapping[str, Any] | None = None,
        exporter: SpanExporter | None = None,
        capture_content: bool | None = None,
        content_chars: int = 20_000,
        semconv: Version = "1.41",
        redactor: Redactor = redact,
    ) -> None:
        self.service_name = service_name
        self.endpoint: Endpoint = (
            endpoint if isinstance(endpoint, Endpoint) else Endpoint(endpoint, protocol, headers, timeout_s)
        )
        self.endpoint.spoken()  # says at once what is wrong with it
        if capture_content is None:
            capture_content = os.environ.get(_CONTENT, "").strip().lower() in _YES
        self.capture_content = capture_content
        self._given = tracer_provider
        self._stream = stream
        self._resource = resource
        self._exporter = exporter
        self._own: OwnProvider | None = None
        self._watched: list[Watched] = []
        self._stop: Callable[[], None] | None = None
        self._captured_before: bool | None = None
        self._spans = LiveSpans(
            self._tracer,
            Speaker(redactor, check_version(semconv)),
            capture_content=capture_content,
            content_chars=content_chars,
        )

    @property
    def listener(self) -> Listener:
        """The listener, for those who subscribe it themselves."""
        return self._spans.listen

    @property
    def open_spans(self) -> int:
        """How many spans have begun and not ended."""
        return self._spans.open

    def start(self) -> OpenTelemetryIntegration:
        """Begin to listen; calling it again changes nothing.

        Raises:
            ConfigurationError: OpenTelemetry listens to this stream already.
        """
        if self._stop is not None:
            return self
        stream = self._stream = get_stream() if self._stream is None else self._stream
        for subscription in stream._subscriptions:  # two would make each other's spans their parents
            if isinstance(getattr(subscription.listener, "__self__", None), LiveSpans):
                raise ConfigurationError(
                    "OpenTelemetry listens to this event stream already, by the setting listeners or another "
                    "OpenTelemetryIntegration; keep one of the two (listeners = ['-otel'] switches the setting off)"
                )
        if self._given is None and _host_provider() is None:
            need_sdk()  # now, and not in the middle of the first run
        if self.capture_content:
            self._captured_before, stream.capture_content = stream.capture_content, True
        self._stop = stream.subscribe(self._spans.listen)
        return self

    def close(self) -> None:
        """Stop listening, end open spans, and send what waits. A provider of the host is left as it is."""
        if self._stop is not None:
            self._stop()
            self._stop = None
            if self._captured_before is not None and self._stream is not None:
                self._stream.capture_content = self._captured_before
                self._captured_before = None
        self._spans.close()
        if self._own is not None:
            self._own.shutdown()
            self._own = None

    def __enter__(self) -> OpenTelemetryIntegration:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def flush(self, timeout_s: float = 30.0) -> bool:
        """Send what waits now.

        Returns:
            True when all of it was taken by the receiver. A host's provider is believed at its word.
        """
        provider = self._given or _host_provider() if self._own is None else self._own.provider
        before = self.status().failed
        flush = getattr(provider, "force_flush", None)
        done = True if flush is None else bool(flush(int(timeout_s * 1000)))
        return done and self.status().failed == before

    def status(self) -> ExportStatus:
        """What our own provider has delivered; zeros where the host has one."""
        every = [watched.status() for watched in self._watched]
        return ExportStatus(
            sum(status.sent for status in every),
            sum(status.failed for status in every),
            sum(status.failures for status in every),
            frozenset().union(*(status.undelivered for status in every)),
        )

    @contextmanager
    def trace_agent_run(self, agent_id: str, config: Mapping[str, Any] | None = None) -> Iterator[trace.Span]:
        """Record a run of an agent that Victor does not run itself; Victor's own record themselves.

        Args:
            agent_id: Name of the agent.
            config: Of it, ``model`` and ``provider`` are recorded; all of it, redacted, only with contents.

        Yields:
            The span.
        """
        config = config or {}
        attributes = {key: config[key] for key in ("model", "provider") if isinstance(config.get(key), str)}
        with self._operation("agent.run", agent_id, attributes, {"config": dict(config)} if config else {}) as span:
            yield span

    @contextmanager
    def trace_tool_call(self, tool_name: str, **kwargs: Any) -> Iterator[trace.Span]:
        """Record a call of a tool that Victor does not call itself.

        Args:
            tool_name: Name of the tool.
            **kwargs: Its arguments; recorded, redacted, only with contents.

        Yields:
            The span.
        """
        with self._operation("tool.call", tool_name, {}, {"arguments": kwargs} if kwargs else {}) as span:
            yield span

    @contextmanager
    def _operation(
        self, kind: str, name: str, attributes: dict[str, Any], content: dict[str, Any]
    ) -> Iterator[trace.Span]:
        self.start()
        assert self._stream is not None
        with self._stream.operation(kind, name, attributes) as operation:
            if content:
                operation.capture(**content)
            yield trace.get_current_span()

    def _tracer(self) -> tuple[trace.Tracer, VictorIds | None]:
        from victor.observability import __version__

        provider = self._given or _host_provider()
        if provider is not None:
            return provider.get_tracer(_SCOPE, __version__), None
        own = self._own = make_provider(
            self.service_name, self.endpoint, resource=self._resource, exporter=self._exporter
        )
        self._watched += own.watched
        return own.provider.get_tracer(_SCOPE, __version__), own.ids


@contextmanager
def conversation(id: str) -> Iterator[None]:
    """Give the runs within a ``with`` block the id of the conversation they belong to (``gen_ai.conversation.id``).

    Without it the thread of a workflow is the conversation, and else the run.

    Args:
        id: As the program knows the conversation.
    """
    before = contexts.get_current()
    within = contexts.set_value(CONVERSATION_KEY, id, before)
    contexts.attach(within)
    try:
        yield
    finally:
        if contexts.get_current() is within:  # not where a generator was left and ends in another context
            contexts.attach(before)


def _host_provider() -> trace.TracerProvider | None:
    """The provider the host program has set, or None."""
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider) else provider

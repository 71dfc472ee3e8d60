"""What sends spans away: OTLP over HTTP or gRPC, set up from the standard ``OTEL_*`` variables and from settings.

Imports the SDK; nothing here is loaded before spans are really made.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from msgspec import Struct

from victor.core.errors import ConfigurationError
from victor.observability.otel.delivery import deliver

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    from victor.observability.otel.ids import VictorIds

__all__ = [
    "Endpoint",
    "ExportStatus",
    "OwnProvider",
    "Protocol",
    "Watched",
    "make_provider",
    "make_resource",
    "need_sdk",
]

Protocol: TypeAlias = Literal["http/protobuf", "grpc"]
"""How spans are sent."""

_log = logging.getLogger("victor.otel")
_PATH: Final = "/v1/traces"
_PATIENCE_S: Final = 3.0


class Endpoint(Struct, frozen=True):
    """Where spans go. What is left out comes from the standard variables, and else from the standard's defaults.

    Args:
        url: Such as ``"http://localhost:4318"``; over HTTP ``/v1/traces`` is added where it is not there
            (``OTEL_EXPORTER_OTLP_ENDPOINT``, or in full ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``).
        protocol: ``"http/protobuf"`` or ``"grpc"`` (``OTEL_EXPORTER_OTLP_PROTOCOL``).
        headers: Sent along, such as a token (``OTEL_EXPORTER_OTLP_HEADERS``).
        timeout_s: Seconds one request may take, retries included (``OTEL_EXPORTER_OTLP_TIMEOUT``).

    Example:
        >>> Endpoint("http://collector:4318").address()
        'http://collector:4318/v1/traces'
        >>> Endpoint("http://collector:4317", "grpc").address()
        'http://collector:4317'
    """

    url: str | None = None
    protocol: str | None = None
    headers: Mapping[str, str] | None = None
    timeout_s: float | None = None

    def spoken(self) -> Protocol:
        """The protocol that is used.

        Raises:
            ConfigurationError: It is none that can be.
        """
        said = self.protocol or _environment("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
        for protocol in get_args(Protocol):
            if (said or "http/protobuf") == protocol:
                found: Protocol = protocol
                return found
        raise ConfigurationError(
            f"OTLP over {said!r} is not supported; protocol is one of {', '.join(map(repr, get_args(Protocol)))} "
            "(setting protocol, or OTEL_EXPORTER_OTLP_PROTOCOL)"
        )

    def address(self) -> str:
        """The URL that is asked in the end."""
        is_http = self.spoken() == "http/protobuf"
        if self.url is None and (said := _environment("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")):
            return said
        base = self.url or _environment("OTEL_EXPORTER_OTLP_ENDPOINT")
        if not base:
            base = "http://localhost:4318" if is_http else "http://localhost:4317"
        if not is_http:
            return base
        return base if base.rstrip("/").endswith(_PATH) else base.rstrip("/") + _PATH

    def exporter(self) -> SpanExporter:
        """What sends spans there.

        Raises:
            ConfigurationError: The packages are missing, or the URL is none.
        """
        need_sdk()
        address, protocol = self.address(), self.spoken()
        if "://" in address and not address.startswith(("http://", "https://")):
            raise ConfigurationError(f"the OTLP endpoint {_shown(address)!r} must begin with http:// or https://")
        headers = None if self.headers is None else {key.lower(): str(value) for key, value in self.headers.items()}
        try:
            if protocol == "grpc":
                from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter

                pairs = None if headers is None else tuple(headers.items())
                return GrpcExporter(address, headers=pairs, timeout=self.timeout_s)
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter

            return HttpExporter(address, headers=headers, timeout=self.timeout_s)
        except ImportError as error:
            raise ConfigurationError(
                f"OTLP over {protocol} needs a package that is missing ({error.name}): "
                "pip install 'victor-observability[otlp]'"
            ) from None


class ExportStatus(Struct, frozen=True):
    """How sending went so far.

    Args:
        sent: Spans that the receiver took.
        failed: Spans that it did not take; they are in the store all the same, where one is kept.
        failures: Requests that failed.
        undelivered: Ids of the runs that miss spans, at most the first 10,000, to be replayed.
    """

    sent: int = 0
    failed: int = 0
    failures: int = 0
    undelivered: frozenset[str] = frozenset()


class Watched:
    """A `SpanExporter` that counts what another one really delivered, and says once when a receiver is away.

    Args:
        inner: The other one.
        address: Where it sends to, for words; ``""`` where that is not known.
        protocol: That it speaks.
    """

    def __init__(self, inner: SpanExporter, address: str = "", protocol: Protocol = "http/protobuf") -> None:
        self._inner = inner
        self._address = address
        self._protocol: Protocol = protocol
        self._lock = threading.Lock()
        self._sent = self._failed = self._failures = 0
        self._undelivered: set[str] = set()
        self._missing = 0  # since the receiver went away
        self._closed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans."""
        from opentelemetry.sdk.trace.export import SpanExportResult

        delivery = deliver(self._inner, spans, self._protocol)
        with self._lock:
            back, first = delivery.ok and self._missing, not delivery.ok and not self._missing
            if delivery.ok:
                self._sent += len(spans)
                self._missing = 0
            else:
                self._missing += len(spans)
                self._failed += len(spans)
                self._failures += 1
                for span in spans:
                    if len(self._undelivered) < 10_000:
                        self._undelivered.add(run_of(span))
        if first:
            _log.warning(
                "%d spans were not delivered%s: %s (%s). Live export drops what cannot be delivered; runs that are "
                "stored can be sent later: victor observability export --otlp",
                len(spans), self._address and f" to {_shown(self._address)}",
                delivery.advice if self._address else "the exporter did not take them", delivery.detail,
            )  # fmt: skip
        elif back:
            _log.warning("spans are delivered again%s; %d were not", self._address and f" to {self._address}", back)
        return SpanExportResult.SUCCESS if delivery.ok else SpanExportResult.FAILURE

    def status(self) -> ExportStatus:
        """How it went so far."""
        with self._lock:
            return ExportStatus(self._sent, self._failed, self._failures, frozenset(self._undelivered))

    def shutdown(self) -> None:
        """End it; what waits to be tried again is given up."""
        if not self._closed:
            self._closed = True
            self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what the other one holds back."""
        return self._inner.force_flush(timeout_millis)


class OwnProvider:
    """A provider of our own, which is shut down when the process ends.

    A receiver that is away must not hold up the end of a program: what cannot be delivered in three seconds then is
    given up. The thread for that is begun now, as none can be begun when Python ends.

    Args:
        provider: The provider.
        ids: Gives it ids.
        watched: Its exporters.
    """

    def __init__(self, provider: TracerProvider, ids: VictorIds, watched: list[Watched]) -> None:
        self.provider = provider
        self.ids = ids
        self.watched = watched
        self._leaving, self._left = threading.Event(), threading.Event()
        if sys.platform != "emscripten":
            threading.Thread(target=self._hurry, name="victor otel", daemon=True).start()
        atexit.register(self._at_exit)

    def shutdown(self) -> None:
        """Send what waits, for as long as the exporter tries; calling it again changes nothing."""
        atexit.unregister(self._at_exit)
        self.provider.shutdown()
        self._left.set()
        self._leaving.set()

    def _at_exit(self) -> None:
        self._leaving.set()
        self.provider.shutdown()
        self._left.set()

    def _hurry(self) -> None:
        self._leaving.wait()
        if not self._left.wait(_PATIENCE_S):
            for each in self.watched:
                each.shutdown()


def run_of(span: ReadableSpan) -> str:
    """The id of Victor's run that a span belongs to: that of the trace, unless the host began the trace."""
    told = (span.attributes or {}).get("victor.run_id")
    if isinstance(told, str):
        return told
    context = span.get_span_context()
    return "" if context is None else f"{context.trace_id:032x}"


def need_sdk() -> None:
    """Make sure that the SDK is there.

    Raises:
        ConfigurationError: It is not.
    """
    try:
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError:
        raise ConfigurationError(
            "traces need the SDK of OpenTelemetry: pip install 'victor-observability[otlp]'"
        ) from None


def make_resource(service_name: str, more: Mapping[str, Any] | None = None) -> Any:
    """What the spans are about. The standard variables win over the default name, not over one that was given."""
    need_sdk()
    from opentelemetry.sdk.resources import Resource

    attributes: dict[str, Any] = dict(more or {})
    named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if service_name != "victor" or not named:
        attributes.setdefault("service.name", service_name)
    return Resource.create(attributes)


def make_provider(
    service_name: str,
    endpoint: Endpoint,
    *,
    resource: Mapping[str, Any] | None = None,
    exporter: SpanExporter | None = None,
) -> OwnProvider:
    """A provider of our own: it is never made the global one.

    Args:
        service_name: What this program is called.
        endpoint: Where spans go.
        resource: More attributes of the resource.
        exporter: Instead of one made from ``endpoint`` and ``OTEL_TRACES_EXPORTER``.

    Raises:
        ConfigurationError: The SDK is missing, or a setting is wrong.
    """
    need_sdk()
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from victor.observability.otel.ids import VictorIds

    ids = VictorIds()
    provider = TracerProvider(resource=make_resource(service_name, resource), id_generator=ids, shutdown_on_exit=False)
    watched = [Watched(exporter)] if exporter is not None else _chosen(endpoint)
    for each in watched:
        provider.add_span_processor(BatchSpanProcessor(each))  # type: ignore[arg-type] # it has all the methods
    return OwnProvider(provider, ids, watched)


def _chosen(endpoint: Endpoint) -> list[Watched]:
    """Those that ``OTEL_TRACES_EXPORTER`` names."""
    found: list[Watched] = []
    for name in (os.environ.get("OTEL_TRACES_EXPORTER") or "otlp").split(","):
        match name.strip().lower():
            case "otlp":
                found.append(Watched(endpoint.exporter(), endpoint.address(), endpoint.spoken()))
            case "console":
                from opentelemetry.sdk.trace.export import ConsoleSpanExporter

                found.append(Watched(ConsoleSpanExporter(out=sys.stdout)))
            case "none" | "":
                pass
            case other:
                raise ConfigurationError(f"OTEL_TRACES_EXPORTER: there is no exporter {other!r}; otlp, console, none")
    return found


def _environment(*names: str) -> str:
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def _shown(address: str) -> str:
    from victor.core.redact import redact

    return redact.text(address)

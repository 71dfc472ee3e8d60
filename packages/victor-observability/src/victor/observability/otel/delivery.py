"""Sends spans, believes the exporter's answer alone, and says in words why they were not taken."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from victor.core.redact import redact

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

    from victor.observability.otel.exporting import Protocol

__all__ = ["Delivery", "deliver"]

_LOGGER: Final = "opentelemetry.exporter"
_HTTP: Final = re.compile(r"code: (\d{3})")
_GRPC: Final = re.compile(r"StatusCode\.([A-Z_]+)")

_ADVICE: Final = {
    "400": "the receiver does not understand the request: is this a URL for traces by OTLP?",
    "401": "the receiver wants to know who asks: put the token it expects in headers or OTEL_EXPORTER_OTLP_HEADERS",
    "403": "the receiver refuses: check the token in headers or OTEL_EXPORTER_OTLP_HEADERS, and what it may do",
    "404": "nothing is at this path: traces usually go to .../v1/traces; check the endpoint",
    "405": "this path takes no traces: check the endpoint, which usually ends in /v1/traces",
    "413": "the request is too large for the receiver: make OTEL_BSP_MAX_EXPORT_BATCH_SIZE smaller",
    "415": "the receiver does not take protobuf: check the protocol",
    "429": "the receiver has too much to do: send less, or later",
    "UNAUTHENTICATED": "the receiver wants to know who asks: give it the token it expects, in headers",
    "PERMISSION_DENIED": "the receiver refuses: check the token in headers, and what it may do",
    "UNIMPLEMENTED": "the receiver takes no traces there: check the endpoint",
}
_AWAY: Final = {
    "http/protobuf": "nothing answers there as HTTP: is the receiver running, and is this its port for HTTP (usually "
    "4318; 4317 is for gRPC)?",
    "grpc": "nothing answers there as gRPC: is the receiver running, and is this its port for gRPC (usually 4317; 4318 "
    "is for HTTP)?",
}


class Delivery(Struct, frozen=True):
    """What came of sending.

    Args:
        ok: Whether the receiver took the spans.
        status: Of HTTP or gRPC, such as ``"405"`` or ``"UNAVAILABLE"``; ``""`` where there was no answer.
        detail: What the exporter said.
        advice: What to do.
    """

    ok: bool
    status: str = ""
    detail: str = ""
    advice: str = ""


def deliver(exporter: SpanExporter, spans: Sequence[ReadableSpan], protocol: Protocol) -> Delivery:
    """Send spans once.

    Args:
        exporter: Sends them.
        spans: What to send.
        protocol: That it speaks.
    """
    from opentelemetry.sdk.trace.export import SpanExportResult

    with _what_is_said() as lines:
        try:
            result = exporter.export(spans)
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            return Delivery(False, "", redact.text(f"{type(error).__name__}: {error}"), _AWAY[protocol])
    if result is SpanExportResult.SUCCESS:
        return Delivery(True, "OK")
    telling = next((line for line in reversed(lines) if _status(line)), lines[0] if lines else "")
    detail, status = redact.text(telling) or "the exporter says no more than that it failed", _status(telling)
    return Delivery(False, status, detail, _ADVICE.get(status) or _AWAY[protocol])


def _status(line: str) -> str:
    found = _HTTP.search(line) or _GRPC.search(line)
    return "" if found is None else found.group(1)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def _what_is_said() -> Iterator[list[str]]:
    """What exporters log, which is the only place where they say why."""
    logger, handler = logging.getLogger(_LOGGER), _Lines()
    logger.addHandler(handler)
    before, logger.propagate = logger.propagate, False  # it is told in our words, once
    try:
        yield handler.lines
    finally:
        logger.propagate = before
        logger.removeHandler(handler)

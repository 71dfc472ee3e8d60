"""Is there a way to the collector? One span is really sent, and the receiver's answer is believed, nothing else.

``force_flush`` of the SDK says True although every request was answered with an error.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from victor.core.ids import new_run_id, new_span_id
from victor.observability.otel.delivery import deliver
from victor.observability.otel.exporting import Endpoint, make_resource
from victor.observability.otel.readable import readable_span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["SelfTest", "selftest"]


class SelfTest(Struct, frozen=True):
    """Whether spans arrive.

    Args:
        ok: They do.
        url: What was asked.
        protocol: In which way.
        status: What was answered, such as ``"405"`` or ``"UNAVAILABLE"``; ``""`` where nothing was.
        detail: What the exporter said.
        advice: What to do.
        duration_s: How long it took.
        trace_id: Of the span that was sent, to be looked up.

    Example:
        >>> print(SelfTest(False, "http://x:4318/v1/traces", "http/protobuf", "404", "code: 404", "check the endpoint"))
        failed: http://x:4318/v1/traces (http/protobuf) answered 404: check the endpoint
          code: 404
    """

    ok: bool
    url: str
    protocol: str
    status: str = ""
    detail: str = ""
    advice: str = ""
    duration_s: float = 0.0
    trace_id: str = ""

    def __str__(self) -> str:
        where = f"{self.url} ({self.protocol})"
        if self.ok:
            return f"ok: {where} took a span in {self.duration_s * 1000:.0f} ms, trace {self.trace_id}"
        answered = f"answered {self.status}" if self.status else "did not answer"
        return f"failed: {where} {answered}: {self.advice}" + (f"\n  {self.detail}" if self.detail else "")


def selftest(
    endpoint: str | Endpoint | None = None,
    *,
    protocol: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 5.0,
    service_name: str = "victor",
    exporter: SpanExporter | None = None,
) -> SelfTest:
    """Send one span, and say what came of it.

    Args:
        endpoint: Where to; else the standard ``OTEL_*`` variables say.
        protocol: ``"http/protobuf"`` or ``"grpc"``.
        headers: Sent along.
        timeout_s: Seconds to try.
        service_name: What this program is called.
        exporter: Instead of one made from all this.

    Raises:
        ConfigurationError: The SDK is missing, or a setting is wrong.
    """
    from victor.core.redact import redact

    where = endpoint if isinstance(endpoint, Endpoint) else Endpoint(endpoint, protocol, headers, timeout_s)
    spoken, run_id, began = where.spoken(), new_run_id(), time.time_ns()
    exporter = where.exporter() if exporter is None else exporter
    span = readable_span(
        "victor selftest", run_id, new_span_id(), None, began, began, make_resource(service_name),
        attributes={"victor.kind": "selftest"},
    )  # fmt: skip
    try:
        found = deliver(exporter, [span], spoken)
    finally:
        exporter.shutdown()
    return SelfTest(
        found.ok,
        redact.text(where.address()),
        spoken,
        found.status,
        found.detail,
        found.advice,
        (time.time_ns() - began) / 1e9,
        run_id,
    )

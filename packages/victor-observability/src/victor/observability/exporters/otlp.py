"""Metrics over OTLP, by HTTP or gRPC: what was counted, sent in intervals by OpenTelemetry's own exporters.

Nothing goes through OpenTelemetry's instruments, which would cost more per call than all the rest; and nothing depends
on the host's ``MeterProvider``. What the exporter says it has delivered is believed, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args
from uuid import uuid4

from victor.core.errors import ConfigurationError
from victor.core.redact import redact
from victor.observability.exporters.exporter import ExporterError, Interval, Source
from victor.observability.exporters.series import Changes, Series, read_series
from victor.observability.otel.semconv import check_version

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter, MetricsData

__all__ = ["OtlpExporter", "Protocol", "Temporality", "metrics_data"]

Protocol: TypeAlias = Literal["http", "grpc"]
"""How metrics are sent."""
Temporality: TypeAlias = Literal["cumulative", "delta"]
"""Whether figures are of all time or since the last sending."""

_MISSING: Final = "metrics over OTLP need more than is installed: pip install 'victor-observability[otlp]'"


class OtlpExporter:
    """Settings ``[metrics.otlp]``; what is left out is taken from the variables ``OTEL_EXPORTER_OTLP_...``.

    Args:
        endpoint: By HTTP, where metrics are posted, such as ``http://localhost:4318/v1/metrics``; by gRPC, a server,
            such as ``http://localhost:4317``. With ``https`` the certificate is checked.
        protocol: ``"http"`` or ``"grpc"``.
        temporality: ``"cumulative"``: everything since the process began, so that what did not arrive arrives with the
            next; ``"delta"``: what was added since the last one that arrived, as Datadog and some others want it.
        interval_s: Seconds between sendings.
        timeout_s: After which one attempt is given up.
        headers: Such as ``{"Authorization": "Bearer ..."}``.
        resource: Attributes of the resource, beside ``service.name`` and those of ``OTEL_RESOURCE_ATTRIBUTES``.
        semconv: The version of OpenTelemetry's GenAI conventions: ``"1.41"``, ``"next"`` or ``"both"``.

    Raises:
        ConfigurationError: A setting is not one of those allowed.
    """

    def __init__(
        self,
        *,
        endpoint: str = "",
        protocol: Protocol = "http",
        temporality: Temporality = "cumulative",
        interval_s: float = 60,
        timeout_s: float = 10,
        headers: Mapping[str, str] | None = None,
        resource: Mapping[str, str] | None = None,
        semconv: str = "1.41",
    ) -> None:
        for name, value, allowed in (("protocol", protocol, Protocol), ("temporality", temporality, Temporality)):
            if value not in get_args(allowed):
                raise ConfigurationError(
                    f"[metrics.otlp] {name} is {' or '.join(map(repr, get_args(allowed)))}, not {value!r}"
                )
        if endpoint and not endpoint.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"[metrics.otlp] endpoint must begin with http:// or https://, not {redact.text(endpoint)!r}"
            )
        self._endpoint, self._protocol, self._timeout_s = endpoint, protocol, timeout_s
        self._headers, self._resource = dict(headers or {}), dict(resource or {})
        self._temporality: Temporality = temporality
        self._version = check_version(semconv)
        self._changes = Changes()
        self._began_ns = time.time_ns()
        self._last_ns = self._began_ns
        self._interval = Interval("otlp", self.send, interval_s, self._forked)
        self._recorder: Source | None = None
        self._exporter: MetricExporter | None = None
        self._instance = uuid4().hex

    def start(self, recorder: Source) -> None:
        """Begin to send.

        Raises:
            ExporterError: The extra ``otlp`` is not installed, or there are no threads here.
        """
        self._exporter = self._made()
        self._recorder = recorder
        self._began_ns = self._last_ns = began_ns(recorder)
        self._interval.start()

    def close(self) -> None:
        """Send what is left, and end."""
        self._interval.close(self._timeout_s + 5)
        exporter, self._exporter = self._exporter, None
        if exporter is not None:
            exporter.shutdown()

    def send(self) -> None:
        """Send everything, or with ``delta`` what has changed since it last arrived.

        Raises:
            ExporterError: It was not delivered.
        """
        if self._recorder is None or self._exporter is None:
            return
        from opentelemetry.sdk.metrics.export import MetricExportResult

        now = time.time_ns()
        series = read_series(self._recorder, self._version)
        changed = list(self._changes.since_sent(series))
        shown = [change for change, _ in changed] if self._temporality == "delta" else series
        if not shown:
            return
        data = metrics_data(shown, self._began(), now, self._temporality, self._attributes())
        place = redact.text(self._endpoint) or "the endpoint that OTEL_EXPORTER_OTLP_ENDPOINT names"
        why = "OpenTelemetry's log says why"
        try:
            result = self._exporter.export(data, timeout_millis=self._timeout_s * 1000)
        except Exception as error:  # noqa: BLE001 - older exporters raise what their connection does
            result, why = MetricExportResult.FAILURE, redact.error(error)
        if result is not MetricExportResult.SUCCESS:
            raise ExporterError(
                f"metrics were not delivered to {place} by {self._protocol} ({why}); what was counted goes with the "
                "next interval"
            )
        self._last_ns = now
        for _, one in changed:
            self._changes.sent(one)

    def _forked(self) -> None:
        """Another process, with figures of its own. A connection over gRPC does not live through a fork."""
        self._changes = Changes()
        self._began_ns = self._last_ns = time.time_ns()
        self._instance = uuid4().hex
        self._exporter = self._made()

    def _began(self) -> int:
        return self._last_ns if self._temporality == "delta" else self._began_ns

    def _attributes(self) -> dict[str, Any]:
        return {"service.instance.id": self._instance, **self._resource}

    def _made(self) -> MetricExporter:
        given: dict[str, Any] = {"timeout": self._timeout_s}
        if self._endpoint:
            given["endpoint"] = self._endpoint
        if self._headers:
            given["headers"] = self._headers
        try:
            if self._protocol == "grpc":
                from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Grpc

                if self._endpoint:
                    given["insecure"] = self._endpoint.startswith("http://")
                if self._headers:
                    # gRPC has headers in lower case only.
                    given["headers"] = {name.lower(): value for name, value in self._headers.items()}
                return Grpc(**given)
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as Http

            return Http(**given)
        except ImportError as error:
            raise ExporterError(_MISSING) from error


def began_ns(recorder: Source) -> int:
    """When counting began, nanoseconds since 1970."""
    began = getattr(recorder, "began_ns", None)
    return began if isinstance(began, int) else time.time_ns()


def metrics_data(
    series: list[Series], began: int, now: int, temporality: Temporality, attributes: Mapping[str, Any]
) -> MetricsData:
    """Series as OpenTelemetry's exporters take them.

    Args:
        series: In the order of the table of names.
        began: When counting began, or of differences, when they were last sent; nanoseconds since 1970.
        now: When they were read.
        temporality: Whether they are cumulative.
        attributes: Of the resource, beside those of the environment.
    """
    from opentelemetry.sdk.metrics.export import (
        AggregationTemporality,
        Gauge,
        Histogram,
        HistogramDataPoint,
        Metric,
        MetricsData,
        NumberDataPoint,
        ResourceMetrics,
        ScopeMetrics,
        Sum,
    )
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from victor.observability import __version__

    kind = AggregationTemporality.DELTA if temporality == "delta" else AggregationTemporality.CUMULATIVE
    by_metric: dict[str, list[Series]] = {}
    for one in series:
        by_metric.setdefault(one.metric.name, []).append(one)
    metrics = []
    for group in by_metric.values():
        row = group[0].metric
        data: Any
        if row.type == "histogram":
            points = []
            for one in group:
                counts = one.bucket_counts()
                in_each = [count - below for below, count in zip([0, *counts], counts, strict=False)]
                low, high = _ends(one, temporality)
                points.append(
                    HistogramDataPoint(
                        _labels(one), began, now, one.count, one.value, in_each, list(row.buckets), low, high
                    )
                )
            data = Histogram(points, kind)
        else:
            numbers = [NumberDataPoint(_labels(one), began, now, one.value) for one in group]
            data = Gauge(numbers) if row.type == "gauge" else Sum(numbers, kind, is_monotonic=True)
        metrics.append(Metric(row.name, row.help, row.unit, data))
    scope = InstrumentationScope("victor.observability", __version__)
    return MetricsData(
        [ResourceMetrics(Resource.create(dict(attributes)), [ScopeMetrics(scope, metrics, "")], schema_url="")]
    )


def _labels(series: Series) -> dict[str, str]:
    return {name: value for name, value in zip(series.metric.labels, series.labels, strict=True) if value}


def _ends(series: Series, temporality: Temporality) -> tuple[Any, Any]:
    """Smallest and largest, where they are known: of a difference they are not."""
    if series.durations is None or temporality == "delta":
        return None, None
    return series.durations.low / 1e9, series.durations.high / 1e9

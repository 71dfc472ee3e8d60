"""What victor-observability contributes, by the same hooks as any plugin."""

from __future__ import annotations

from victor.core.hookspecs import Register, RegisterListener, hookimpl

__all__ = ["victor_register_commands", "victor_register_listeners", "victor_register_metrics"]


@hookimpl
def victor_register_commands(register: Register) -> None:
    """``victor observability``."""
    register("observability", "victor.observability.cli.main:app", help="look at runs, times, tokens, cost and errors")


@hookimpl
def victor_register_listeners(register: RegisterListener) -> None:
    """The recorder, on by default, and spans of OpenTelemetry, off by default."""
    target = "victor.observability.listener:make_listener"
    register("observability", target, help="records every run, in .victor/metrics.db", enabled=True)
    register("otel", "victor.observability.otel.listener:make_listener", help="live spans, sent over OTLP")


@hookimpl
def victor_register_metrics(register: Register) -> None:
    """The exporters, chosen by the setting ``exporters`` of ``[listener.observability]``."""
    for name, (target, help) in _EXPORTERS.items():
        register(name, f"victor.observability.exporters.{target}", help=help)


_EXPORTERS = {
    "prometheus": ("prometheus:PrometheusExporter", "a page to scrape, or pushed to a Pushgateway"),
    "statsd": ("statsd:StatsdExporter", "StatsD over UDP"),
    "datadog": ("datadog:make_exporter", "DogStatsD with tags, or OTLP"),
    "otlp": ("otlp:OtlpExporter", "metrics over OTLP, by HTTP or gRPC"),
    "jsonl": ("jsonl:JsonLinesExporter", "a line of JSON per record, in a file"),
    "structlog": ("structlog:StructlogExporter", "a line per record in the program's own log"),
}

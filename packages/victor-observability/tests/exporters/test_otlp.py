"""Metrics over OTLP: field by field as a receiver reads them, and nothing lost while it is away."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from victor.core.errors import ConfigurationError
from victor.observability import __version__
from victor.observability.exporters.exporter import ExporterError
from victor.observability.exporters.names import METRICS
from victor.observability.exporters.otlp import OtlpExporter

pytest.importorskip("opentelemetry.exporter.otlp.proto.grpc", reason="pip install 'victor-observability[otlp]'")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_SERVICE_NAME",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
    ):
        monkeypatch.delenv(name, raising=False)


def settings(receiver: Any, protocol: str) -> dict[str, Any]:
    endpoint = receiver.grpc if protocol == "grpc" else f"{receiver.http}/v1/metrics"
    return {"endpoint": endpoint, "protocol": protocol, "interval_s": 3600, "timeout_s": 3}


def attributes(given: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["key"]: one["value"]["string_value"] for one in given}


def points(request: dict[str, Any]) -> dict[tuple[str, frozenset[tuple[str, Any]]], dict[str, Any]]:
    """Every data point of a request, by the name of its metric and its attributes."""
    return {
        (metric["name"], frozenset(attributes(point.get("attributes", [])).items())): {**point, "in": metric}
        for resource in request["resource_metrics"]
        for scope in resource["scope_metrics"]
        for metric in scope["metrics"]
        for kind in ("sum", "gauge", "histogram")
        for point in metric.get(kind, {}).get("data_points", [])
    }


def value(point: dict[str, Any]) -> float:
    return float(point.get("as_int", point.get("as_double", 0)))


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_every_field_arrives(ledger: Any, otlp_receiver: Any, protocol: str) -> None:
    ledger.work(300)
    exporter = OtlpExporter(**settings(otlp_receiver, protocol), resource={"service.name": "search", "team": "a"})
    exporter.start(ledger)
    before = time.time_ns()
    exporter.send()
    after = time.time_ns()
    (request,) = otlp_receiver.metrics()
    (resource,) = request["resource_metrics"]
    of = attributes(resource["resource"]["attributes"])
    assert (of["service.name"], of["team"]) == ("search", "a")
    assert len(of["service.instance.id"]) == 32
    assert resource["scope_metrics"][0]["scope"] == {"name": "victor.observability", "version": __version__}

    rows = {metric.name: metric for metric in METRICS.values()}
    found = points(request)
    for (name, _), point in found.items():
        row, metric = rows[name], point["in"]
        assert (metric["unit"], metric["description"]) == (row.unit, row.help)
        assert before <= int(point["time_unix_nano"]) <= after
        if row.type == "counter":
            assert metric["sum"]["is_monotonic"] is True
        if row.type != "gauge":
            assert int(point["start_time_unix_nano"]) == ledger.began_ns
            kind = metric["sum" if row.type == "counter" else "histogram"]
            assert kind["aggregation_temporality"] == "AGGREGATION_TEMPORALITY_CUMULATIVE"

    operations = {key: value(point) for key, point in found.items() if key[0] == "victor.operations"}
    assert operations == {
        (
            "victor.operations",
            frozenset(
                (label, text)
                for label, text in zip(METRICS["operations"].labels, (kind, name, agent, status), strict=True)
                if text
            ),
        ): count
        for (kind, name, agent, status), count in ledger.counted().items()
    }
    key = frozenset({("gen_ai.tool.name", "grep"), ("gen_ai.agent.name", "coder")})
    histogram = found["gen_ai.execute_tool.duration", key]
    took = ledger.seconds("tool.call", name="grep")
    assert int(histogram["count"]) == len(took)
    assert histogram["sum"] == pytest.approx(sum(took))
    assert (histogram["min"], histogram["max"]) == (pytest.approx(took[0]), pytest.approx(took[-1]))
    assert tuple(histogram["explicit_bounds"]) == METRICS["tool.duration"].buckets
    counts = [int(count) for count in histogram["bucket_counts"]]
    assert len(counts) == len(METRICS["tool.duration"].buckets) + 1
    assert sum(counts) == len(took)
    for at, bound in enumerate(METRICS["tool.duration"].buckets):
        at_most = sum(counts[: at + 1])
        assert sum(one <= bound * 0.99 for one in took) <= at_most <= sum(one <= bound * 1.01 for one in took)
    tokens = {
        dict(key)["gen_ai.token.type"]: point
        for (name, key), point in found.items()
        if name == "gen_ai.client.token.usage" and dict(key)["gen_ai.request.model"] == "small"
    }
    requests = [one for one in ledger.records if one.model == "small"]
    assert tokens["input"]["sum"] == sum(one.input_tokens for one in requests)
    assert int(tokens["output"]["count"]) == len(requests)
    assert value(found["victor.observability.queue.length", frozenset()]) == 4
    exporter.close()


@pytest.mark.slow
def test_nothing_is_lost_while_the_receiver_is_down(ledger: Any, otlp_receiver: Any) -> None:
    exporters = {
        f"{protocol} {temporality}": OtlpExporter(
            **{**settings(otlp_receiver, protocol), "timeout_s": 4},
            temporality=temporality,
            resource={"case": f"{protocol} {temporality}"},
        )
        for protocol in ("http", "grpc")
        for temporality in ("cumulative", "delta")
    }
    for exporter in exporters.values():
        exporter.start(ledger)
    ledger.work(100)
    for exporter in exporters.values():
        exporter.send()
    before = otlp_receiver.metrics()
    otlp_receiver.program.stop()
    ledger.work(100, seed=2)

    def fails(exporter: OtlpExporter) -> None:
        with pytest.raises(ExporterError, match="metrics were not delivered to http://127"):
            exporter.send()

    def succeeds(exporter: OtlpExporter) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:  # gRPC looks for the server again in its own time
            with suppress(ExporterError):
                return exporter.send()
        raise AssertionError("the receiver is not found again")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fails, exporters.values()))
        otlp_receiver.program.start()
        ledger.work(100, seed=3)
        list(pool.map(succeeds, exporters.values()))
    for case, exporter in exporters.items():
        requests = [
            one
            for one in [*before, *otlp_receiver.metrics()]
            if attributes(one["resource_metrics"][0]["resource"]["attributes"])["case"] == case
        ]
        assert len(requests) == 2
        first, second = (next(iter(points(request).values())) for request in requests)
        if "delta" in case:
            # One begins where the other has ended.
            assert second["start_time_unix_nano"] == first["time_unix_nano"]
        else:
            assert second["start_time_unix_nano"] == first["start_time_unix_nano"]
            requests = requests[1:]
        found = [(name, point) for request in requests for (name, _), point in points(request).items()]
        sent = sum(value(point) for name, point in found if name == "victor.operations")
        assert sent == sum(ledger.counted().values())
        took = sum(int(point["count"]) for name, point in found if name == "gen_ai.execute_tool.duration")
        assert took == len(ledger.seconds("tool.call"))
        exporter.close()


def test_differences_of_histograms_add_up_to_the_whole(ledger: Any, otlp_receiver: Any) -> None:
    exporter = OtlpExporter(**settings(otlp_receiver, "http"), temporality="delta")
    exporter.start(ledger)
    for seed in range(3):
        ledger.work(60, seed=seed)
        exporter.send()
    exporter.close()
    key = ("gen_ai.execute_tool.duration", frozenset({("gen_ai.tool.name", "grep"), ("gen_ai.agent.name", "coder")}))
    parts = [found[key] for request in otlp_receiver.metrics() if key in (found := points(request))]
    assert len(parts) == 3
    took = ledger.seconds("tool.call", name="grep")
    assert sum(int(part["count"]) for part in parts) == len(took)
    assert sum(part["sum"] for part in parts) == pytest.approx(sum(took))
    assert sum(int(count) for part in parts for count in part["bucket_counts"]) == len(took)
    assert all("min" not in part and "max" not in part for part in parts)  # not known of a part


def test_the_next_conventions_count_tokens_instead(ledger: Any, otlp_receiver: Any) -> None:
    ledger.call("model.request", "small", 1, provider="openai", model="small", input_tokens=7, output_tokens=3)
    exporter = OtlpExporter(**settings(otlp_receiver, "http"), semconv="next")
    exporter.start(ledger)
    exporter.close()
    (request,) = otlp_receiver.metrics()
    found = {name: point for (name, _), point in points(request).items()}
    assert value(found["gen_ai.client.inference.usage.input_tokens"]) == 7
    assert value(found["gen_ai.client.inference.usage.output_tokens"]) == 3
    assert int(found["gen_ai.client.inference.duration"]["count"]) == 1
    assert not {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"} & set(found)


def test_the_environment_names_the_endpoint_and_the_service(
    ledger: Any, otlp_receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", otlp_receiver.http)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-environment")
    exporter = OtlpExporter(interval_s=3600, headers={"X-Team": "a"})
    exporter.start(ledger)
    exporter.close()
    (request,) = otlp_receiver.metrics()
    (resource,) = request["resource_metrics"]
    assert attributes(resource["resource"]["attributes"])["service.name"] == "from-environment"


def test_a_refusal_is_believed(ledger: Any, otlp_receiver: Any, caplog: pytest.LogCaptureFixture) -> None:
    exporter = OtlpExporter(endpoint=f"{otlp_receiver.http}/no/such/path", interval_s=3600, timeout_s=2)
    exporter.start(ledger)
    with pytest.raises(ExporterError, match=r"were not delivered to .*/no/such/path by http"):
        exporter.send()
    exporter.close()
    assert "the exporter 'otlp' could not send" in caplog.text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"protocol": "udp"}, "protocol is 'http' or 'grpc', not 'udp'"),
        ({"temporality": "both"}, "temporality is 'cumulative' or 'delta'"),
        ({"endpoint": "ann:hunter2@host:4317"}, "must begin with http"),
        ({"interval_s": 0}, "interval_s must be above 0"),
        ({"semconv": "1.0"}, "semconv"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        OtlpExporter(**settings)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_without_the_extra_the_error_says_what_to_install(protocol: str) -> None:
    program = f"""
import sys
sys.modules["opentelemetry.exporter.otlp.proto.{protocol}.metric_exporter"] = None
from victor.observability.exporters.otlp import OtlpExporter
try:
    OtlpExporter(protocol="{protocol}").start(None)
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "ExporterError metrics over OTLP need more than is installed: pip install 'victor-observability[otlp]'\n"
    )

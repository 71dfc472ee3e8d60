"""Secrets that are planted everywhere an event has room leave through no exporter."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import structlog

from victor.core.events import EventStream
from victor.core.redact import redact
from victor.observability.exporters.datadog import DogstatsdExporter
from victor.observability.exporters.exporter import Exporter
from victor.observability.exporters.jsonl import JsonLinesExporter
from victor.observability.exporters.otlp import OtlpExporter
from victor.observability.exporters.prometheus import PrometheusExporter, PrometheusPage
from victor.observability.exporters.statsd import StatsdExporter
from victor.observability.exporters.structlog import StructlogExporter
from victor.observability.record import record_of

WORD = "hunter2hunter2"
KEY = "sk-ant-api03-" + "Zq7" * 20
URL = f"https://ann:{WORD}@example.org/?api_key={KEY}"


@pytest.fixture
def planted(ledger: Any) -> Any:
    """Runs something whose every name, argument, header, URL and error has a secret; called when sinks listen."""

    def run() -> None:
        stream = EventStream()
        stream.subscribe(lambda event: ledger.add(record_of(event, redact)))
        attributes = {
            "agent": f"agent {URL}", "model": KEY, "provider": URL, "url": URL, "headers": {"Authorization": f"Bearer {WORD}"},
            "arguments": [["api_key", WORD], ["password", KEY]], "command": f"curl -u ann:{WORD} {URL}", KEY: KEY,
        }  # fmt: skip
        for kind in ("agent.run", "model.request", "tool.call", "workflow.node", "crawler.page"):
            with pytest.raises(ValueError, match="cannot reach"), stream.operation(kind, f"of {URL}", attributes):
                raise ValueError(f"cannot reach {URL}: token={WORD}")
        stream.emit("message.sent", KEY, attributes)

    return run


def check(exported: bytes, *, holds: bytes) -> None:
    assert holds in exported
    for secret in (WORD, KEY):
        assert secret.encode() not in exported


def test_prometheus(ledger: Any, planted: Any) -> None:
    exporter = PrometheusExporter(port=0)
    exporter.start(ledger)
    planted()
    with urlopen(exporter.url) as response:
        check(response.read(), holds=b"example.org")
    check(PrometheusPage(ledger).render("application/openmetrics-text")[0], holds=b"example.org")
    exporter.close()


@pytest.mark.parametrize("labels", ["path", "tags", "off"])
def test_statsd(ledger: Any, planted: Any, labels: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        exporters: list[Exporter] = [
            StatsdExporter(port=port, labels=labels, interval_s=3600),
            DogstatsdExporter(url=f"udp://127.0.0.1:{port}", interval_s=3600),
        ]
        for exporter in exporters:
            exporter.start(ledger)
        planted()
        for exporter in exporters:
            exporter.close()
        listener.setblocking(False)
        exported = b""
        while True:
            try:
                exported += listener.recv(65536)
            except BlockingIOError:
                break
    check(exported, holds=b"victor.operations")


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_otlp(ledger: Any, planted: Any, otlp_receiver: Any, protocol: Any) -> None:
    endpoint = otlp_receiver.grpc if protocol == "grpc" else f"{otlp_receiver.http}/v1/metrics"
    exporter = OtlpExporter(endpoint=endpoint, protocol=protocol, interval_s=3600)
    exporter.start(ledger)
    planted()
    exporter.close()
    check(repr(otlp_receiver.metrics()).encode(), holds=b"example.org")


def test_json_lines_and_structlog(
    ledger: Any, planted: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    structlog.reset_defaults()
    exporters: list[Exporter] = [JsonLinesExporter(path=str(tmp_path / "m.jsonl")), StructlogExporter()]
    for exporter in exporters:
        exporter.start(ledger)
    planted()
    for exporter in exporters:
        exporter.close()
    check((tmp_path / "m.jsonl").read_bytes(), holds=b"example.org")
    check(capsys.readouterr().err.encode(), holds=b"example.org")

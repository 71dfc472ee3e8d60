"""Datadog: tags, the environment, the Unix socket, and OTLP with differences."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from victor.core.errors import ConfigurationError
from victor.observability.exporters import datadog
from victor.observability.exporters.datadog import DogstatsdExporter, make_exporter
from victor.observability.exporters.exporter import ExporterError
from victor.observability.exporters.otlp import OtlpExporter


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AGENT_HOST", "DOGSTATSD_PORT", "DOGSTATSD_URL", "ENV", "SERVICE", "VERSION", "ENTITY_ID", "TAGS"):
        monkeypatch.delenv(f"DD_{name}", raising=False)


@pytest.fixture
def folder() -> Iterator[Path]:
    # A path of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="victor-dsd-") as name:
        yield Path(name)


class UnixListener:
    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)

    def lines(self) -> list[str]:
        found: list[str] = []
        while True:
            try:
                found += self.socket.recv(65536).decode().split("\n")
            except BlockingIOError:
                return found

    def close(self) -> None:
        self.socket.close()


def test_lines_over_a_unix_socket_have_tags(ledger: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DD_ENV": "prod", "DD_SERVICE": "search", "DD_ENTITY_ID": "pod-1", "DD_TAGS": "a:b c"}.items():
        monkeypatch.setenv(name, value)
    path = folder / "dsd.socket"
    listener = UnixListener(path)
    exporter = make_exporter(url=f"unix://{path}", tags=["team:a,b"], prefix="x.", interval_s=3600)
    exporter.start(ledger)
    ledger.call("checkpoint.save", "build", 2, agent="")
    ledger.call("checkpoint.save", "build", 2, agent="")
    exporter.close()
    lines = listener.lines()
    common = "#env:prod,service:search,dd.internal.entity_id:pod-1,a:b,c,team:a_b"
    (operations,) = [line for line in lines if line.startswith("x.victor.operations:")]
    assert operations == (
        f"x.victor.operations:2|c|{common},victor.kind:checkpoint.save,victor.name:build,victor.status:ok"
    )
    (took,) = [line for line in lines if line.startswith("x.victor.checkpoint.duration:")]
    name, first, rest = took.split(":", 2)
    second, kind, tags = rest.split("|", 2)
    assert (kind, tags) == ("d", f"{common},victor.checkpoint.operation:save")
    assert float(first) == float(second) == pytest.approx(2, rel=0.01)
    assert f"x.victor.observability.queue.length:4|g|{common}" in lines
    listener.close()


def test_an_agent_that_comes_later_gets_everything(ledger: Any, folder: Path) -> None:
    path = folder / "dsd.socket"
    exporter = DogstatsdExporter(url=f"unix://{path}", durations="histogram", interval_s=3600)
    exporter.start(ledger)
    ledger.work(100)
    with pytest.raises(ExporterError, match="No such file"):
        exporter.send()
    listener = UnixListener(path)
    ledger.work(100, seed=2)
    exporter.send()
    lines = listener.lines()
    sent = sum(int(line.split(":")[1].split("|")[0]) for line in lines if line.startswith("victor.operations:"))
    assert sent == sum(ledger.counted().values())
    assert any(line.startswith("gen_ai.execute_tool.duration:") and "|h|#" in line for line in lines)
    exporter.close()
    listener.close()


def test_statsd_of_npm_reads_tags_and_counters(ledger: Any, statsd: Any) -> None:
    ledger.work(150)
    exporter = DogstatsdExporter(url=f"udp://127.0.0.1:{statsd.port}", interval_s=3600, tags=["env:ci"])
    count = 0
    send = exporter._datagrams._send

    def counted(datagram: bytes) -> None:
        nonlocal count
        count += datagram.count(b"\n") + 1
        send(datagram)

    exporter._datagrams._send = counted  # type: ignore[method-assign]
    exporter.start(ledger)
    exporter.close()
    counters = statsd.until(count)
    for (kind, name, agent, status), number in ledger.counted().items():
        of = f";gen_ai.agent.name={agent}" if agent else ""
        assert (
            counters[f"victor.operations;env=ci;victor.kind={kind};victor.name={name}{of};victor.status={status}"]
            == number
        )


@pytest.mark.parametrize(
    ("environment", "url", "target"),
    [
        ({}, "", ("127.0.0.1", 8125)),
        ({"DD_AGENT_HOST": "10.0.0.1", "DD_DOGSTATSD_PORT": "8200"}, "", ("10.0.0.1", 8200)),
        ({"DD_DOGSTATSD_URL": "unix:///run/dsd.socket"}, "", "/run/dsd.socket"),
        ({"DD_DOGSTATSD_URL": "unix:///run/dsd.socket"}, "udp://other", ("other", 8125)),
        ({}, "udp://[::1]:9", ("::1", 9)),
    ],
)
def test_where_dogstatsd_listens(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, target: object
) -> None:
    monkeypatch.setattr(datadog, "_SOCKET", "/no/such/socket")
    assert datadog._target(url, environment) == target


def test_the_agents_socket_is_used_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "dsd.socket"
    path.touch()
    monkeypatch.setattr(datadog, "_SOCKET", str(path))
    assert datadog._target("", {}) == str(path)
    assert datadog._target("", {"DD_AGENT_HOST": "agent"}) == ("agent", 8125)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"protocol": "http"}, "protocol is 'dogstatsd' or 'otlp', not 'http'"),
        ({"durations": "timer"}, "durations is 'distribution' or 'histogram'"),
        ({"tags": "a:b"}, "tags must be a list"),
        ({"url": "http://ann:hunter2@x"}, r"not by 'http://\[redacted\]@x'"),
        ({"url": "udp://x:port"}, "udp://host:port"),
        ({"headers": {"a": "b"}}, "headers belong to protocol = 'otlp'"),
        ({"max_values": 0}, "max_values"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        make_exporter(**settings)


def test_otlp_has_differences_and_the_tags_as_attributes(
    ledger: Any, otlp_receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DD_SERVICE", "search")
    exporter = make_exporter(
        protocol="otlp",
        url=f"{otlp_receiver.http}/v1/metrics",
        tags=["team:a"],
        interval_s=3600,
        headers={"dd-api-key": "k"},
    )
    assert isinstance(exporter, OtlpExporter)
    exporter.start(ledger)
    ledger.call()
    exporter.send()
    ledger.call()
    ledger.call()
    exporter.close()
    requests = otlp_receiver.metrics()
    assert len(requests) == 2
    counts = []
    for request in requests:
        (resource,) = request["resource_metrics"]
        attributes = {one["key"]: one["value"]["string_value"] for one in resource["resource"]["attributes"]}
        assert attributes["service.name"] == "search"
        assert attributes["team"] == "a"
        (metric,) = [one for one in resource["scope_metrics"][0]["metrics"] if one["name"] == "victor.operations"]
        assert metric["sum"]["aggregation_temporality"] == "AGGREGATION_TEMPORALITY_DELTA"
        counts += [int(point["as_int"]) for point in metric["sum"]["data_points"]]
    assert counts == [1, 2]

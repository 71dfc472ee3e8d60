"""Prometheus: what is on the page, who may read it, and that the real one reads it right."""

from __future__ import annotations

import http.client
import logging
import signal
import socket
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from victor.core.errors import ConfigurationError
from victor.observability.exporters.exemplars import Exemplars
from victor.observability.exporters.exporter import ExporterError
from victor.observability.exporters.prometheus import PrometheusExporter, PrometheusPage, push
from victor.observability.exporters.series import read_series
from victor.observability.record import Status

OPENMETRICS = "application/openmetrics-text;version=1.0.0"


@contextmanager
def scraped(ledger: Any, **settings: Any) -> Iterator[PrometheusExporter]:
    exporter = PrometheusExporter(**{"port": 0, **settings})
    exporter.start(ledger)
    try:
        yield exporter
    finally:
        exporter.close()


def get(
    exporter: PrometheusExporter, path: str = "/metrics", method: str = "GET", **headers: str
) -> tuple[int, str, Any]:
    parts = urlsplit(exporter.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.read().decode(), response.headers
    finally:
        connection.close()


def samples(
    text: str, parse: Callable[[str], Any] = parse_text
) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value for family in parse(text) for one in family.samples
    }


def test_the_page_says_what_was_counted(ledger: Any) -> None:
    for seconds in (0.005, 0.03, 0.03, 9000):
        ledger.call(seconds=seconds)
    ledger.call(seconds=1, status=Status.ERROR)
    ledger.call("message.sent", "bus", None)
    with scraped(ledger) as exporter:
        status, text, headers = get(exporter)
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=")
    found = samples(text)
    of = (("gen_ai_agent_name", "coder"), ("gen_ai_tool_name", "grep"))
    buckets = {
        dict(labels)["le"]: value
        for (name, labels), value in found.items()
        if name == "gen_ai_execute_tool_duration_seconds_bucket"
    }
    assert buckets["0.01"] == 1
    assert buckets["0.02"] == 1
    assert buckets["0.04"] == 3
    assert buckets["81.92"] == 4
    assert buckets["+Inf"] == 5
    assert found["gen_ai_execute_tool_duration_seconds_count", of] == 5
    assert found["gen_ai_execute_tool_duration_seconds_sum", of] == pytest.approx(9001.065)
    operations = {
        dict(labels)["victor_status"]: value
        for (name, labels), value in found.items()
        if name == "victor_operations_total"
    }
    assert operations == {"ok": 4, "error": 1}
    assert {value for (name, _), value in found.items() if name == "victor_events_total"} == {1}
    assert found["victor_observability_events_dropped_total", ()] == 2
    assert found["victor_observability_queue_length", ()] == 4


def test_openmetrics_for_who_asks_for_it_and_its_exemplars_name_a_run(ledger: Any) -> None:
    with scraped(ledger) as exporter:
        slow = ledger.call(seconds=3)
        ledger.call(seconds=0.001)
        _, text, headers = get(exporter, Accept=OPENMETRICS)
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")
    exemplars = {
        one.labels["le"]: one.exemplar
        for family in parse_openmetrics(text)  # type: ignore[no-untyped-call]
        if family.name == "gen_ai_execute_tool_duration_seconds"
        for one in family.samples
        if one.exemplar
    }
    assert exemplars["5.12"].labels == {"trace_id": slow.run_id, "span_id": slow.span_id}
    assert exemplars["5.12"].value == 3
    assert float(exemplars["5.12"].timestamp) == pytest.approx(slow.end_ns / 1e9, abs=0.01)
    assert set(exemplars) == {"0.01", "5.12"}


def test_exemplars_can_be_off(ledger: Any) -> None:
    with scraped(ledger, exemplars=False) as exporter:
        ledger.call()
        assert "trace_id" not in get(exporter, Accept=OPENMETRICS)[1]


def test_the_page_is_valid_when_nothing_was_counted(ledger: Any) -> None:
    page = PrometheusPage(ledger)
    for accept, parse in (("", parse_text), (OPENMETRICS, parse_openmetrics)):
        names = {name for name, _ in samples(page.render(accept)[0].decode(), parse)}
        assert all(name.startswith("victor_observability_") for name in names)


def test_label_values_are_escaped(ledger: Any) -> None:
    nasty = 'a"b\\c\nd,e}  {x="1"} # HELP 日本'
    ledger.call(name=nasty)
    page = PrometheusPage(ledger)
    for accept, parse in (("", parse_text), (OPENMETRICS, parse_openmetrics)):
        names = {dict(labels).get("gen_ai_tool_name") for _, labels in samples(page.render(accept)[0].decode(), parse)}
        assert nasty in names


def test_counters_and_buckets_never_go_down(ledger: Any) -> None:
    page = PrometheusPage(ledger)
    before: dict[Any, float] = {}
    # Values next to the bounds, and ever larger ones, which move what is known of the largest.
    for round_ in range(1, 40):
        ledger.call(seconds=0.01 * 2 ** (round_ % 14) * (1 + (round_ - 20) / 2000))
        ledger.work(5, seed=round_)
        now = samples(page.render()[0].decode())
        gone = [
            key for key, value in before.items() if now.get(key, -1) < value and not key[0].endswith("queue_length")
        ]
        assert gone == []
        before = now


def test_the_drafted_conventions_have_other_names(ledger: Any) -> None:
    ledger.call("model.request", "small", 1, provider="gemini", model="small", input_tokens=7, output_tokens=3)
    old, new, both = (
        {name for name, _ in samples(PrometheusPage(ledger, semconv=version).render()[0].decode())}
        for version in ("1.41", "next", "both")
    )
    assert "gen_ai_client_token_usage_sum" in old - new
    assert "gen_ai_client_operation_duration_seconds_count" in old - new
    assert "gen_ai_client_inference_usage_input_tokens_total" in new - old
    assert "gen_ai_client_inference_duration_seconds_count" in new - old
    assert both == old | new


def test_providers_are_called_as_the_conventions_do(ledger: Any) -> None:
    ledger.call("model.request", "small", 1, provider="gemini", model="small", input_tokens=7, output_tokens=3)
    text = PrometheusPage(ledger).render()[0].decode()
    assert 'gen_ai_client_token_usage_sum{gen_ai_agent_name="coder",gen_ai_operation_name="chat",gen_ai_provider_name="gcp.gemini",gen_ai_request_model="small",gen_ai_token_type="input"} 7.0' in text  # fmt: skip


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9464", 200), ("localhost:1", 200), ("LOCALHOST", 200), ("[::1]:9464", 200), ("10.0.0.7", 200),
        ("metrics.internal", 200), ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("", 403), ("[::1", 200),
        ("localhost.evil.example:9464", 403),
    ],
)  # fmt: skip
def test_only_known_names_may_ask(ledger: Any, host: str, status: int) -> None:
    with scraped(ledger, hosts=["Metrics.Internal"]) as exporter:
        found, text, _ = get(exporter, Host=host)
    assert found == status
    assert ("victor_" in text) == (status == 200)


@pytest.mark.parametrize(
    ("given", "status"),
    [("Bearer right", 200), ("Bearer wrong", 401), ("right", 401), ("", 401), ("Bearer right\xe9", 401)],
)
def test_a_token_is_asked_for(ledger: Any, given: str, status: int) -> None:
    with scraped(ledger, token="right") as exporter:
        found, text, headers = get(exporter, Authorization=given)
    assert found == status
    assert ("victor_" in text) == (status == 200)
    assert headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)


def test_other_paths_and_methods(ledger: Any) -> None:
    with scraped(ledger) as exporter:
        assert get(exporter, "/")[0] == 200
        assert get(exporter, "/../etc/passwd")[0] == 404
        assert get(exporter, "/metrics?name[]=x")[0] == 200
        assert get(exporter, method="POST")[0] == 501
        status, text, headers = get(exporter, method="HEAD")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 0


def test_a_port_in_use_is_an_error_that_says_what_to_do(ledger: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        exporter = PrometheusExporter(port=port)
        with pytest.raises(ExporterError, match=rf"127\.0\.0\.1 port {port}: Address already in use.*'port' in"):
            exporter.start(ledger)
        exporter.close()
    assert ledger.sinks == []


def test_a_free_port_is_logged(ledger: Any, caplog: pytest.LogCaptureFixture) -> None:
    with scraped(ledger) as exporter:
        assert f"Prometheus can scrape {exporter.url}" in caplog.text


def test_closing_frees_the_port_and_ends_the_thread(ledger: Any) -> None:
    before = threading.active_count()
    exporter = PrometheusExporter(port=0)
    exporter.start(ledger)
    port = urlsplit(exporter.url).port
    get(exporter)
    exporter.close()
    exporter.close()
    assert exporter.url == ""
    assert ledger.sinks == []
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))
    assert threading.active_count() <= before + 1  # the connection's own may take a moment more


def test_connections_are_bounded(ledger: Any) -> None:
    with scraped(ledger) as exporter:
        parts = urlsplit(exporter.url)
        idle = [socket.create_connection((parts.hostname, parts.port)) for _ in range(32)]
        try:
            for one in idle:  # each of them is served: it has its thread
                one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert one.recv(1000)
            with socket.create_connection((parts.hostname, parts.port)) as refused:
                refused.settimeout(10)
                assert refused.recv(1) == b""
        finally:
            for one in idle:
                one.close()
        deadline = time.monotonic() + 10
        while True:
            try:
                assert get(exporter)[0] == 200
                break
            except (OSError, http.client.HTTPException):  # their threads have not yet seen that they are gone
                assert time.monotonic() < deadline


def test_who_hangs_up_does_no_harm(ledger: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with scraped(ledger) as exporter:
        parts = urlsplit(exporter.url)
        for half in (
            b"",
            b"GET /met",
            b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\x16\x03\x01\x02\x00\r\n\r\n",
        ):
            with socket.create_connection((parts.hostname, parts.port)) as connection:
                connection.sendall(half)
        assert get(exporter)[0] == 200
    assert capfd.readouterr().err == ""


def test_what_cannot_be_rendered_is_said_without_secrets(ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ValueError("no such host: https://ann:hunter2@db/")

    with scraped(ledger) as exporter:
        monkeypatch.setattr(ledger, "snapshot", broken)
        status, text, _ = get(exporter)
    assert status == 500
    assert text == "ValueError: no such host: https://[redacted]@db/\n"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"port": 70000}, "port must be from 0"),
        ({"port": True}, "port must be"),
        ({"port": "9464"}, "port must be"),
        ({"hosts": "localhost"}, r"hosts must be a list of names, such as \['localhost'\]"),
        ({"semconv": "2"}, "semconv"),
        ({"push": "http://x", "interval_s": 0}, "interval_s must be above 0"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        PrometheusExporter(**settings)


@pytest.mark.slow
def test_prometheus_scrapes_and_answers(ledger: Any, prometheus: Callable[..., Any]) -> None:
    with scraped(ledger, token="t0ken") as exporter:
        ledger.work(400)
        netloc = urlsplit(exporter.url).netloc
        stranger = f"- job_name: stranger\n  static_configs: [{{targets: ['{netloc}']}}]\n"
        server = prometheus(
            netloc, f"  authorization: {{credentials: t0ken}}\n{stranger}  authorization: {{credentials: wrong}}\n"
        )
        total = float(sum(ledger.counted().values()))
        found = server.until("victor_operations_total", lambda found: sum(found.values()) == total)
        # Labels in the order of their names: agent, kind, name, status.
        assert found == {
            tuple(part for part in (agent, kind, name, status) if part): count
            for (kind, name, agent, status), count in ledger.counted().items()
        }
        assert server.query("sum(gen_ai_client_token_usage_sum) by (gen_ai_token_type)") == {
            ("input",): sum(one.input_tokens or 0 for one in ledger.records),
            ("output",): sum(one.output_tokens or 0 for one in ledger.records),
        }
        cost = sum(one.cost_usd or 0 for one in ledger.records)
        assert server.query("sum(victor_model_cost_usd_total)") == {(): pytest.approx(cost)}
        took = ledger.seconds("tool.call", name="grep")
        _check_histogram(server, "gen_ai_execute_tool_duration_seconds", 'gen_ai_tool_name="grep"', took)
        # Exemplars lead to runs that are in the bucket.
        exemplars = server.get(
            "query_exemplars", query="gen_ai_execute_tool_duration_seconds_bucket", start="0", end="99999999999"
        )
        runs = {one.run_id: one for one in ledger.records}
        seen = [one for series in exemplars for one in series["exemplars"]]
        assert seen
        for one in seen:
            assert runs[one["labels"]["trace_id"]].duration_ns == pytest.approx(float(one["value"]) * 1e9)
        right_token_only = {("victor",): 1.0, ("stranger",): 0.0}
        server.until('label_replace(up, "of", "$1", "job", "(.*)")', lambda found: found == right_token_only)
        # What comes later arrives as well, also when nobody scraped for a while.
        server.program.process.send_signal(signal.SIGSTOP)
        ledger.work(100, seed=8)
        server.program.process.send_signal(signal.SIGCONT)
        total = float(sum(ledger.counted().values()))
        server.until("sum(victor_operations_total)", lambda found: found == {(): total})


def _check_histogram(server: Any, name: str, of: str, took: list[float]) -> None:
    assert server.query(f"sum({name}_count{{{of}}})") == {(): len(took)}
    assert server.query(f"sum({name}_sum{{{of}}})") == {(): pytest.approx(sum(took))}
    buckets = server.query(f"sum({name}_bucket{{{of}}}) by (le)")
    for (le,), count in buckets.items():
        bound = float(le)
        assert sum(one <= bound * 0.99 for one in took) <= count <= sum(one <= bound * 1.01 for one in took)
    # PromQL interpolates within a bucket, so its quantile is in the bucket of the exact one.
    bounds = sorted(float(le) for (le,) in buckets)
    exact = took[int(0.9 * len(took))]
    (answered,) = server.query(f"histogram_quantile(0.9, sum({name}_bucket{{{of}}}) by (le))").values()
    above = next(bound for bound in bounds if bound >= exact)
    assert above / 2 * 0.99 <= answered <= above * 1.01


class Gateway(HTTPServer):
    """Takes what is pushed, as the Pushgateway does."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str, bytes, Any]] = []
        self.status = 202
        super().__init__(("127.0.0.1", 0), _Receiver)


class _Receiver(BaseHTTPRequestHandler):
    server: Gateway

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.command, self.path, body, self.headers))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"pushed metrics are invalid" if self.server.status >= 400 else b"")

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_page_is_pushed(ledger: Any, gateway: Gateway) -> None:
    ledger.call()
    url = f"http://127.0.0.1:{gateway.server_port}/"
    push(url, PrometheusPage(ledger), {"job": "nightly", "instance": "a/b c", "empty": ""}, token="t0ken")
    ((method, path, body, headers),) = gateway.received
    assert method == "PUT"
    _, _, job, nightly, instance, encoded, empty, nothing = path.split("/")
    assert (job, nightly, instance, empty, nothing) == ("job", "nightly", "instance@base64", "empty@base64", "=")
    assert path.startswith("/metrics/")
    assert urlsafe_b64decode(encoded).decode() == "a/b c"
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Content-Type"].startswith("text/plain; version=")
    assert samples(body.decode())["victor_observability_events_seen_total", ()] == 1


def test_pushing_fails_with_the_reason_and_without_secrets(ledger: Any, gateway: Gateway) -> None:
    page = PrometheusPage(ledger)
    gateway.status = 400
    with pytest.raises(ExporterError, match="refused: HTTP 400 pushed metrics are invalid"):
        push(f"http://127.0.0.1:{gateway.server_port}", page, {"job": "x"})
    with pytest.raises(ExporterError, match="cannot be reached") as failed:
        push("http://ann:hunter2@127.0.0.1:9", page, {"job": "x"})
    assert "hunter2" not in str(failed.value)
    with pytest.raises(ExporterError, match="http or https"):
        push("file:///etc/passwd", page, {"job": "x"})


def test_pushes_in_intervals_and_at_the_end(ledger: Any, gateway: Gateway) -> None:
    exporter = PrometheusExporter(push=f"http://127.0.0.1:{gateway.server_port}", interval_s=3600, instance="one")
    exporter.start(ledger)
    assert exporter.url == ""
    ledger.call()
    exporter.close()
    exporter.close()
    ((_, path, body, _),) = gateway.received
    assert path == "/metrics/job/victor/instance/one"
    assert b"gen_ai_execute_tool_duration_seconds_count" in body


def test_a_gateway_that_is_down_is_reported_once(ledger: Any, caplog: pytest.LogCaptureFixture) -> None:
    exporter = PrometheusExporter(push="http://127.0.0.1:9", interval_s=0.01)
    exporter.start(ledger)
    interval = exporter._interval
    assert interval is not None
    while interval.failed < 3:
        threading.Event().wait(0.005)
    exporter.close()
    warnings = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "could not send: the Pushgateway at http://127.0.0.1:9 cannot be reached" in warnings[0].getMessage()


def test_so_many_keys_have_exemplars_and_no_more(ledger: Any) -> None:
    exemplars = Exemplars(limit=2)
    ledger.add_sink(exemplars.add)
    for name in "abca":
        last = ledger.call(name=name, seconds=0.03)
    ledger.call("message.sent", "bus", None)
    found = {one.labels[0]: exemplars.of(one) for one in read_series(ledger) if one.metric.buckets}
    assert {name: list(buckets) for name, buckets in found.items()} == {"a": [2], "b": [2], "c": []}
    assert found["a"][2].run_id == last.run_id

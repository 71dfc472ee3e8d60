"""Starting exporters by name, and the thread of those that send in intervals."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from victor.observability.exporters.exporter import ExporterError, Interval, start_exporters
from victor.observability.exporters.prometheus import PrometheusExporter

NAMES = ["prometheus", "statsd", "datadog", "otlp", "jsonl", "structlog"]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes ``victor.toml``."""

    def write(text: str) -> None:
        (tmp_path / "victor.toml").write_text(text)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("VICTOR_CONFIG", str(tmp_path / "victor.toml"))

    return write


def test_exporters_start_by_name_with_their_settings(
    ledger: Any, configure: Callable[[str], None], tmp_path: Path
) -> None:
    configure('[metrics.prometheus]\nport = 0\n[metrics.jsonl]\npath = "m.jsonl"\n')
    started = start_exporters(ledger, ["prometheus", "jsonl", "structlog", "jsonl"])
    ledger.call()
    assert [type(one).__name__ for one in started] == ["PrometheusExporter", "JsonLinesExporter", "StructlogExporter"]
    for one in started:
        one.close()
    assert (tmp_path / "m.jsonl").read_text().count("\n") == 1


def test_one_that_cannot_start_is_reported_and_the_others_start(
    ledger: Any, configure: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        configure(
            f"[metrics.prometheus]\nport = {taken.getsockname()[1]}\n[metrics.statsd]\nprot = 1\n"
            '[metrics.otlp]\nprotocol = "udp"\n[metrics.jsonl]\npath = "m.jsonl"\n'
        )
        started = start_exporters(ledger, ["prometheus", "prometeus", "statsd", "otlp", "jsonl"])
    assert [type(one).__name__ for one in started] == ["JsonLinesExporter"]
    started[0].close()
    said = [one.getMessage() for one in caplog.records]
    assert len(said) == 4
    assert "'prometheus' was not started: Prometheus cannot scrape this process" in said[0]
    assert "'prometeus' was not started" in said[1]
    assert "prometheus" in said[1].partition("was not started")[2]  # the near match
    assert "the settings [metrics.statsd] do not fit" in said[2]
    assert "'prot'" in said[2]
    assert "protocol is 'http' or 'grpc', not 'udp'" in said[3]


def test_the_plugin_offers_them_all() -> None:
    from victor.core.plugins import get_plugins

    metrics = get_plugins().metrics
    assert [name for name in NAMES if callable(metrics.get(name))] == NAMES


def test_an_interval_calls_again_and_again_and_once_more_at_the_end() -> None:
    calls: list[str] = []
    three = threading.Event()

    def push() -> None:
        calls.append(threading.current_thread().name)
        if len(calls) == 3:
            three.set()

    interval = Interval("x", push, 0.001)
    interval.start()
    assert three.wait(10)
    interval.close()
    count = len(calls)
    assert calls[0] == "victor-metrics-x"
    assert calls[-1] == threading.current_thread().name
    interval.close()
    assert len(calls) == count


def test_failing_and_succeeding_again_are_reported_once_each(caplog: pytest.LogCaptureFixture) -> None:
    results = iter([ExporterError("down"), OSError("down"), None, None, ValueError("odd")])
    ended = threading.Event()

    def push() -> None:
        result = next(results, StopIteration)
        if result is StopIteration:
            ended.set()
        elif isinstance(result, Exception):
            raise result

    interval = Interval("x", push, 0.001)
    interval.start()
    assert ended.wait(10)
    interval.close()
    assert [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING] == [
        "the exporter 'x' could not send: down",
        "the exporter 'x' sends again, after 2 times without success",
        "the exporter 'x' could not send: ValueError: odd",
        "the exporter 'x' sends again, after 1 times without success",
    ]


def test_a_call_that_hangs_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def push() -> None:
        begun.set()
        go_on.wait(30)

    interval = Interval("x", push, 0.001)
    interval.start()
    assert begun.wait(10)
    thread = interval._thread
    interval.close(timeout_s=0.01)
    go_on.set()
    assert thread is not None
    thread.join(10)
    assert "the exporter 'x' still sends after 0.01 s" in caplog.text


def test_where_there_are_no_threads_the_error_says_so(monkeypatch: pytest.MonkeyPatch, ledger: Any) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(ExporterError, match="the exporter 'x' needs a thread: can't start new thread"):
        Interval("x", lambda: None, 1).start()
    with pytest.raises(ExporterError, match="the exporter 'prometheus' needs a thread"):
        PrometheusExporter(port=0).start(ledger)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not applicable: there is no fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_process_sends_by_itself() -> None:
    read, write = os.pipe()
    parent = os.getpid()
    told: list[str] = []

    def push() -> None:
        if os.getpid() != parent:
            os.write(write, told[0].encode())

    interval = Interval("x", push, 0.001, lambda: told.append("forked"))
    interval.start()
    child = os.fork()
    if not child:
        threading.Event().wait(30)
        os._exit(1)
    try:
        assert os.read(read, 6) == b"forked"
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        interval.close()
        os.close(read)
        os.close(write)
    assert told == []

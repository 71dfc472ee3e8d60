"""From the event stream through the recorder to the receiver: exact, bounded, and by settings alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from victor.core.events import EventStream
from victor.observability.exporters.jsonl import JsonLinesExporter, read_jsonl
from victor.observability.exporters.names import METRICS, OWN
from victor.observability.exporters.prometheus import PrometheusPage
from victor.observability.exporters.series import read_series
from victor.observability.exporters.statsd import StatsdExporter
from victor.observability.recorder import Recorder
from victor.observability.settings import read_settings


@pytest.fixture
def stream() -> EventStream:
    return EventStream()


@pytest.fixture
def recorder(stream: EventStream) -> Iterator[Recorder]:
    made = Recorder(None, read_settings({"interval_ms": 5, "overhead": 1.0}))
    made.listen_to(stream)
    yield made
    made.close()


def figures(recorder: Recorder) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = PrometheusPage(recorder).render()[0].decode()
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in parse_text(text)
        for one in family.samples
    }


def test_many_threads_are_counted_exactly(stream: EventStream, recorder: Recorder) -> None:
    def work(who: int) -> Counter[tuple[str, str]]:
        counted: Counter[tuple[str, str]] = Counter()
        for number in range(100):
            name = f"tool-{(who + number) % 5}"
            try:
                with stream.operation("tool.call", name, {"agent": f"agent-{who % 3}"}):
                    if number % 10 == 0:
                        raise ValueError(name)
            except ValueError:
                counted[name, "error"] += 1
            else:
                counted[name, "ok"] += 1
        return counted

    with ThreadPoolExecutor(20) as pool:
        counted = sum(pool.map(work, range(50)), Counter[tuple[str, str]]())
    assert recorder.flush()
    found: Counter[tuple[str, str]] = Counter()
    for (name, labels), value in figures(recorder).items():
        if name == "victor_operations_total":
            found[dict(labels)["victor_name"], dict(labels)["victor_status"]] += int(value)
    assert found == counted


def test_runaway_names_are_folded_and_nothing_is_lost(stream: EventStream) -> None:
    recorder = Recorder(None, read_settings({"interval_ms": 5, "max_names": 20, "queue": 1_000_000}))
    recorder.listen_to(stream)
    for number in range(3000):
        with stream.operation("tool.call", f"tool-{number}"):
            pass
    assert recorder.flush()
    operations = [one for one in read_series(recorder) if one.metric is METRICS["operations"]]
    assert len(operations) <= 22
    assert sum(one.value for one in operations) == 3000
    assert any("other" in one.labels for one in operations)
    recorder.close()


def test_every_figure_of_the_recorder_is_exported(recorder: Recorder) -> None:
    own = {one.metric.name for one in read_series(recorder) if not one.metric.labels}
    assert own == {METRICS[measured].name for measured in OWN}


def test_what_is_sampled_away_is_counted_but_has_no_line(stream: EventStream, tmp_path: Path) -> None:
    recorder = Recorder(None, read_settings({"interval_ms": 5, "head_rate": 0.0}))
    recorder.listen_to(stream)
    exporter = JsonLinesExporter(path=str(tmp_path / "m.jsonl"))
    exporter.start(recorder)
    for _ in range(50):
        with stream.operation("agent.run", "a"), stream.operation("tool.call", "grep"):
            pass
    recorder.close()
    exporter.close()
    (calls,) = [
        one.value for one in read_series(recorder) if one.metric is METRICS["operations"] and one.labels[1] == "grep"
    ]
    assert calls == 50
    assert len(list(read_jsonl(tmp_path / "m.jsonl"))) < 50


def test_the_last_figures_are_sent_when_the_recorder_is_closed(stream: EventStream, recorder: Recorder) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        exporter = StatsdExporter(port=listener.getsockname()[1], interval_s=3600)
        exporter.start(recorder)
        recorder._exporters = (exporter,)
        with stream.operation("tool.call", "grep"):
            pass
        recorder.close()
        assert b"victor.operations.tool_call.grep.none.ok:1|c" in listener.recv(65536)


PROGRAM = """
from victor.core import Agent
for prompt in ("Ulm is a town.", "Bonn is a town."):
    Agent("Answer briefly.", name="clerk", model="offline").run_sync(prompt)
"""


def test_settings_alone_export_what_a_program_does(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        (tmp_path / "victor.toml").write_text(
            '[listener.observability]\nstore = "none"\nexporters = ["statsd", "jsonl", "structlog", "prometheus"]\n'
            f"[metrics.statsd]\nport = {listener.getsockname()[1]}\n[metrics.prometheus]\nport = 0\n"
            '[metrics.jsonl]\npath = "out.jsonl"\n[metrics.structlog]\nkinds = ["agent.run"]\n'
        )
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VICTOR_")}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        lines = b""
        while True:
            try:
                lines += listener.recv(65536) + b"\n"
            except BlockingIOError:
                break
    assert b"victor.operations.agent_run.clerk.clerk.ok:2|c" in lines
    assert b"gen_ai.invoke_agent.duration.clerk:" in lines
    records: list[dict[str, Any]] = list(read_jsonl(tmp_path / "out.jsonl"))
    assert Counter(one["kind"] for one in records) == {"agent.run": 2, "model.request": 2}
    assert done.stdout == ""
    assert done.stderr.count('"event": "agent.run"') == 2
    assert "Prometheus can scrape http://127.0.0.1:" in done.stderr


FORKING = """
import os, sys
from victor.core import get_stream
stream = get_stream()
def call(times):
    for _ in range(times):
        with stream.operation("tool.call", "grep"):
            pass
call(3)
from victor.observability import listener
listener.current_recorder().flush()
listener.current_recorder()._exporters[0].send()
child = os.fork()
call(2 if child else 4)
if child:
    os.waitpid(child, 0)
sys.exit()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="not applicable: there is no fork")
def test_a_forked_process_sends_what_itself_has_counted(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        (tmp_path / "victor.toml").write_text(
            '[listener.observability]\nstore = "none"\nexporters = ["statsd"]\n'
            f"[metrics.statsd]\nport = {listener.getsockname()[1]}\ninterval_s = 3600\n"
        )
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VICTOR_")}
        subprocess.run([sys.executable, "-c", FORKING], cwd=tmp_path, env=environment, check=True, timeout=60)
        added = []
        while True:
            try:
                lines = listener.recv(65536).decode().split("\n")
            except BlockingIOError:
                break
            added += [int(one.split(":")[1].split("|")[0]) for one in lines if one.startswith("victor.operations.tool")]
    assert added == [3, 4, 2]

"""What is counted here, and real receivers of it."""

from __future__ import annotations

import itertools
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import msgspec
import pytest

from victor.observability.aggregate import Aggregate, Key
from victor.observability.record import Record, Status


class Ledger:
    """Counts records as the recorder does, on the thread that adds them; and by itself, to compare with."""

    def __init__(self) -> None:
        self.groups: dict[Key, Aggregate] = {}
        self.sinks: list[Callable[[list[Record]], None]] = []
        self.records: list[Record] = []
        self.began_ns = time.time_ns()
        self._spans = itertools.count(1)

    def add_sink(self, sink: Callable[[list[Record]], None]) -> Callable[[], None]:
        self.sinks.append(sink)
        return lambda: self.sinks.remove(sink) if sink in self.sinks else None

    def add(self, *records: Record) -> None:
        for record in records:
            self.groups.setdefault(Key.of(record), Aggregate()).add(record)
        self.records += records
        for sink in self.sinks:
            sink(list(records))

    def snapshot(self) -> Any:
        own = {
            "seen": len(self.records),
            "filtered": 1,
            "dropped": 2,
            "written": 3,
            "overhead": 0.25,
            "queue": 4,
            "more": 5,
        }
        return SimpleNamespace(groups=[(key, group.copy()) for key, group in self.groups.items()], own=own)

    def call(self, kind: str = "tool.call", name: str = "grep", seconds: float | None = 0.5, **more: Any) -> Record:
        """Add one record."""
        span = next(self._spans)
        fields: dict[str, Any] = {"agent": "coder", "root": "build", **more}
        duration = None if seconds is None else round(seconds * 1e9)
        record = Record(kind, name, f"{span:032x}", f"{span:016x}", None, time.time_ns(), duration, **fields)
        self.add(record)
        return record

    def work(self, count: int = 300, seed: int = 7) -> None:
        """Add records of every sort."""
        some = random.Random(seed)
        for _ in range(count):
            took = some.lognormvariate(-3, 1.5)
            status = some.choice([Status.OK] * 8 + [Status.ERROR, Status.CANCELLED])
            match some.randrange(6):
                case 0 | 1:
                    tokens = {"input_tokens": some.randrange(900), "output_tokens": some.randrange(90)}
                    cost = some.choice([None, some.random() / 100])
                    model = some.choice(["small", "large"])
                    more = {
                        "provider": "openai",
                        "model": model,
                        "cost_usd": cost,
                        "cache_read_tokens": some.choice([0, 7]),
                    }
                    self.call("model.request", model, took, status=status, **tokens, **more)
                case 2:
                    self.call("tool.call", some.choice(["grep", "read"]), took, status=status)
                case 3:
                    self.call("workflow.node", some.choice("ab"), took, agent="", status=status)
                case 4:
                    self.call("message.sent", "bus", None)
                case 5:
                    self.call("checkpoint.save", "build", took / 100, agent="")

    def counted(self) -> Counter[tuple[str, ...]]:
        """How many operations ended, by kind, name, agent and status: counted one by one."""
        return Counter(
            (one.kind, one.name, one.agent, Status(one.status).name.lower())
            for one in self.records
            if one.duration_ns is not None
        )

    def seconds(self, kind: str, **fields: Any) -> list[float]:
        """Durations of a kind of operation, in ascending order."""
        return sorted(
            one.duration_ns / 1e9
            for one in self.records
            if one.kind == kind
            and one.duration_ns is not None
            and all(getattr(one, name) == value for name, value in fields.items())
        )


@pytest.fixture
def ledger() -> Ledger:
    """Nothing counted yet."""
    return Ledger()


class Prometheus:
    """Debian's Prometheus, which scrapes one target every second."""

    def __init__(self, programs: Any, target: str, folder: Path, more: str = "") -> None:
        program = programs.find("prometheus", "apt-get install prometheus, or .ci/run programs")
        (port,) = programs.ports(1)
        self.url = f"http://127.0.0.1:{port}"
        config = folder / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n- job_name: victor\n"
            f"  static_configs: [{{targets: ['{target}']}}]\n{more}"
        )
        self.program = programs.start(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--enable-feature=exemplar-storage",
                "--log.level=error",
                f"--web.console.templates={folder}",
                f"--web.console.libraries={folder}",
            ],
            lambda: programs.answers(f"{self.url}/-/ready"),
        )
        self.program.patience_s = 0.2  # it waits for a scrape that its target does not end  # fmt: skip

    def get(self, path: str, **query: str) -> Any:
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(query)}", timeout=10) as response:
            return msgspec.json.decode(response.read())["data"]

    def query(self, text: str) -> dict[tuple[str, ...], float]:
        """The newest values, by the values of their labels in the order of their names."""
        found = self.get("query", query=text)["result"]
        return {
            tuple(
                value for name, value in sorted(one["metric"].items()) if name not in ("__name__", "instance", "job")
            ): float(one["value"][1])
            for one in found
        }

    def until(self, text: str, wanted: Callable[[dict[tuple[str, ...], float]], bool]) -> dict[tuple[str, ...], float]:
        """Ask until the answer is what is wanted."""
        deadline = time.monotonic() + 30
        while not wanted(found := self.query(text)):
            if time.monotonic() > deadline:
                raise AssertionError(f"{text} is {found}; targets: {self.get('targets')}")
            time.sleep(0.05)
        return found


@pytest.fixture
def prometheus(programs: Any, tmp_path: Path) -> Callable[..., Prometheus]:
    """Starts a Prometheus for a target, ``host:port``."""
    return lambda target, more="": Prometheus(programs, target, tmp_path, more)


class Statsd:
    """npm's StatsD, whose figures are read by its management port; it never flushes."""

    def __init__(self, programs: Any, folder: Path) -> None:
        program = programs.find("statsd", "npm install statsd, or .ci/run programs")
        (self.port,) = _udp_ports(1)
        (self.management,) = programs.ports(1)
        config = folder / "statsd.js"
        config.write_text(
            f"{{port: {self.port}, address: '127.0.0.1', mgmt_address: '127.0.0.1', mgmt_port: {self.management}, "
            "flushInterval: 100000000, backends: ['./backends/console']}\n"
        )
        self.program = programs.start([program, str(config)], self._answers)

    def _answers(self) -> bool:
        try:
            return "END" in self.ask("stats")
        except OSError:
            return False

    def ask(self, command: str) -> str:
        """What the management port answers."""
        with socket.create_connection(("127.0.0.1", self.management), timeout=5) as connection:
            connection.sendall(f"{command}\n".encode())
            answer = b""
            while not answer.rstrip().endswith(b"END"):
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
        return answer.decode()

    def figures(self, kind: str) -> dict[str, Any]:
        """``counters``, ``gauges`` or ``timers``, without StatsD's own."""
        text = self.ask(kind).rpartition("END")[0]
        names: dict[str, Any] = {}
        # It prints JavaScript objects, one "key: value," per line.
        import re

        for name, value in re.findall(r"'?([\w.;=-]+)'?: (\[[^\]]*\]|[^,\n}]+)", text):
            if not name.startswith("statsd."):
                names[name] = msgspec.json.decode(value.replace("'", '"').strip())
        return names

    def until(self, counters: int) -> dict[str, Any]:
        """The counters, as soon as so many lines have come."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            text = self.ask("counters")
            if f"'statsd.metrics_received': {counters}" in text:
                return self.figures("counters")
            time.sleep(0.02)
        raise AssertionError(f"not {counters} lines: {self.ask('counters')}")


def _udp_ports(count: int) -> list[int]:
    probes = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


@pytest.fixture
def statsd(programs: Any, tmp_path: Path) -> Iterator[Statsd]:
    """A StatsD that has received nothing."""
    server = Statsd(programs, tmp_path)
    yield server
    server.program.stop()

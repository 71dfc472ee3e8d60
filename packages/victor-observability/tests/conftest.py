"""Real receivers for what is exported, each started once on free loopback ports."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.error import URLError
from urllib.request import Request, urlopen

import msgspec
import pytest


class Program:
    """A server that can be stopped and started again on the same ports.

    Args:
        command: What to run; it is a server that stays in the foreground.
        ready: Says whether it answers; it is asked until it does.
        folder: Where it runs and its output goes.
        patience_s: How long it may take to end by itself.
    """

    def __init__(self, command: list[str], ready: Callable[[], bool], folder: Path, patience_s: float = 5) -> None:
        self.patience_s = patience_s
        self.command = command
        self.ready = ready
        self.output = folder / "output.txt"
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 60
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self.command[0]} does not answer: {self.output.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, by force if it does not end by itself."""
        process, self.process = self.process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(self.patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Programs(Protocol):
    """What the fixture ``programs`` offers."""

    def find(self, name: str, install: str) -> str:
        """Where a program is; skips where it is not installed."""

    def ports(self, count: int) -> list[int]:
        """Ports of the loopback interface nobody listens at."""

    def answers(self, url: str) -> bool:
        """Whether a web server answers with success."""

    def start(self, command: list[str], ready: Callable[[], bool]) -> Program:
        """Start a server, which is ended with the tests."""


class _Programs:
    def __init__(self) -> None:
        self._running: list[Program] = []

    def find(self, name: str, install: str) -> str:
        modules = os.environ.get("VICTOR_TEST_NODE_MODULES")
        beside = [Path(modules).parent / "bin", Path(modules) / ".bin"] if modules else []
        path = os.pathsep.join([*map(str, beside), os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
        found = shutil.which(name, path=path)
        if found is None:
            pytest.skip(f"needs {name}: {install}")
        return found

    def ports(self, count: int) -> list[int]:
        probes = [socket.socket() for _ in range(count)]
        try:
            for probe in probes:
                probe.bind(("127.0.0.1", 0))
            return [probe.getsockname()[1] for probe in probes]
        finally:
            for probe in probes:
                probe.close()

    def answers(self, url: str) -> bool:
        try:
            with urlopen(url, timeout=5) as response:
                return bool(response.status == 200)
        except (URLError, OSError):
            return False

    def start(self, command: list[str], ready: Callable[[], bool]) -> Program:
        folder = Path(tempfile.mkdtemp(prefix=f"victor-{Path(command[0]).name}-"))
        program = Program(command, ready, folder)
        self._running.append(program)
        program.start()
        return program

    def close(self) -> None:
        for program in self._running:
            program.stop()
            shutil.rmtree(program.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def programs() -> Iterator[Programs]:
    """Starts the servers that tests talk to."""
    running = _Programs()
    yield running
    running.close()


class OtlpReceiver:
    """Datadog's test agent, which takes OTLP over HTTP and gRPC and gives back what it took.

    Attributes:
        http: Of OTLP over HTTP, such as ``http://127.0.0.1:4318``; signals are below it at ``/v1/traces``, ...
        grpc: Of OTLP over gRPC, such as ``http://127.0.0.1:4317``.
        program: To stop and start it.
    """

    def __init__(self, programs: Programs) -> None:
        command = programs.find("ddapm-test-agent", "pip install ddapm-test-agent (in an environment of its own)")
        own, http, grpc = programs.ports(3)
        self.http, self.grpc = f"http://127.0.0.1:{http}", f"http://127.0.0.1:{grpc}"
        listen = ["--port", str(own), "--otlp-http-port", str(http), "--otlp-grpc-port", str(grpc)]
        self.program = programs.start(
            [command, *listen], lambda: programs.answers(f"{self.http}/test/session/metrics") and _listens(grpc)
        )

    def traces(self) -> list[dict[str, Any]]:
        """The requests of traces received since `clear`, in that order, as protobuf's JSON has them."""
        found = self._get("traces")
        return found[::-1] if isinstance(found, list) else [found]

    def spans(self) -> list[dict[str, Any]]:
        """All spans received since `clear`, in the order they arrived."""
        return [
            span
            for request in self.traces()
            for resource in request.get("resource_spans", [])
            for scope in resource.get("scope_spans", [])
            for span in scope.get("spans", [])
        ]

    def metrics(self) -> list[dict[str, Any]]:
        """The requests of metrics received since `clear`, in that order, as protobuf's JSON has them."""
        found: list[dict[str, Any]] = self._get("metrics")
        return found[::-1]  # it gives the newest first

    def clear(self) -> None:
        """Forget what was received."""
        self._get("clear")

    def _get(self, what: str) -> Any:
        request = Request(f"{self.http}/test/session/{what}")
        with urlopen(request, timeout=10) as response:
            body = response.read()
        return msgspec.json.decode(body) if body[:1] in (b"[", b"{") else None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def _otlp_receiver(programs: Programs) -> OtlpReceiver:
    return OtlpReceiver(programs)


@pytest.fixture
def otlp_receiver(_otlp_receiver: OtlpReceiver) -> OtlpReceiver:
    """An OTLP receiver that has received nothing yet."""
    if _otlp_receiver.program.process is None:
        _otlp_receiver.program.start()
    _otlp_receiver.clear()
    return _otlp_receiver

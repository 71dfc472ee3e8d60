"""What a request over NATS costs beside a raw request of nats-py, and beside the same bus in one process.

Starts a nats-server of its own on a free port of this machine; where there is none, or no nats-py, it says so and
measures nothing. Figures are microseconds of wall time, as the server works in another process, and of CPU time of
this process; medians of short windows that are measured in turns. A request of ours has a correlation id, a deadline,
a bounded mailbox and a place in the history; a raw one is answered by a callback.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from importlib.util import find_spec
from typing import Any

from _results import record

from victor.core.events import EventStream, set_stream

GOAL = 1.3


@contextlib.contextmanager
def server() -> Iterator[str]:
    """A nats-server with JetStream on a free loopback port; gives its address, and ends it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="victor-bench-") as folder:
        command = ["nats-server", "-js", "-sd", folder, "-a", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _until_it_answers(process, port)
            yield f"nats://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(250):
        if process.poll() is not None:
            raise SystemExit(f"nats-server ended with {process.returncode}")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.02)
    raise SystemExit("nats-server does not answer")


async def _echo(message: Any) -> Any:
    """Async, as a raw callback is: a plain function would go to a thread, for it might block."""
    return message.content


async def window(ask: Callable[[], Awaitable[object]], count: int) -> tuple[float, float]:
    """Wall and CPU microseconds of one request."""
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    for _ in range(count):
        await ask()
    return (time.perf_counter_ns() - wall) / 1000 / count, (time.process_time_ns() - cpu) / 1000 / count


async def measured(url: str, rounds: int, count: int) -> dict[str, tuple[float, float]]:
    """Medians by name."""
    import nats

    from victor.teams.communication import MessageBus
    from victor.teams.communication.nats_bus import NatsBus

    raw = await nats.connect(url)

    async def answer(message: Any) -> None:
        await message.respond(message.data)

    await raw.subscribe("raw", cb=answer)
    async with NatsBus(url, name="bench") as far, MessageBus() as near:
        asks: dict[str, Callable[[], Awaitable[object]]] = {"raw nats-py": lambda: raw.request("raw", b"x", timeout=5)}
        for name, bus in (("over NATS", far), ("in process", near)):
            ann, bob = await bus.join("ann"), await bus.join("bob")
            await bob.serve(_echo)
            asks[name] = lambda ann=ann: ann.request("bob", "x")  # type: ignore[misc]
        samples: dict[str, list[tuple[float, float]]] = {name: [] for name in asks}
        for number in range(rounds + 2):
            for name, ask in asks.items():
                took = await window(ask, count)
                if number >= 2:
                    samples[name].append(took)
    await raw.close()
    return {
        name: (statistics.median(wall for wall, _ in runs), statistics.median(cpu for _, cpu in runs))
        for name, runs in samples.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=25, help="windows of which the median is taken")
    parser.add_argument("--requests", type=int, default=100, help="requests in a window")
    options = parser.parse_known_args()[0]
    set_stream(EventStream())  # nobody listens, whatever else is installed
    if find_spec("nats") is None:
        print("left out: needs nats-py: pip install 'victor-teams[nats]'", file=sys.stderr)
        return
    if shutil.which("nats-server") is None:
        print("left out: needs nats-server on PATH (Debian: apt-get install nats-server)", file=sys.stderr)
        return
    with server() as url:
        found = asyncio.run(measured(url, options.rounds, options.requests))
    raw = found["raw nats-py"]
    asked = found["over NATS"][0] / raw[0]
    record("nats", "request over NATS, over a raw request of `nats-py`", asked, "x", goal=GOAL, note="wall time")
    print(f"{'request and response, us':<26}{'wall':>10}{'CPU':>10}{'wall over raw':>16}{'goal':>7}")
    for name, (wall, cpu) in found.items():
        goal = f"{GOAL}x" if name == "over NATS" else "-"
        print(f"{name:<26}{wall:10.1f}{cpu:10.1f}{wall / raw[0]:15.2f}x{goal:>7}")


if __name__ == "__main__":
    main()

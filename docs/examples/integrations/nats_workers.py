"""Agents in other processes, asked over NATS: a worker is killed in the middle of its work, and another one does it.

With a queue in between, the program that asks and the agents that answer start, stop and scale on their own. A
message is stored by the server until its handler has finished, so the death of a worker loses nothing. The program
starts a nats-server of its own and two workers, of which the first one that gets a question is killed.

Needs: victor-core, victor-teams[nats], nats-server on the PATH
Run: python docs/examples/integrations/nats_workers.py
Prints:
    When is the shop closed? On Sundays it is closed.
    Why is there no honey? Honey is sold out because the bees are asleep.
    workers killed at their work: 1
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from victor.core import Agent
from victor.teams.communication import AgentMessage, open_bus

LETTER = "The tea shop opens at nine. On Sundays it is closed. Honey is sold out because the bees are asleep."


def first_one_dies() -> None:
    """The first worker that gets a message is killed in the middle of it, as if its machine had failed."""
    try:
        Path("a-worker-died").touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


async def work(url: str) -> None:
    """A worker: an agent that handles what is sent to `clerk`."""
    agent = Agent("Answer from the text.", name="clerk")

    async def handle(message: AgentMessage) -> str:
        first_one_dies()
        return (await agent.run(message.content)).output

    async with open_bus(url, ack_wait_s=0.5) as bus:
        clerk = await bus.join("clerk")
        await clerk.serve(handle)
        print("ready", flush=True)
        await asyncio.Event().wait()


async def ask(url: str) -> None:
    """The program that asks; it never learns that a worker died."""
    async with open_bus(url, ack_wait_s=0.5) as bus:
        desk = await bus.join("desk")
        for question in ("When is the shop closed?", "Why is there no honey?"):
            answer = await desk.delegate("clerk", f"{question}\n\n{LETTER}", timeout=30)
            print(f"{question} {answer.content}")


@contextmanager
def nats_server() -> Iterator[str]:
    """A server on a free port of this machine, and its URL."""
    if shutil.which("nats-server") is None:
        sys.exit("this needs nats-server on the PATH (Debian: apt-get install nats-server)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        command = ["nats-server", "-js", "-sd", folder, "-a", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in server.stderr or ():
            if "Server is ready" in line:
                break
        try:
            yield f"nats://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.communicate()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(work(sys.argv[1]))
    else:
        os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written goes there
        with nats_server() as url:
            command = [sys.executable, __file__, url]
            workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
            try:
                for worker in workers:
                    if worker.stdout is not None:
                        worker.stdout.readline()  # it is ready
                asyncio.run(ask(url))
                print("workers killed at their work:", sum(worker.poll() == -signal.SIGKILL for worker in workers))
            finally:
                for worker in workers:
                    worker.kill()
                    worker.communicate()

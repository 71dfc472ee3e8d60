"""Agents inside an asyncio program: jobs from a queue, progress as it happens, an end that loses nothing.

Most services have an event loop already, and an agent is a coroutine in it. This is the part that is easily wrong:
workers that take jobs from a bounded queue (so that a flood waits outside), progress for whoever watches
(`EventStream.follow`, which never holds up the run), and an end on a signal: what is running gets to its end, what
has not begun stays in the queue, and both are told. The model is a function that waits.

Needs: victor-core
Run: python docs/examples/integrations/asyncio_service.py
Prints:
    run 1 of writer: completed
    run 2 of writer: completed
    asked to stop; runs under way are finished
    4 finished, 4 left in the queue, none lost: True
"""

from __future__ import annotations

import asyncio
import os
import signal

from victor.core import Agent, get_stream
from victor.core.testing import FunctionModel

TEXTS = [f"Ulm is town number {number}. It lies on the Danube." for number in range(8)]


stopping = asyncio.Event()
asked = 0


async def slow(request: object) -> str:
    """A model that takes its time: from the third question on, until the service is asked to stop."""
    global asked
    asked += 1
    if asked > 2:
        await stopping.wait()
    return "Summarized."


async def worker(jobs: asyncio.Queue[str], finished: list[str]) -> None:
    """Takes one job after the other until it is told to stop."""
    agent = Agent("Summarize.", name="writer", model=FunctionModel(slow))
    while not stopping.is_set():
        text = await jobs.get()
        finished.append((await agent.run(text)).output)
        jobs.task_done()


async def watch() -> None:
    """What a progress page would read."""
    count = 0
    async for event in get_stream().follow(["agent.run"]):
        if event.phase == "end":
            count += 1
            print(f"run {count} of {event.name}: {event.attributes['stop_reason']}")
            if count == 2:
                os.kill(os.getpid(), signal.SIGTERM)  # as systemd or Kubernetes would
                return


async def main() -> None:
    jobs: asyncio.Queue[str] = asyncio.Queue(maxsize=100)
    for text in TEXTS:
        jobs.put_nowait(text)
    finished: list[str] = []
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)

    watcher = asyncio.create_task(watch())
    workers = [asyncio.create_task(worker(jobs, finished)) for _ in range(2)]
    await stopping.wait()
    print("asked to stop; runs under way are finished")
    await asyncio.gather(*workers)
    await watcher
    left = jobs.qsize()
    print(f"{len(finished)} finished, {left} left in the queue, none lost: {len(finished) + left == len(TEXTS)}")


if __name__ == "__main__":
    asyncio.run(main())

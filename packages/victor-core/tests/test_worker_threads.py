"""Threads of plain tools: contexts, cancellation, bounds, and that nothing waits for one that hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextvars import ContextVar

import pytest

from victor.core import worker_threads
from victor.core.errors import ToolTimeoutError
from victor.core.tool import ToolScope, as_tool
from victor.core.worker_threads import in_thread, running, start

WHO: ContextVar[str] = ContextVar("who", default="nobody")


async def test_a_function_runs_elsewhere_with_the_context_of_its_caller():
    WHO.set("ann")

    def work() -> tuple[str, bool]:
        seen = WHO.get()
        WHO.set("bob")
        return seen, threading.current_thread() is threading.main_thread()

    assert await in_thread(start(work)) == ("ann", False)
    assert WHO.get() == "ann"


async def test_what_it_raises_is_raised_where_it_is_awaited():
    with pytest.raises(ZeroDivisionError):
        await in_thread(start(lambda: 1 / 0))
    with pytest.raises(SystemExit):
        await in_thread(start(sys.exit))


async def test_many_at_once_use_no_more_threads_than_allowed(monkeypatch):
    monkeypatch.setattr(worker_threads, "_pool", None)
    lock, now, most = threading.Lock(), 0, 0

    def work(number: int) -> int:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.001)
        with lock:
            now -= 1
        return number

    jobs = [start(lambda number=number: work(number)) for number in range(500)]
    assert await asyncio.gather(*(in_thread(job) for job in jobs)) == list(range(500))
    assert 1 < most <= 32
    assert worker_threads._pool.threads <= 32
    assert (worker_threads._pool.waiting, worker_threads._pool.given_up, running()) == (0, 0, [])


async def test_threads_are_used_again(monkeypatch):
    monkeypatch.setattr(worker_threads, "_pool", None)
    names = {await in_thread(start(lambda: threading.current_thread().ident)) for _ in range(50)}
    assert len(names) < 10  # a thread that has just finished may not be back in time


async def test_giving_up_on_one_that_blocks_is_told_and_blocks_nobody_else(monkeypatch):
    monkeypatch.setattr(worker_threads, "_pool", None)
    release, began = threading.Event(), threading.Semaphore(0)

    def block() -> None:
        began.release()
        release.wait()

    jobs = [asyncio.create_task(in_thread(start(block, f"block{number}"))) for number in range(32)]
    await asyncio.sleep(0)
    for _ in jobs:
        assert await in_thread_free(began.acquire)
    for job in jobs:
        job.cancel()
    assert all(isinstance(r, asyncio.CancelledError) for r in await asyncio.gather(*jobs, return_exceptions=True))
    assert {name for name, _ in running()} == {f"block{number}" for number in range(32)}
    assert await asyncio.wait_for(in_thread(start(lambda: "free")), 10) == "free"
    release.set()
    while running():
        await asyncio.sleep(0.001)
    assert worker_threads._pool.given_up == 0


async def in_thread_free(acquire) -> bool:
    """Wait outside of the pool under test."""
    return await asyncio.get_running_loop().run_in_executor(None, lambda: acquire(timeout=10))


async def test_one_that_was_cancelled_before_it_began_never_runs(monkeypatch):
    monkeypatch.setattr(worker_threads, "_pool", None)
    monkeypatch.setattr(worker_threads, "_MOST", 1)
    release, ran = threading.Event(), []
    first = asyncio.create_task(in_thread(start(release.wait)))
    second = asyncio.create_task(in_thread(start(lambda: ran.append(1))))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    release.set()
    await first
    assert await in_thread(start(lambda: "after")) == "after"
    assert ran == []


async def test_a_tool_that_blocks_times_out():
    release = threading.Event()
    tool = as_tool(lambda: release.wait(), name="block", timeout_s=0.05)
    result = await tool.call("{}", scope=ToolScope())
    assert isinstance(result.error, ToolTimeoutError)
    assert ("block", True) in [(name, seconds > 0) for name, seconds in running()]
    release.set()


def test_loops_may_come_and_go():
    async def main() -> int:
        return await in_thread(start(lambda: 7))

    assert [asyncio.run(main()) for _ in range(5)] == [7] * 5


def test_one_that_outlives_its_loop_harms_nobody():
    release = threading.Event()

    async def main() -> None:
        job = asyncio.create_task(in_thread(start(release.wait, "outlives")))
        await asyncio.sleep(0.01)
        job.cancel()

    asyncio.run(main())
    release.set()
    while any(name == "outlives" for name, _ in running()):
        time.sleep(0.001)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_starts_threads_of_its_own():
    program = (
        "import asyncio, os\n"
        "from victor.core.worker_threads import in_thread, start\n"
        "async def main(): return await in_thread(start(lambda: 7))\n"
        "assert asyncio.run(main()) == 7\n"
        "child = os.fork()\n"
        "if not child: os._exit(asyncio.run(asyncio.wait_for(main(), 20)))\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "7", done.stderr


PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
from victor.core import Agent, ToolCall
from victor.core.testing import ScriptedModel
def block() -> str:
    "Blocks."
    print("blocking", flush=True)
    time.sleep(600)
    return "never"
Agent(tools=[block], model=ScriptedModel([ToolCall("1", "block", "{}"), "never"])).run_sync("go")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_ctrl_c_ends_a_program_at_once_although_a_tool_blocks():
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "blocking\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in err
    assert "never" not in out


async def test_those_in_line_behind_one_that_hangs_get_a_thread_when_it_is_given_up(monkeypatch):
    monkeypatch.setattr(worker_threads, "_pool", None)
    monkeypatch.setattr(worker_threads, "_MOST", 2)
    release = threading.Event()
    hanging = [asyncio.create_task(in_thread(start(release.wait))) for _ in range(4)]
    await asyncio.sleep(0)
    behind = [asyncio.create_task(in_thread(start(lambda number=number: number))) for number in range(3)]
    await asyncio.sleep(0)
    for job in hanging:
        job.cancel()
    assert await asyncio.wait_for(asyncio.gather(*behind), 10) == [0, 1, 2]
    release.set()
    pool = worker_threads._pool
    while running() or pool.threads > 2:
        await asyncio.sleep(0.001)
    assert await in_thread(start(lambda: "after")) == "after"

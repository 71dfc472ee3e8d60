"""Coroutines run to their end from programs without a loop; a signal always reaches it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading

import pytest

from victor.core.agent import Agent
from victor.core.errors import ConfigurationError
from victor.core.event_loop import is_running, run, woken
from victor.core.models.function import FunctionModel


async def _answer() -> int:
    await asyncio.sleep(0)
    return 42


def test_the_result_is_returned_and_what_is_raised_is_raised():
    async def fail() -> None:
        raise ZeroDivisionError

    assert run(_answer()) == 42
    with pytest.raises(ZeroDivisionError):
        run(fail())


async def test_whether_a_loop_runs_is_told():
    assert is_running()
    assert not await asyncio.to_thread(is_running)


def test_an_error_of_a_run_does_not_drag_along_that_no_loop_was_running():
    def broken(request: object) -> str:
        raise ZeroDivisionError

    agent = Agent(model=FunctionModel(broken))
    for ask in (agent.run_sync, agent.chat().send_sync):
        with pytest.raises(ZeroDivisionError) as caught:
            ask("hello")
        assert caught.value.__context__ is None


async def test_a_chat_inside_a_running_loop_is_refused():
    with pytest.raises(ConfigurationError, match=r"write 'await chat.send\(...\)' there"):
        Agent(model="test").chat().send_sync("hello")


def test_it_works_in_any_thread():
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(run(_answer())))
    thread.start()
    thread.join()
    assert results == [42]


def test_nothing_is_left_behind():
    assert signal.set_wakeup_fd(-1) == -1
    run(_answer())
    assert signal.set_wakeup_fd(-1) == -1


@pytest.mark.skipif(sys.platform == "win32", reason="not applicable: loops cannot handle signals there")
@pytest.mark.parametrize("kept", [False, True])
def test_a_handler_of_the_loop_may_come_and_go_meanwhile(kept):
    async def handled() -> str:
        loop, came = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, came.set)
        signal.raise_signal(signal.SIGUSR1)
        await asyncio.wait_for(came.wait(), 20)
        if not kept:
            loop.remove_signal_handler(signal.SIGUSR1)
        return "came"

    assert run(handled()) == "came"
    assert signal.set_wakeup_fd(-1) == -1


# The signal is delivered to another thread: nothing but a file descriptor can wake the one that waits.
PROGRAM = """
import signal, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
import asyncio
from victor.core.event_loop import run
from victor.core.worker_threads import in_thread, start

def press() -> None:
    waiting.wait()
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    threading.Event().wait()

async def main() -> None:
    asyncio.get_running_loop().call_later(0.05, waiting.set)
    try:
        await in_thread(start(press))
    finally:
        print("cancelled", flush=True)

waiting = threading.Event()
run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="not applicable: signals are sent otherwise there")
def test_no_ctrl_c_is_lost_that_another_thread_receives():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert done.stdout == "cancelled\n"
    assert "KeyboardInterrupt" in done.stderr
    assert done.returncode != 0


async def test_where_a_loop_handles_signals_already_nothing_changes():
    loop = asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        pytest.skip("not applicable: loops handle signals in the main thread")
    loop.add_signal_handler(signal.SIGUSR1, lambda: None)
    try:
        before = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(before)
        assert await woken(_answer()) == 42
        assert signal.set_wakeup_fd(before) == before
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)

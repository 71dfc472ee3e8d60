"""Time limits that share a timer."""

from __future__ import annotations

import asyncio
import time

import pytest

from victor.core import deadlines
from victor.core.deadlines import Deadlines, OutOfTime


async def test_what_is_in_time_is_not_disturbed_and_leaves_nothing_behind():
    deadlines = Deadlines(30, asyncio.get_running_loop())

    async def work(n):
        await asyncio.sleep(0)
        return n

    assert await asyncio.gather(*(deadlines.run(work, n) for n in range(1000))) == list(range(1000))
    assert len(deadlines) == 0
    with pytest.raises(ZeroDivisionError):
        await deadlines.run(lambda: 1 / 0)
    assert len(deadlines) == 0


async def test_each_runs_out_at_its_own_time_and_the_task_goes_on():
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(0.05, loop)
    ended = []

    async def one(n):
        began = loop.time()
        with pytest.raises(OutOfTime):
            await deadlines.run(asyncio.Event().wait)
        ended.append((n, loop.time() - began))
        task = asyncio.current_task()
        assert task is not None and task.cancelling() == 0
        await asyncio.sleep(0)

    first = asyncio.create_task(one(1))
    await deadlines.run(asyncio.sleep, 0.02)  # ends before its limit; the timer is not disturbed by that
    await asyncio.gather(first, one(2))
    assert [n for n, _ in ended] == [1, 2] and all(0.045 < took < 5 for _, took in ended)
    with pytest.raises(OutOfTime):  # the timer is set anew
        await deadlines.run(asyncio.Event().wait)


async def test_errors_of_the_work_and_cancellations_of_others_stay_what_they_are():
    deadlines = Deadlines(0.02, asyncio.get_running_loop())

    async def own():
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine") as caught:
        await deadlines.run(own)
    assert type(caught.value) is TimeoutError

    async def stubborn():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "ended well"

    assert await deadlines.run(stubborn) == "ended well"
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0

    waiting = asyncio.create_task(Deadlines(30, asyncio.get_running_loop()).run(asyncio.Event().wait))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_both_at_once_is_a_cancellation():
    deadlines = Deadlines(0.02, asyncio.get_running_loop())

    async def slow_to_end():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            running.set()
            await asyncio.Event().wait()

    running = asyncio.Event()
    task = asyncio.create_task(deadlines.run(slow_to_end))
    await running.wait()  # its time is up
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    with pytest.raises(OutOfTime):  # one inside the other: the inner one tells, the outer one is left alone
        await Deadlines(30, asyncio.get_running_loop()).run(deadlines.run, asyncio.Event().wait)


async def test_the_time_in_line_does_not_count_but_is_bounded(monkeypatch):
    loop = asyncio.get_running_loop()
    begun = [0.0]
    limits = Deadlines(0.4, loop)

    async def wait_then_work():
        await asyncio.sleep(0.5)
        begun[0] = time.monotonic()
        await asyncio.sleep(0.02)
        return "done"

    assert await limits.run(wait_then_work, began=lambda: begun[0]) == "done"

    async def work_too_long():
        await asyncio.sleep(0.12)
        begun[0] = time.monotonic()
        await asyncio.sleep(60)

    begun[0] = 0.0
    with pytest.raises(OutOfTime):
        await limits.run(work_too_long, began=lambda: begun[0])
    monkeypatch.setattr(deadlines, "_LONGEST_LINE_S", 0.1)
    with pytest.raises(OutOfTime):
        await limits.run(asyncio.sleep, 60, began=lambda: 0.0)
    assert len(limits) == 0


async def test_those_in_line_and_those_under_way_run_out_in_their_own_order():
    limits = Deadlines(0.05, asyncio.get_running_loop())
    ended: list[str] = []

    async def run(name, began):
        try:
            await limits.run(asyncio.sleep, 60, began=began)
        except OutOfTime:
            ended.append(name)

    since = time.monotonic()
    late = [0.0]
    asyncio.get_running_loop().call_later(0.04, lambda: late.__setitem__(0, time.monotonic()))
    await asyncio.gather(run("late", lambda: late[0]), run("first", None), run("begun", lambda: since))
    assert ended[-1] == "late" and len(ended) == 3

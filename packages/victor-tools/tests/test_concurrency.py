"""Ten thousand calls at once, failing, slow and cancelled: every one accounted for, nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import threading
from collections import Counter

import pytest

from victor.core.errors import ToolError, ToolTimeoutError
from victor.core.events import Event, EventStream
from victor.core.tool import ToolScope, as_tool
from victor.tools import tool


def _threads() -> int:
    return sum(thread.name.startswith("victor-tool") for thread in threading.enumerate())


@pytest.mark.slow
async def test_ten_thousand_calls() -> None:
    random.seed(4)
    started = Counter[str]()

    @tool(register=False)
    async def fine(x: int) -> int:
        started["fine"] += 1
        await asyncio.sleep(0)
        return x

    @tool(register=False)
    async def failing(x: int) -> int:
        started["failing"] += 1
        raise ToolError("no")

    @tool(register=False)
    async def broken(x: int) -> int:
        started["broken"] += 1
        raise ZeroDivisionError

    @tool(timeout=0.02, register=False)
    async def slow(x: int) -> int:
        started["slow"] += 1
        await asyncio.Event().wait()
        return x

    @tool(register=False)
    async def endless(x: int) -> int:
        started["endless"] += 1
        await asyncio.Event().wait()
        return x

    @tool(register=False)
    def threaded(x: int) -> int:
        started["threaded"] += 1
        return x

    @tool(idempotent=True, retries=1, cache_ttl=60, rate_limit="100000/s", max_result_chars=1000, register=False)
    async def guarded(x: int) -> int:
        started["guarded"] += 1
        return x

    tools = {f.__name__: as_tool(f) for f in (fine, failing, broken, slow, endless, threaded, guarded)}
    stream = EventStream()
    phases = Counter[tuple[str, str]]()

    def count(event: Event) -> None:
        phases[event.name, event.phase] += 1

    stream.subscribe(count, kinds=["tool.call"])
    scope = ToolScope(stream=stream)
    await tools["threaded"].call({"x": 0})  # the pool's threads are made once and stay
    threads_before = _threads()
    tasks_before, files_before = (
        len(asyncio.all_tasks()),
        len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc") else 0,
    )

    names = [random.choice(list(tools)) for _ in range(10_000)]
    pending = [asyncio.create_task(tools[name].call({"x": n % 50}, scope=scope)) for n, name in enumerate(names)]
    await asyncio.sleep(0.2)
    for name, task in zip(names, pending, strict=True):
        if name == "endless":
            task.cancel()
    results = await asyncio.gather(*pending, return_exceptions=True)

    assert len(results) == 10_000
    for name, result in zip(names, results, strict=True):
        if name == "endless":
            assert isinstance(result, asyncio.CancelledError)
            continue
        assert not isinstance(result, BaseException)
        if name in {"fine", "threaded", "guarded"}:
            assert result.ok
        elif name == "slow":
            assert isinstance(result.error, ToolTimeoutError)
        else:
            assert result.error is not None
    asked = Counter(names)
    for name, number in asked.items():
        assert phases[name, "start"] == phases[name, "end"] == number
    assert started["guarded"] >= 50  # the rest came from the cache, or ran beside the first
    await asyncio.sleep(0)
    gc.collect()
    assert len(asyncio.all_tasks()) == tasks_before
    assert _threads() <= threads_before + 36  # what tests before left behind in the pool is not counted
    if files_before:
        assert len(os.listdir("/proc/self/fd")) <= files_before

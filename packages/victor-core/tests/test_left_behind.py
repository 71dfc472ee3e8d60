"""What does not end when it is cancelled holds nobody up, and what ends is awaited as ever."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys

import pytest

from victor.core import Agent, Limits, as_tool
from victor.core.left_behind import _behind, awaited
from victor.core.result import StopReason
from victor.core.testing import ScriptedModel, call


@pytest.fixture(autouse=True)
def little_grace(monkeypatch):
    monkeypatch.setattr("victor.core.left_behind.GRACE_S", 0.02)


@pytest.fixture
def end():
    """Set at the end, so that nothing that was left behind outlives its test."""
    return asyncio.Event()


@pytest.fixture
def stubborn(end):
    """A tool that swallows whatever should end it."""

    async def stubborn() -> str:
        while not end.is_set():
            try:
                await end.wait()
            except BaseException:
                pass
        return "late"

    return stubborn


async def all_have_ended(end):
    end.set()
    while _behind:
        await asyncio.sleep(0)


@pytest.mark.parametrize("pauses", [0, 1, 3])
async def test_values_and_errors_come_as_from_an_await(pauses):
    async def work(error=None):
        for _ in range(pauses):
            await asyncio.sleep(0)
        if error is not None:
            raise error
        return (1, 2)

    assert await awaited(work(), "work") == (1, 2)
    for error in (ValueError("no"), KeyboardInterrupt(), StopAsyncIteration()):
        with pytest.raises(type(error)):
            await awaited(work(error), "work")
    with pytest.raises(RuntimeError, match="StopIteration"):
        await awaited(work(StopIteration()), "work")


async def test_other_awaitables_are_awaited():
    future = asyncio.get_running_loop().create_future()
    future.set_result(7)
    assert await awaited(future, "future") == 7


async def test_cleaning_up_is_waited_for():
    done = []

    async def tidy() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            done.append("tidy")

    task = asyncio.create_task(awaited(tidy(), "tidy"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["tidy"]
    assert not _behind


async def test_a_coroutine_that_ends_with_a_value_after_its_cancellation_ends_with_it():
    async def polite() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "what I have so far"

    task = asyncio.create_task(awaited(polite(), "polite"))
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "what I have so far"


async def test_it_goes_on_by_itself_and_that_is_told(stubborn, end, caplog):
    task = asyncio.create_task(awaited(stubborn(), "stubborn"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelling() == 1  # that of who cancelled it, and no other
    assert "stubborn did not stop when it was cancelled" in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert len(_behind) == 1
    assert not {task for task in asyncio.all_tasks() if "left behind" in task.get_name()}
    await all_have_ended(end)


async def test_who_awaits_it_can_be_closed():
    closed = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    waiting = awaited(work(), "work")
    waiting.send(None)
    waiting.close()
    assert closed == [True]


async def test_a_tool_that_swallows_its_time_limit(stubborn, end):
    model = ScriptedModel([call("stubborn"), "It took too long."])
    result = await Agent(tools=[as_tool(stubborn, timeout_s=0.02)], model=model).run("Go.")
    assert result.output == "It took too long."
    assert model.requests[1].messages[-1].content == "stubborn did not finish within 0.02 s"
    await all_have_ended(end)


@pytest.mark.parametrize("calls", [1, 3])
async def test_a_tool_that_swallows_the_end_of_its_run(stubborn, end, calls):
    agent = Agent(tools=[stubborn], model=ScriptedModel([[call("stubborn")] * calls, "never asked"]))
    result = await agent.run("Go.", limits=Limits(timeout_s=0.02))
    assert result.stop_reason is StopReason.TIMEOUT
    assert [message.role for message in result.messages[2:]] == ["tool"] * calls
    await all_have_ended(end)


async def test_a_tool_that_swallows_the_cancellation_of_its_run(stubborn, end, victor_events):
    run = asyncio.create_task(Agent(tools=[stubborn], model=ScriptedModel([call("stubborn"), "-"])).run("Go."))
    while not victor_events.of("tool.call"):
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await all_have_ended(end)


async def test_a_tool_of_an_agent_that_is_a_tool(stubborn, end):
    inner = Agent(name="inner", tools=[stubborn], model=ScriptedModel([call("stubborn"), "-"]))
    model = ScriptedModel([call("inner", task="Go."), "Too long."])
    result = await Agent(tools=[inner.as_tool(timeout_s=0.02)], model=model).run("Go.")
    assert result.output == "Too long."
    await all_have_ended(end)


async def test_a_generator_that_swallows_its_time_limit(end):
    async def stubborn():
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                yield "still here"

    result = await as_tool(stubborn, timeout_s=0.02).call("{}")
    assert result.text == "stubborn did not finish within 0.02 s"
    await all_have_ended(end)


def test_neither_the_event_loop_nor_the_program_waits_for_it():
    program = """
import asyncio
from victor.core import Agent, as_tool
from victor.core.testing import ScriptedModel, call

async def stubborn() -> None:
    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:
            pass

model = ScriptedModel([call("stubborn"), "Too long."])
print(Agent(tools=[as_tool(stubborn, timeout_s=0.01)], model=model).run_sync("Go.").output)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "Too long.\n"), done.stderr
    assert "stubborn did not stop" in done.stderr

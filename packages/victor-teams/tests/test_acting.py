"""Members that do not stop, or that try to take the run with them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from victor.teams import RoundRobin, Sequential, StopReason, Team, TeamLimits


@pytest.fixture
def gate():
    """Opened at the end of the test, so that no thread outlives it."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.mark.parametrize("pattern", ["sequential", "parallel"])
async def test_a_function_that_blocks_is_left_behind_when_its_time_is_over(gate, pattern):
    def stuck(ask):
        gate.wait(60)
        return "late"

    team = Team([stuck, lambda ask: "quick"], pattern, limits=TeamLimits(turn_timeout_s=0.1), on_failure="skip")
    result = await team.run("t")
    assert [(turn.member, turn.text, turn.error) for turn in result.turns] == [
        ("stuck", "", "no answer within 0.1 s"),
        ("function", "quick", ""),
    ]


async def test_functions_that_block_work_side_by_side_and_the_loop_goes_on():
    both = threading.Barrier(2, timeout=30)

    def ann(ask):
        both.wait()
        return "a"

    def bob(ask):
        both.wait()
        return "b"

    assert (await Team([ann, bob], "parallel").run("t")).output == "ann: a\n\nbob: b"


async def test_the_time_of_the_whole_run_holds_too(gate):
    team = Team([lambda ask: gate.wait(60)], Sequential(), limits=TeamLimits(timeout_s=0.1))
    result = await team.run("t")
    assert result.stop_reason is StopReason.TIMEOUT


async def test_who_cancels_the_run_does_not_wait_for_a_function_that_blocks(gate):
    began = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stuck(ask):
        loop.call_soon_threadsafe(began.set)
        gate.wait(60)

    run = asyncio.create_task(Team([stuck], Sequential()).run("t"))
    await began.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert not gate.is_set()


async def test_a_member_that_swallows_its_cancellation_is_left_behind(monkeypatch, caplog):
    monkeypatch.setattr("victor.teams.acting._GRACE_S", 0.02)
    end = asyncio.Event()

    async def stubborn(ask):
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                pass
        return "late"

    team = Team(
        [stubborn, lambda ask: "quick"], Sequential(), limits=TeamLimits(turn_timeout_s=0.02), on_failure="skip"
    )
    result = await team.run("t")
    assert [turn.error for turn in result.turns] == ["no answer within 0.02 s", ""]
    assert "'stubborn' did not stop" in caplog.text
    again = await Team([stubborn], Sequential(), limits=TeamLimits(timeout_s=0.02)).run("t")
    assert again.stop_reason is StopReason.TIMEOUT
    end.set()
    from victor.core.left_behind import _behind

    while _behind:
        await asyncio.sleep(0)


def test_the_program_ends_all_the_same():
    program = """
import asyncio
from victor.teams import *
async def stubborn(ask):
    while True:
        try:
            await asyncio.sleep(60)
        except BaseException:
            pass
def stuck(ask):
    __import__("time").sleep(60)
limits = TeamLimits(turn_timeout_s=0.05)
print(Team([stubborn, stuck], "parallel", limits=limits, on_failure="skip").run_sync("t").stop_reason.value)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "error\n"), done.stderr


async def test_cleaning_up_after_the_time_is_waited_for():
    closed = []

    async def tidy(ask):
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    await Team([tidy], Sequential(), limits=TeamLimits(turn_timeout_s=0.02)).run("t")
    assert closed == [True]


async def test_teams_in_teams_stop_without_being_left_behind(gate, caplog):
    team = Team([lambda ask: gate.wait(60)], Sequential(), name="t0")
    for level in range(1, 64):
        team = Team([team], Sequential(), name=f"t{level}")
    result = await team.run("t", limits=TeamLimits(timeout_s=0.3))
    assert result.stop_reason is StopReason.TIMEOUT
    assert not caplog.records


@pytest.mark.parametrize("how", ["async", "sync"])
async def test_a_cancellation_of_its_own_is_its_failure(how):
    async def cancelled(ask):
        inner = asyncio.ensure_future(asyncio.Event().wait())
        inner.cancel()
        await inner

    def raises(ask):
        raise asyncio.CancelledError

    team = Team([cancelled if how == "async" else raises, lambda ask: "fine"], Sequential(), on_failure="skip")
    result = await team.run("t")
    assert result.output == "fine"
    assert "something inside it was cancelled" in result.turns[0].error


@pytest.mark.parametrize("kind", ["async", "sync", "punctual"])
async def test_a_member_cannot_end_the_program(kind):
    async def ends(ask):
        raise SystemExit(2)

    def quits(ask):
        raise SystemExit(2)

    class Punctual:
        name, description, punctual = "p", "", True

        async def act(self, ask):
            raise SystemExit(2)

    who = {"async": ends, "sync": quits, "punctual": Punctual()}[kind]
    result = await Team([who, lambda ask: "fine"], Sequential(), on_failure="skip").run("t")
    assert (result.output, result.turns[0].error) == ("fine", "it tried to end the program: SystemExit(2)")


async def test_what_no_future_can_carry():
    def exhausted(ask):
        return next(iter(()))

    result = await Team([exhausted], Sequential()).run("t")
    assert result.detail == "exhausted: RuntimeError: StopIteration: "


async def test_callables_and_what_they_return_may_be_async():
    async def later(ask):
        return "later"

    class Speaks:
        name, description = "speaks", ""

        async def __call__(self, ask):
            return "called"

    result = await Team([lambda ask: later(ask), Speaks()], RoundRobin(rounds=1)).run("t")
    assert [turn.text for turn in result.turns] == ["later", "called"]

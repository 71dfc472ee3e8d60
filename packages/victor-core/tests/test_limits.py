"""Limits and the clock that stands still."""

from __future__ import annotations

import asyncio

import pytest

from victor.core.errors import ConfigurationError
from victor.core.limits import Limits, RunClock


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"tokens": -1},
        {"cost_usd": 0},
        {"timeout_s": "1"},
        {"repeats": 1},
        {"parallel_tools": None},
        {"steps": True},
        {"result_chars": 99},
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(ConfigurationError, match=f"Limits.{name}"):
        Limits(**wrong)


def test_every_limit_is_on_by_default_and_can_be_switched_off():
    limits = Limits()
    assert None not in (
        limits.steps,
        limits.tokens,
        limits.cost_usd,
        limits.timeout_s,
        limits.repeats,
        limits.result_chars,
    )
    assert Limits(steps=None, tokens=None, cost_usd=None, timeout_s=None, repeats=None).steps is None


async def test_the_clock_ends_the_block():
    clock = RunClock(0.001)
    with pytest.raises(TimeoutError):
        async with clock.running():
            await asyncio.Event().wait()
    assert clock.expired


async def test_overlapping_pauses_stop_the_clock_until_the_last_ends():
    clock = RunClock(0.02)
    async with clock.running():
        with clock.paused():
            with clock.paused():
                await asyncio.sleep(0.03)
            assert clock.deadline is None
            await asyncio.sleep(0.03)
        assert clock.deadline is not None
    assert not clock.expired


async def test_without_a_limit_there_is_no_deadline():
    clock = RunClock(None)
    async with clock.running():
        with clock.paused():
            assert clock.deadline is None
        assert clock.deadline is None

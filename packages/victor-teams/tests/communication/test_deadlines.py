"""Deadlines: each action happens once, in time and in order, and met ones do not pile up."""

from __future__ import annotations

import asyncio

from victor.teams.communication.deadlines import Deadlines


async def test_in_order_whatever_the_order_they_were_set_in():
    deadlines = Deadlines()
    done = []
    for seconds in (0.03, 0.01, 0.02):
        deadlines.after(seconds, lambda seconds=seconds: done.append(seconds))
    await asyncio.sleep(0.06)
    assert done == [0.01, 0.02, 0.03]
    assert len(deadlines) == 0


async def test_met_ones_do_nothing():
    deadlines = Deadlines()
    done = []
    first = deadlines.after(0.001, lambda: done.append(1))
    deadlines.after(0.002, lambda: done.append(2))
    first.meet()
    await asyncio.sleep(0.02)
    assert done == [2]


async def test_met_ones_do_not_pile_up_behind_one_that_is_far_away():
    deadlines = Deadlines()
    deadlines.after(0.5, lambda: None)
    for _ in range(20_000):
        deadlines.after(1000, lambda: None).meet()
    assert len(deadlines) < 5000


async def test_closing_forgets_them():
    deadlines = Deadlines()
    done = []
    deadlines.after(0.001, lambda: done.append(1))
    deadlines.close()
    await asyncio.sleep(0.01)
    assert done == []

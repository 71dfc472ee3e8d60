"""What is a loop, and what only looks like one."""

from __future__ import annotations

import json

from victor.core import Agent
from victor.core.testing import ScriptedModel
from victor.teams import Selector, StopReason, Team


def agent(name, *answers):
    return Agent(name=name, model=ScriptedModel([a if isinstance(a, str) else json.dumps(a) for a in answers]))


async def test_choosing_the_same_again_is_no_loop_while_the_work_gets_on():
    chapters = [f"chapter {number}" for number in range(6)]
    chief = agent("chief", *[{"value": "ann"}] * 6, {"value": "done"})
    result = await Team([chief, agent("ann", *chapters)], Selector(by="chief", again=True)).run("Write.")
    assert (result.stop_reason, result.output) == (StopReason.COMPLETED, "chapter 5")


async def test_it_is_one_when_nobody_says_anything_new():
    chief = agent("chief", *[{"value": "ann"}, {"value": "bob"}] * 9)
    team = Team([chief, agent("ann", *["Hm."] * 9), agent("bob", *["Well."] * 9)], Selector(by="chief"))
    result = await team.run("Talk.")
    assert (result.stop_reason, len(result.turns) < 14) == (StopReason.LOOP, True)

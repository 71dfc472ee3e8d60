"""What a team knows together belongs to one run, and every change of it is a turn's."""

from __future__ import annotations

import pytest

from victor.core.errors import ConfigurationError
from victor.teams import Sequential, StopReason, Team, TeamLimits
from victor.teams.errors import TeamError
from victor.teams.memory import MemoryView, SharedMemory


def notes(ask):
    ask.memory["notes"].append(f"secret of {ask.task}")
    return str(ask.memory["notes"])


async def test_a_change_in_place_is_a_change_of_this_run_alone():
    start = {"notes": []}
    team = Team([notes], Sequential(), memory=start)
    first, second = await team.run("A"), await team.run("B")
    assert (first.turns[0].text, second.turns[0].text) == ("['secret of A']", "['secret of B']")
    assert (start, team.memory, second.memory) == ({"notes": []}, {"notes": []}, {"notes": ["secret of B"]})
    assert second.turns[0].memory == {"notes": ["secret of B"]}
    second.memory["notes"].append("by the caller")
    assert (await team.run("C")).memory == {"notes": ["secret of C"]}


async def test_it_is_there_again_on_resume(tmp_path):
    down = [True]

    def second(ask):
        if down.pop() if down else False:
            raise ConnectionError("down")
        return str(ask.memory["notes"])

    def make():
        return Team([notes, second], Sequential(), memory={"notes": []})

    path = tmp_path / "run.jsonl"
    assert (await make().run("A", journal=path)).stop_reason is StopReason.MEMBER_FAILED
    assert (await make().run("A", journal=path)).output == "['secret of A']"


async def test_a_turn_that_failed_changes_nothing_also_in_place():
    def fails(ask):
        ask.memory["notes"].append("half")
        raise ValueError("no")

    result = await Team([fails, notes], Sequential(), memory={"notes": []}, on_failure="skip").run("A")
    assert result.memory == {"notes": ["secret of A"]}


async def test_what_json_cannot_hold_is_the_turns_failure():
    def bad(ask):
        ask.memory["notes"].append(object())
        return "x"

    result = await Team([bad], Sequential(), memory={"notes": []}).run("A")
    assert "the shared memory holds what JSON can hold; 'notes'" in result.detail
    with pytest.raises(ConfigurationError, match="what JSON can hold; 'x'"):
        Team([bad], Sequential(), memory={"x": object()})
    with pytest.raises(ConfigurationError, match="are texts, not 5"):
        Team([bad], Sequential(), memory={5: 1})


@pytest.mark.parametrize("in_place", [True, False])
async def test_it_has_a_size(tmp_path, in_place):
    def hoards(ask):
        if in_place:
            ask.memory["notes"].append("x" * 1_000_000)
        else:
            ask.memory["n"] = "x" * 1_000_000
        return "ok"

    path = tmp_path / "run.jsonl"
    result = await Team([hoards], Sequential(), memory={"notes": []}).run("x", journal=path)
    assert "100,000 characters into the shared memory (TeamLimits.turn_chars)" in result.detail
    assert path.stat().st_size < 2000
    free = await Team([hoards], Sequential(), memory={"notes": []}, limits=TeamLimits(turn_chars=None)).run("x")
    assert free.completed


def test_many_small_values_are_no_way_round():
    view = MemoryView({}, 100)
    with pytest.raises(TeamError, match="a turn may put 100 characters"):
        for number in range(100):
            view[f"k{number}"] = "x"
    for _ in range(100):
        view["k0"] = "y"  # the same again takes no more room


def test_a_view():
    memory = SharedMemory({"a": [1], "b": 2, "c": {"d": 1}})
    view = memory.view()
    assert (view["a"], view.get("b"), view.get("x", 5), view.keys()) == ([1], 2, 5, ["a", "b", "c"])
    assert view.changes == {}
    view["c"]["d"] = 2
    del view["a"]
    view["e"] = [0]
    view["e"].append(1)
    assert view.changes == {"a": None, "c": {"d": 2}, "e": [0, 1]}
    view["a"] = 3
    assert dict(view.items()) == {"a": 3, "b": 2, "c": {"d": 2}, "e": [0, 1]}
    assert dict(memory) == {"a": [1], "b": 2, "c": {"d": 1}}
    memory.apply(view.changes)
    assert dict(memory) == {"a": 3, "b": 2, "c": {"d": 2}, "e": [0, 1]}
    del view["e"]
    assert view.changes["e"] is None
    with pytest.raises(TeamError, match="holds no None"):
        view["a"] = None

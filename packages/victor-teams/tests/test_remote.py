"""Members in other processes: the same turns as here, and every failure told."""

from __future__ import annotations

import asyncio

import pytest
from attrs import frozen

from victor.core import Agent
from victor.core.errors import VictorError
from victor.core.message import ToolCall
from victor.core.testing import ScriptedModel
from victor.core.tool import as_tool
from victor.teams import (
    Ask,
    Human,
    MemberError,
    OnFailure,
    Pattern,
    RemoteMember,
    Reply,
    RoundRobin,
    Sequential,
    StopReason,
    Swarm,
    Team,
    TeamLimits,
    load_teams,
    serve_member,
)
from victor.teams.communication import MessageBus


@pytest.fixture
async def bus():
    async with MessageBus() as made:
        yield made


async def elsewhere(bus, *members, **options):
    """What stands for these members, which are on the bus."""
    before = {*bus.members}
    for member in members:
        await serve_member(bus, member)
    return [RemoteMember(name, bus, **options) for name in bus.members if name not in before]


@frozen
class Asks(Pattern):
    """Asks everybody once, and gives what the last one said."""

    form: object = str
    tools: tuple = ()

    async def run(self, session):
        for name in session.members:
            turn = await session.ask(name, "?", output_type=self.form, tools=self.tools)
        return turn.data or turn.text


async def test_agents_take_their_turns_as_they_would_here(bus):
    def made():
        return [
            Agent("You write.", name="writer", model=ScriptedModel(["A river.", "A wide river."])),
            Agent("You judge.", name="critic", model=ScriptedModel(["Too short.", "Good."])),
        ]

    there = await Team(await elsewhere(bus, *made()), RoundRobin(rounds=2)).run("The Danube")
    here = await Team(made(), RoundRobin(rounds=2)).run("The Danube")
    assert there.transcript() == here.transcript()
    assert there.usage == here.usage
    assert [turn.prompt for turn in there.turns] == [turn.prompt for turn in here.turns]


async def test_what_a_member_may_see_holds_elsewhere_too(bus):
    seen = []

    def listener(ask):
        seen.append([message.content for message in ask.history])
        return "I listen"

    await serve_member(bus, listener)
    for sees in ("all", "none", "last:1"):
        remote = RemoteMember("listener", bus, sees=sees)
        await Team([lambda_named("ann"), lambda_named("bob"), remote], Asks()).run("t")
    assert seen == [["t", "ann: ann", "bob: bob"], [], ["t", "bob: bob"]]


def lambda_named(name):
    def act(ask):
        return name

    act.__name__ = name
    return act


async def test_forms_memory_and_what_is_left_travel(bus):
    @frozen
    class Town:
        name: str
        people: int

    seen = {}

    def clerk(ask):
        seen.update(form=ask.output_type, left=ask.limits, memory=ask.memory.items(), deps=ask.deps)
        ask.memory["asked"] = True
        del ask.memory["old"]
        return {"name": "Ulm", "people": 128000}

    await serve_member(bus, clerk, deps="mine")
    limits = TeamLimits(turns=7, tokens=1000, cost_usd=2.0, turn_timeout_s=50)
    team = Team([RemoteMember("clerk", bus)], Asks(Town), memory={"old": 1, "town": "?"}, limits=limits)
    result = await team.run("t", deps="theirs")
    assert result.output == Town("Ulm", 128000)
    assert result.memory == {"town": "?", "asked": True}
    assert seen["form"]["properties"].keys() == {"name", "people"}
    assert (seen["left"].tokens, seen["left"].turns, seen["left"].cost_usd) == (1000, 6, 2.0)
    assert 49 < seen["left"].timeout_s <= 50
    assert (seen["memory"], seen["deps"]) == ([("old", 1), ("town", "?")], "mine")


async def test_every_failure_is_the_members(bus):
    def broken(ask):
        raise ValueError("no idea")

    async def silent(ask):
        await asyncio.sleep(60)

    def wrong(ask):
        return {"name": 3}

    class Odd:
        name, description = "odd", ""

        async def act(self, ask):
            return "no reply"

    @frozen
    class Name:
        name: str

    remote = await elsewhere(bus, broken, silent, wrong, Odd(), timeout_s=0.2, patience_s=0.05)
    absent = RemoteMember("absent", bus, patience_s=0.05)
    result = await Team([*remote, absent], Asks(Name), on_failure="skip").run("t")
    told = {turn.member: turn.error for turn in result.turns}
    assert told["broken"] == "ValueError: no idea"
    assert told["silent"] == "no answer within 0.2 s"
    assert "does not have the required form" in told["wrong"]
    assert "act() returned a str" in told["odd"]
    assert "nobody serves 'absent' on the bus 'bus'; waited 0.05 s. A worker serves it: victor team" in told["absent"]


async def test_the_policy_of_the_team_decides(bus):
    (broken,) = await elsewhere(bus, lambda ask: 1 / 0)
    replaced = await Team(
        [broken, lambda_named("ann")], Sequential(), on_failure={broken.name: OnFailure("replace", 1, 0, "ann")}
    ).run("t")
    assert (replaced.turns[0].stand_in, replaced.turns[0].attempts) == ("ann", 3)
    failed = await Team([broken], Sequential()).run("t")
    assert (failed.stop_reason, failed.detail) == (
        StopReason.MEMBER_FAILED,
        "function: ZeroDivisionError: division by zero",
    )


async def test_what_comes_back_that_is_no_answer(bus):
    await bus.join("odd")
    await bus.serve("odd", lambda message: {"text": 7})
    with pytest.raises(MemberError, match="what came back is no answer of a member: .*text"):
        await RemoteMember("odd", bus).act(Ask("t", "?"))
    await serve_member(bus, lambda_named("ann"))
    with pytest.raises(Exception, match="could not answer: ValidationError"):
        await bus.delegate("team", "ann", {"no": "turn"})


async def test_the_work_is_handed_over_and_the_memory_is_used_from_elsewhere(bus):
    front = Agent(
        name="front",
        model=ScriptedModel(
            [
                [ToolCall("1", "remember", '{"key": "who", "value": "Ann"}')],
                [ToolCall("2", "hand_over", '{"to": "billing"}')],
                "Charged twice.",
            ]
        ),
    )
    billing = Agent(name="billing", model=ScriptedModel([ToolCall("1", "recall", '{"key": "who"}'), "Paid back."]))
    team = Team(await elsewhere(bus, front, billing), Swarm(), memory_tools=True)
    result = await team.run("Help!")
    assert (result.output, result.memory) == ("Paid back.", {"who": "Ann"})
    assert result.turns[0].handoff == "billing"


async def test_other_tools_of_a_turn_cannot_travel_and_that_is_said(bus):
    async def look() -> str:
        """Look."""

    remote = await elsewhere(bus, lambda_named("ann"))
    result = await Team(remote, Asks(tools=(as_tool(look),))).run("t")
    assert "the tool 'look' of this turn cannot run in another process" in result.detail


async def test_what_a_failed_turn_has_used_counts(bus):
    class Spent:
        name, description = "ann", ""

        async def act(self, ask):
            failed = MemberError("no luck")
            failed.spent = Reply(cost_usd=0.25, tokens=30)
            raise failed

    result = await Team(await elsewhere(bus, Spent()), Sequential(), on_failure="skip").run("t")
    assert (result.turns[0].error, result.cost_usd) == ("no luck", 0.25)


async def test_people_elsewhere_are_waited_for(bus, tmp_path):
    remote = await elsewhere(bus, lambda_named("ann"), Human("boss"))
    journal = tmp_path / "run.jsonl"
    waiting = await Team(remote, Asks()).run("t", journal=journal)
    assert waiting.stop_reason is StopReason.WAITING
    (question,) = waiting.questions
    assert (question.member, question.prompt) == ("boss", "?")
    done = await Team(remote, Asks()).run(journal=journal, answers={question.id: "Yes."})
    assert done.output == "Yes."


async def test_a_team_elsewhere_goes_on_where_it_was(bus, tmp_path):
    asked = []

    def clerk(ask):
        asked.append(ask.text)
        return "prepared"

    lab = Team([clerk, Human("boss")], Sequential(), name="lab")
    remote = await elsewhere(bus, lab)
    journal = tmp_path / "run.jsonl"
    waiting = await Team(remote, Sequential(), name="all").run("t", journal=journal)
    (question,) = waiting.questions
    assert question.id == "0/1"
    done = await Team(remote, Sequential(), name="all").run(journal=journal, answers={question.id: "Go."})
    assert (done.output, asked) == ("Go.", ["t"])
    again = await Team(remote, Sequential(), name="all").run(journal=journal)
    assert again.output == "Go."


async def test_a_plain_function_does_not_hold_up_its_worker(bus):
    import threading

    go = threading.Event()

    def slow(ask):
        assert go.wait(10)
        return "slow"

    remote = await elsewhere(bus, slow)
    running = asyncio.create_task(Team(remote, Sequential()).run("t"))
    await asyncio.sleep(0.02)
    go.set()  # the event loop got here, although the function had not returned
    assert (await running).output == "slow"


async def test_turns_are_told_where_they_were_taken(bus):
    told = []
    await serve_member(bus, Agent(name="ann", model=ScriptedModel(["Yes."])), address="x/ann", on_turn=told.append)
    await Team([RemoteMember("ann", bus, address="x/ann")], Sequential()).run("Well?")
    (turn,) = told
    assert (turn.member, turn.prompt, turn.text, turn.error) == ("ann", "Well?", "Yes.", "")


async def test_without_a_bus_that_is_said(monkeypatch):
    monkeypatch.delenv("VICTOR_BUS", raising=False)
    result = await Team([RemoteMember("ann")], Sequential()).run("t")
    assert "no bus to reach it by: set VICTOR_BUS=nats://host:port" in result.detail


FILE = """
teams:
  review:
    pattern: sequential
    members:
      - {name: writer, instructions: "Write.\\nWell.", remote: true, idempotent: false}
      - {name: tester, type: function, function: "nowhere:test", remote: true}
      - {name: critic, instructions: Judge., model: test}
"""


def test_members_of_files_that_act_elsewhere():
    team = load_teams(text=FILE, bus="nats://x")["review"]
    writer, tester, critic = team.members.values()
    assert repr(writer) == "RemoteMember('writer', address='review/writer')"
    assert (writer.description, writer.bus) == ("Write.", "nats://x")
    assert isinstance(tester, RemoteMember)  # what it does need not be importable here
    assert not isinstance(critic, RemoteMember)
    here = load_teams(text=FILE, here={"review/writer"})["review"].members["writer"]
    assert (here.agent.instructions, here.address, here.idempotent) == ("Write.\nWell.", "review/writer", False)
    with pytest.raises(VictorError, match="nowhere"):
        load_teams(text=FILE, here={"review/tester"})
    with pytest.raises(VictorError, match="<text>:6:.*idempotent: false goes with remote: true"):
        load_teams(
            text=FILE.replace("idempotent: false", "idempotent: false, remote: false").replace(
                "remote: true, idem", "idem"
            )
        )

"""Members in other processes: the same turns as here, and every failure told."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import frozen

from victor.core import Agent
from victor.core.testing import ScriptedModel
from victor.teams import Human, MemberError, Pattern, RoundRobin, Sequential, StopReason, Swarm, Team
from victor.teams.communication import MessageBus
from victor.teams.remote import RemoteMember, serve_member


async def elsewhere(*members, **options):
    """A bus with these members on it, and what stands for them."""
    bus = MessageBus()
    await bus.join("team")
    for member in members:
        await serve_member(bus, member)
    names = [name for name in bus.members if name != "team"]
    return bus, [RemoteMember(name, bus, **options) for name in names]


async def test_agents_take_their_turns_as_they_would_here():
    def made():
        return [
            Agent("You write.", name="writer", model=ScriptedModel(["A river.", "A wide river."])),
            Agent("You judge.", name="critic", model=ScriptedModel(["Too short.", "Good."])),
        ]

    bus, remote = await elsewhere(*made())
    there = await Team(remote, RoundRobin(rounds=2)).run("The Danube")
    here = await Team(made(), RoundRobin(rounds=2)).run("The Danube")
    assert there.transcript() == here.transcript()
    assert there.usage == here.usage
    await bus.close()


async def test_forms_memory_and_what_is_left_travel():
    @frozen
    class Town:
        name: str
        people: int

    @frozen
    class Asks(Pattern):
        async def run(self, session):
            return (await session.ask("clerk", "Which town?", output_type=Town)).data

    seen = {}

    def clerk(ask):
        seen.update(form=ask.output_type, left=ask.limits.tokens, memory=ask.memory.items())
        ask.memory["asked"] = True
        del ask.memory["old"]
        return {"name": "Ulm", "people": 128000}

    bus, remote = await elsewhere(clerk)
    result = await Team(remote, Asks(), memory={"old": 1, "town": "?"}).run("t")
    assert result.output == Town("Ulm", 128000)
    assert result.memory == {"town": "?", "asked": True}
    assert seen["form"]["properties"].keys() == {"name", "people"}
    assert (seen["left"], seen["memory"]) == (1_000_000, [("old", 1), ("town", "?")])
    await bus.close()


async def test_every_failure_is_the_members():
    def broken(ask):
        raise ValueError("no idea")

    async def silent(ask):
        await asyncio.sleep(60)

    def wrong(ask):
        return {"name": 3}

    class Absent(RemoteMember):
        pass

    bus, (remote_broken, remote_silent, remote_wrong) = await elsewhere(broken, silent, wrong, timeout_s=0.05)
    absent = Absent("absent", bus)

    @frozen
    class Name:
        name: str

    @frozen
    class Asks(Pattern):
        async def run(self, session):
            for name in session.members:
                await session.ask(name, "?", output_type=Name if name == "wrong" else str)

    result = await Team([remote_broken, remote_silent, remote_wrong, absent], Asks(), on_failure="skip").run("t")
    told = {turn.member: turn.error for turn in result.turns}
    assert "ValueError: no idea" in told["broken"]
    assert "did not answer 'team' within 0.05 s" in told["silent"]
    assert "does not have the required form" in told["wrong"]
    assert "not on the bus" in told["absent"]
    await bus.serve("team", lambda message: "nonsense")
    odd = RemoteMember("odd", bus, address="team", sender="broken")
    with pytest.raises(MemberError, match="its answer is none of a member"):
        from victor.teams import Ask

        await odd.act(Ask("t", "?"))
    await bus.close()


async def test_tools_of_a_turn_cannot_travel_and_that_is_said():
    bus, remote = await elsewhere(lambda ask: "x", lambda_named("other"))
    result = await Team(remote, Swarm()).run("t")
    assert (result.stop_reason, "cannot be sent to another process: hand_over" in result.detail) == (
        StopReason.MEMBER_FAILED,
        True,
    )
    await bus.close()


def lambda_named(name):
    def act(ask):
        return name

    act.__name__ = name
    return act


async def test_the_spent_of_a_failed_turn_counts():
    agent = Agent(name="ann", model=ScriptedModel(['"no form"'] * 9), output_type=dict[str, int])
    bus, remote = await elsewhere(agent)
    result = await Team(remote, Sequential(), on_failure="skip").run("t" * 400)
    assert "OutputError" in result.turns[0].error
    await bus.close()


TEAM = """
teams:
  talk:
    pattern: {type: round_robin, rounds: 6}
    limits: {repeats: null}
    members:
      - {name: a, type: function, function: "./own.py:slow"}
      - {name: b, type: function, function: "./own.py:slow"}
"""
OWN = "import os, time\ndef slow(ask):\n    time.sleep(0.15)\n    return str(os.getpid())\n"


@pytest.mark.parametrize("kill", [False, True])
def test_workers_in_processes_of_their_own(nats_server, tmp_path, kill):
    """`victor team worker` twice, `victor team run` once; a worker that dies leaves its turns to the other."""
    program = shutil.which("victor", path=str(Path(sys.executable).parent))
    assert program, "the console script 'victor' is missing"
    name = f"talk{os.getpid()}{int(kill)}"
    (tmp_path / "teams.yaml").write_text(TEAM.replace("talk:", f"{name}:"))
    (tmp_path / "own.py").write_text(OWN)
    environment = {**os.environ, "VICTOR_BUS": nats_server.url, "NO_COLOR": "1", "HOME": str(tmp_path)}
    environment.pop("VICTOR_LOAD_PLUGINS", None)
    start = {"cwd": tmp_path, "env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    workers = [subprocess.Popen([program, "team", "worker", "teams.yaml"], **start) for _ in range(2)]
    try:
        for worker in workers:
            assert "serving a, b" in worker.stdout.readline()
        running = subprocess.Popen([program, "team", "run", "teams.yaml", "talk", "--bus", nats_server.url], **start)
        if kill:
            first = running.stdout.readline()
            pid = int(first.split(": ")[1])
            os.kill(pid, signal.SIGKILL)
        shown, _ = running.communicate(timeout=60)
        assert running.returncode == 0, shown
        assert "completed: 12 turns" in shown
        pids = {int(line.split(": ")[1]) for line in shown.splitlines() if line.startswith(("a: ", "b: "))}
        assert pids <= {worker.pid for worker in workers}
        others = [worker for worker in workers if not kill or worker.pid != pid]
        for worker in others:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(20) == 0
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


async def test_people_are_not_served_without_an_answer():
    bus, remote = await elsewhere(Human("boss"))
    result = await Team(remote, Sequential()).run("t")
    assert "could not answer" in result.detail
    await bus.close()

"""``victor team worker`` and ``victor team run`` with remote members, as they are typed, over a real server."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from victor.core.plugins import set_plugins
from victor.teams import TeamLimits, load_team

FILE = """
teams:
  {name}:
    pattern: sequential
    members:
      - {{name: slow, type: function, function: "./own.py:slow", remote: true}}
      - {{name: once, type: function, function: "./own.py:once", remote: true, idempotent: false}}
      - {{name: last, type: function, function: "./own.py:last"}}
    on_failure: skip
"""
OWN = """
import os, time
from pathlib import Path
def hang():
    if not Path("hung").exists():
        Path("hung.new").write_text(str(os.getpid()))
        Path("hung.new").rename("hung")
        while Path("hung").exists():
            time.sleep(0.02)
def slow(ask):
    if "hang" in ask.task:
        hang()
    if "huge" in ask.task:
        return "x" * 3_000_000
    return f"done by {os.getpid()}"
def once(ask):
    if "pay" in ask.task:
        hang()
    return "paid"
def last(ask):
    return "the end"
"""
numbers = iter(range(1_000_000))


@pytest.fixture
def folder(tmp_path, monkeypatch, nats_server):
    """A folder with a team file, which is the working directory."""
    for name in [name for name in os.environ if name.startswith("VICTOR_") and name != "VICTOR_ROOT"]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VICTOR_BUS", nats_server.url)
    monkeypatch.setenv("VICTOR_LOAD_PLUGINS", "core,teams")
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "own.py").write_text(OWN)
    name = f"t{os.getpid()}-{next(numbers)}"
    (tmp_path / "teams.yaml").write_text(FILE.format(name=name))
    return tmp_path


class Worker:
    """A worker in a process of its own, and what it has printed."""

    def __init__(self, *options: str) -> None:
        program = shutil.which("victor", path=str(Path(sys.executable).parent))
        assert program, "the console script 'victor' is missing"
        self.process = subprocess.Popen(
            [program, "team", "worker", "teams.yaml", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def line(self) -> str:
        return self.process.stdout.readline()

    def end(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        shown, _ = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, shown
        return shown


@pytest.fixture
def workers(folder):
    """Starts workers and waits until they serve."""
    made: list[Worker] = []

    def start(*options: str, count: int = 1) -> list[Worker]:
        new = [Worker(*options) for _ in range(count)]
        made.extend(new)
        for each in new:
            assert re.match(r"serving t[\d-]+/slow, t[\d-]+/once on 127\.0\.0\.1:\d+; Ctrl-C ends it", each.line())
        return new

    yield start
    for each in made:
        each.process.kill()
        each.process.communicate()


@pytest.fixture
def victor(capsys):
    """``victor team ...``, called in this process; gives what it printed."""
    from victor.core.cli import main

    before = set_plugins(None)

    def call(*args: str, code: int = 0) -> str:
        set_plugins(None)
        returned = main(("team", *args))
        captured = capsys.readouterr()
        assert returned == code, captured.out + captured.err
        return captured.out + captured.err

    yield call
    set_plugins(before)


def when_it_hangs(do):
    """Do something with the id of the process that hangs, as soon as one does."""
    Path("hung").unlink(missing_ok=True)

    def watch():
        for _ in range(1000):
            if Path("hung").exists():
                do(int(Path("hung").read_text()))
                return
            time.sleep(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.mark.slow
def test_a_killed_worker_leaves_its_turn_to_another_unless_that_does_harm(workers, victor):
    started = workers("--ack-wait", "0.5", count=3)
    shown = victor("run", "teams.yaml", "hello")
    assert "slow: done by " in shown
    assert "once: paid" in shown
    times = []
    watching = when_it_hangs(lambda pid: (os.kill(pid, signal.SIGKILL), times.append(time.monotonic())))
    shown = victor("run", "teams.yaml", "hang")
    watching.join()
    assert time.monotonic() - times[0] < 10
    alive = [each for each in started if each.process.poll() is None]
    assert len(alive) == 2
    assert any(f"slow: done by {each.process.pid}\n" in shown for each in alive)
    assert "failed" not in shown

    watching = when_it_hangs(lambda pid: os.kill(pid, signal.SIGKILL))
    shown = victor("run", "teams.yaml", "pay")
    watching.join()
    assert "begun before by a worker that did not answer, and must not be done twice" in shown
    assert "last: the end" in shown  # the team's policy was to go on
    (last,) = [each for each in alive if each.process.poll() is None]
    told = last.end()
    assert "stopping: turns in hand are finished within 30 s, or given back" in told
    assert re.search(r"stopped; turns taken: \d\n", told)


async def test_answers_that_are_too_large_and_files_that_differ(folder, capsys):
    from victor.teams.cli.worker import _serve, _served

    url = os.environ["VICTOR_BUS"]
    serving = asyncio.create_task(_serve(_served("teams.yaml", None, []), url, 2, 10.0, 30.0))
    file = folder / "teams.yaml"
    own = file.read_text()
    big = await load_team(file, bus=url).run("huge")
    assert re.search(r"a message of 3,\d+,\d+ bytes; the bus 'bus' allows 1,000,000", big.turns[0].error)
    file.write_text(own.replace("name: slow", "name: slowly"))
    team = load_team(file, bus=url)
    team.members["slowly"].patience_s = 0.2
    nobody = (await team.run("hello")).turns[0].error
    assert re.search(r"nobody serves 't[\d-]+/slowly' \(did you mean 't[\d-]+/slow'\?\)", nobody)
    assert nobody.endswith("waited 0.2 s. A worker serves it: victor team worker FILE")
    file.write_text(own.replace('type: function, function: "./own.py:slow"', "instructions: Be slow."))
    there = await load_team(file).run("hello " + "there " * 20)  # what it does is the worker's affair
    assert there.turns[0].text == f"done by {os.getpid()}"
    hangs = asyncio.create_task(load_team(file).run("hang", limits=TeamLimits(turn_timeout_s=20)))
    while not Path("hung").exists():
        await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)  # and once more, as it does not end: the turn is given back
    await serving
    hangs.cancel()
    Path("hung").unlink()
    shown = capsys.readouterr().out
    assert re.search(r"slow: 'hello there there .*\.\.\.' answered in \d+\.\d s\n", shown)
    assert re.search(r"stopped; turns taken: \d\n$", shown)


def test_wrong_usage(folder, victor, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])  # the command looks for modules here
    assert "has no member nobody; it has: t" in victor("worker", "teams.yaml", "-m", "nobody", code=1)
    assert "has no team 'none'; it has: t" in victor("worker", "teams.yaml", "-t", "none", code=1)
    assert "allows" not in victor("worker", "teams.yaml", "--bus", "http://x", code=1)
    file = folder / "teams.yaml"
    file.write_text(file.read_text().replace(", remote: true", "").replace(", idempotent: false", ""))
    assert "no member in teams.yaml has 'remote: true'" in victor("worker", "teams.yaml", code=1)
    (folder / "mine.py").write_text("from victor.teams import *\nteam = Team([RemoteMember('ann')], name='x')\n")
    assert "x/ann is a RemoteMember itself" in victor("worker", "mine:team", "-m", "ann", code=1)
    monkeypatch.delenv("VICTOR_BUS")
    shown = victor("run", "mine:team", "hello", code=1)
    assert "--bus nats://host:port or VICTOR_BUS; in other processes act: ann" in shown

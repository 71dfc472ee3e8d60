"""Runs killed with SIGKILL at random moments go on where they were: on SQLite and on PostgreSQL.

``VICTOR_CRASH_RUNS=200`` kills so many; by default it is a few.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import IO, Any

import pytest

from victor.graph.checkpoint.urls import open_checkpointer

RUNS = int(os.environ.get("VICTOR_CRASH_RUNS", "8"))
WORKER = Path(__file__).with_name("crash_worker.py")

_spec = importlib.util.spec_from_file_location("victor_test_crash_worker", WORKER)
assert _spec is not None
assert _spec.loader is not None
crash_worker = sys.modules.setdefault(_spec.name, importlib.util.module_from_spec(_spec))
_spec.loader.exec_module(crash_worker)


class Workers:
    """Starts workers from a process that has imported everything already."""

    def __init__(self, url: str, journal: Path) -> None:
        self.url = url
        self.journal = journal
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self.stdout.readline() == "ready\n"

    @property
    def stdout(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def say(self, line: str) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        return int(self.stdout.readline())

    def start(self, thread: str) -> int:
        """The process id of a worker, which stays its own until `wait`."""
        return self.say(f"{self.url} {self.journal} {thread}")

    def wait(self) -> int:
        """The exit code of the worker that was started last; negative for the signal that killed it."""
        return self.say("wait")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.stdout.close()
        self.process.wait(60)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Any]:
    made: list[Workers] = []

    def make(url: str) -> Workers:
        made.append(Workers(url, tmp_path / "journal"))
        return made[-1]

    yield make
    for one in made:
        one.close()


def lines(journal: Path, thread: str) -> list[list[str]]:
    if not journal.exists():
        return []
    return [words for words in map(str.split, journal.read_text().splitlines()) if words[1] == thread]


def check(url: str, journal: Path, thread: str) -> None:
    """Nothing that was acknowledged is lost, and nothing that was recorded was done again."""
    happened = lines(journal, thread)
    recorded = set()
    for kind, _, *what in happened:
        if kind == "recorded":
            recorded.add(tuple(what))
        elif kind == "effect":
            assert tuple(what) not in recorded, f"step {what} of {thread} was recorded, and done again"
    acknowledged = max((int(words[2]) for words in happened if words[0] == "state"), default=None)
    with open_checkpointer(url) as store:
        values = crash_worker.build(store, crash_worker.Journal(journal), thread).get_state(thread_id=thread).values
    if acknowledged is None:
        return
    n = values["n"]
    assert n >= acknowledged, f"{thread} had acknowledged {acknowledged}, and is at {n}"
    for side in ("left", "right"):
        assert values[side] in ([7 * i for i in range(1, n + 1)], [7 * i for i in range(1, n)])


def finish(url: str, journal: Path, thread: str) -> None:
    check(url, journal, thread)
    with open_checkpointer(url) as store:
        values = crash_worker.build(store, crash_worker.Journal(journal), thread).get_state(thread_id=thread).values
    rounds = crash_worker.ROUNDS
    assert values == {
        "n": rounds,
        "left": [7 * i for i in range(1, rounds + 1)],
        "right": [7 * i for i in range(1, rounds + 1)],
    }


def reach(journal: Path, thread: str, number: int) -> None:
    """Wait until the thread has written so many lines, or is done, or takes so long that something is wrong."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        written = lines(journal, thread)
        if len(written) >= number or (written and written[-1][0] == "done"):
            return
        time.sleep(0.001)


def kill_many(workers: Workers, kills: int, seed: int) -> None:
    """Kill workers until there have been so many kills; every thread that was begun is brought to its end."""
    rng = random.Random(seed)
    workers.start("undisturbed")
    assert workers.wait() == 0
    finish(workers.url, workers.journal, "undisturbed")
    killed = amid = threads = 0
    while killed < kills:
        thread = f"t{threads}"
        threads += 1
        code = 1
        while code:
            before = len(lines(workers.journal, thread))
            pid = workers.start(thread)
            if killed < kills:
                reach(workers.journal, thread, before + rng.randrange(120))
                time.sleep(rng.uniform(0, 0.003))
                os.kill(pid, signal.SIGKILL)
            code = workers.wait()
            assert code in (0, -signal.SIGKILL)
            check(workers.url, workers.journal, thread)
            if code:
                killed += 1
                amid += len(lines(workers.journal, thread)) > before
        finish(workers.url, workers.journal, thread)
    assert amid >= kills // 3, f"only {amid} of {kills} kills met a run that had begun to work"


@pytest.mark.slow
def test_killed_runs_on_sqlite(workers: Any, tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    kill_many(workers(f"sqlite:{path}"), RUNS, seed=1)
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
def test_killed_runs_on_sqlite_with_normal_durability(workers: Any, tmp_path: Path) -> None:
    kill_many(workers(f"sqlite:{tmp_path}/runs.db?synchronous=normal"), max(4, RUNS // 4), seed=2)


@pytest.mark.slow
def test_killed_runs_on_postgres(workers: Any, postgres_url: str) -> None:
    kill_many(workers(postgres_url), RUNS, seed=3)


@pytest.mark.slow
def test_the_server_is_killed_and_the_runs_go_on_by_themselves(workers: Any, postgres: Any, postgres_url: str) -> None:
    rng = random.Random(4)
    running = workers(postgres_url)
    for number in range(max(2, RUNS // 10)):
        thread = f"s{number}"
        running.start(thread)
        time.sleep(rng.uniform(0, 0.4))
        postgres.kill()
        time.sleep(rng.uniform(0, 0.3))
        postgres.start()
        assert running.wait() == 0
        finish(running.url, running.journal, thread)


@pytest.mark.slow
def test_worker_and_server_are_killed_together(workers: Any, postgres: Any, postgres_url: str) -> None:
    rng = random.Random(5)
    running = workers(postgres_url)
    for number in range(max(1, RUNS // 20)):
        thread = f"b{number}"
        pid = running.start(thread)
        time.sleep(rng.uniform(0.05, 0.3))
        server = Thread(target=postgres.kill)
        server.start()
        os.kill(pid, signal.SIGKILL)
        server.join()
        assert running.wait() in (0, -signal.SIGKILL)
        postgres.start()
        check(running.url, running.journal, thread)
        running.start(thread)
        assert running.wait() == 0
        finish(running.url, running.journal, thread)

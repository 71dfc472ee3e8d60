"""What checkpoints cost: a durable superstep beside a bare commit of SQLite, a growing log, and reading it back.

Each figure is the median of short windows, in turn with its floor, in the same run; on a machine that does other work
too, the CPU times say more than the wall times. With ``--peers`` (or
``VICTOR_BENCH_PEERS_PYTHON``) LangGraph does the growing state too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import operator
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from _results import record

from victor.graph import END, START, SqliteSaver, StateGraph

Level = Literal["full", "normal"]


class State(TypedDict):
    """A counter and a growing list."""

    n: int
    log: Annotated[list[str], operator.add]


def counter(steps: int) -> StateGraph[State]:
    """A loop that counts."""

    async def tick(state: State) -> Any:
        return {"n": state["n"] + 1}

    graph = StateGraph(State).add_node(tick).add_edge(START, "tick")
    return graph.add_conditional_edges("tick", lambda state: "tick" if state["n"] % steps else END)


def growing(steps: int) -> StateGraph[State]:
    """A loop that adds 500 random bytes, as text, to a list."""

    async def tick(state: State) -> Any:
        return {"n": state["n"] + 1, "log": [os.urandom(250).hex()]}

    graph = StateGraph(State).add_node(tick).add_edge(START, "tick")
    return graph.add_conditional_edges("tick", lambda state: "tick" if state["n"] % steps else END)


Times = tuple[float, float]
"""Wall and CPU seconds."""


def now() -> Times:
    """The time."""
    return time.perf_counter(), time.process_time()


def since(began: Times, times: int) -> Times:
    """Microseconds of one of so many, wall and CPU."""
    ended = now()
    return (ended[0] - began[0]) * 1e6 / times, (ended[1] - began[1]) * 1e6 / times


def ratio(runs: list[Times], bases: list[Times]) -> Times:
    """How many times the floor, by wall and by CPU time."""
    wall, cpu = (
        statistics.median(run[which] / base[which] for run, base in zip(runs, bases, strict=True)) for which in (0, 1)
    )
    return wall, cpu


def floor(folder: Path, level: Level, commits: int) -> Times:
    """Microseconds of one commit of one row of 100 bytes, wall and CPU."""
    db = sqlite3.connect(folder / f"floor-{level}.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA synchronous = {level}")
    db.execute("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, data BLOB)")
    data = os.urandom(100)
    began = now()
    for _ in range(commits):
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO t (data) VALUES (?)", (data,))
        db.execute("COMMIT")
    taken = since(began, commits)
    db.close()
    return taken


def durable(folder: Path) -> None:
    """Supersteps that are on the disk before the next begins, beside bare commits."""
    for level in ("full", "normal"):
        with SqliteSaver(folder / f"steps-{level}.db", synchronous=level) as store:
            steps = 50 if level == "full" else 300  # so many that beginning a run does not count
            graph = counter(steps).compile(store)
            sync = counter_sync(steps).compile(store)
            bare: list[Times] = []
            by_async: list[Times] = []
            by_sync: list[Times] = []
            for number in range(12):
                bare.append(floor(folder, level, steps))
                began = now()
                asyncio.run(graph.ainvoke({"n": 0}, thread_id=f"a{number}"))
                by_async.append(since(began, steps))
                began = now()
                sync.invoke({"n": 0}, thread_id=f"s{number}")
                by_sync.append(since(began, steps))
        wall, cpu = (statistics.median(one[which] for one in bare) for which in (0, 1))
        line = f"durable superstep, synchronous={level:6} bare commit {wall:7.1f} us (CPU {cpu:.1f})"
        for face, runs in (("invoke", by_sync), ("ainvoke", by_async)):
            found = ratio(runs, bare)
            line += f"; {face} {found[0]:.2f}x (CPU {found[1]:.2f}x)"
            what = f"durable superstep over a bare commit of SQLite, `synchronous={level}`, `{face}`"
            record(f"durable_{level}_{face}", what, found[0], "x", goal=1.5, note="wall time")
        print(line)


def counter_sync(steps: int) -> StateGraph[State]:
    """The same loop with a sync node."""

    def tick(state: State) -> Any:
        return {"n": state["n"] + 1}

    graph = StateGraph(State).add_node(tick).add_edge(START, "tick")
    return graph.add_conditional_edges("tick", lambda state: "tick" if state["n"] % steps else END)


def many(folder: Path) -> None:
    """Durable supersteps of many runs at once, which share commits."""
    with SqliteSaver(folder / "many.db") as store:
        graph = counter(20).compile(store)

        async def work() -> None:
            await asyncio.gather(*(graph.ainvoke({"n": 0}, thread_id=str(number)) for number in range(200)))

        began = time.perf_counter()
        asyncio.run(work())
        wall = time.perf_counter() - began
    print(f"durable supersteps of 200 runs at once, synchronous=full: {200 * 20 / wall:,.0f} a second")
    record("many", "durable supersteps of 200 runs at once, `synchronous=full`", 200 * 20 / wall, "/s", more=True)


def growth(folder: Path) -> tuple[float, float]:
    """500 supersteps of a growing list: seconds and megabytes."""
    samples = []
    for number in range(5):
        with SqliteSaver(folder / f"grow{number}.db", synchronous="normal") as store:
            graph = growing(500).compile(store)
            began = time.perf_counter()
            asyncio.run(graph.ainvoke({"n": 0, "log": []}, thread_id="t"))
            samples.append(time.perf_counter() - began)
        size = (folder / f"grow{number}.db").stat().st_size / 1e6
    wall = statistics.median(samples)
    print(f"500 supersteps, a list growing by 500 random bytes: {wall * 1000:.0f} ms, file {size:.2f} MB")
    return wall, size


def reading(folder: Path) -> None:
    """Going on from the 10,000th superstep of such a log."""
    with SqliteSaver(folder / "long.db", synchronous="normal") as store:
        graph = growing(10_000).compile(store)
        asyncio.run(graph.ainvoke({"n": 0, "log": []}, thread_id="t", recursion_limit=20_000))
        samples = []
        for _ in range(9):
            began = time.perf_counter()
            state = graph.get_state(thread_id="t")
            samples.append(time.perf_counter() - began)
        resumed = []
        for _ in range(9):
            began = time.perf_counter()
            graph.invoke(None, thread_id="t")
            resumed.append(time.perf_counter() - began)
    size = (folder / "long.db").stat().st_size / 1e6
    assert len(state.values["log"]) == 10_000
    print(
        f"10,000 supersteps of it: file {size:.1f} MB; "
        f"reading the state {min(samples) * 1000:.1f} ms (median {statistics.median(samples) * 1000:.1f}); "
        f"resuming {min(resumed) * 1000:.1f} ms (median {statistics.median(resumed) * 1000:.1f})"
    )
    best = f"{min(resumed) * 1000:.1f} ms at best"
    going = statistics.median(resumed) * 1000
    record("resume", "going on from the 10,000th step of such a log, median", going, "ms", goal=20, note=best)
    record("read", "reading the state there", statistics.median(samples) * 1000, "ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("VICTOR_BENCH_PEERS_PYTHON")
    parser.add_argument("--peers", default=default, help="a Python that has langgraph")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        durable(folder)
        many(folder)
        wall, size = growth(folder)
        peers: dict[str, float] = {}
        reading(folder)
        if options.peers:
            program = Path(__file__).with_name("peers") / "langgraph_checkpoints.py"
            done = subprocess.run([options.peers, str(program), name], capture_output=True, text=True)
            if done.returncode:
                print(f"langgraph skipped: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                return
            for kind, figures in json.loads(done.stdout.splitlines()[-1]).items():
                times = figures["ms"] / wall / 1000
                print(f"LangGraph, {kind}: {figures['ms']:.0f} ms ({times:.0f}x), file {figures['mb']:.1f} MB")
                if kind == "durability=sync":
                    peers["langgraph"] = figures["mb"]
                    record("growth_time", "the same: time over LangGraph's", 1 / times, "x", goal=0.05)
        else:
            print("peers skipped: name a Python that has them: --peers or VICTOR_BENCH_PEERS_PYTHON", file=sys.stderr)
        what = "500 steps, a list growing by 500 random bytes: size of the file"
        record("growth_mb", what, size, "MB", goal=1, peers=peers)


if __name__ == "__main__":
    main()

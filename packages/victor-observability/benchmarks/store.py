"""The metrics store: how fast it is written, how fast figures of ten million events are answered, what a call takes.

Figures are those of the calling thread's CPU where a thread computes, and of the wall clock where another process does
the work; references are raw statements of the same columns in the same run.

Ten million events: the figures that a recorder would have written for them, 30 days of 40 keys, and not the events
themselves. The last three days are written by the minute; of those before, which have only hours and days left,
the minutes of an hour come at once, unless ``--whole`` writes all 1,728,000 rows of minutes. Then ``maintain`` rolls
them up and prunes them as in any store. The counts are checked.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _results import record as tell

from victor.observability.aggregate import Aggregate, Key
from victor.observability.record import Record
from victor.observability.sketch import Sketch
from victor.observability.store import open_store
from victor.observability.store.batch import Batch, Rollup, RunDelta
from victor.observability.store.names import Names
from victor.observability.store.retention import Retention
from victor.observability.store.rows import record_row
from victor.observability.store.schema import RECORD_COLUMNS

DAY = 86_400
EVENTS = 60_000
BATCH = 1_000
KEYS = 40
DAYS = 30
CALLS_A_RUN = 20


def tests_module(name: str) -> Any:
    """A module of the tests."""
    path = Path(__file__).parents[1] / "tests" / "store" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def calls(count: int, begin: float) -> list[list[Record]]:
    """Calls of tools, 20 to a run, in batches; each has the attribute that an agent gives it."""
    dice = random.Random(1)
    records = []
    for number in range(count):
        run = number // CALLS_A_RUN
        at = int((begin + number / 1000) * 1e9)
        records.append(
            Record("tool.call", f"tool{number % 7}", f"{run:032x}", f"{dice.getrandbits(64):016x}", f"{run + 1:016x}",
                   at, dice.randrange(10**5, 10**8), agent="coder", root="coder",
                   attributes={"call_id": f"call_{dice.getrandbits(96):024x}"})
        )  # fmt: skip
    return [records[at : at + BATCH] for at in range(0, count, BATCH)]


def batches(parts: list[list[Record]]) -> list[Batch]:
    """What a recorder hands over: the calls, their runs, and the figures of their minutes."""
    made = []
    held: dict[tuple[int, Key], Aggregate] = {}
    for records in parts:
        runs: dict[str, RunDelta] = {}
        changed = set()
        for record in records:
            runs.setdefault(record.run_id, RunDelta(record.run_id)).add(record)
            place = (record.end_ns // (60 * 10**9), Key.of(record))
            held.setdefault(place, Aggregate()).add(record)
            changed.add(place)
        rollups = [Rollup(minute, key, "w", 0, held[minute, key].copy()) for minute, key in changed]
        made.append(Batch(records, rollups, [*runs.values()]))
    return made


def best(runs: int, work: Callable[[], float]) -> float:
    """The lowest of several measurements."""
    return min(work() for _ in range(runs))


def cpu_and_wall(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of this thread's CPU, and of the clock."""
    cpu, wall = time.thread_time(), time.perf_counter()
    work()
    return time.thread_time() - cpu, time.perf_counter() - wall


def raw_rows(parts: list[list[Record]]) -> list[list[tuple[Any, ...]]]:
    """Rows as the store has them."""

    class Numbers(Names):
        def __missing__(self, text: str) -> int:
            self[text] = len(self)
            return self[text]

    numbers = Numbers()
    return [[record_row(record, int(record.run_id, 16), numbers) for record in part] for part in parts]


def sqlite_writing(folder: Path) -> None:
    """Print events per second."""
    parts = calls(EVENTS, time.time() - 3600)
    rows = raw_rows(parts)
    made = batches(parts)
    marks = ", ".join("?" * len(RECORD_COLUMNS))

    def raw() -> tuple[float, float]:
        path = folder / "raw.db"
        path.unlink(missing_ok=True)
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"CREATE TABLE r (id INTEGER PRIMARY KEY, {', '.join(RECORD_COLUMNS)})")
        db.execute("CREATE INDEX r1 ON r (run)")
        db.execute("CREATE INDEX r2 ON r (start_ns)")

        def insert() -> None:
            for some in rows:
                db.execute("BEGIN")
                db.executemany(f"INSERT INTO r ({', '.join(RECORD_COLUMNS)}) VALUES ({marks})", some)
                db.execute("COMMIT")

        found = cpu_and_wall(insert)
        db.close()
        return found

    def ours() -> tuple[float, float]:
        path = folder / f"{os.urandom(4).hex()}.db"
        with open_store(str(path)) as store:

            def write() -> None:
                for one in made:
                    store.write(one)

            return cpu_and_wall(write)

    measured = {"raw": [raw() for _ in range(4)], "store": [ours() for _ in range(4)]}
    print(f"\nWriting {EVENTS:,} calls of tools in batches of {BATCH:,} (SQLite)      CPU          wall")
    for name, what in (("raw", "raw executemany, two indexes"), ("store", "store.write, with figures and runs")):
        cpu, wall = (EVENTS / min(one[at] for one in measured[name]) for at in (0, 1))
        print(f"  {what:45} {cpu:10,.0f}/s {wall:10,.0f}/s")
    ratio = min(one[0] for one in measured["store"]) / min(one[0] for one in measured["raw"])
    print(f"  CPU of the store as a multiple of raw: {ratio:.2f}; the goal is 40,000 events a second")
    rate = EVENTS / min(one[0] for one in measured["store"])
    note = f"{ratio:.1f} times the CPU time of a bare `executemany`"
    tell("sqlite_write", "SQLite, records per second of CPU", rate, "/s", goal=40_000, more=True, note=note)


def postgres_writing(server: Any) -> None:
    """Print events per second."""
    import psycopg

    parts = calls(EVENTS, time.time() - 3600)
    rows = raw_rows(parts)
    made = batches(parts)
    url = server.url("postgres")

    def raw() -> float:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("DROP TABLE IF EXISTS r")
            kinds = {"error_text": "text", "attributes": "text", "content": "text", "cost_usd": "float8"}
            columns = ", ".join(f"{name} {kinds.get(name, 'bigint')}" for name in RECORD_COLUMNS)
            db.execute(f"CREATE TABLE r ({columns})")
            db.execute("CREATE INDEX ON r (run)")
            began = time.perf_counter()
            for some in rows:
                with db.transaction(), db.cursor().copy("COPY r FROM STDIN") as copy:
                    for row in some:
                        copy.write_row(row)
            return time.perf_counter() - began

    def ours() -> float:
        with open_store(f"{url}?victor_schema=b{os.urandom(4).hex()}") as store:
            began = time.perf_counter()
            for one in made:
                store.write(one)
            return time.perf_counter() - began

    measured = {"raw": best(3, raw), "store": best(3, ours)}
    print(f"\nWriting {EVENTS:,} calls of tools in batches of {BATCH:,} (PostgreSQL)               wall")
    print(f"  {'raw COPY, one index':45} {'':12} {EVENTS / measured['raw']:10,.0f}/s")
    print(f"  {'store.write, with figures and runs':45} {'':12} {EVENTS / measured['store']:10,.0f}/s")
    print(f"  time of the store as a multiple of raw: {measured['store'] / measured['raw']:.2f}; the goal is 20,000/s")
    rate, note = (
        EVENTS / measured["store"],
        f"{measured['store'] / measured['raw']:.1f} times the time of a bare `COPY`",
    )
    tell("postgres_write", "PostgreSQL, records per second of wall time", rate, "/s", goal=20_000, more=True, note=note)


def ten_million(url: str, what: str, days: int, *, whole: bool) -> None:
    """Print how long questions about ten million events take."""
    now = int(time.time()) // DAY * DAY + DAY // 2
    first = now // 3600 * 60 - days * 1440
    keys = [Key("tool.call", f"tool{number}", f"agent{number % 4}", root="flow") for number in range(KEYS)]
    dice = random.Random(2)
    each = 10_000_000 / (days * 1440 * KEYS)

    def pool(minutes: int, size: int) -> list[Aggregate]:
        """Figures of a key in so many minutes, to choose from."""
        found = []
        for _ in range(size):
            count = int(each * minutes) + (dice.random() < each * minutes % 1)
            found.append(
                Aggregate(count=count, durations=Sketch([int(dice.lognormvariate(18, 1)) for _ in range(count)]))
            )
        return found

    by_size = {1: pool(1, 500), 60: pool(60, 60)}
    with open_store(url) as store:
        began = time.perf_counter()
        events = 0
        for hour in range(first // 60, first // 60 + days * 24):
            size = 1 if whole or hour * 60 >= now // 60 - 3 * 1440 else 60
            rollups = [
                Rollup(minute, key, "w", 0, dice.choice(by_size[size]))
                for minute in range(hour * 60, hour * 60 + 60, size)
                for key in keys
            ]
            events += sum(one.aggregate.count for one in rollups)
            store.write(Batch(rollups=rollups))
            if hour % 24 == 0:
                store.maintain(hour * 3600, Retention())
        store.maintain(now, Retention())
        took = time.perf_counter() - began
        info = store.info()
        asked = f"{events:,} events of {days} days and {KEYS} keys"
        print(f"\nQuestions about {asked} ({what}; wall, best of 5)")
        rows = f"{info.figures:,} rows of figures, {info.size_bytes / 2**20:.1f} MiB"
        print(f"  {rows}; written and rolled up in {took:.0f} s")
        since = now - 7 * DAY
        questions: dict[str, Callable[[], object]] = {
            "breakdown(['name'])": lambda: store.breakdown(["name"]),
            "breakdown(['kind', 'agent'], last 7 days)": lambda: store.breakdown(["kind", "agent"], since=since),
            "percentiles([.5, .95, .99], by=['name'])": lambda: store.percentiles([0.5, 0.95, 0.99], by=["name"]),
            "percentiles, one tool": lambda: store.percentiles([0.95], where={"name": "tool3"}),
            "series(1 day, by=['agent'])": lambda: store.series(DAY, by=["agent"]),
            "series(1 hour, last 7 days)": lambda: store.series(3600, since=since),
        }
        lowest: list[float] = []
        for name, ask in questions.items():
            ask()
            samples = [cpu_and_wall(ask) for _ in range(5)]
            cpu, wall = (min(one[at] for one in samples) for at in (0, 1))
            print(f"  {name:45} {wall * 1000:8.1f} ms  (CPU {cpu * 1000:.1f})   goal 100")
            lowest.append(cpu * 1000)
        asked = f"breakdown and percentiles over 10 million operations, {what}"
        key = "questions_sqlite" if what == "SQLite" else "questions_postgres"
        tell(key, asked, [min(lowest), max(lowest)], "ms", goal=100, note="CPU time")
        assert sum(group.totals.count for group in store.breakdown([])) == events


def sizes(folder: Path) -> None:
    """Print what a call takes in the file, before and after its detail is gone."""
    path = folder / "size.db"
    count = 200_000
    now = time.time()
    with open_store(str(path)) as store:
        for one in batches(calls(count, now - 3600)):
            store.write(one)
        store.compact()  # type: ignore[attr-defined]
        before = path.stat().st_size
        store.maintain(now + 200 * DAY)
        after = path.stat().st_size
    tell("call_bytes", "store per tool call, in detail", before / count, "B", goal=150)
    tell("call_bytes_old", "store per tool call, when old detail went", after / count, "B", goal=5)
    print(f"\nSize of an SQLite store, {count:,} calls of tools, {CALLS_A_RUN} to a run, in 4 minutes")
    print(f"  in detail, with indexes and runs       {before / count:6.1f} B a call   goal 150")
    print(f"  when detail and runs are too old       {after / count:6.2f} B a call   goal 5")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--no-peers", action="store_true", help="has no meaning here")
    parser.add_argument("--days", type=int, default=DAYS, help="over how many days the ten million events are spread")
    parser.add_argument("--whole", action="store_true", help="write the figures of every minute")
    parser.add_argument("--only", default="", help="write, questions or size")
    given, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.only in ("", "write"):
            sqlite_writing(folder)
        if given.only in ("", "size"):
            sizes(folder)
        if given.only in ("", "questions"):
            ten_million(str(folder / "many.db"), "SQLite", given.days, whole=given.whole)
        server = tests_module("postgres_server")
        if server.find_binaries() is None:
            print("\nPostgreSQL is not installed, it is left out: apt-get install postgresql")
            return
        with server.PostgresServer() as running:
            if given.only in ("", "write"):
                postgres_writing(running)
            if given.only in ("", "questions"):
                ten_million(running.url("postgres"), "PostgreSQL", given.days, whole=given.whole)


if __name__ == "__main__":
    main()

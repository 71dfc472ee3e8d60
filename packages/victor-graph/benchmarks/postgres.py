"""What one durable superstep costs in the PostgreSQL store, beside a raw one-row commit of the same durability.

Starts a server of its own, as the tests do. Medians of wall time in microseconds; the disk's fsync is in both, so the
ratio is what counts.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from _results import record

from victor.graph.checkpoint.base import Batch, Entry, Settled
from victor.graph.checkpoint.postgres import PostgresSaver

STEPS = 300


def server() -> Any:
    """The tests' server."""
    path = Path(__file__).parents[1] / "tests" / "stores" / "postgres_server.py"
    spec = importlib.util.spec_from_file_location("postgres_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    if module.find_binaries() is None:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    return module.PostgresServer()


def measure(runs: dict[str, Callable[[int], object]]) -> dict[str, float]:
    """Median wall microseconds of each, taken in turn so that a slow moment of the disk meets all."""
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(STEPS):
        for name, run in runs.items():
            began = time.perf_counter()
            run(number)
            samples[name].append((time.perf_counter() - began) * 1e6)
    return {name: statistics.median(taken[20:]) for name, taken in samples.items()}


def main() -> None:
    """Print the table."""
    body = os.urandom(1000)
    with server() as running:
        url = running.url("postgres")
        with psycopg.connect(url, autocommit=True) as raw:
            raw.execute("CREATE TABLE floor (id bigint PRIMARY KEY, body bytea)")
            for setting in ("on", "off"):
                raw.execute(f"SET synchronous_commit = {setting}")
                raw.execute("TRUNCATE floor")
                with PostgresSaver(url, synchronous_commit=setting) as store:

                    def step(number: int, store: PostgresSaver = store, setting: str = setting) -> None:
                        id, parent = f"{number + 1:024x}", f"{number:024x}" if number else None
                        first = f"{1:024x}"
                        entry = Entry(setting, "", id, parent, first, number, "loop", body, None if number else body)
                        store.write([Batch((entry,), (), (Settled(setting, "", parent or id),))])

                    def commit(number: int) -> None:
                        raw.execute("INSERT INTO floor VALUES (%s, %b)", [number, body], prepare=False)

                    found = measure({"raw": commit, "store": step})
                ratio = found["store"] / found["raw"]
                what = f"superstep over a raw commit of 1 KB, `synchronous_commit={setting}`"
                record(setting, what, ratio, "x", note=f"the raw commit took {found['raw']:.0f} us")
                print(
                    f"synchronous_commit={setting:4} raw commit of 1 KB {found['raw']:8.0f} us   "
                    f"superstep {found['store']:8.0f} us   ratio {ratio:.2f}"
                )


if __name__ == "__main__":
    main()

"""Several processes write to one store, and are killed: what they were told is written is there, and nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from victor_test_metrics_happenings import expected, make_run  # type: ignore[import-not-found]

from victor.observability.store.sql_store import SqlStore

PROGRAM = Path(__file__).with_name("writer_program.py")
KILLS = int(os.environ.get("VICTOR_TEST_KILLS", "2"))


class Writer:
    """One process, which writes runs from a number on."""

    def __init__(self, url: str, first: int) -> None:
        self.first = first
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), url, str(first)], stdout=subprocess.PIPE, text=True
        )

    @property
    def said(self) -> IO[str]:
        """What it prints."""
        assert self.process.stdout is not None
        return self.process.stdout

    def kill_after(self, batches: int) -> int:
        """Kill it when it has written so many, or a little later; the number after the last that it says is written."""
        for _ in range(batches):
            assert self.said.readline(), "the writer ended by itself"
        self.process.send_signal(signal.SIGKILL)
        rest = self.said.read()
        self.process.wait()
        self.said.close()
        lines = [line for line in rest.split("\n")[:-1] if line]
        return int(lines[-1]) if lines else self.first + batches


@pytest.mark.slow
def test_killed_writers_lose_nothing_they_were_told_is_written(url: str, new_store: Callable[..., SqlStore]) -> None:
    dice = random.Random(7)
    store = new_store(url)
    told: list[tuple[int, int]] = []
    for turn in range(KILLS):
        writers = [Writer(url, (2 * turn + at + 1) * 100_000) for at in range(2)]
        told += [(writer.first, writer.kill_after(dice.randrange(1, 40))) for writer in writers]
    runs = {run.run_id: run for run in store.runs(limit=1_000_000)}
    numbers = {int(run_id[-8:], 16) for run_id in runs}
    for first, end in told:
        assert numbers >= set(range(first, end)), "what was said to be written is not there"
        assert not numbers & set(range(end + 1, first + 100_000)), "more than one batch was not said to be written"
    records = []
    for number in sorted(numbers):
        run = runs[f"{number:08x}".rjust(32, "a")]
        made = make_run(number, run.start_ns / 10**9)
        assert run.spans == len(made) - 1
        assert len(store.run_records(run.run_id)[1]) == len(made)
        records += made
    wanted = expected(records, ["kind", "name"])
    found = {group.by: group.totals for group in store.breakdown(["kind", "name"])}
    assert {by: (totals.count, totals.errors, totals.input_tokens) for by, totals in found.items()} == {
        by: (one.count, one.errors, one.input_tokens) for by, one in wanted.items()
    }
    assert store.check() == []


@pytest.mark.slow
def test_many_processes_open_a_new_store_at_once(url: str, new_store: Callable[..., SqlStore]) -> None:
    writers = [Writer(url, (at + 1) * 100_000) for at in range(4)]
    ends = [writer.kill_after(1) for writer in writers]
    store = new_store(url)
    assert store.info().runs >= sum(end - writer.first for end, writer in zip(ends, writers, strict=True))
    assert store.check() == []

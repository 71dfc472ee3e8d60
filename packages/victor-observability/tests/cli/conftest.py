"""``victor observability``, called in this process in a project with a store of known contents."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from victor.core.plugins import set_plugins
from victor.observability.aggregate import Aggregate, Key
from victor.observability.record import Record, Status
from victor.observability.store import open_store
from victor.observability.store.batch import Batch, Rollup, RunDelta

MS = 1_000_000


class Victor(Protocol):
    """Calls the command; gives what it printed."""

    def __call__(self, *args: str, code: int = 0) -> str: ...


def batch_of(records: list[Record], writer: str = "w") -> Batch:
    """What a recorder would write of these records."""
    rollups: dict[tuple[int, Key], Aggregate] = {}
    runs: dict[str, RunDelta] = {}
    for record in records:
        runs.setdefault(record.run_id, RunDelta(record.run_id)).add(record)
        if record.status is not Status.OPEN:
            key = (record.end_ns // 60_000_000_000, Key.of(record))
            rollups.setdefault(key, Aggregate()).add(record)
    figures = [Rollup(minute, key, writer, 0, aggregate) for (minute, key), aggregate in rollups.items()]
    return Batch(records, figures, list(runs.values()))


def make_run(number: int, *, ago_s: float, failing: bool = False, priced: bool = True, slow: int = 1) -> list[Record]:
    """An agent that asks a model twice and calls a tool between."""
    # Now, and not when this module was imported: the tests of one process take minutes.
    run_id, start = f"{number:032x}", time.time_ns() // 1_000_000_000 * 1_000_000_000 - int(ago_s * 1e9)

    def record(kind: str, name: str, place: int, after: int, took: int, **more: Any) -> Record:
        parent = None if place == 0 else f"{number:08x}{0:08x}"
        return Record(
            kind, name, run_id, f"{number:08x}{place:08x}", parent, start + after * MS, took * MS,
            agent="clerk", root="clerk", **more,
        )  # fmt: skip

    usage = {"provider": "openai", "model": "gpt", "input_tokens": 100, "output_tokens": 20, "cache_read_tokens": 0}
    failure = {"status": Status.ERROR, "error_type": "ToolError", "error_text": "no answer"} if failing else {}
    return [
        record("model.request", "gpt", 1, 0, 40 * slow, cost_usd=0.25 if priced else None, **usage),
        record("tool.call", "search", 2, 40 * slow, 20 * slow, attributes={"call_id": "c1"}, **failure),
        record("model.request", "gpt", 3, 60 * slow, 40 * slow, cost_usd=0.25, **usage),
        record("agent.run", "clerk", 0, 0, 100 * slow, attributes={"stop_reason": "done"}),
    ]


@pytest.fixture
def a_run() -> Callable[..., list[Record]]:
    """Makes the records of a run."""
    return make_run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder, which is the working directory; only core and this package are loaded."""
    for name in [name for name in os.environ if name.startswith("VICTOR_") and name != "VICTOR_ROOT"]:
        monkeypatch.delenv(name)
    (tmp_path / "project" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VICTOR_LOAD_PLUGINS", "core,observability")
    monkeypatch.setenv("VICTOR_LISTENERS", "-observability")
    monkeypatch.setenv("VICTOR_MODEL", "test")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path / "project"


@pytest.fixture
def fill(folder: Path) -> Callable[..., None]:
    """Writes records to the project's store."""

    def write(*runs: list[Record], store: str = ".victor/metrics.db", writer: str = "w") -> None:
        with open_store(store) as opened:
            opened.write(batch_of([record for run in runs for record in run], writer))

    return write


@pytest.fixture
def victor(folder: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Victor]:
    """``victor observability ...``."""
    from victor.core.cli import main

    before = set_plugins(None)

    def call(*args: str, code: int = 0) -> str:
        found = main(["observability", *args])
        said = capsys.readouterr()
        assert found == code, said.err or said.out
        return said.out + said.err

    yield call
    set_plugins(before)

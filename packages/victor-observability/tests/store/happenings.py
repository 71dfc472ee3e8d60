"""Makes things that happened, and answers about them by the plainest means: from all records, in a loop."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from victor.observability.aggregate import Aggregate, Key
from victor.observability.record import Record, Status
from victor.observability.store.batch import Batch, Rollup, RunDelta

MINUTE_NS = 60 * 10**9


def make_run(
    number: int,
    start_s: float,
    *,
    tools: int = 3,
    agent: str = "coder",
    gap_s: float = 1.0,
    seed: int = 0,
    done: bool = True,
) -> list[Record]:
    """An agent's run with one request to a model and some calls of tools."""
    dice = random.Random(number * 1000 + seed)
    run_id = f"{number:08x}".rjust(32, "a")
    root, at = f"{number:08x}{0:08x}", int(start_s * 10**9)
    records = []
    if not done:
        return [Record("agent.run", agent, run_id, root, None, at, None, Status.OPEN, agent, agent)]
    first = at
    for place in range(1, tools + 1):
        at += int(gap_s * 10**9)
        failed = dice.random() < 0.2
        records.append(
            Record(
                "tool.call", dice.choice(["grep", "read", "écrire"]), run_id, f"{number:08x}{place:08x}", root, at,
                dice.randrange(1, 10**9), Status.ERROR if failed else Status.OK, agent, agent,
                "ToolError" if failed else "", f"it broke {place}" if failed else "", attributes={"call_id": f"c{place}", "n": [1, 2.5, None]},
            )
        )  # fmt: skip
    priced = dice.random() < 0.7
    records.append(
        Record(
            "model.request", "m", run_id, f"{number:08x}{tools + 1:08x}", root, at, dice.randrange(1, 10**10), Status.OK, agent, agent,
            provider="openai", model="gpt", input_tokens=dice.randrange(1000), output_tokens=dice.randrange(100),
            cache_read_tokens=dice.choice([None, 0, 5]), cost_usd=dice.randrange(1, 64) / 64 if priced else None,
        )
    )  # fmt: skip
    records.append(
        Record(
            "state.transition", "s", run_id, f"{number:08x}{tools + 2:08x}", root, at + 1, None, Status.OK, agent, agent
        )
    )
    end = max(record.end_ns for record in records) + 5
    records.append(Record("agent.run", agent, run_id, root, None, first, end - first, Status.OK, agent, agent))
    return records


def rollups(records: Iterable[Record], writer: str = "w1", part: int = 0) -> list[Rollup]:
    """What a recorder would hand over for these records."""
    found: dict[tuple[int, Key], Aggregate] = {}
    for record in records:
        if record.status is not Status.OPEN:
            found.setdefault((record.end_ns // MINUTE_NS, Key.of(record)), Aggregate()).add(record)
    return [Rollup(minute, key, writer, part, aggregate) for (minute, key), aggregate in found.items()]


def batch(records: Sequence[Record], writer: str = "w1", part: int = 0) -> Batch:
    """All that there is to write about records."""
    runs: dict[str, RunDelta] = {}
    for record in records:
        runs.setdefault(record.run_id, RunDelta(record.run_id)).add(record)
    return Batch([*records], rollups(records, writer, part), [*runs.values()])


def expected(
    records: Iterable[Record], by: Sequence[str], keep: Callable[[Record], bool] = lambda record: True
) -> dict[tuple[Any, ...], Aggregate]:
    """The figures of each group."""
    found: dict[tuple[Any, ...], Aggregate] = {}
    for record in records:
        if record.status is not Status.OPEN and keep(record):
            key = Key.of(record)._asdict()
            found.setdefault(tuple(key[name] for name in by), Aggregate()).add(record)
    return found

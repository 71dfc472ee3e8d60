"""A store in memory that keeps what the real ones promise: batches are whole, figures replace, runs add up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from victor.observability.aggregate import Aggregate, Key
from victor.observability.record import Record, Status
from victor.observability.store.batch import Batch, RunDelta


class RememberingStore:
    """Keeps everything.

    Attributes:
        fail: Raises what it returns, instead of writing; None: writes.
    """

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.rollups: dict[tuple[int, Key, str, int], Aggregate] = {}
        self.runs: dict[str, RunDelta] = {}
        self.writes = 0
        self.maintained = 0
        self.closed = False
        self.fail: Callable[[], Exception | None] = lambda: None

    def write(self, batch: Batch) -> None:
        """Take a batch, or nothing of it."""
        self.writes += 1
        error = self.fail()
        if error is not None:
            raise error
        self.records += batch.records
        for rollup in batch.rollups:
            self.rollups[rollup.minute, rollup.key, rollup.writer, rollup.part] = rollup.aggregate.copy()
        for delta in batch.runs:
            self._add(delta)

    def _add(self, delta: RunDelta) -> None:
        run = self.runs.setdefault(delta.run_id, RunDelta(delta.run_id))
        run.kind, run.name = delta.kind or run.kind, delta.name or run.name
        if delta.status is not Status.OPEN:
            run.status, run.duration_ns = delta.status, delta.duration_ns
        for name in ("spans", "model_requests", "tool_calls", "errors", "input_tokens", "output_tokens", "unpriced"):
            setattr(run, name, getattr(run, name) + getattr(delta, name))

    def maintain(self) -> None:
        """Note that it was asked to."""
        self.maintained += 1

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    def figures(self) -> dict[Key, Aggregate]:
        """All figures, by key."""
        found: dict[Key, Aggregate] = {}
        for (_, key, _, _), aggregate in self.rollups.items():
            found.setdefault(key, Aggregate()).merge(aggregate)
        return found

    def count(self, kind: str) -> int:
        """How many operations or points of a kind were counted."""
        return sum(aggregate.count for key, aggregate in self.figures().items() if key.kind == kind)


@pytest.fixture
def store() -> RememberingStore:
    """A store that is empty."""
    return RememberingStore()

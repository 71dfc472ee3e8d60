"""What is written to a store at once: one batch is one transaction, wholly there or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from victor.observability.record import Status

if TYPE_CHECKING:
    from victor.observability.aggregate import Aggregate, Key
    from victor.observability.record import Record

__all__ = ["Batch", "Rollup", "RunDelta"]


class Rollup(Struct, gc=False):
    """The figures of one key in one minute, as one writer knows them.

    Always the full figures of that minute: the store replaces what it had for the same minute, key, writer and part.
    So nothing is read before it is written, and processes never touch each other's rows.

    Args:
        minute: Minutes since 1970 of the end of the operations, or of the time of the points.
        key: Whose figures they are.
        writer: The process that counted, a random word that no other process has.
        part: 0; higher when the same writer opens a minute again that it had closed, as when the clock is set back.
        aggregate: The figures.
    """

    minute: int
    key: Key
    writer: str
    part: int
    aggregate: Aggregate


class RunDelta(Struct, gc=False):
    """What is new about a run: the store adds the counts to the run's row, which it makes if it is not there.

    Args:
        run_id: 32 hexadecimal digits.
        kind: Of the outermost operation; ``""`` while it is not known, which leaves what the store knows.
        name: Of the outermost operation; ``""`` while it is not known.
        start_ns: When the run began, or the earliest that is known of it; the store keeps the earliest.
        duration_ns: How long it took; None while it is open.
        status: How it ended; `Status.OPEN` while that is not known. An end that is known is never taken back.
        spans: Operations that ended and points that happened below the outermost operation.
        model_requests: Requests to models that ended.
        tool_calls: Calls of tools that ended.
        errors: Operations that failed, the outermost included.
        input_tokens: Of the model requests that told them.
        output_tokens: Of the model requests that told them.
        cost_usd: Of the model requests with a known price; None when there is none among them.
        unpriced: Model requests without a known price.
    """

    run_id: str
    kind: str = ""
    name: str = ""
    start_ns: int = 0
    duration_ns: int | None = None
    status: Status = Status.OPEN
    spans: int = 0
    model_requests: int = 0
    tool_calls: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    unpriced: int = 0

    def add(self, record: Record) -> None:
        """Count one record of this run. The start of an operation says when it began, and counts as nothing.

        Args:
            record: Of this run.
        """
        if not self.start_ns or record.start_ns < self.start_ns:
            self.start_ns = record.start_ns
        if record.parent_id is None:
            self.kind, self.name = record.kind, record.name
            self.start_ns = record.start_ns
            if record.status is not Status.OPEN:
                self.status, self.duration_ns = record.status, record.duration_ns
        if record.status is Status.OPEN:
            return
        if record.parent_id is not None:
            self.spans += 1
        if record.status is Status.ERROR:
            self.errors += 1
        if record.kind == "tool.call":
            self.tool_calls += 1
        elif record.kind == "model.request":
            self.model_requests += 1
            self.input_tokens += record.input_tokens or 0
            self.output_tokens += record.output_tokens or 0
            if record.cost_usd is None:
                self.unpriced += 1
            else:
                self.cost_usd = (self.cost_usd or 0.0) + record.cost_usd


class Batch(Struct):
    """What is written in one transaction.

    Args:
        records: What is kept in detail. The end of an operation replaces its start.
        rollups: Figures, full for their minutes.
        runs: What is new about runs.
    """

    records: list[Record] = field(default_factory=list)
    rollups: list[Rollup] = field(default_factory=list)
    runs: list[RunDelta] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.records or self.rollups or self.runs)

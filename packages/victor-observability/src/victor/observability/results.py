"""What questions to a store are answered with. Plain data, the same whichever store answers."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct

from victor.observability.record import Status

__all__ = ["By", "Change", "ErrorGroup", "Group", "Point", "Run", "Span", "Totals"]

By: TypeAlias = Literal["kind", "name", "agent", "model", "provider", "root"]
"""What to break figures down by; ``root`` is the outermost workflow, team or agent."""


class Totals(Struct, frozen=True):
    """Figures of a set of operations or points.

    Args:
        count: How many ended, or happened.
        errors: Of those, how many failed.
        cancelled: Of those, how many were cancelled.
        duration_s: Seconds in all.
        min_s, max_s: Shortest and longest; None when none has a duration.
        p50_s, p95_s, p99_s: Percentiles within 1 % of the true value; None when none has a duration.
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens: Sums over model requests that told them.
        cost_usd: Sum over requests with a known price; None when no request has one.
        unpriced: How many model requests have no known price, and are missing from ``cost_usd``.
    """

    count: int = 0
    errors: int = 0
    cancelled: int = 0
    duration_s: float = 0.0
    min_s: float | None = None
    max_s: float | None = None
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float | None = None
    unpriced: int = 0


class Group(Struct, frozen=True):
    """One line of a breakdown: the values grouped by, in the order asked for, and their figures.

    Args:
        by: The values grouped by.
        totals: Their figures.
    """

    by: tuple[str, ...]
    totals: Totals


class Point(Struct, frozen=True):
    """One step of a series: its beginning in seconds since 1970, its group and its figures.

    Args:
        time_s: Its beginning, seconds since 1970.
        by: The values grouped by.
        totals: The figures.
    """

    time_s: int
    by: tuple[str, ...]
    totals: Totals


class ErrorGroup(Struct, frozen=True):
    """Failures of one type in one place, with the newest as example.

    Args:
        kind, name: Where: the kind of operation, and which.
        error_type: Class of the exception.
        count: How many there were.
        first_ns, last_ns: When, nanoseconds since 1970.
        last_text: What the newest said, redacted.
        last_run: The run it was in.
    """

    kind: str
    name: str
    error_type: str
    count: int
    first_ns: int
    last_ns: int
    last_text: str
    last_run: str


class Run(Struct, frozen=True):
    """One run: an outermost agent, team or workflow and everything below it.

    Args:
        run_id: 32 hexadecimal digits; its beginning is enough to ask for it.
        kind, name: Of the outermost operation.
        start_ns: When it began.
        duration_ns: None while it is open, or when it was cut off.
        status: How it ended; ``OPEN`` when its end was never seen.
        spans: How many operations and points were recorded below it, those not kept in detail included.
        model_requests, tool_calls, errors: Counts.
        input_tokens, output_tokens: Sums.
        cost_usd: None when no request has a known price.
        unpriced: Requests without one.
    """

    run_id: str
    kind: str
    name: str
    start_ns: int
    duration_ns: int | None
    status: Status
    spans: int
    model_requests: int
    tool_calls: int
    errors: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    unpriced: int


class Span(Struct, frozen=True):
    """One recorded operation or point of a run, with those below it in the order they began.

    Args:
        kind, name: What it is, and of which agent, tool, node, ...
        span_id: 16 hexadecimal digits.
        parent_id: Of the operation around it; None at the root.
        start_ns: When it began, nanoseconds since 1970.
        duration_ns: How long it took; None for a point, and where its end was never seen.
        status: How it ended.
        agent: Whose it is, where an agent did it.
        error_type, error_text: Class of the exception that ended it, and its text, redacted.
        provider, model: Of a model request.
        input_tokens, output_tokens, cost_usd: Of a model request; None when unknown.
        attributes: What else the event said, redacted.
        children: Those below it.
    """

    kind: str
    name: str
    span_id: str
    parent_id: str | None
    start_ns: int
    duration_ns: int | None
    status: Status
    agent: str
    error_type: str
    error_text: str
    provider: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    attributes: dict[str, Any]
    children: tuple[Span, ...] = ()


class Change(Struct, frozen=True):
    """How one group's figures differ between two sets of runs; either side is None when it has no such group.

    Args:
        by: The values grouped by.
        before, after: The figures of both sides.
    """

    by: tuple[str, ...]
    before: Totals | None
    after: Totals | None

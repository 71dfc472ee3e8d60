"""What an export is made of: a header, lines about runs, records and figures, and how many there were of each."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

__all__ = ["FORMAT", "KINDS", "Counts", "FigureLine", "Header", "Line", "RecordLine", "RunLine"]

FORMAT: Final = 1
"""Of exports; a newer one is refused."""

Ended: TypeAlias = Literal["ok", "error", "cancelled", "open"]


class Header(Struct, frozen=True):
    """How an export begins.

    Args:
        victor_metrics: `FORMAT`.
        store_id: Of the store it is from.
        sources: The stores its figures are from, that one and those it imported from.
        since_day: The first day in it, counted since 1970 (UTC); None when it goes back to the beginning.
        until_day: The day after the last.
        exported_s: When it was made, seconds since 1970.
    """

    victor_metrics: int
    store_id: str
    sources: list[str]
    since_day: int | None
    until_day: int | None
    exported_s: float


class Counts(Struct):
    """How an export ends: how many lines it has of each kind.

    Args:
        runs, records, figures: Lines of each kind.
    """

    runs: int = 0
    records: int = 0
    figures: int = 0


class RunLine(Struct, frozen=True):
    """A run, as `victor.observability.results.Run` has it; ``source`` is empty for one of the store itself."""

    run_id: str
    kind: str
    name: str
    start_ns: int
    duration_ns: int | None
    status: Ended
    spans: int
    model_requests: int
    tool_calls: int
    errors: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    unpriced: int
    source: str


class RecordLine(Struct, frozen=True):
    """An operation or point, as `victor.observability.record.Record` has it. Its run comes before it."""

    run_id: str
    span_id: str
    parent_id: str | None
    kind: str
    name: str
    agent: str
    root: str
    start_ns: int
    duration_ns: int | None
    status: Ended
    error_type: str
    error_text: str
    provider: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cost_usd: float | None
    attributes: dict[str, Any]
    content: dict[str, Any]


class FigureLine(Struct, frozen=True):
    """Figures of one key in one minute, hour or day, which begins at ``time_s``, as one writer counted them.

    Args:
        resolution: How long a time it is about.
        time_s: When that begins, seconds since 1970.
        kind, name, agent, model, provider, root: Its key: what these figures are kept apart by.
        source: The store they are from.
        writer: The process that counted them.
        part: Numbers the lines of one key, where there are several.
        count, errors, cancelled: How many ended, failed, were cancelled.
        timed: How many have a duration.
        duration_ns, low_ns, high_ns: Their durations in all, the shortest and the longest.
        input_tokens, output_tokens, cache_read_tokens, cache_write_tokens: Sums over model requests that told them.
        cost_usd: Sum over requests with a known price; None when there is none.
        unpriced: How many requests have none.
        cache_hits, cache_misses: How many requests read from the provider's cache, and how many did not.
        sketch: The durations, from which percentiles are read.
    """

    resolution: Literal["minute", "hour", "day"]
    time_s: int
    kind: str
    name: str
    agent: str
    model: str
    provider: str
    root: str
    source: str
    writer: str
    part: int
    count: int
    errors: int
    cancelled: int
    timed: int
    duration_ns: int
    low_ns: int
    high_ns: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float | None
    unpriced: int
    cache_hits: int
    cache_misses: int
    sketch: bytes


Line: TypeAlias = RunLine | RecordLine | FigureLine
"""A line of an export."""

KINDS: Final[dict[str, type[RunLine] | type[RecordLine] | type[FigureLine]]] = {
    "runs": RunLine,
    "records": RecordLine,
    "figures": FigureLine,
}
"""In the order they come in."""

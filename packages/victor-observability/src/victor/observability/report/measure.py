"""The figures that conditions ask for, from a store: over a range of time, or of one run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from victor.observability.aggregate import Aggregate
from victor.observability.record import Status
from victor.observability.report.expression import Figure, Measured
from victor.observability.results import Run, Span, Totals

if TYPE_CHECKING:
    from victor.observability.results import By
    from victor.observability.store.protocol import Store

__all__ = ["over_range", "over_run"]

_MOST_RUNS: Final = 100_000
_SECOND: Final = 1_000_000_000

Quantile = Callable[[float], float | None]


def over_range(store: Store, since: float | None, until: float | None) -> Callable[[Figure], Measured]:
    """Measure what happened in a range of time.

    Args:
        store: Where it is kept.
        since: Seconds since 1970; None is unbounded.
        until: Likewise; not included.
    """

    @cache
    def runs() -> list[Run]:
        return store.runs(since=since, until=until, limit=_MOST_RUNS + 1)

    def measure(figure: Figure) -> Measured:
        if figure.kind == "run":
            found = [run for run in runs() if figure.of in ("", run.name)]
            if len(runs()) > _MOST_RUNS:
                return Measured(None, why=f"there are more than {_MOST_RUNS:,} runs; choose a shorter time")
            return _of_runs(figure, found)
        where: dict[By, str] = {"kind": figure.kind, **({"name": figure.of} if figure.of else {})}
        groups = store.breakdown([], since=since, until=until, where=where)
        totals = groups[0].totals if groups else Totals()

        def quantile(q: float) -> float | None:
            found = store.percentiles([q], since=since, until=until, where=where)
            return found[0].values[0] if found else None

        return _of_totals(figure, totals, quantile)

    return measure


def over_run(run: Run, spans: Sequence[Span]) -> Callable[[Figure], Measured]:
    """Measure one run.

    Args:
        run: The run.
        spans: What is kept of it, as `Store.run` gives it.
    """
    kept = list(_all(spans))
    # As a store counts: what ended below the outermost operation, or below one of another process.
    missing = run.spans - sum(span.parent_id is not None and span.status is not Status.OPEN for span in kept)

    def measure(figure: Figure) -> Measured:
        if figure.kind == "run":
            return _of_runs(figure, [run] if figure.of in ("", run.name) else [])
        if missing > 0:
            return Measured(None, why=f"{missing:,} of {run.spans:,} operations of the run are not kept in detail")
        aggregate = Aggregate()
        times = []
        for span in kept:
            if span.kind == figure.kind and figure.of in ("", span.name) and span.status is not Status.OPEN:
                _count(aggregate, span)
                if span.duration_ns is not None:
                    times.append(span.duration_ns / _SECOND)
        return _of_totals(figure, aggregate.totals(), lambda q: _exact(times, q))

    return measure


def _of_runs(figure: Figure, runs: Sequence[Run]) -> Measured:
    times = [run.duration_ns / _SECOND for run in runs if run.duration_ns is not None]
    priced = [run.cost_usd for run in runs if run.cost_usd is not None]
    totals = Totals(
        count=len(runs),
        errors=sum(run.status is Status.ERROR for run in runs),
        cancelled=sum(run.status is Status.CANCELLED for run in runs),
        duration_s=sum(times),
        min_s=min(times, default=None),
        max_s=max(times, default=None),
        input_tokens=sum(run.input_tokens for run in runs),
        output_tokens=sum(run.output_tokens for run in runs),
        cost_usd=sum(priced) if priced else None,
        unpriced=sum(run.unpriced for run in runs),
    )
    return _of_totals(figure, totals, lambda q: _exact(times, q))


def _of_totals(figure: Figure, totals: Totals, quantile: Quantile) -> Measured:
    count = totals.count
    none = Measured(None, why=f"there was no {figure.kind}" + (f" {figure.of!r}" if figure.of else ""))
    if (q := figure.quantile) is not None:
        return _known(quantile(q), none)
    match figure.name:
        case "count":
            return Measured(count)
        case "errors":
            return Measured(totals.errors)
        case "cancelled":
            return Measured(totals.cancelled)
        case "error_rate":
            return Measured(totals.errors / count) if count else none
        case "success_rate":
            return Measured((count - totals.errors - totals.cancelled) / count) if count else none
        case "duration":
            return Measured(totals.duration_s)
        case "mean":
            return Measured(totals.duration_s / count) if count and totals.min_s is not None else none
        case "min":
            return _known(totals.min_s, none)
        case "max":
            return _known(totals.max_s, none)
        case "input_tokens":
            return Measured(totals.input_tokens)
        case "output_tokens":
            return Measured(totals.output_tokens)
        case "tokens":
            return Measured(totals.input_tokens + totals.output_tokens)
        case "unpriced":
            return Measured(totals.unpriced)
    why = f"{totals.unpriced:,} model requests have no known price" if totals.unpriced else ""
    if totals.cost_usd is None and totals.unpriced:
        return Measured(0.0, at_least=True, why=why)
    return Measured(totals.cost_usd or 0.0, at_least=bool(totals.unpriced), why=why)


def _known(value: float | None, none: Measured) -> Measured:
    return none if value is None else Measured(value)


def _exact(values: Sequence[float], q: float) -> float | None:
    """The least value that at least a part ``q`` of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(q * len(ordered)) - 1, 0)] if ordered else None


def _all(spans: Sequence[Span]) -> Iterator[Span]:
    for span in spans:
        yield span
        yield from _all(span.children)


def _count(aggregate: Aggregate, span: Span) -> None:
    from victor.observability.record import Record

    aggregate.add(
        Record(
            span.kind,
            span.name,
            "",
            span.span_id,
            span.parent_id,
            span.start_ns,
            span.duration_ns,
            span.status,
            input_tokens=span.input_tokens,
            output_tokens=span.output_tokens,
            cost_usd=span.cost_usd,
        )
    )

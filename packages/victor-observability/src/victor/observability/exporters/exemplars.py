"""Exemplars: for each bucket of a histogram, the newest operation that fell into it."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, TypeAlias

from msgspec import Struct

from victor.observability.aggregate import Key
from victor.observability.exporters.names import METRICS, duration_metric
from victor.observability.exporters.series import Series, labels_of, shown_key
from victor.observability.record import Record, Status

__all__ = ["Exemplar", "Exemplars"]

_SECOND: Final = 1_000_000_000

_Newest: TypeAlias = dict[int, tuple[str, str, int, int]]
"""Number of a bucket -> run, span, duration and end of the newest operation in it, in nanoseconds."""


class Exemplar(Struct, frozen=True):
    """One operation.

    Args:
        run_id: Of its run, which is its trace id.
        span_id: Its own.
        value_s: How long it took.
        time_s: When it ended, seconds since 1970.
    """

    run_id: str
    span_id: str
    value_s: float
    time_s: float


class Exemplars:
    """The newest operation of each bucket.

    Args:
        limit: How many keys have exemplars; those that come later have none.
    """

    def __init__(self, limit: int = 4000) -> None:
        self._limit = limit
        self._histograms: dict[tuple[str, tuple[str, ...]], _Newest] = {}
        self._by_key: dict[Key, tuple[tuple[float, ...], _Newest]] = {}

    def add(self, records: list[Record]) -> None:
        """Remember what has ended."""
        for record in records:
            duration = record.duration_ns
            if duration is None or record.status is Status.OPEN:
                continue
            key = Key.of(record)
            found = self._by_key.get(key)
            if found is None:
                if len(self._by_key) >= self._limit:
                    continue
                found = self._by_key[key] = self._histogram(key)
            bounds, newest = found
            newest[bisect_left(bounds, duration / _SECOND)] = (
                record.run_id, record.span_id, duration, record.start_ns + duration,
            )  # fmt: skip

    def of(self, series: Series) -> dict[int, Exemplar]:
        """The exemplars of a histogram: number of the bucket -> operation."""
        newest = self._histograms.get((_MEASURED[series.metric.name], series.labels), {})
        return {
            at: Exemplar(run_id, span_id, duration / _SECOND, end / _SECOND)
            for at, (run_id, span_id, duration, end) in list(newest.items())
        }

    def _histogram(self, key: Key) -> tuple[tuple[float, ...], _Newest]:
        measured = duration_metric(key.kind)
        labels = labels_of(measured, shown_key(key))
        return METRICS[measured].buckets, self._histograms.setdefault((measured, labels), {})


_MEASURED: Final = {metric.name: measured.removesuffix(".next") for measured, metric in METRICS.items()}
"""Name of a metric -> the row it is a name of, in either version."""

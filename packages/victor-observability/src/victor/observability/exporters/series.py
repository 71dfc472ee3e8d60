"""What was counted, as the series that exporters send: a metric, the values of its labels, and a figure.

Series are cumulative: counted since the process began, so whoever missed some of them has everything in the next ones.
`Changes` says what was added since the last time, for receivers that add up by themselves.

Example:
    >>> from victor.observability.aggregate import Aggregate, Key
    >>> from victor.observability.record import Record
    >>> call = Record("tool.call", "grep", "", "", None, start_ns=0, duration_ns=2_000_000, agent="coder")
    >>> aggregate = Aggregate()
    >>> aggregate.add(call)
    >>> for one in series_of([(Key.of(call), aggregate)]):
    ...     print(one.metric.name, one.labels, one.count)
    gen_ai.execute_tool.duration ('grep', 'coder') 1
    victor.operations ('tool.call', 'grep', 'coder', 'ok') 1
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Final

from msgspec import Struct

from victor.core.redact import redact
from victor.observability.aggregate import Aggregate, Key
from victor.observability.exporters.exporter import Source
from victor.observability.exporters.names import METRICS, Metric, duration_metric
from victor.observability.otel.semconv import Version, provider_name
from victor.observability.sketch import RELATIVE_ERROR, Sketch

__all__ = ["Changes", "Series", "labels_of", "read_series", "series_of", "shown_key"]

_SECOND: Final = 1_000_000_000
_MODEL: Final = "model.request"
# A bucket of a sketch holds values above g**(i-1) and up to g**i; none of them is farther than 1 % from this one.
_GAMMA: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_MIDDLE: Final = 2 / (1 + _GAMMA)


class Series(Struct):
    """One figure.

    Args:
        metric: Its row in the table of names.
        labels: The values, in the order of ``metric.labels``.
        value: Of a counter or a gauge, and the sum of a histogram; in the unit of the metric.
        count: How many a histogram holds; of a counter of whole numbers, the same as its value.
        durations: Of a histogram with buckets, in nanoseconds; it belongs to the snapshot and is not to be changed.
    """

    metric: Metric
    labels: tuple[str, ...]
    value: float = 0
    count: int = 0
    durations: Sketch | None = None

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What tells it from others."""
        return self.metric.name, self.labels

    def bucket_counts(self) -> list[int]:
        """How many values are at most each of the metric's bounds, then how many there are in all.

        Counts never decrease, from bound to bound and from snapshot to snapshot; a value within 1 % of a bound may be
        counted on the other side of it.
        """
        if self.durations is None:
            return [self.count]
        return [*self.durations.counts_up_to(_bounds_ns(self.metric.buckets)), self.count]

    def values(self) -> Iterator[tuple[float, int]]:
        """The durations of a histogram in ascending order: a value in nanoseconds, and how many there are of it.

        Each is within 1 % of what was measured.
        """
        sketch = self.durations
        if sketch is None:
            return
        if sketch.zeros:
            yield 0.0, sketch.zeros
        for at in sorted(sketch.buckets):
            yield min(max(_MIDDLE * _GAMMA**at, sketch.low), sketch.high), sketch.buckets[at]


@cache
def _bounds_ns(bounds: tuple[float, ...]) -> list[int]:
    return [round(bound * _SECOND) for bound in bounds]


def series_of(
    groups: Iterable[tuple[Key, Aggregate]], own: Mapping[str, float] | None = None, version: Version = "1.41"
) -> list[Series]:
    """All series of what was counted, in the order of the table of names, then of their labels.

    Args:
        groups: What was counted, from `MetricsCollector.snapshot`.
        own: The recorder's figures of itself, by the names that the rows of `OWN` have after ``own.``.
        version: Of OpenTelemetry's GenAI conventions.
    """
    made = _Made(version)
    for key, aggregate in groups:
        made.add(key, aggregate)
    for name, value in (own or {}).items():
        made.count(f"own.{name}", (), value)
    order = {metric.name: at for at, metric in enumerate(METRICS.values())}
    return sorted(made.series.values(), key=lambda one: (order[one.metric.name], one.labels))


def read_series(recorder: Source, version: Version = "1.41") -> list[Series]:
    """All series of what a recorder has counted so far.

    Args:
        recorder: Whose figures.
        version: Of OpenTelemetry's GenAI conventions.
    """
    snapshot = recorder.snapshot()
    return series_of(snapshot.groups, snapshot.own, version)


@lru_cache(maxsize=4096)
def shown_key(key: Key) -> Key:
    """A key as others may see it: whoever names an agent or a tool may have put a secret in the name.

    Example:
        >>> shown_key(Key("tool.call", "https://ann:hunter2@example.org/")).name
        'https://[redacted]@example.org/'
    """
    return Key(*map(redact.text, key))


class _Made:
    """Series so far; keys that differ only in what a metric has no label for are one series."""

    def __init__(self, version: Version) -> None:
        self.series: dict[tuple[str, tuple[str, ...]], Series] = {}
        self._owned: set[int] = set()
        self._rows = {
            measured: metric
            for measured, metric in METRICS.items()
            if not metric.version or version in ("both", metric.version)
        }

    def add(self, key: Key, aggregate: Aggregate) -> None:
        key = shown_key(key)
        timed = aggregate.durations.count
        if timed:
            self._durations(key, aggregate.durations)
            of = (key.kind, key.name, key.agent)
            failed = aggregate.errors + aggregate.cancelled
            self.count("operations", (*of, "ok"), timed - failed)
            self.count("operations", (*of, "error"), aggregate.errors)
            self.count("operations", (*of, "cancelled"), aggregate.cancelled)
        self.count("points", (key.kind, key.name, key.agent), aggregate.count - timed)
        if key.kind == _MODEL:
            self._usage(key, aggregate)

    def count(self, measured: str, labels: tuple[str, ...], value: float, count: int = 0) -> None:
        """Add to a counter; one that has counted nothing is left out, but for the recorder's own."""
        metric = self._rows.get(measured)
        if metric is None or (not value and not count and metric.labels):
            return
        series = self._of(metric, labels)
        series.value += value
        series.count += count or int(value)

    def _durations(self, key: Key, durations: Sketch) -> None:
        measured = duration_metric(key.kind)
        for one in (measured, f"{measured}.next"):
            metric = self._rows.get(one)
            if metric is None:
                continue
            series = self._of(metric, labels_of(measured, key))
            series.value += durations.sum / _SECOND
            series.count += durations.count
            if series.durations is None:
                series.durations = durations
                continue
            if id(series) not in self._owned:
                self._owned.add(id(series))
                series.durations = series.durations.copy()
            series.durations.merge(durations)

    def _usage(self, key: Key, aggregate: Aggregate) -> None:
        model = labels_of("model.duration", key)
        of, priced = model[1:], (*model[1:], key.root)
        for direction, tokens in (("input", aggregate.input_tokens), ("output", aggregate.output_tokens)):
            self.count("model.tokens", (*model, direction), tokens, aggregate.count)
            self.count(f"model.{direction}_tokens", model, tokens)
        self.count("model.cache_read_tokens", model, aggregate.cache_read_tokens)
        self.count("model.cache_write_tokens", model, aggregate.cache_write_tokens)
        self.count("cache.tokens", (*of, "read"), aggregate.cache_read_tokens)
        self.count("cache.tokens", (*of, "write"), aggregate.cache_write_tokens)
        self.count("cache.requests", (*of, "hit"), aggregate.cache_hits)
        self.count("cache.requests", (*of, "miss"), aggregate.cache_misses)
        if aggregate.cost_usd is not None:
            self.count("cost", priced, aggregate.cost_usd)
        self.count("unpriced", priced, aggregate.unpriced)

    def _of(self, metric: Metric, labels: tuple[str, ...]) -> Series:
        found = self.series.get((metric.name, labels))
        if found is None:
            found = self.series[metric.name, labels] = Series(metric, labels)
        return found


def labels_of(measured: str, key: Key) -> tuple[str, ...]:
    """The values of the labels of a duration.

    Args:
        measured: One of the durations in the table of names.
        key: What was measured.
    """
    match measured:
        case "model.duration":
            return ("chat", provider_name(key.provider), key.model or key.name, key.agent)
        case "tool.duration":
            return (key.name, key.agent)
        case "node.duration":
            return (key.name, key.root)
        case "checkpoint.duration":
            return (key.kind.removeprefix("checkpoint."),)
        case "operation.duration":
            return (key.kind, key.name, key.agent)
        case _:
            return (key.name,)


class Changes:
    """What was added to series since they were last sent.

    What is not known to have arrived is not forgotten: it is part of the next change.
    """

    def __init__(self) -> None:
        self._sent: dict[tuple[str, tuple[str, ...]], Series] = {}

    def since_sent(self, series: Iterable[Series]) -> Iterator[tuple[Series, Series]]:
        """Each series that has changed: what was added to it, and itself, for `sent`. Gauges are always there."""
        for one in series:
            before = self._sent.get(one.key)
            if before is None or one.metric.type == "gauge":
                yield one, one
            elif one.count != before.count or one.value != before.value:
                yield _difference(one, before), one

    def sent(self, series: Series) -> None:
        """This one has arrived."""
        self._sent[series.key] = series


def _difference(now: Series, before: Series) -> Series:
    if now.count < before.count or now.value < before.value:
        return now  # counting began anew
    durations = None
    if now.durations is not None and before.durations is not None:
        durations = Sketch()
        old = before.durations.buckets
        durations.buckets = {at: n - old.get(at, 0) for at, n in now.durations.buckets.items() if n > old.get(at, 0)}
        durations.zeros = now.durations.zeros - before.durations.zeros
        durations.count = now.durations.count - before.durations.count
        durations.sum = now.durations.sum - before.durations.sum
        # Not known exactly for a part of the values; those of all of them enclose it.
        durations.low, durations.high = now.durations.low, now.durations.high
    return Series(now.metric, now.labels, now.value - before.value, now.count - before.count, durations)

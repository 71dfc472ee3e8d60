"""The one naming table: what each metric is called, its unit, type, labels and buckets, for every exporter.

Names are those of OpenTelemetry's GenAI conventions where they have one, and begin with ``victor.`` where they have
none. Prometheus has them by the rules of OpenTelemetry for that: dots become underscores, the unit is written out,
counters end in ``_total``. So a dashboard works whichever way the figures came.

Example:
    >>> METRICS["tool.duration"].name, METRICS["tool.duration"].prometheus
    ('gen_ai.execute_tool.duration', 'gen_ai_execute_tool_duration_seconds')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from victor.observability.otel import semconv
from victor.observability.otel.semconv import Version

__all__ = ["METRICS", "OWN", "Metric", "MetricType", "duration_metric", "metrics_of", "prometheus_label"]

MetricType: TypeAlias = Literal["counter", "gauge", "histogram"]
"""What kind of metric it is."""

_UNITS: Final = {"s": "_seconds", "1": "_ratio"}
"""Units that Prometheus has in the name; those in braces only say what is counted, and are left out."""


class Metric(Struct, frozen=True):
    """One row of the table.

    Args:
        name: In OpenTelemetry, Datadog and StatsD.
        type: A counter goes up only; a gauge goes up and down; a histogram is a distribution.
        unit: In UCUM: ``s``, or what is counted, in braces.
        help: One line.
        labels: OpenTelemetry attributes, in the order in which values are given.
        buckets: Upper bounds of a histogram; without any it has a count and a sum alone.
        version: The version of the conventions that has it; ``""`` for both.
    """

    name: str
    type: MetricType
    unit: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    version: str = ""

    @property
    def prometheus(self) -> str:
        """The name in Prometheus; the parts of a histogram add ``_bucket``, ``_sum`` and ``_count``.

        Example:
            >>> METRICS["operations"].prometheus, METRICS["cost"].prometheus
            ('victor_operations_total', 'victor_model_cost_usd_total')
        """
        name = self.name.replace(".", "_") + _UNITS.get(self.unit, "")
        return f"{name}_total" if self.type == "counter" else name


def prometheus_label(attribute: str) -> str:
    """An attribute as Prometheus has it.

    Example:
        >>> prometheus_label("gen_ai.tool.name")
        'gen_ai_tool_name'
    """
    return attribute.replace(".", "_")


_AGENT: Final = semconv.AGENT
_MODEL: Final = (semconv.OPERATION, "gen_ai.provider.name", "gen_ai.request.model", _AGENT)
_PRICED: Final = (*_MODEL[1:], "victor.root")
_TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - no secret
_SHORT: Final = semconv.METRICS["tool.duration"].buckets
_LONG: Final = semconv.METRICS["agent.duration"].buckets


def _convention(measured: str, labels: tuple[str, ...], *, version: str = "") -> Metric:
    form = semconv.METRICS[measured]
    name = form.next if version == "next" else form.name
    counts = measured.startswith("model.") and measured.endswith("_tokens")
    return Metric(name, "counter" if counts else "histogram", form.unit, form.help, labels, form.buckets, version)


METRICS: Final[Mapping[str, Metric]] = {
    "model.duration": _convention("model.duration", _MODEL, version="1.41"),
    "model.duration.next": _convention("model.duration", _MODEL, version="next"),
    # Sums are exact; how many tokens single requests had is not kept by request, so there are no buckets.
    "model.tokens": Metric(
        "gen_ai.client.token.usage", "histogram", "{token}",
        "tokens of requests to models, cached and reasoning ones included; count: requests", (*_MODEL, _TOKEN_TYPE),
        version="1.41",
    ),
    "model.input_tokens": _convention("model.input_tokens", _MODEL, version="next"),
    "model.output_tokens": _convention("model.output_tokens", _MODEL, version="next"),
    "model.cache_read_tokens": _convention("model.cache_read_tokens", _MODEL, version="next"),
    "model.cache_write_tokens": _convention("model.cache_write_tokens", _MODEL, version="next"),
    "cache.tokens": Metric(
        "victor.model.cache.tokens", "counter", "{token}", "tokens read from the provider's cache, or written to it",
        (*_MODEL[1:], "victor.cache.operation"),
    ),
    "cache.requests": Metric(
        "victor.model.cache.requests", "counter", "{request}",
        "requests that read from the provider's cache (hit), or could have and did not (miss)",
        (*_MODEL[1:], "victor.cache.result"),
    ),
    "cost": Metric(
        "victor.model.cost_usd", "counter", "{USD}", "cost of the requests whose price is known, in US dollars", _PRICED
    ),
    "unpriced": Metric(
        "victor.model.unpriced_requests", "counter", "{request}",
        "requests whose price is not known, which victor.model.cost_usd leaves out", _PRICED,
    ),
    "agent.duration": _convention("agent.duration", (_AGENT,)),
    "tool.duration": _convention("tool.duration", ("gen_ai.tool.name", _AGENT)),
    "workflow.duration": _convention("workflow.duration", ("gen_ai.workflow.name",)),
    "node.duration": Metric(
        "victor.workflow.node.duration", "histogram", "s", "how long executions of workflow nodes took",
        ("victor.node.name", "victor.root"), _SHORT,
    ),
    "team.duration": Metric(
        "victor.team.run.duration", "histogram", "s", "how long runs of teams took", ("victor.team.name",), _LONG
    ),
    "round.duration": Metric(
        "victor.negotiation.round.duration", "histogram", "s", "how long rounds of negotiations took",
        ("victor.negotiation.name",), _LONG,
    ),
    "checkpoint.duration": Metric(
        "victor.checkpoint.duration", "histogram", "s", "how long saving and restoring checkpoints took",
        ("victor.checkpoint.operation",), (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 1.0),
    ),
    "operation.duration": Metric(
        "victor.operation.duration", "histogram", "s", "how long all other operations took",
        ("victor.kind", "victor.name", _AGENT), _SHORT,
    ),
    "operations": Metric(
        "victor.operations", "counter", "{operation}", "operations that ended, by how they did: ok, error or cancelled",
        ("victor.kind", "victor.name", _AGENT, "victor.status"),
    ),
    "points": Metric(
        "victor.events", "counter", "{event}", "what happened and has no duration: messages, votes, state transitions",
        ("victor.kind", "victor.name", _AGENT),
    ),
    "own.seen": Metric(
        "victor.observability.events.seen", "counter", "{event}", "events that the recorder was given"
    ),
    "own.filtered": Metric(
        "victor.observability.events.filtered", "counter", "{event}",
        "records counted, but sampled away and not kept one by one",
    ),
    "own.dropped": Metric(
        "victor.observability.events.dropped", "counter", "{event}",
        "events counted, but not kept one by one because the queue was full",
    ),
    "own.written": Metric("victor.observability.events.written", "counter", "{event}", "records written to the store"),
    "own.overhead": Metric(
        "victor.observability.overhead", "counter", "s", "time the recorder has taken, by its own measurement"
    ),
    "own.lost": Metric(
        "victor.observability.records.lost", "counter", "{event}",
        "records counted, but lost to the store because they waited too long for it",
    ),
    "own.unwritten": Metric(
        "victor.observability.records.unwritten", "gauge", "{event}", "records that wait for the store"
    ),
    "own.failed_writes": Metric(
        "victor.observability.failed_writes", "gauge", "{attempt}",
        "how many times in a row the store could not be written; 0 when all is well",
    ),
    "own.head_rate": Metric(
        "victor.observability.head_rate", "gauge", "1", "part of runs that are kept one by one at the moment"
    ),
    "own.queue": Metric(
        "victor.observability.queue.length", "gauge", "{event}", "events that wait for the recorder's thread"
    ),
}  # fmt: skip
"""What is measured -> its row."""

OWN: Final = tuple(measured for measured in METRICS if measured.startswith("own."))
"""The recorder's figures of itself, which have no labels."""

_BY_KIND: Final = {
    "model.request": "model.duration",
    "tool.call": "tool.duration",
    "agent.run": "agent.duration",
    "workflow.run": "workflow.duration",
    "workflow.node": "node.duration",
    "team.run": "team.duration",
    "negotiation.round": "round.duration",
    "checkpoint.save": "checkpoint.duration",
    "checkpoint.restore": "checkpoint.duration",
}


def duration_metric(kind: str) -> str:
    """Which row has the durations of a kind of operation.

    Example:
        >>> duration_metric("tool.call"), duration_metric("crawler.page")
        ('tool.duration', 'operation.duration')
    """
    return _BY_KIND.get(kind, "operation.duration")


def metrics_of(version: Version) -> list[Metric]:
    """The rows that are exported where a version of the conventions is spoken.

    Example:
        >>> [metric.name for metric in metrics_of("next") if metric.name.endswith("client.inference.duration")]
        ['gen_ai.client.inference.duration']
    """
    return [metric for metric in METRICS.values() if not metric.version or version in ("both", metric.version)]

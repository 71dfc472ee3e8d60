"""Names of the GenAI conventions of OpenTelemetry, in one table of our own.

The conventions for generative AI are still in development and have moved house: their names change between versions.
So nothing here is imported from a package of constants, and a switch says which version is spoken: ``"1.41"`` (what
back ends read today), ``"next"`` (the drafted successor), or ``"both"``. What the conventions have no name for begins
with ``victor.``.

Source: https://github.com/open-telemetry/semantic-conventions/tree/v1.41.0/docs/gen-ai
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, get_args

from msgspec import Struct

from victor.core.errors import ConfigurationError

__all__ = [
    "AGENT",
    "ATTRIBUTES",
    "CONVERSATION",
    "COST",
    "ERROR_TYPE",
    "METRICS",
    "OPERATION",
    "SESSION",
    "SPANS",
    "MetricForm",
    "SpanForm",
    "Version",
    "attribute_names",
    "check_version",
    "metric_names",
    "provider_name",
    "span_form",
]

Version: TypeAlias = Literal["1.41", "next", "both"]
"""Which version of the conventions is spoken."""

OPERATION: Final = "gen_ai.operation.name"
"""The attribute with the name of the operation."""
AGENT: Final = "gen_ai.agent.name"
"""The attribute with the name of the agent."""
CONVERSATION: Final = "gen_ai.conversation.id"
"""The attribute with the id of the conversation."""
SESSION: Final = "session.id"
"""The attribute with the id of the session."""
ERROR_TYPE: Final = "error.type"
"""The attribute with the class of the error."""
COST: Final = "victor.usage.cost_usd"
"""The attribute with the cost in US dollars."""

Kind: TypeAlias = Literal["internal", "client", "producer", "consumer"]


class SpanForm(Struct, frozen=True):
    """How operations of one kind are named as spans.

    Args:
        verb: The span is called ``"{verb} {name}"``.
        kind: The span kind.
        operation: Value of ``gen_ai.operation.name``; ``""`` for what the conventions do not know.
        named: The attribute that has the name of the agent, tool, ...
        fixed: Attributes that are always the same.
    """

    verb: str
    kind: Kind = "internal"
    operation: str = ""
    named: str = ""
    fixed: Mapping[str, Any] = {}

    def title(self, name: str) -> str:
        """The name of the span.

        Example:
            >>> SpanForm("execute_tool").title("read_file")
            'execute_tool read_file'
        """
        return f"{self.verb} {name}" if name else self.verb


SPANS: Final[Mapping[str, SpanForm]] = {
    "agent.run": SpanForm("invoke_agent", operation="invoke_agent", named=AGENT),
    "model.request": SpanForm("chat", "client", "chat", "gen_ai.request.model"),
    "tool.call": SpanForm(
        "execute_tool", operation="execute_tool", named="gen_ai.tool.name", fixed={"gen_ai.tool.type": "function"}
    ),
    "workflow.run": SpanForm("invoke_workflow", operation="invoke_workflow", named="gen_ai.workflow.name"),
    "workflow.step": SpanForm("run_step", named="gen_ai.workflow.name"),
    "workflow.node": SpanForm("run_node", named="victor.node.name"),
    "checkpoint.save": SpanForm("save_checkpoint", "client", named="gen_ai.workflow.name"),
    "checkpoint.restore": SpanForm("restore_checkpoint", "client", named="gen_ai.workflow.name"),
    "tool.approval": SpanForm("await_approval", named="gen_ai.tool.name"),
    "team.run": SpanForm("invoke_team", named="victor.team.name"),
    "team.turn": SpanForm("take_turn", named="victor.member.name"),
    "negotiation.round": SpanForm("negotiate", named="victor.negotiation.name"),
    "message.sent": SpanForm("send_message", "producer", named="victor.message.sender"),
    "message.received": SpanForm("receive_message", "consumer", named="victor.message.receiver"),
    "attempt": SpanForm("attempt"),
}
"""Kinds of operations -> their spans. Points become events of the span they happened in; where there is none, as for a
message from another process, they become a span of no length. ``attempt`` is one try of what was retried."""


def span_form(kind: str) -> SpanForm:
    """The form of a kind; a plugin's own kinds are called after themselves.

    Example:
        >>> span_form("agent.run").title("clerk"), span_form("crawler.page").title("start")
        ('invoke_agent clerk', 'crawler.page start')
    """
    return SPANS.get(kind) or SpanForm(kind)


_TOKENS: Final = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens|gen_ai.usage.cache_write.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "cost_usd": COST,
}

_RETRY: Final = {
    "attempt": "victor.attempt",
    "call_id": "gen_ai.tool.call.id",
    "delay_s": "victor.retry.delay_s",
    "status": "http.response.status_code",
}

ATTRIBUTES: Final[Mapping[str, Mapping[str, str]]] = {
    "": {"agent": AGENT, "namespace": "victor.workflow.namespace", "thread_id": "victor.thread_id"},
    "agent.run": {
        **_TOKENS,
        "provider": "gen_ai.provider.name",
        "model": "gen_ai.request.model",
        "stop_reason": "victor.stop_reason",
        "steps": "victor.agent.steps",
        "tool_calls": "victor.agent.tool_calls",
    },
    "model.request": {
        **_TOKENS,
        "provider": "gen_ai.provider.name",
        "model": "gen_ai.request.model",
        "temperature": "gen_ai.request.temperature",
        "max_tokens": "gen_ai.request.max_tokens",
        "streaming": "gen_ai.request.stream",
        "messages": "victor.request.messages",
        "tools": "victor.request.tools",
        "response_model": "gen_ai.response.model",
        "response_id": "gen_ai.response.id",
        "finish_reason": "gen_ai.response.finish_reasons",
        "tool_calls": "victor.response.tool_calls",
    },
    "tool.call": {
        "call_id": "gen_ai.tool.call.id",
        "category": "victor.tool.category",
        "source": "victor.tool.source",
        "retry": "victor.tool.retry",
    },
    "tool.approval": {"call_id": "gen_ai.tool.call.id", "allowed": "victor.tool.allowed"},
    "workflow.run": {"status": "victor.workflow.status", "steps": "victor.workflow.steps"},
    "workflow.step": {"step": "victor.workflow.step", "nodes": "victor.workflow.nodes"},
    "workflow.node": {
        "step": "victor.workflow.step",
        "task_id": "victor.node.task_id",
        "attempts": "victor.attempts",
        "interrupted": "victor.node.interrupted",
    },
    "checkpoint.save": {"step": "victor.workflow.step", "durability": "victor.checkpoint.durability"},
    "team.run": {
        **_TOKENS,
        "pattern": "victor.team.pattern",
        "members": "victor.team.members",
        "turns": "victor.team.turns",
        "stop_reason": "victor.stop_reason",
    },
    "team.turn": {
        **_TOKENS,
        "key": "victor.turn.key",
        "attempts": "victor.attempts",
        "stand_in": "victor.turn.stand_in",
        "skipped": "victor.turn.skipped",
    },
    "negotiation.round": {"round": "victor.negotiation.round", "protocol": "victor.negotiation.protocol"},
    "message.sent": {
        "id": "messaging.message.id",
        "bus": "messaging.destination.name",
        "type": "victor.message.type",
        "receivers": "victor.message.receivers",
    },
    "message.received": {
        "id": "messaging.message.id",
        "bus": "messaging.destination.name",
        "type": "victor.message.type",
        "sender": "victor.message.sender",
    },
    "model.retry": {
        **_RETRY,
        "provider": "gen_ai.provider.name",
        "model": "gen_ai.request.model",
        "reason": ERROR_TYPE,
    },
    "tools.retry": {**_RETRY, "error": ERROR_TYPE},
    "workflow.retry": {**_RETRY, "error": ERROR_TYPE},
    "attempt": _RETRY,
}
"""Kind -> attribute of the event -> attribute of the span; ``""`` holds for all kinds. Of two names separated by ``|``
the first is that of version 1.41, the second that of its successor. What stands nowhere here is called ``victor.`` and
its own name."""

IDS: Final = frozenset({"call_id", "id", "key", "response_id", "task_id"})
"""Attributes of Victor's own events that are ids, and so no place for words that could hold a secret."""

_PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}


def provider_name(provider: str) -> str:
    """A provider as the conventions call it; its own name where they have none.

    Example:
        >>> provider_name("gemini"), provider_name("ollama")
        ('gcp.gemini', 'ollama')
    """
    return _PROVIDERS.get(provider, provider)


def attribute_names(kind: str, attribute: str, version: Version = "1.41") -> tuple[str, ...]:
    """What an attribute of an event is called on a span.

    Example:
        >>> attribute_names("model.request", "input_tokens"), attribute_names("crawler.page", "depth")
        (('gen_ai.usage.input_tokens',), ('victor.depth',))
        >>> attribute_names("model.request", "cache_write_tokens", "next")
        ('gen_ai.usage.cache_write.input_tokens',)
    """
    found = ATTRIBUTES.get(kind, {}).get(attribute) or ATTRIBUTES[""].get(attribute) or f"victor.{attribute}"
    first, _, second = found.partition("|")
    if not second or version == "1.41":
        return (first,)
    return (second,) if version == "next" else (first, second)


class MetricForm(Struct, frozen=True):
    """A metric of the conventions, in both generations.

    Args:
        name: As version 1.41 has it; ``""`` where that has none.
        next: As the drafted successor has it; ``""`` where that has none.
        unit: In UCUM.
        help: What is measured.
        buckets: Upper bounds, where it is a histogram.
    """

    name: str
    next: str
    unit: str
    help: str
    buckets: tuple[float, ...] = ()


_SECONDS: Final = tuple(0.01 * 2**i for i in range(14))
_LONG_SECONDS: Final = tuple(0.1 * 2**i for i in range(13))
_WORKFLOW_SECONDS: Final = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
_COUNTS: Final = tuple(float(4**i) for i in range(14))

METRICS: Final[Mapping[str, MetricForm]] = {
    "model.duration": MetricForm(
        "gen_ai.client.operation.duration", "gen_ai.client.inference.duration", "s", "how long requests to models took",
        _SECONDS,
    ),
    "model.tokens": MetricForm("gen_ai.client.token.usage", "", "{token}", "tokens by gen_ai.token.type", _COUNTS),
    "model.input_tokens": MetricForm("", "gen_ai.client.inference.usage.input_tokens", "{token}", "tokens read"),
    "model.output_tokens": MetricForm("", "gen_ai.client.inference.usage.output_tokens", "{token}", "tokens written"),
    "model.cache_read_tokens": MetricForm(
        "", "gen_ai.client.inference.usage.cache_read.input_tokens", "{token}", "tokens read from the provider's cache"
    ),
    "model.cache_write_tokens": MetricForm(
        "", "gen_ai.client.inference.usage.cache_write.input_tokens", "{token}", "tokens written to it"
    ),
    "agent.duration": MetricForm(
        "gen_ai.invoke_agent.duration", "gen_ai.invoke_agent.duration", "s", "how long runs of agents took",
        _LONG_SECONDS,
    ),
    "tool.duration": MetricForm(
        "gen_ai.execute_tool.duration", "gen_ai.execute_tool.duration", "s", "how long calls of tools took", _SECONDS
    ),
    "workflow.duration": MetricForm(
        "gen_ai.invoke_workflow.duration", "gen_ai.invoke_workflow.duration", "s", "how long runs of workflows took",
        _WORKFLOW_SECONDS,
    ),
}  # fmt: skip
"""What is measured -> the metric of the conventions."""


def metric_names(measured: str, version: Version) -> tuple[str, ...]:
    """What a metric is called; empty where the version has no such metric.

    Example:
        >>> metric_names("model.duration", "both")
        ('gen_ai.client.operation.duration', 'gen_ai.client.inference.duration')
        >>> metric_names("model.tokens", "next")
        ()
    """
    form = METRICS[measured]
    wanted = {"1.41": (form.name,), "next": (form.next,), "both": (form.name, form.next)}[version]
    return tuple(dict.fromkeys(name for name in wanted if name))


def check_version(version: object) -> Version:
    """The version, if it is one.

    Raises:
        ConfigurationError: It is none.
    """
    for known in get_args(Version):
        if version == known:
            found: Version = known
            return found
    raise ConfigurationError(f"semconv is one of {', '.join(map(repr, get_args(Version)))}, not {version!r}")

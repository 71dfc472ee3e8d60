"""One record for one thing that happened: what is counted, kept, exported.

A record is made of an ``end`` or a ``point`` event, and of the ``start`` of a run, so that a run that a crash cut off
is known. Secrets are gone from every text of it, and it holds nothing that its maker could still change.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from victor.observability.sound_text import sound_amount, sound_count, sound_name, sound_text, sound_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from victor.core.events import Event

__all__ = ["RUN_KINDS", "Record", "Status", "complete", "counted_record", "record_of"]

RUN_KINDS: Final = frozenset({"agent.run", "team.run", "workflow.run"})
"""Operations whose start is recorded, too."""

_MODEL: Final = "model.request"
_AGENT: Final = frozenset({"agent"})
_COLUMNS: Final = frozenset({"agent", "provider", "model"})
_USAGE: Final = frozenset(
    {"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "cost_usd"}
)
_TAKEN: Final = _COLUMNS | _USAGE
_TEXT: Final = 2000


class Status(IntEnum):
    """How an operation ended; a point is always ok."""

    OK = 0
    ERROR = 1
    CANCELLED = 2
    OPEN = 3
    """It has begun, and its end is not known."""


_OK: Final = Status.OK
_OPEN: Final = Status.OPEN


class Record(Struct, gc=False):
    """Something that happened.

    Args:
        kind: One of `victor.core.events.KINDS`, or a plugin's own.
        name: Which agent, tool, node, ...
        run_id: The outermost operation's tree; 32 hexadecimal digits.
        span_id: This operation or point; 16 hexadecimal digits.
        parent_id: The operation around it, or None at the root.
        start_ns: When it began, nanoseconds since 1970.
        duration_ns: How long it took; None for a point and for what is still open.
        status: How it ended.
        agent: Whose it is, where an agent did it.
        root: The name of the outermost operation, ``""`` where that is not known.
        error_type: The class of the exception that ended it.
        error_text: Its text, redacted and cut.
        provider: Of a model request.
        model: Of a model request, the name that was asked for.
        input_tokens: Of a model request, those from the cache included; None when unknown.
        output_tokens: Of a model request, reasoning included; None when unknown.
        cache_read_tokens: Of the input, what came from the provider's cache.
        cache_write_tokens: Of the input, what was written to it.
        cost_usd: Of a model request; None when its price is unknown.
        attributes: What else the event said, redacted.
        content: Captured contents, redacted; empty unless asked for.
    """

    kind: str
    name: str
    run_id: str
    span_id: str
    parent_id: str | None
    start_ns: int
    duration_ns: int | None = None
    status: Status = Status.OK
    agent: str = ""
    root: str = ""
    error_type: str = ""
    error_text: str = ""
    provider: str = ""
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cost_usd: float | None = None
    attributes: dict[str, Any] = {}
    content: dict[str, Any] = {}

    @property
    def end_ns(self) -> int:
        """When it ended; when it began, for a point and for what is open."""
        return self.start_ns + (self.duration_ns or 0)


def record_of(event: Event, redactor: Callable[[dict[str, Any]], dict[str, Any]]) -> Record:
    """What an event leaves. The event may be freed afterwards.

    Tokens and cost are those of model requests alone: an agent's run repeats what its requests used, and adding
    both up would count everything twice. A run's own totals stay in its attributes.

    Args:
        event: Any event.
        redactor: Removes secrets from attributes.
    """
    record = counted_record(event)
    complete(record, event, redactor)
    return record


def counted_record(event: Event) -> Record:
    """What is needed to count an event; its texts and attributes are left out until `complete`."""
    given, kind, duration = event.attributes, event.kind, event.duration_ns
    agent = given.get("agent")
    if type(agent) is not str:
        agent = event.name if kind == "agent.run" else ""
    agent = sound_name(agent)
    error = event.error
    if error is not None:
        status = Status.CANCELLED if event.cancelled else Status.ERROR
    else:
        status = _OPEN if event.phase == "start" else _OK
    record = Record(
        sound_name(kind), sound_name(event.name), event.run_id, event.span_id, event.parent_id,
        event.time_ns - (duration or 0), duration, status, agent,
    )  # fmt: skip
    if kind == _MODEL:
        record.provider, record.model = _text(given.get("provider")), _text(given.get("model"))
        record.input_tokens = sound_count(given.get("input_tokens"))
        record.output_tokens = sound_count(given.get("output_tokens"))
        record.cache_read_tokens = sound_count(given.get("cache_read_tokens"))
        record.cache_write_tokens = sound_count(given.get("cache_write_tokens"))
        record.cost_usd = sound_amount(given.get("cost_usd"))
    return record


def complete(record: Record, event: Event, redactor: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Add to a record what is kept of its event in detail.

    Args:
        record: What `counted_record` made of the event.
        event: The event.
        redactor: Removes secrets from attributes.
    """
    if event.error is not None:
        record.error_type = type(event.error).__name__
        record.error_text = sound_text(event.error_text[:_TEXT])
    taken = _TAKEN if event.kind == _MODEL else _AGENT
    rest = {
        key: value for key, value in event.attributes.items() if key not in taken and value is not None and value != ""
    }
    if rest:
        record.attributes = sound_value(redactor(rest))
    if event.content:
        record.content = sound_value(dict(event.content))


def _text(value: Any) -> str:
    return sound_name(value) if isinstance(value, str) else ""

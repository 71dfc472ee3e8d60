"""Between what is recorded and the rows of the tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import msgspec

from victor.observability.aggregate import Aggregate
from victor.observability.record import Record, Status
from victor.observability.store.summing import pack

if TYPE_CHECKING:
    from victor.observability.store.batch import RunDelta

__all__ = [
    "careful_row",
    "clean",
    "figure_row",
    "merged_deltas",
    "record_of_row",
    "record_row",
    "run_bytes",
    "run_row",
    "span_hex",
    "span_int",
]

_LARGEST: Final = (1 << 63) - 1
_WRAP: Final = 1 << 64
_HEX_RUN: Final = 32
_HEX_SPAN: Final = 16
_STRANGE: Final = re.compile("[\0\ud800-\udfff]")


def _unusual(value: Any) -> Any:
    """Attributes are the plugins' own; what JSON has no form for is kept as it would print."""
    return clean(repr(value))


_encode: Final = msgspec.json.Encoder(enc_hook=_unusual).encode
_decode: Final = msgspec.json.Decoder().decode


def clean(text: str) -> str:
    """A text that any database takes: a NUL and halves of characters become U+FFFD."""
    return _STRANGE.sub("\ufffd", text)


def run_bytes(run_id: str) -> bytes:
    """The 16 bytes of a run's id; of anything else that a recorder took for one, 16 bytes that stand for it."""
    try:
        made = bytes.fromhex(run_id)
    except ValueError:
        made = b""
    return made if len(made) == _HEX_RUN // 2 else blake2b(run_id.encode("utf-8", "replace"), digest_size=16).digest()


def span_int(span_id: str) -> int:
    """A span's id as the signed 64-bit integer of the tables."""
    try:
        number = int(span_id, 16)
    except ValueError:
        number = -1
    if not 0 <= number < _WRAP or len(span_id) > _HEX_SPAN:
        number = int.from_bytes(blake2b(span_id.encode("utf-8", "replace"), digest_size=8).digest())
    return number - _WRAP if number > _LARGEST else number


def span_hex(span: int) -> str:
    """The 16 hexadecimal digits of `span_int`."""
    return f"{span + _WRAP if span < 0 else span:016x}"


def record_row(record: Record, run: int, names: Mapping[str, int]) -> tuple[Any, ...]:
    """A record in the order of `RECORD_COLUMNS`."""
    attributes, content, parent = record.attributes, record.content, record.parent_id
    return (
        run,
        span_int(record.span_id),
        None if parent is None else span_int(parent),
        names[record.kind],
        names[record.name],
        names[record.agent],
        names[record.root],
        record.start_ns,
        record.duration_ns,
        int(record.status),
        names[record.error_type],
        clean(record.error_text) if record.error_text else None,
        names[record.provider],
        names[record.model],
        record.input_tokens,
        record.output_tokens,
        record.cache_read_tokens,
        record.cache_write_tokens,
        record.cost_usd,
        _json(attributes) if attributes else None,
        _json(content) if content else None,
    )


def careful_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same row, made of what every database takes, when one has refused the batch that it is in."""
    texts = {11, 19, 20}
    return tuple(
        (clean(value) if isinstance(value, str) else None)
        if at in texts and value is not None
        else _number(value, whole=at != 18)
        for at, value in enumerate(row)
    )


def _number(value: Any, *, whole: bool) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return max(-_LARGEST, min(_LARGEST, int(value))) if whole else float(value)


def _json(value: dict[str, Any]) -> str:
    try:
        return _encode(value).decode()
    except (TypeError, ValueError, RecursionError):
        return _encode({clean(str(key)): clean(repr(one)) for key, one in value.items()}).decode()


def record_of_row(run_id: str, row: Sequence[Any], texts: Mapping[int, str]) -> Record:
    """The record of a row in the order of `RECORD_COLUMNS`."""
    (_, span, parent, kind, name, agent, root, start_ns, duration_ns, status, error_type, error_text, provider, model,
     input_tokens, output_tokens, cache_read, cache_write, cost, attributes, content) = row  # fmt: skip
    return Record(
        texts[kind],
        texts[name],
        run_id,
        span_hex(span),
        None if parent is None else span_hex(parent),
        start_ns,
        duration_ns,
        Status(status),
        texts[agent],
        texts[root],
        texts[error_type],
        error_text or "",
        texts[provider],
        texts[model],
        input_tokens,
        output_tokens,
        cache_read,
        cache_write,
        cost,
        _decode(attributes) if attributes else {},
        _decode(content) if content else {},
    )


def merged_deltas(deltas: Iterable[RunDelta], records: Iterable[Record]) -> dict[bytes, RunDelta]:
    """One delta for each run, those of which only records are known included."""
    from victor.observability.store.batch import RunDelta

    merged: dict[bytes, RunDelta] = {}
    known: dict[str, bytes] = {}
    for delta in deltas:
        run_id = known.get(delta.run_id) or known.setdefault(delta.run_id, run_bytes(delta.run_id))
        other = merged.get(run_id)
        if other is None:
            merged[run_id] = msgspec.structs.replace(delta)
            continue
        other.kind, other.name = (delta.kind or other.kind), (delta.name or other.name)
        starts = [start for start in (other.start_ns, delta.start_ns) if start]
        other.start_ns = min(starts, default=0)
        if delta.duration_ns is not None:
            other.duration_ns = delta.duration_ns
        if delta.status is not Status.OPEN:
            other.status = delta.status
        for name in ("spans", "model_requests", "tool_calls", "errors", "input_tokens", "output_tokens", "unpriced"):
            setattr(other, name, getattr(other, name) + getattr(delta, name))
        if delta.cost_usd is not None:
            other.cost_usd = (other.cost_usd or 0.0) + delta.cost_usd
    for record in records:
        if record.run_id not in known:
            known[record.run_id] = run_id = run_bytes(record.run_id)
            merged.setdefault(run_id, RunDelta(record.run_id, start_ns=record.start_ns))
    return merged


def run_row(run_id: bytes, delta: RunDelta, names: Mapping[str, int]) -> tuple[Any, ...]:
    """A delta in the order of `RUN_COLUMNS`."""
    return (
        run_id, names[delta.kind], names[delta.name], delta.start_ns, delta.duration_ns, int(delta.status), delta.spans,
        delta.model_requests, delta.tool_calls, delta.errors, delta.input_tokens, delta.output_tokens, delta.cost_usd,
        delta.unpriced, None,
    )  # fmt: skip


def figure_row(aggregate: Aggregate) -> tuple[Any, ...]:
    """An aggregate in the order of `FIGURE_COLUMNS`."""
    durations = aggregate.durations
    return (
        aggregate.count, aggregate.errors, aggregate.cancelled, durations.count, min(durations.sum, _LARGEST),
        durations.low, durations.high, min(aggregate.input_tokens, _LARGEST), min(aggregate.output_tokens, _LARGEST),
        min(aggregate.cache_read_tokens, _LARGEST), min(aggregate.cache_write_tokens, _LARGEST), aggregate.cost_usd,
        aggregate.unpriced, aggregate.cache_hits, aggregate.cache_misses, pack(durations),
    )  # fmt: skip

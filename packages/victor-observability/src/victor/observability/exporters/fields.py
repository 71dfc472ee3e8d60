"""A record as the fields of one line, for logs and files."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from victor.core.redact import redact
from victor.observability.record import Record, Status

__all__ = ["fields_of"]

_SECOND = 1_000_000_000


def fields_of(record: Record) -> dict[str, Any]:
    """What happened, by names; what is not known or empty is left out, and so are secrets.

    Example:
        >>> call = Record("tool.call", "grep", "5f", "a1", None, start_ns=0, duration_ns=2_000_000, agent="coder")
        >>> fields_of(call)
        {'time': '1970-01-01T00:00:00.000000Z', 'kind': 'tool.call', 'name': 'grep', 'status': 'ok',
         'duration_s': 0.002, 'run_id': '5f', 'span_id': 'a1', 'agent': 'coder'}
    """
    seconds, rest = divmod(record.start_ns, _SECOND)
    moment = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    made: dict[str, Any] = {
        "time": moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "kind": record.kind,
        "name": record.name,
        "status": Status(record.status).name.lower(),
        "duration_s": None if record.duration_ns is None else record.duration_ns / _SECOND,
    }
    for name in _REST:
        made[name] = getattr(record, name)
    for name in ("name", "agent", "root", "provider", "model"):
        made[name] = _shown(made[name])
    return {name: value for name, value in made.items() if value is not None and value != "" and value != {}}


_shown = lru_cache(maxsize=4096)(redact.text)

_REST = (
    "run_id", "span_id", "parent_id", "agent", "root", "provider", "model", "input_tokens", "output_tokens",
    "cache_read_tokens", "cache_write_tokens", "cost_usd", "error_type", "error_text", "attributes", "content",
)  # fmt: skip

"""W3C trace context: runs that go on in another process, and runs that somebody else's trace began.

The ids of runs and spans are those of trace context already, so nothing is translated: a run's id is the trace id.

Example:
    >>> with continuing("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"):
    ...     traceparent()
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Final

from victor.core.events import Span, _current

__all__ = ["TRACEPARENT", "continuing", "incoming", "read_traceparent", "trace_environment", "traceparent"]

TRACEPARENT: Final = "traceparent"
"""The header; as an environment variable it is written in capitals."""

_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


_incoming: ContextVar[str | None] = ContextVar("victor_incoming", default=None)


def traceparent(*, own: bool = False) -> str | None:
    """The header for what this code asks of others, or None outside of any operation.

    An open operation is only known while somebody listens to the event stream.

    Args:
        own: Name the operation by Victor's own ids also where tracing has others for it: for what stays in this
            process.
    """
    span = _current.get()
    if span is None:
        return None
    if span.outward is not None and not own:
        return span.outward()
    return f"00-{span.run_id}-{span.span_id}-01"


def incoming() -> str | None:
    """The header that `continuing` took up last in this context, or None."""
    return _incoming.get()


def read_traceparent(text: str) -> Span | None:
    """The caller's span, or None when the header is not one: a bad header is ignored, as the standard asks.

    Source: W3C Trace Context, https://www.w3.org/TR/trace-context/#traceparent-header
    """
    found = _FORM.fullmatch(text.strip().lower())
    if found is None:
        return None
    version, run_id, span_id, _, rest = found.groups()
    if version == "ff" or (version == "00" and rest) or not int(run_id, 16) or not int(span_id, 16):
        return None
    return Span(run_id, span_id, None)


@contextmanager
def continuing(header: str | None) -> Iterator[None]:
    """Open operations below the caller's span for a ``with`` block.

    Args:
        header: A traceparent; None, or one that cannot be read, changes nothing.
    """
    span = None if header is None else read_traceparent(header)
    if header is None or span is None:
        yield
        return
    header = header.strip().lower()
    if header.startswith("00-"):  # goes on as it came, with what it says about sampling
        span.outward = lambda: header
    before = _incoming.set(header)
    token = _current.set(span)
    try:
        yield
    finally:
        with suppress(ValueError):  # left in another context, as an abandoned generator is
            _current.reset(token)
            _incoming.reset(before)


def trace_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment for a child process, which finds its parent in ``TRACEPARENT``.

    Args:
        environment: What else it should have; that of this process by default.
    """
    merged = dict(os.environ if environment is None else environment)
    if (header := traceparent()) is not None:
        merged[TRACEPARENT.upper()] = header
    return merged

"""What `Agent.stream` yields: the pieces of a run as they come, and its result at the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from msgspec import Struct

from victor.core.message import ToolCall
from victor.core.model import TextDelta
from victor.core.result import RunResult
from victor.core.tool import ToolResult

__all__ = ["AnswerRejected", "RunEvent", "RunFinished", "TextDelta", "ToolFinished", "ToolStarted", "tap_runs"]


class ToolStarted(Struct, frozen=True):
    """A tool call begins."""

    call: ToolCall


class ToolFinished(Struct, frozen=True):
    """A tool call ended, well (``result.ok``) or not."""

    call: ToolCall
    result: ToolResult


class AnswerRejected(Struct, frozen=True):
    """The text streamed so far did not fit the output type; the model is asked again."""

    reason: str


class RunFinished(Struct, frozen=True):
    """The run is over; always the last event."""

    result: RunResult[Any]


RunEvent = TextDelta | ToolStarted | ToolFinished | AnswerRejected | RunFinished


_tap: ContextVar[Callable[[RunEvent], None] | None] = ContextVar("victor_run_tap", default=None)


@contextmanager
def tap_runs(listener: Callable[[RunEvent], None]) -> Iterator[None]:
    """Receive the pieces of every agent run that starts inside a ``with`` block, also of plain `Agent.run`.

    This is how a workflow streams the words of the agents in its nodes. Runs that are streamed by their
    own caller are left alone.

    Args:
        listener: Called in the running task; must not block.
    """
    token = _tap.set(listener)
    try:
        yield
    finally:
        _tap.reset(token)


def tapped_sink() -> Callable[[RunEvent], Awaitable[None]] | None:
    """Where an unstreamed run should put its events, or None when nobody taps it."""
    listener = _tap.get()
    if listener is None:
        return None

    async def sink(event: RunEvent) -> None:
        listener(event)

    return sink

"""What `Agent.stream` yields: the pieces of a run as they come, and its result at the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from msgspec import Struct

from victor.core.message import ToolCall
from victor.core.model import Model, TextDelta
from victor.core.result import RunResult
from victor.core.tool import ToolResult

__all__ = [
    "AnswerRejected",
    "RunEvent",
    "RunFinished",
    "RunListener",
    "TextDelta",
    "ToolFinished",
    "ToolStarted",
    "tap_each_run",
    "tap_runs",
]


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
"""What `Agent.stream` yields."""


RunListener = Callable[[RunEvent], None]
"""Called with each piece of a run, in the running task; must not block."""

_tap: ContextVar[Callable[[str, Model], RunListener | None] | None] = ContextVar("victor_run_tap", default=None)


@contextmanager
def tap_runs(listener: RunListener) -> Iterator[None]:
    """Receive the pieces of every agent run that starts inside a ``with`` block, also of plain `Agent.run`.

    This is how a workflow streams the words of the agents in its nodes. Runs that are streamed by their
    own caller are left alone.

    Args:
        listener: Called in the running task; must not block.
    """
    with tap_each_run(lambda agent, model: listener):
        yield


@contextmanager
def tap_each_run(begin: Callable[[str, Model], RunListener | None]) -> Iterator[None]:
    """`tap_runs` for those who must tell one run from another.

    Args:
        begin: Called as each run begins, with the agent's name and its model; returns a listener for this run, or
            None to leave it alone.
    """
    token = _tap.set(begin)
    try:
        yield
    finally:
        _tap.reset(token)


def tapped_sink(agent: str, model: Model) -> Callable[[RunEvent], Awaitable[None]] | None:
    """Where an unstreamed run should put its events, or None when nobody taps it."""
    begin = _tap.get()
    listener = None if begin is None else begin(agent, model)
    if listener is None:
        return None

    async def sink(event: RunEvent) -> None:
        listener(event)

    return sink

"""What ``victor tools bench`` measures: the way to a tool, a tool of one's choice, and the search."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final

import msgspec
from attrs import frozen

from victor.core.errors import ToolError
from victor.core.tool import Tool, ToolScope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from victor.tools.registry import UnifiedToolRegistry

__all__ = ["Measured", "measure_floor", "measure_search", "measure_tool", "no_op"]

_ARGUMENTS: Final = {"text": "hello", "number": 3}


@frozen
class Measured:
    """How long something took.

    Args:
        what: In words.
        runs: How often it was done.
        p50_us: Median microseconds.
        p95_us: What 95 of 100 stay below.
    """

    what: str
    runs: int
    p50_us: float
    p95_us: float

    @classmethod
    def of(cls, what: str, seconds: Iterable[float]) -> Measured:
        """The figures of some durations.

        Example:
            >>> Measured.of("naps", [0.001, 0.003, 0.002])
            Measured(what='naps', runs=3, p50_us=2000.0, p95_us=3000.0)
        """
        ordered = sorted(seconds)
        at = min(len(ordered) - 1, int(len(ordered) * 0.95))
        return cls(what, len(ordered), round(statistics.median(ordered) * 1e6, 3), round(ordered[at] * 1e6, 3))


async def _nothing(text: str, number: int) -> None:
    """Do nothing."""


def no_op() -> Tool:
    """A tool of two parameters that does nothing: what a call of it costs is what any call costs."""
    return Tool.from_function(_nothing, name="no_op", idempotent=True)


async def measure_floor(calls: int) -> Measured:
    """The least there is to do: JSON becomes checked values and the function is awaited, with nothing around it."""
    expected = msgspec.defstruct("Arguments", [("text", str), ("number", int)])
    decode = msgspec.json.Decoder(expected).decode
    text = msgspec.json.encode(_ARGUMENTS)
    taken = []
    for _ in range(calls):
        began = time.perf_counter()
        found: Any = decode(text)
        await _nothing(found.text, found.number)
        taken.append(time.perf_counter() - began)
    return Measured.of("no tool: decode and await", taken)


async def measure_tool(
    made: Tool, calls: int, arguments: Mapping[str, Any] | None = None, *, scope: ToolScope | None = None
) -> Measured:
    """Calls of a tool from JSON text, as a model makes them: parsed, checked, approved, run, put into words.

    Args:
        made: The tool.
        calls: How many are measured; one more comes first.
        arguments: The same for each call.
        scope: Says who approves.

    Raises:
        ToolError: A call failed.
    """
    text = msgspec.json.encode(_ARGUMENTS if arguments is None else arguments)
    scope = scope or ToolScope()
    taken = []
    for number in range(calls + 1):
        began = time.perf_counter()
        result = await made.call(text, scope=scope)
        ended = time.perf_counter()
        if result.error is not None:
            raise ToolError(f"call {number + 1} of {calls + 1} failed: {result.text}") from result.error
        if number:
            taken.append(ended - began)
    return Measured.of(f"call of {made.name}", taken)


def measure_search(registry: UnifiedToolRegistry, searches: int) -> Measured:
    """Searches for what the tools of a registry say of themselves, after one that makes the index."""
    questions = [" ".join(made.description.split()[:6]) or made.name for made in registry] or ["nothing"]
    registry.search_tools(questions[0])
    taken = []
    for question in islice(cycle(questions), searches):
        began = time.perf_counter()
        registry.search_tools(question)
        taken.append(time.perf_counter() - began)
    return Measured.of(f"search among {len(registry)} tools", taken)

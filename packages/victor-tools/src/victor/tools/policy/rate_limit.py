"""Limits how often a tool is called."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from victor.core.errors import ConfigurationError, ToolError

if TYPE_CHECKING:
    from victor.core.tool import Next, ToolContext

__all__ = ["RateLimit", "parse_rate"]

_UNITS: Final = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "min": 60.0,
    "m": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
}
_RATE: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(\d*)\s*([a-z]+)\s*")


def parse_rate(text: str) -> tuple[float, float]:
    """Calls and seconds of a rate.

    Raises:
        ConfigurationError: It is no rate.

    Example:
        >>> parse_rate("10/s"), parse_rate("3/2min")
        ((10.0, 1.0), (3.0, 120.0))
    """
    found = _RATE.fullmatch(str(text).lower())
    if found is None or found[3] not in _UNITS or float(found[1]) <= 0 or found[2] == "0":
        raise ConfigurationError(f"rate_limit {text!r}: write it as '10/s', '100/min' or '1000/h'")
    return float(found[1]), _UNITS[found[3]] * float(found[2] or 1)


class RateLimit:
    """Middleware that lets at most so many calls pass in a period, and spreads the next ones out.

    The generic cell rate algorithm (ITU-T I.371): one moment in time is all that is remembered. A call that would
    have to wait longer than ``longest_wait_s`` is refused, and the model is told how long to wait.

    Args:
        calls: Calls allowed at once, and per period.
        period_s: Seconds.
        longest_wait_s: Longest pause before a call is refused instead.
        clock: Seconds that only grow; for tests.
    """

    def __init__(
        self,
        calls: float,
        period_s: float,
        *,
        longest_wait_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._step = period_s / calls
        self._burst = period_s - self._step if calls >= 1 else 0.0
        self._longest = longest_wait_s
        self._clock = clock
        self._next = float("-inf")
        self._lock = Lock()

    @classmethod
    def of(cls, rate: str) -> RateLimit:
        """From text such as ``"10/s"``."""
        return cls(*parse_rate(rate))

    def reserve(self) -> float:
        """Take the next place; seconds to wait for it. Negative: no place, that many seconds too early."""
        with self._lock:
            now = self._clock()
            at = max(self._next, now)
            wait = at - self._burst - now
            if wait > self._longest:
                return -wait
            self._next = at + self._step
            return max(0.0, wait)

    async def __call__(self, context: ToolContext, next_: Next) -> Any:
        """Wait for a place, then go on."""
        wait = self.reserve()
        if wait < 0:
            stream = context.scope.stream
            stream.emit("tools.rate_limited", context.tool.name, {"call_id": context.call_id, "wait_s": -wait})
            raise ToolError(f"{context.tool.name} is called too often; try again in {-wait:.0f} seconds, not sooner")
        if wait:
            await asyncio.sleep(wait)
        return await next_(context)

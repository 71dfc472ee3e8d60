"""Tries again after failures that pass by themselves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from victor.core.errors import ToolError, ToolTimeoutError

if TYPE_CHECKING:
    from victor.core.tool import Next, ToolContext

__all__ = ["Retry", "is_transient"]


def is_transient(error: BaseException) -> bool:
    """Whether the same call may work a moment later: a lost connection, a timeout, or an error that says so.

    An error says so by an attribute ``transient`` that is true. A `ToolError` otherwise is an answer, not an accident.

    Example:
        >>> is_transient(ConnectionResetError()), is_transient(ValueError())
        (True, False)
    """
    said = getattr(error, "transient", None)
    if said is not None:
        return bool(said)
    if isinstance(error, ToolTimeoutError):
        return True
    if isinstance(error, ToolError):
        return False
    if isinstance(error, (ConnectionError, TimeoutError)):
        return True
    kinds = {base.__module__.partition(".")[0] + "." + base.__name__ for base in type(error).__mro__}
    return bool(kinds & {"httpx2.TransportError", "httpx.TransportError"})


class Retry:
    """Middleware that makes up to ``retries`` more attempts, with pauses that double and vary.

    Args:
        retries: Attempts after the first.
        pause_s: The first pause; later ones double.
        longest_pause_s: No pause is longer.
        sleep: For tests.
    """

    def __init__(
        self,
        retries: int,
        *,
        pause_s: float = 0.2,
        longest_pause_s: float = 10.0,
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._retries = retries
        self._pause = pause_s
        self._longest = longest_pause_s
        self._sleep = sleep

    async def __call__(self, context: ToolContext, next_: Next) -> Any:
        """Go on, and again after transient failures."""
        pause = self._pause
        for attempt in range(1, self._retries + 1):
            context.attempt = attempt
            try:
                return await next_(context)
            except Exception as error:
                left = context.remaining_s
                if not is_transient(error) or (left is not None and left <= pause):
                    raise
                wait = pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads attempts, keeps no secret
                attributes = {
                    "call_id": context.call_id,
                    "attempt": attempt,
                    "delay_s": wait,
                    "error": type(error).__name__,
                }
                context.scope.stream.emit("tools.retry", context.tool.name, attributes)
            await self._sleep(wait)
            pause = min(pause * 2, self._longest)
        context.attempt = self._retries + 1
        return await next_(context)

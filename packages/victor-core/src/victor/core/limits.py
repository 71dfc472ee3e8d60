"""What a run may use at most. Every limit is on unless it is set to None."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from victor.core.errors import ConfigurationError

__all__ = ["Limits", "RunClock"]


class Limits(Struct, frozen=True):
    """Limits of one run of an agent. A run that meets one stops with that `StopReason`; its work is kept.

    Args:
        steps: Requests to the model.
        tokens: Input and output tokens of all requests together; estimated where the provider does not say.
        cost_usd: US dollars of all requests together; kept only where the price of the model is known.
        timeout_s: Seconds of the whole run. Waiting for a person's approval does not count.
        repeats: How often the same call with the same arguments may give the same result before the run stops.
            From the second time on the model is told that it repeats itself.
        parallel_tools: Tool calls that run at once.
        result_chars: Characters of one tool result that the model is shown. Longer ones are cut in the middle, and it
            is told how much is missing; the value itself stays whole.
        require_price: Refuse to run when the model's price is unknown, so that ``cost_usd`` always holds.

    Raises:
        ConfigurationError: A limit is not a positive number.

    Example:
        >>> Limits(steps=5).tokens
        1000000
    """

    steps: int | None = 200
    tokens: int | None = 1_000_000
    cost_usd: float | None = 5.0
    timeout_s: float | None = 900.0
    repeats: int | None = 5
    parallel_tools: int = 16
    result_chars: int | None = 100_000
    require_price: bool = False

    def __post_init__(self) -> None:
        for name in ("steps", "tokens", "cost_usd", "timeout_s", "repeats", "parallel_tools", "result_chars"):
            value: object = getattr(self, name)
            if value is None and name != "parallel_tools":
                continue
            least = {"repeats": 2, "result_chars": 100}.get(name, 0)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least or value == 0:
                wanted = f"at least {least}" if least else "a positive number"
                raise ConfigurationError(f"Limits.{name} must be {wanted}, or None for no limit, not {value!r}")


class RunClock:
    """The time limit of a run, which stands still while somebody is waited for. Made inside an event loop.

    Example:
        >>> async def main():
        ...     clock = RunClock(60.0)
        ...     async with clock.running():
        ...         with clock.paused():
        ...             pass
        ...     return clock.expired
        >>> asyncio.run(main())
        False
    """

    def __init__(self, timeout_s: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(timeout_s)
        self._waiting = 0
        self._left = 0.0

    def running(self) -> asyncio.Timeout:
        """The ``async with`` that ends with `TimeoutError` when the time is up."""
        return self._timeout

    @property
    def expired(self) -> bool:
        """True when the limit, and nothing else, ended it."""
        return self._timeout.expired()

    @property
    def deadline(self) -> float | None:
        """`time.monotonic` by which the run ends, as things stand, or None."""
        when = self._timeout.when()
        return None if when is None else time.monotonic() + when - self._loop.time()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock for a ``with`` block; blocks may overlap."""
        when = self._timeout.when()
        loop = self._loop
        if self._waiting == 0 and when is not None:
            self._left = when - loop.time()
            self._timeout.reschedule(None)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if self._waiting == 0 and self._left and not self._timeout.expired():
                self._timeout.reschedule(loop.time() + self._left)
                self._left = 0.0

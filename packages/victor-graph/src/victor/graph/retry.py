"""When a failed node is tried again, and how long a node may take."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from attrs import frozen

from victor.core.errors import ConfigurationError, ModelConnectionError, ModelError, ModelRateLimitError
from victor.graph.errors import GraphError, GraphValidationError

__all__ = ["RetryPolicy", "TimeoutPolicy", "default_retry_on", "retry_policies", "timeout_policy"]

_MISTAKES: Final = (
    ValueError, TypeError, ArithmeticError, ImportError, LookupError, NameError, SyntaxError, RuntimeError,
    ReferenceError, StopIteration, StopAsyncIteration, AttributeError, AssertionError, ConfigurationError, GraphError,
)  # fmt: skip


def default_retry_on(error: Exception) -> bool:
    """True for errors that may pass: lost connections, timeouts, servers that answer 5xx, overloaded models.

    Errors that mean a mistake in the program or its data (`ValueError`, `TypeError`, `KeyError`, ...) and other
    errors of the operating system are not tried again.

    Example:
        >>> default_retry_on(ConnectionResetError()), default_retry_on(ValueError())
        (True, False)
    """
    if isinstance(error, (ConnectionError, TimeoutError)):
        return True
    if isinstance(error, ModelError):
        return isinstance(error, (ModelConnectionError, ModelRateLimitError)) or (error.status or 0) >= 500
    for library in ("httpx", "httpx2", "requests"):
        module = sys.modules.get(library)
        kind = getattr(module, "HTTPStatusError", None) or getattr(module, "HTTPError", None)
        response = getattr(error, "response", None)
        if isinstance(kind, type) and isinstance(error, kind) and response is not None:
            return bool(500 <= response.status_code < 600)
    return not isinstance(error, (*_MISTAKES, OSError))


@frozen
class RetryPolicy:
    """Tries a node again when it fails.

    Args:
        initial_interval: Seconds before the first retry.
        backoff_factor: By which the wait grows with each retry.
        max_interval: Seconds the wait never exceeds.
        max_attempts: Attempts in all, the first included.
        jitter: Add up to one second at random, so that many clients do not come back at the same moment.
        retry_on: Which errors: an exception class, several, or a function that says so.

    Example:
        >>> [round(RetryPolicy(jitter=False).wait_s(attempt), 2) for attempt in (1, 2, 3)]
        [0.5, 1.0, 2.0]
    """

    initial_interval: float = 0.5
    backoff_factor: float = 2.0
    max_interval: float = 128.0
    max_attempts: int = 3
    jitter: bool = True
    retry_on: type[Exception] | Sequence[type[Exception]] | Callable[[Exception], bool] = default_retry_on

    def __attrs_post_init__(self) -> None:
        attempts: object = self.max_attempts
        if not isinstance(attempts, int) or attempts < 1:
            raise GraphValidationError(f"max_attempts counts the first attempt too: at least 1, not {attempts!r}")

    def covers(self, error: Exception) -> bool:
        """Whether this policy tries again after such an error."""
        wanted = self.retry_on
        if isinstance(wanted, type):
            return isinstance(error, wanted)
        if isinstance(wanted, Sequence):
            return isinstance(error, tuple(wanted))
        return bool(wanted(error))

    def wait_s(self, attempt: int) -> float:
        """Seconds to wait after the ``attempt``-th failure (1 is the first)."""
        try:
            wait = self.initial_interval * self.backoff_factor ** (attempt - 1)
        except OverflowError:
            wait = self.max_interval
        wait = min(self.max_interval, wait)
        return wait + random.uniform(0, 1) if self.jitter else wait  # noqa: S311 - spreads load, guards nothing


@frozen
class TimeoutPolicy:
    """How long one attempt of a node may take.

    Args:
        run_timeout: Seconds in all.
        idle_timeout: Seconds without a sign of life: a value written to the stream, a durable step done, or
            `Runtime.heartbeat`.
        refresh_on: ``"heartbeat"`` counts only explicit heartbeats as signs of life.
    """

    run_timeout: float | timedelta | None = None
    idle_timeout: float | timedelta | None = None
    refresh_on: str = "auto"

    @property
    def run_s(self) -> float | None:
        """``run_timeout`` in seconds."""
        return _seconds(self.run_timeout)

    @property
    def idle_s(self) -> float | None:
        """``idle_timeout`` in seconds."""
        return _seconds(self.idle_timeout)


def retry_policies(given: RetryPolicy | Sequence[RetryPolicy] | None) -> tuple[RetryPolicy, ...]:
    """The policies that a ``retry_policy=`` argument stands for.

    Raises:
        GraphValidationError: It is neither a policy nor several.
    """
    if given is None:
        return ()
    found = (
        (given,) if isinstance(given, RetryPolicy) else tuple(given) if isinstance(given, (list, tuple)) else (given,)
    )
    for one in found:
        if not isinstance(one, RetryPolicy):
            raise GraphValidationError(f"retry_policy takes a RetryPolicy or a list of them, not {one!r}")
    return tuple(found)


def timeout_policy(timeout: float | timedelta | TimeoutPolicy | None) -> TimeoutPolicy | None:
    """The policy that a ``timeout=`` argument stands for.

    Raises:
        GraphValidationError: It is not a positive time.
    """
    if timeout is None:
        return None
    policy = timeout if isinstance(timeout, TimeoutPolicy) else TimeoutPolicy(run_timeout=timeout)
    for limit in (policy.run_s, policy.idle_s):
        if limit is not None and not limit > 0:
            raise GraphValidationError(f"a timeout must be more than 0 seconds, not {limit}")
    if policy.refresh_on not in ("auto", "heartbeat"):
        raise GraphValidationError(f"refresh_on must be 'auto' or 'heartbeat', not {policy.refresh_on!r}")
    return None if policy.run_s is None and policy.idle_s is None else policy


def _seconds(value: float | timedelta | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise GraphValidationError(f"a timeout is a number of seconds, a timedelta or a TimeoutPolicy, not {value!r}")
    return float(value)

"""One description of all that surrounds a call, turned into core's middleware."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attrs import field, frozen

from victor.core.errors import ConfigurationError

if TYPE_CHECKING:
    from victor.core.tool import Middleware

__all__ = ["Policy"]


def _as_tuple(layers: Iterable[Middleware]) -> tuple[Middleware, ...]:
    return tuple(layers)


@frozen(kw_only=True)
class Policy:
    """What surrounds the running of a call.

    Args:
        retries: More attempts after a transient failure (a lost connection, a timeout), with growing pauses.
        rate_limit: Such as ``"10/s"``, ``"100/min"``, ``"1000/h"``, shared by all calls of the tool in this process.
        cache_ttl_s: Seconds a result is kept for calls with equal arguments.
        cache_size: Most results kept; the least recently used goes first.
        max_result_chars: Longer results are cut in the middle, and the text says what was cut and how to get it.
        middleware: More of it, outside of all the others.

    Example:
        >>> Policy(rate_limit="10/s", retries=2).middleware_count
        2
        >>> Policy(rate_limit="often")
        Traceback (most recent call last):
        ...
        victor.core.errors.ConfigurationError: rate_limit 'often': write it as '10/s', '100/min' or '1000/h'
    """

    retries: int = 0
    rate_limit: str | None = None
    cache_ttl_s: float | None = None
    cache_size: int = 256
    max_result_chars: int | None = None
    middleware: tuple[Middleware, ...] = field(default=(), converter=_as_tuple)

    def __attrs_post_init__(self) -> None:
        if type(self.retries) is not int or self.retries < 0:
            raise ConfigurationError(f"retries is a whole number and must not be negative, not {self.retries!r}")
        if self.cache_ttl_s is not None and not (type(self.cache_ttl_s) in (int, float) and self.cache_ttl_s > 0):
            raise ConfigurationError(f"cache_ttl must be positive, a number of seconds, not {self.cache_ttl_s!r}")
        if type(self.cache_size) is not int or self.cache_size < 1:
            raise ConfigurationError(f"cache_size must be at least 1, not {self.cache_size!r}")
        if self.max_result_chars is not None and (
            type(self.max_result_chars) is not int or self.max_result_chars < 200
        ):
            raise ConfigurationError(f"max_result_chars must be at least 200, not {self.max_result_chars!r}")
        layers: tuple[object, ...] = self.middleware
        wrong = next((layer for layer in layers if not callable(layer)), None)
        if wrong is not None:
            raise ConfigurationError(f"middleware are functions of the context and of what comes next, not {wrong!r}")
        if self.rate_limit is not None:
            from victor.tools.policy.rate_limit import parse_rate

            parse_rate(self.rate_limit)

    @property
    def middleware_count(self) -> int:
        """How many layers a call goes through."""
        own = (self.retries, self.rate_limit, self.cache_ttl_s, self.max_result_chars)
        return len(self.middleware) + sum(bool(part) for part in own)

    def build(self) -> tuple[Middleware, ...]:
        """The layers, the outermost first; each call makes new ones, with a cache and a limit of their own."""
        layers: list[Middleware] = list(self.middleware)
        if self.max_result_chars is not None:
            from victor.tools.policy.truncation import Truncation

            layers.append(Truncation(self.max_result_chars))
        if self.cache_ttl_s is not None:
            from victor.tools.policy.cache import ResultCache

            layers.append(ResultCache(self.cache_ttl_s, self.cache_size))
        if self.rate_limit is not None:
            from victor.tools.policy.rate_limit import RateLimit

            layers.append(RateLimit.of(self.rate_limit))
        if self.retries:
            from victor.tools.policy.retry import Retry

            layers.append(Retry(self.retries))
        return tuple(layers)

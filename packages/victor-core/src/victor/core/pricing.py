"""What tokens cost. A price that is not known is None, never 0.

Prices come from the settings, in US dollars per million tokens::

    [prices."openai:gpt-5-mini"]
    input = 0.25
    output = 2.0
    cache_read = 0.025

and, where those are silent, from the price list of the package ``genai-prices`` if it is installed
(``pip install 'victor-core[prices]'``).

Example:
    >>> Price(input=0.25, output=2.0).cost_usd(Usage(1_000_000, 100_000))
    0.45
    >>> Price(input=0.25, output=2.0).cost_usd(Usage(None, None)) is None
    True
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from attrs import frozen

from victor.core.errors import ConfigurationError
from victor.core.message import Usage

__all__ = ["Price", "PriceOf", "find_price"]

PriceOf: TypeAlias = "Callable[[Usage], float | None]"
"""Tells what a usage costs in US dollars, None when that is unknown."""

_MILLION: Final = 1_000_000


@frozen
class Price:
    """US dollars per million tokens.

    Args:
        input: Of tokens read.
        output: Of tokens written, reasoning included.
        cache_read: Of input that came from the provider's cache; the price of input when left out.
        cache_write: Of input written to that cache; the price of input when left out.
    """

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None

    def cost_usd(self, usage: Usage) -> float | None:
        """What that usage costs, or None when its tokens are unknown."""
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        read, written = usage.cache_read_tokens, usage.cache_write_tokens
        fresh = max(usage.input_tokens - read - written, 0)
        cost = fresh * self.input + usage.output_tokens * self.output
        cost += read * (self.input if self.cache_read is None else self.cache_read)
        cost += written * (self.input if self.cache_write is None else self.cache_write)
        return cost / _MILLION


def find_price(provider: str, name: str, *, listed: bool = True) -> PriceOf | None:
    """The price of a model, looked up once; keep what it returns.

    Args:
        provider: Such as ``"openai"``.
        name: Such as ``"gpt-5-mini"``.
        listed: Whether a public price list may be asked; not so for a server of one's own.

    Returns:
        A function from usage to US dollars, or None when nobody knows the price.

    Raises:
        ConfigurationError: The setting is there and wrong.
    """
    from victor.core.settings import load_settings

    model = f"{provider}:{name}"
    prices = load_settings().section("prices")
    if model in prices:
        return _from_setting(model, prices[model]).cost_usd
    return _from_list(provider, name) if listed else None


def _from_setting(model: str, table: Any) -> Price:
    where = f'setting [prices."{model}"]'
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{where}: should be a table with input and output, and is {table!r}")
    fields = ("input", "output", "cache_read", "cache_write")
    unknown = sorted(set(table) - set(fields))
    if unknown:
        raise ConfigurationError(f"{where}: unknown key {unknown[0]!r}; there are: {', '.join(fields)}")
    missing = [key for key in ("input", "output") if key not in table]
    if missing:
        raise ConfigurationError(f"{where}: {' and '.join(missing)} missing; US dollars per million tokens")
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
            raise ConfigurationError(f"{where}: {key} should be a number of US dollars, 0 or more, and is {value!r}")
    return Price(**{key: float(value) for key, value in table.items()})


def _from_list(provider: str, name: str) -> PriceOf | None:
    try:
        import genai_prices  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None

    def cost_usd(usage: Usage) -> float | None:
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        counted = genai_prices.Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
        )
        return float(genai_prices.calc_price(counted, name, provider_id=provider).total_price)

    try:
        cost_usd(Usage(1, 1))
    except LookupError:  # it does not list this model
        return None
    return cost_usd

"""Refuses real model providers in tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from victor.core.models.guard import block

__all__ = ["block_models"]


@contextmanager
def block_models(*, allow: Iterable[str] = ()) -> Iterator[None]:
    """Let no provider be asked over the network: a forgotten ``model=`` fails at once, and costs nothing.

    Scripted, function, test and offline models work as ever. For providers of plugins that do not ask
    `victor.core.models.guard.check_allowed`, and for everything else, there is `no_network`.

    Args:
        allow: Providers that may be asked all the same.

    Example:
        >>> from victor.core import Agent
        >>> from victor.core.models.openai import OpenAIModel
        >>> model = OpenAIModel("gpt-5-mini", api_key="none of yours")
        >>> with block_models():
        ...     Agent(model=model).run_sync("hello")
        Traceback (most recent call last):
        ...
        victor.core.errors.ConfigurationError: openai:gpt-5-mini would be asked for real, ...
    """
    unblock = block(allow)
    try:
        yield
    finally:
        unblock()

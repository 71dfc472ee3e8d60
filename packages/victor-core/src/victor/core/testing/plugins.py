"""A plugin manager of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from victor.core.plugins import Plugins, set_plugins

__all__ = ["isolated_plugins"]


@contextmanager
def isolated_plugins(*plugins: Any, core: bool = True) -> Iterator[Plugins]:
    """Work with these plugins alone inside a ``with`` block, whatever is installed.

    Args:
        plugins: Modules or objects with hook implementations.
        core: Also what victor-core itself contributes (the model providers, the commands).

    Raises:
        PluginError: One of them breaks a rule of registration; nothing is changed then.

    Example:
        >>> from victor.core import Agent, hookimpl
        >>> class Weather:
        ...     @hookimpl
        ...     def victor_register_tools(self, register):
        ...         def forecast(town: str) -> str:
        ...             "The weather of tomorrow."
        ...             return "sun"
        ...         register(forecast)
        >>> with isolated_plugins(Weather()) as plugins:
        ...     Agent(model="test", tools=["forecast"]).run_sync("Ulm?").output
        'called forecast: sun'
    """
    manager = Plugins(only=[])
    if core:
        from victor.core import plugin

        manager.register(plugin, name="core")
    for one in plugins:
        manager.register(one)
    before = set_plugins(manager)
    try:
        yield manager
    finally:
        set_plugins(before)

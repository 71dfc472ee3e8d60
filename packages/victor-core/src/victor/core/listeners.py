"""Switches on the event listeners that plugins offer and settings ask for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from victor.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from victor.core.events import EventStream

__all__ = ["chosen_listeners", "start_listeners"]

_log = logging.getLogger("victor.plugins")


def start_listeners(stream: EventStream) -> list[str]:
    """Subscribe every listener that is on by default or named in the setting ``listeners``.

    A listener that cannot be made is reported on the ``victor.plugins`` logger; the others start.

    Returns:
        The names of those that listen now.
    """
    from victor.core.plugins import get_plugins
    from victor.core.settings import load_settings

    plugins = get_plugins()
    started: list[str] = []
    if not plugins.default_listeners and not len(plugins.listeners):
        return started
    settings = load_settings()
    stream.capture_content = stream.capture_content or settings.capture_content
    for name in chosen_listeners(settings.listeners, plugins.default_listeners):
        try:
            make = plugins.listeners.get(name)
            listener = make(**settings.section(f"listener.{name}"))
            if listener is None:
                continue
            if (listen_to := getattr(listener, "listen_to", None)) is not None:
                listen_to(stream)
            else:
                stream.subscribe(listener)
        except Exception as error:  # noqa: BLE001 - watching must never stop the work that is watched
            _log.warning("the listener %r was not started: %s: %s", name, type(error).__name__, error)
        else:
            started.append(name)
    return started


def chosen_listeners(asked: Iterable[str], defaults: Iterable[str]) -> list[str]:
    """The names to start: the defaults and those asked for, less those asked for with a minus sign.

    Raises:
        ConfigurationError: A name is asked for both ways.

    Example:
        >>> chosen_listeners(["log", "-metrics"], {"metrics"})
        ['log']
    """
    on = {name for name in asked if not name.startswith("-")}
    off = {name[1:] for name in asked if name.startswith("-")}
    if on & off:
        both = ", ".join(sorted(on & off))
        raise ConfigurationError(f"setting 'listeners' switches both on and off: {both}; keep one of the two")
    return sorted((set(defaults) | on) - off)

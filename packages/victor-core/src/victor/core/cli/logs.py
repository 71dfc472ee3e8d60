"""Victor's own logging on the command line: to stderr, a line each, as loud as settings have it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from victor.core.cli.terminal import style

__all__ = ["log_to_stderr"]


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        color = "red" if record.levelno >= logging.ERROR else "yellow" if record.levelno >= logging.WARNING else "dim"
        return f"{style(record.levelname.lower() + ':', color, stream=sys.stderr)} {super().format(record)}"


@contextmanager
def log_to_stderr(level: str, *, quiet_plugins: bool = False) -> Iterator[None]:
    """Send what loggers below ``victor`` say to stderr, for a ``with`` block. Other libraries' logging is left alone.

    Args:
        level: ``"debug"``, ``"info"``, ``"warning"`` or ``"error"``.
        quiet_plugins: Leave out that plugins are broken, for commands that tell it themselves.
    """
    logger, plugins = logging.getLogger("victor"), logging.getLogger("victor.plugins")
    before = logger.level, logger.propagate, logger.handlers[:], plugins.level
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(message)s"))
    logger.setLevel(level.upper())
    logger.propagate = False
    logger.handlers[:] = [handler]
    plugins.setLevel(logging.ERROR if quiet_plugins else logging.NOTSET)
    try:
        yield
    finally:
        level_before, logger.propagate, logger.handlers[:], plugins_level_before = before
        logger.setLevel(level_before)
        plugins.setLevel(plugins_level_before)

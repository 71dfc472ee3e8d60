"""Victor's own logging on the command line: to stderr, a line each, as loud as settings have it."""

from __future__ import annotations

import logging
import sys

from victor.core.cli.terminal import style

__all__ = ["log_to_stderr"]


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        color = "red" if record.levelno >= logging.ERROR else "yellow" if record.levelno >= logging.WARNING else "dim"
        return f"{style(record.levelname.lower() + ':', color, stream=sys.stderr)} {super().format(record)}"


def log_to_stderr(level: str, *, quiet_plugins: bool = False) -> None:
    """Send what loggers below ``victor`` say to stderr. Other libraries' logging is left alone.

    Args:
        level: ``"debug"``, ``"info"``, ``"warning"`` or ``"error"``.
        quiet_plugins: Leave out that plugins are broken, for commands that tell it themselves.
    """
    logger = logging.getLogger("victor")
    logger.setLevel(level.upper())
    logger.propagate = False
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(message)s"))
    logger.handlers[:] = [handler]
    logging.getLogger("victor.plugins").setLevel(logging.ERROR if quiet_plugins else logging.NOTSET)

"""Turns exceptions into what a person reads and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Final

from victor.core.errors import VictorError

__all__ = ["DONE", "FAILED", "INTERRUPTED", "USAGE", "close_quietly", "report"]

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130


def report(error: BaseException, *, debug: bool) -> int:
    """Say on stderr what went wrong, in one paragraph, and return the exit code.

    Args:
        error: A `VictorError`, or anything else, which is a bug.
        debug: Print the traceback before it.
    """
    from victor.core.cli.terminal import note

    sys.stdout.flush()
    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, VictorError):
        note(str(error) or type(error).__name__, kind="error")
        return FAILED
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    how = "with the traceback above" if debug else "with the traceback that --debug prints"
    note(f"{text}. This is a bug in Victor or in a plugin, not your mistake; please report it {how}.", kind="error")
    return FAILED


def close_quietly() -> int:
    """Whoever read our output went away (``victor tools | head -1``): stop without a word."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):  # stdout is not a file: nothing will be flushed to it
        pass
    finally:
        os.close(null)
    return FAILED

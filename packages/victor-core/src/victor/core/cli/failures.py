"""Turns exceptions into what a person reads and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import Final

from victor.core.errors import VictorError

__all__ = ["DONE", "FAILED", "INTERRUPTED", "USAGE", "close_quietly", "leave_at_once", "note_running", "report"]

DONE: Final = 0
"""The exit code when all went well."""
FAILED: Final = 1
"""The exit code of an error that was told."""
USAGE: Final = 2
"""The exit code of wrong usage."""
INTERRUPTED: Final = 130
"""The exit code after Ctrl-C."""

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)})


def report(error: BaseException, *, debug: bool) -> int:
    """Say on stderr what went wrong, in one paragraph, and return the exit code.

    Args:
        error: A `VictorError`, or anything else, which is a bug.
        debug: Print the traceback before it.
    """
    from victor.core.cli.terminal import note

    broken = _flush()
    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, UnicodeEncodeError) and (stream := _stream_of(error)):
        shown = error.object[error.start : error.end][:20]
        note(
            f"{stream} cannot show {shown!a}: its encoding is {error.encoding}; "
            "set PYTHONUTF8=1 (or PYTHONIOENCODING=utf-8, or a locale such as LANG=C.UTF-8)",
            kind="error",
        )
        return FAILED
    if broken is not None:
        close_quietly()
    full = error if isinstance(error, OSError) and error.errno in _NO_ROOM else broken
    if full is not None:
        note(f"{full.filename or 'the output'} could not be written: {full.strerror or full}", kind="error")
    if full is error:
        return FAILED
    if isinstance(error, VictorError):
        note(str(error) or type(error).__name__, kind="error")
        return FAILED
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    how = "with the traceback above" if debug else "with the traceback that --debug prints"
    note(f"{text}. This is a bug in Victor or in a plugin, not your mistake; please report it {how}.", kind="error")
    return FAILED


def _flush() -> OSError | None:
    """What stands in the way of writing the rest of the output, or None."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        return error
    except ValueError:  # it was closed
        pass
    return None


def _stream_of(error: UnicodeEncodeError) -> str:
    """The stream that could not show a text, or nothing when it was another encoding that failed."""
    for name in ("stdout", "stderr"):
        if _same_encoding(getattr(getattr(sys, name), "encoding", None), error.encoding):
            return name
    return ""


def _same_encoding(one: str | None, other: str) -> bool:
    import codecs

    try:
        return one is not None and codecs.lookup(one).name == codecs.lookup(other).name
    except LookupError:
        return False


def leave_at_once(code: int) -> None:
    """End the process although threads still run in it that nobody can stop. Returns where there are none."""
    import threading

    if any(not thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)


def note_running() -> None:
    """Say which tools go on in the background although they were stopped: a thread cannot be ended from outside."""
    module = sys.modules.get("victor.core.worker_threads")
    busy = [] if module is None else module.running()
    if busy:
        from victor.core.cli.terminal import note

        told = ", ".join(f"{name or 'a tool'} ({seconds:.0f} s)" for name, seconds in busy[:5])
        more = f" and {len(busy) - 5} more" if len(busy) > 5 else ""
        note(f"still running, and ended with this process: {told}{more}", kind="warning")


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

"""Stops a run on Ctrl-C or SIGTERM so that it can be resumed; a second signal ends the program at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from attrs import define, field

from victor.core.cli.terminal import is_terminal, note
from victor.graph.runtime import RunControl

__all__ = ["EXIT_CODE", "Stopping"]

EXIT_CODE: Final = 130
"""The exit code of a run that was stopped."""
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@define
class Stopping:
    """Turns signals into the cancellation of a task, while used in ``with``.

    Steps that are done are recorded already; the cancelled ones run again when the run is resumed. Functions that run
    in threads cannot be cancelled: they come to their end, and are recorded too.

    Args:
        asking: Tells whether a person is being asked at this moment; the question then ends at once.
        control: Tells the run that it is to stop.

    Attributes:
        signal: The signal that came, or None.
    """

    asking: Callable[[], bool] = field(default=lambda: False)
    control: RunControl = field(factory=RunControl)
    signal: int | None = field(default=None, init=False)
    _task: asyncio.Task[Any] | None = field(default=None, init=False)
    _loop: asyncio.AbstractEventLoop | None = field(default=None, init=False)
    _before: dict[int, Any] = field(factory=dict, init=False)

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def watch(self) -> None:
        """Let signals cancel the task that calls this."""
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        if self.signal is not None and self._task is not None:
            self._task.cancel()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            if is_terminal(sys.stderr):
                print("\x1b[?25h", file=sys.stderr)  # the cursor, which the live view hides
            os._exit(EXIT_CODE)
        self.signal = number
        self.control.request_drain(signal.Signals(number).name)
        if self.asking():
            raise KeyboardInterrupt
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)
            if is_terminal(sys.stderr):
                note("stopping; once more ends it at once")

"""What an exporter is, how exporters are started, and the thread of those that send in intervals."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias
from weakref import WeakSet

from victor.core.errors import ConfigurationError, VictorError
from victor.observability.record import Record

if TYPE_CHECKING:
    from victor.observability.metrics import Snapshot

__all__ = ["Exporter", "ExporterError", "Forks", "Interval", "Sink", "Source", "at_fork", "log", "start_exporters"]

log: Final = logging.getLogger("victor.observability")
"""Where exporters report what does not work."""

Sink: TypeAlias = Callable[[list[Record]], None]
"""Is given each list of records, on the recorder's thread."""


class ExporterError(VictorError):
    """An exporter cannot start, or cannot send.

    What to do: check the address and the settings ``[metrics.NAME]``; what could not be sent is sent with the next
    batch where the protocol allows it.
    """


class Source(Protocol):
    """What exporters need of the recorder."""

    def add_sink(self, sink: Sink) -> Callable[[], None]:
        """Give each list of records that are kept to ``sink``; what it returns ends that."""

    def snapshot(self) -> Snapshot:
        """What was counted since the process began."""


class Exporter(Protocol):
    """What ``victor_register_metrics`` registers a factory of; the factory takes the settings as keyword arguments."""

    def start(self, recorder: Source) -> None:
        """Begin to export.

        Raises:
            VictorError: It cannot.
        """

    def close(self) -> None:
        """Send what is left, and end. It may be called twice."""


def start_exporters(recorder: Source, names: Iterable[str]) -> list[Exporter]:
    """Make and start exporters by name, each with its own settings (``[metrics.NAME]``).

    One that cannot be made or started is reported on the logger ``victor.observability``; the others, and the program
    that is watched, go on.

    Returns:
        Those that run now; close them at the end.
    """
    from victor.core.plugins import get_plugins
    from victor.core.settings import load_settings

    settings, metrics = load_settings(), get_plugins().metrics
    started: list[Exporter] = []
    for name in dict.fromkeys(names):
        try:
            section = settings.section(f"metrics.{name}")
            try:
                exporter: Exporter = metrics.get(name)(**section)
            except TypeError as error:
                raise ConfigurationError(f"the settings [metrics.{name}] do not fit: {error}") from error
            exporter.start(recorder)
        except Exception as error:  # noqa: BLE001 - watching must never stop the work that is watched
            text = str(error) if isinstance(error, VictorError) else f"{type(error).__name__}: {error}"
            log.warning("the metrics exporter %r was not started: %s", name, text)
        else:
            started.append(exporter)
    return started


class Interval:
    """Calls a function again and again on a thread of its own, and once more at the end.

    A call that fails is reported when it is the first one to fail, and so is the first one that succeeds again.

    Args:
        name: Of the exporter, for messages and the name of the thread.
        push: What to call; it raises when it could not send.
        seconds: From the end of one call to the next.
        forked: What to call first in a child process, which has counted nothing yet.

    Raises:
        ConfigurationError: The time between calls is not above 0.
    """

    def __init__(
        self, name: str, push: Callable[[], None], seconds: float, forked: Callable[[], None] | None = None
    ) -> None:
        if not seconds > 0:
            raise ConfigurationError(f"[metrics.{name}] interval_s must be above 0, not {seconds!r}")
        self.seconds = seconds
        self.failed: int = 0
        """How many calls have failed since the last one that did not."""
        self._name = name
        self._push = push
        self._forked = forked
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin. The first call comes when one interval has passed.

        Raises:
            ExporterError: There are no threads here.
        """
        self._thread = threading.Thread(target=self._run, name=f"victor-metrics-{self._name}", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread = None
            raise ExporterError(f"the exporter {self._name!r} needs a thread: {error}") from error
        at_fork(self)

    def close(self, timeout_s: float = 10.0) -> None:
        """End the thread and call once more; the second time nothing happens.

        Args:
            timeout_s: How long to wait for a call that is under way.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._end.set()
        thread.join(timeout_s)
        if thread.is_alive():
            log.warning("the exporter %r still sends after %s s; what came last is not sent", self._name, timeout_s)
        else:
            self._call()

    def _run(self) -> None:
        while not self._end.wait(self.seconds):
            self._call()

    def _call(self) -> None:
        try:
            self._push()
        except Exception as error:  # noqa: BLE001 - reported, and tried again
            if not self.failed:
                text = str(error) if isinstance(error, VictorError) else f"{type(error).__name__}: {error}"
                log.warning("the exporter %r could not send: %s", self._name, text)
            self.failed += 1
        else:
            if self.failed:
                log.warning("the exporter %r sends again, after %d times without success", self._name, self.failed)
            self.failed = 0

    def forked(self) -> None:
        """In a child process there is no thread: begin anew."""
        if self._thread is None:
            return
        if self._forked is not None:
            self._forked()
        self.failed = 0
        self._end = threading.Event()
        self.start()


class Forks(Protocol):
    """What has to be told that this is a child process now."""

    def forked(self) -> None:
        """Put in order what was left behind in the parent."""


_live: Final[WeakSet[Forks]] = WeakSet()


def at_fork(one: Forks) -> None:
    """Call ``one.forked()`` in every child process, as long as ``one`` lives."""
    _live.add(one)


def _after_fork() -> None:
    for one in list(_live):
        one.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

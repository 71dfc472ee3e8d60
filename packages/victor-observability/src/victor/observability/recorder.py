"""Takes events from the program that is watched, and gives them to what counts, keeps and exports them.

On the program's threads an event is put on a queue, and nothing else. One thread of the recorder does the rest: it
counts, redacts and writes a batch every 250 ms, or every second while it takes more time than it may. What was put on
the queue since the last batch is all that is lost when the process is killed; a process that ends as usual writes
everything. Where there are no threads, as in Pyodide, that work is done when a run ends.

A store that cannot be written stops nothing: what is not written waits, bounded, and is written when the store is back.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from victor.core.errors import VictorError
from victor.core.redact import Redactor, redact
from victor.observability.attributes import CleanAttributes
from victor.observability.cardinality import Folding
from victor.observability.intake import Intake
from victor.observability.metrics import MetricsCollector, Snapshot
from victor.observability.overflow import Overflow
from victor.observability.record import RUN_KINDS, Record
from victor.observability.sampling import Budget, RowLimit, SlowRuns
from victor.observability.settings import Settings

if TYPE_CHECKING:
    from victor.core.events import Event, EventStream
    from victor.observability.store.batch import Batch

__all__ = ["Recorder", "RecorderStore", "Sink"]

_log: Final = logging.getLogger("victor.observability")

Sink = Callable[[list[Record]], None]
"""Is given each list of records, on the recorder's thread."""

_cpu_s: Final = getattr(time, "thread_time", time.process_time)
_AT_ONCE: Final = 5_000
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 30.0
_FIRST_MAINTENANCE_S: Final = 20.0
_MAINTENANCE_S: Final = 3_600.0
_LAST_WRITE_S: Final = 5.0
_FORK_S: Final = 1.0


class RecorderStore(Protocol):
    """What the recorder needs of a store."""

    def write(self, batch: Batch) -> None:
        """Write a batch wholly or not at all; raises when it could not."""

    def close(self) -> None:
        """Let go of it."""


class Recorder:
    """Records what happens on an event stream.

    Args:
        open_store: Opens the store at the first write; None: figures stay in memory.
        settings: How much to record.
        redactor: What removes secrets from attributes.

    Attributes:
        metrics: Figures of this process, in total and over the last minutes.
        dropped: Events that found the queue full: they are counted, and not kept in detail.
        written: Records written to the store.
        failed_writes: How many times in a row the store could not be written.
        problem: Why, the last time; ``""`` when all is well.

    Example:
        >>> from victor.core.events import EventStream
        >>> stream, recorder = EventStream(), Recorder()
        >>> recorder.listen_to(stream)
        >>> with stream.operation("tool.call", "grep", {"agent": "coder"}):
        ...     pass
        >>> recorder.flush()
        True
        >>> recorder.metrics.metrics(agent="coder").tool_calls
        {'grep': 1}
        >>> recorder.close()
    """

    def __init__(
        self,
        open_store: Callable[[], RecorderStore] | None = None,
        settings: Settings | None = None,
        *,
        redactor: Redactor = redact,
    ) -> None:
        self.settings: Settings = settings or Settings()
        self.metrics: MetricsCollector = MetricsCollector()
        self.folding: Folding = Folding(self.settings.max_names, self.settings.max_keys)
        self.written: int = 0
        self.failed_writes: int = 0
        self.problem: str = ""
        now_s = time.monotonic()
        self._budget = Budget(self.settings.overhead, now_s)
        self._limit = RowLimit(self.settings.rows_per_s, now_s)
        self._intake = Intake(
            self.metrics, self.folding, CleanAttributes(redactor), head_rate=self.settings.head_rate,
            budget=self._budget, limit=self._limit, slow=SlowRuns(self.settings.slow_s),
        )  # fmt: skip
        self._overflow = Overflow(self._intake.root_of)
        self._open_store = open_store
        self._store: RecorderStore | None = None
        self._sinks: tuple[Sink, ...] = ()
        self._stops: list[Callable[[], None]] = []
        self._exporters: Sequence[Any] = ()
        self._interval_s = self.settings.interval_ms / 1000
        self._next_write_s = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._maintain_s = now_s + _FIRST_MAINTENANCE_S
        self._queue: deque[Event] = deque()
        self._closed = False
        self._begin()
        self.listener: Callable[[Event], None] = self._make_listener()
        me = weakref.ref(self)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=lambda: _call(me, Recorder._before_fork),
                after_in_parent=lambda: _call(me, Recorder._after_fork),
                after_in_child=lambda: _call(me, Recorder._forked),
            )
        self._at_exit = lambda: _call(me, Recorder.close)
        atexit.register(self._at_exit)

    def _begin(self) -> None:
        """What belongs to one process: at first, and in a child after a fork."""
        self._idle = True
        self._threads = True
        self._thread: threading.Thread | None = None
        self._starting = threading.RLock()  # reentrant, as a signal's handler may emit an event in the middle of it
        self._working = threading.RLock()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._done = threading.Condition()
        self._asked = self._answered = 0
        self._held = False
        self._overflow.renew()
        self.dropped: int = 0

    # ---------------------------------------------------------------- the program's threads

    def _make_listener(self) -> Callable[[Event], None]:
        queue, most = self._queue, self.settings.queue
        append = queue.append

        def listener(event: Event) -> None:
            if len(queue) < most:
                append(event)
                if self._idle:
                    self._rouse(event)
            elif len(queue) < 2 * most and (event.kind in RUN_KINDS or event.error is not None):
                append(event)  # what detail hangs on
            elif event.phase != "start":
                self._overflow.add(event)

        return listener

    def __call__(self, event: Event) -> None:
        """Record an event; this is what listens."""
        self.listener(event)

    def listen_to(self, stream: EventStream) -> None:
        """Subscribe to what is recorded of a stream: ends, points, and the starts of runs."""
        self._intake.clean = CleanAttributes(stream.redactor)
        self._stops.append(stream.subscribe(self.listener, phases=["end", "point"]))
        self._stops.append(stream.subscribe(self.listener, kinds=RUN_KINDS, phases=["start"]))

    def _rouse(self, event: Event) -> None:
        """Somebody sleeps who should see to this event: a thread, or nobody."""
        if self._closed:
            self._queue.clear()
            return
        if self._lacks_thread():
            with self._starting:
                if self._lacks_thread():
                    self._start()
        if self._threads:
            self._idle = False
            self._wake.set()
        elif event.parent_id is None and event.phase != "start":
            self._work()

    def _lacks_thread(self) -> bool:
        return self._thread is None and self._threads

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="victor-recorder", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # there are none here, or no more of them at the end of the program
            self._threads = False
        else:
            self._thread = thread

    # ---------------------------------------------------------------- the recorder's thread

    def _run(self) -> None:
        while not self._closed:
            if not self._queue and not self._hurry.is_set():
                self._idle = True
                if not self._queue and not self._hurry.is_set():
                    self._wake.wait(self._rest_s())
                self._idle = False
                self._wake.clear()
            if not self._closed:
                self._hurry.wait(self._interval_s * self._budget.stretch)
            self._hurry.clear()
            asked = self._asked
            self._work(hurried=asked > self._answered)
            with self._done:
                self._answered = asked
                self._done.notify_all()

    def _rest_s(self) -> float | None:
        """How long to sleep when nothing happens; None: until something does."""
        if self.failed_writes:
            return max(self._next_write_s - time.monotonic(), 0.01)
        if self._store is not None:
            return max(self._maintain_s - time.monotonic(), 1.0)
        return None

    def _work(self, *, hurried: bool = True) -> None:
        """Count what is on the queue, and write."""
        with self._working:
            began_s = _cpu_s()
            try:
                self._drain()
                self._write(hurried=hurried)
            except Exception as error:  # noqa: BLE001 - a mistake in here must not reach the program, or end the thread
                if self.problem != repr(error):
                    self.problem = repr(error)
                    _log.exception("recording failed; some events are not counted")
            self._budget.spend(_cpu_s() - began_s, time.monotonic())

    def _drain(self) -> None:
        figures, runs, count = self._overflow.take()
        if count:
            self.dropped += count
            self._intake.absorb(figures, runs, count, time.monotonic())
        queue = self._queue
        left = len(queue)
        while left > 0:
            events = []
            try:
                for _ in range(min(left, _AT_ONCE)):
                    events.append(queue.popleft())
            except IndexError:
                left = 0
            left -= len(events)
            if not events:
                return
            now_s = time.monotonic()
            self._limit.refill(now_s)
            kept = self._intake.take(events, now_s)
            if kept:
                for sink in self._sinks:
                    self._give(sink, kept)

    def _give(self, sink: Sink, kept: list[Record]) -> None:
        try:
            sink(list(kept))
        except Exception:  # noqa: BLE001 - an exporter's failure is its own
            self._sinks = tuple(one for one in self._sinks if one is not sink)
            _log.exception("the sink %r failed, and gets no more records", sink)

    def _write(self, *, hurried: bool) -> None:
        now_s = time.monotonic()
        if self.failed_writes and now_s < self._next_write_s and not hurried:
            return
        batch = self._intake.batch()
        if batch is None:
            if self._store is not None and now_s >= self._maintain_s:
                self._maintain(self._store)
            return
        if self._open_store is None:
            self._intake.written(now_s)
            return
        try:
            if self._store is None:
                self._store = self._open_store()
            self._store.write(batch)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it: the batch is kept and tried again
            self._failed(error)
            return
        self._intake.written(time.monotonic())
        self.written += len(batch.records)
        if self.failed_writes:
            _log.warning("the metrics store can be written again, after %d attempts", self.failed_writes)
        self.failed_writes, self.problem, self._pause_s = 0, "", _FIRST_PAUSE_S

    def _failed(self, error: Exception) -> None:
        text = str(error) if isinstance(error, VictorError) else f"{type(error).__name__}: {error}"
        self.problem = redact.text(text)
        if not self.failed_writes:
            _log.warning("the metrics store cannot be written, what happens is kept in memory: %s", self.problem)
        self.failed_writes += 1
        self._next_write_s = time.monotonic() + self._pause_s
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def _maintain(self, store: Any) -> None:
        self._maintain_s = time.monotonic() + _MAINTENANCE_S
        maintain = getattr(store, "maintain", None)
        if maintain is None:
            return
        try:
            maintain()
        except Exception as error:  # noqa: BLE001 - tried again in an hour
            _log.warning("the metrics store could not be tidied up: %s", redact.text(str(error)))

    # ---------------------------------------------------------------- asking and ending

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Count and write everything that has happened so far. It blocks; in an event loop, call it in a thread.

        Args:
            timeout_s: How long to wait for it.

        Returns:
            Whether all of it is written. False where the store cannot be, or did not in time.
        """
        thread = self._thread
        if thread is None or not thread.is_alive() or thread is threading.current_thread():
            if not self._working.acquire(timeout=max(timeout_s, 0.0)):
                return False
            try:
                self._work()
            finally:
                self._working.release()
            return not self.failed_writes
        with self._done:
            self._asked += 1
            mine = self._asked
            self._hurry.set()
            self._wake.set()
            done = self._done.wait_for(lambda: self._answered >= mine, timeout_s)
        return done and not self.failed_writes

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self._closed

    def close(self, timeout_s: float = _LAST_WRITE_S) -> None:
        """Write what is left, and end: later events are not recorded. The second time nothing happens.

        Args:
            timeout_s: How long to wait for the last write.
        """
        if self._closed:
            return
        for stop in self._stops:
            stop()
        self._stops.clear()
        whole = self.flush(timeout_s)
        for exporter in self._exporters:
            try:
                exporter.close()
            except Exception:  # noqa: BLE001 - the others are closed all the same
                _log.exception("the exporter %r could not be closed", exporter)
        self._closed = True
        self._wake.set()
        self._hurry.set()
        atexit.unregister(self._at_exit)
        if not whole and self._open_store is not None:
            waiting = len(self._queue) + self._intake.unwritten
            why = self.problem or "it takes too long"
            _log.warning("the metrics of the end of this process are not written (%d rows): %s", waiting, why)
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(min(timeout_s, 1.0))
        if self._store is not None and (thread is None or not thread.is_alive()):
            self._store.close()
            self._store = None
        self._idle = True  # whoever subscribed the listener elsewhere keeps calling it: nothing is to pile up

    def add_sink(self, sink: Sink) -> Callable[[], None]:
        """Give each list of records that are kept to a function, on the recorder's thread.

        One that raises is reported, and gets no more.

        Returns:
            A function that ends that.
        """
        self._sinks = (*self._sinks, sink)

        def remove() -> None:
            self._sinks = tuple(one for one in self._sinks if one is not sink)

        return remove

    def start_exporters(self, names: Sequence[str]) -> None:
        """Start metrics exporters, which are closed with the recorder. Failures are reported, nothing is raised.

        Args:
            names: As they are registered, such as ``"prometheus"``.
        """
        from victor.observability.exporters.exporter import start_exporters

        self._exporters = (*self._exporters, *start_exporters(self, names))

    def snapshot(self) -> Snapshot:
        """What was counted since the process began, and the recorder's figures of itself."""
        return self.metrics.snapshot(self.own())

    def own(self) -> dict[str, float]:
        """The recorder's figures of itself.

        ``seen`` events were counted, of which ``filtered`` are not kept in detail by choice, and ``dropped`` because
        the queue was full; ``written`` records are in the store, ``unwritten`` ones wait for it, ``lost`` ones waited
        too long. ``overhead`` is processor time in seconds, ``overhead_part`` the same as a part of the process's.
        ``head_rate`` is the part of runs that are kept at the moment, ``queue`` how many events wait,
        ``failed_writes`` how many times in a row the store could not be written.
        """
        intake = self._intake
        whole = time.process_time()
        return {
            "seen": intake.seen,
            "filtered": intake.filtered,
            "dropped": self.dropped,
            "written": self.written,
            "overhead": self._budget.used_s,
            "queue": len(self._queue),
            "unwritten": intake.unwritten,
            "lost": intake.lost,
            "overhead_part": self._budget.used_s / whole if whole else 0.0,
            "head_rate": self.settings.head_rate * self._budget.factor,
            "failed_writes": self.failed_writes,
        }

    # ---------------------------------------------------------------- fork

    def _before_fork(self) -> None:
        """Wait until no batch is written: a child made in the middle would find SQLite's locks taken for ever."""
        self._held = self._working.acquire(timeout=_FORK_S)

    def _after_fork(self) -> None:
        if self._held:
            self._held = False
            self._working.release()

    def _forked(self) -> None:
        """In a child process: the parent writes what was on the queue; what is counted here begins at nothing."""
        self._queue.clear()
        self._begin()
        self.metrics.forked()
        self._intake.forked()
        self.written = self.failed_writes = 0
        self.problem = ""
        util = sys.modules.get("multiprocessing.util")
        if util is not None:  # its children end without calling what atexit knows
            util.register_after_fork(self, lambda me: util.Finalize(None, me._at_exit, exitpriority=10))


def _call(me: weakref.ref[Recorder], method: Callable[[Recorder], None]) -> None:
    recorder = me()
    if recorder is not None:
        method(recorder)

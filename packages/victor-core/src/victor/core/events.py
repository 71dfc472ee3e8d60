"""The event stream: everything that happens, for whoever listens.

An *operation* (an agent run, a tool call, a workflow node) emits a ``start`` and an ``end``; a
*point* (a message sent, a state transition) emits once. Parents follow `contextvars`, so nesting
holds across tasks and across threads started with a copied context.

With nobody listening an operation is one attribute check and a shared no-op. So code on a hot path
writes ``with stream.operation(...)`` without a guard, and only guards work done to *compute* attributes
(``if stream.active:``).

Contents (prompts, arguments, answers) travel only while `EventStream.capture_content` is on, and
always through the redactor; error texts are redacted in any case.

Example:
    >>> stream = EventStream()
    >>> stop = stream.subscribe(lambda event: print(event.kind, event.phase, event.name), kinds=["tool.call"])
    >>> with stream.operation("tool.call", "add"):
    ...     pass
    tool.call start add
    tool.call end add
    >>> stop()
"""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar, Token
from threading import Lock
from time import perf_counter_ns, time_ns
from types import TracebackType
from typing import Any, Final, Literal

from msgspec import Struct, structs

from victor.core.errors import ConfigurationError
from victor.core.ids import new_run_id, new_span_id
from victor.core.redact import Redactor, redact

__all__ = [
    "KINDS",
    "Event",
    "EventStream",
    "Listener",
    "Operation",
    "Phase",
    "Span",
    "current_span",
    "current_stream",
    "get_stream",
    "set_stream",
    "using_stream",
]

Phase = Literal["start", "end", "point"]
"""Where in its life an operation is told of; a point has no life."""

KINDS: Final[Mapping[str, str]] = {
    "agent.run": "one run of an agent, from prompt to answer",
    "agent.stop": "point: a limit or the loop detector ended a run",
    "model.request": "one request to a model, retries included",
    "model.retry": "point: a request to a model is tried again",
    "tool.call": "one call of a tool, from its arguments to its result",
    "tool.progress": "point: what a tool reports while it works",
    "tool.truncated": "point: a result was too long for the model, which was shown its beginning and end",
    "tool.approval": "waiting for somebody to allow a tool call",
    "workflow.run": "one run of a workflow, from start or resume to end or interrupt",
    "workflow.step": "one superstep",
    "workflow.node": "one execution of a node",
    "workflow.retry": "point: a node failed and is tried again",
    "workflow.map": "point: a map begins, with the number of its items",
    "workflow.interrupt": "point: a node waits for an answer from outside",
    "state.transition": "point: state keys were changed by a superstep",
    "checkpoint.save": "a checkpoint is written",
    "checkpoint.restore": "a checkpoint is read back",
    "message.sent": "point: a message entered the bus",
    "message.received": "point: a message was taken from a mailbox",
    "message.dead": "point: a message could not be delivered",
    "team.run": "one run of a team",
    "team.turn": "one member's turn",
    "team.handoff": "point: work passes from one member to another",
    "negotiation.round": "one round of a negotiation",
    "vote.cast": "point: a ballot was counted",
    "vote.result": "point: a vote was decided, or could not be",
    "log": "point: a line from a tool or node",
}
"""The kinds Victor's own packages emit. Plugins add theirs under a prefix of their own."""

_log = logging.getLogger("victor.events")


# Spans and operations are plain classes and events are structs, because all three are made for every operation, and
# generating methods for them would cost more at import than all the rest of this module.
class Span:
    """Who an event belongs to: hexadecimal ids of 128 (run) and 64 bits, as W3C trace context has them.

    Args:
        run_id: Id of the outermost operation's tree.
        span_id: Id of this operation.
        parent_id: Id of the enclosing operation, or None.

    Attributes:
        outward: Gives the header by which other processes are told of this operation. Set by a listener that knows it
            under ids of its own, as tracing below somebody else's trace does; None where its own ids say it.
    """

    __slots__ = ("outward", "parent_id", "run_id", "span_id")

    def __init__(self, run_id: str, span_id: str, parent_id: str | None) -> None:
        self.run_id: str = run_id
        self.span_id: str = span_id
        self.parent_id: str | None = parent_id
        self.outward: Callable[[], str] | None = None

    def __repr__(self) -> str:
        return f"Span({self.run_id!r}, {self.span_id!r}, {self.parent_id!r})"


class Event(Struct, eq=False):
    """Something that happened. Treat it as read-only: all listeners share one object.

    Args:
        kind: Dotted name, one of `KINDS` or a plugin's own.
        phase: ``"start"``, ``"end"`` or ``"point"``.
        name: Which agent, tool, node, ...
        run_id: The outermost operation this belongs to; 32 hexadecimal digits.
        span_id: This operation (for a point: its own id); 16 hexadecimal digits.
        parent_id: The enclosing operation, or None at the root.
        time_ns: `time.time_ns` when it happened, for people and for joining with other systems.
        monotonic_ns: `time.perf_counter_ns` when it happened, for durations.
        attributes: Plain values. On ``end``, those of the start and those added since.
        duration_ns: On ``end``, how long the operation took; else None.
        error: On ``end``, a likeness of the exception that ended it, or None: its type and traceback, its text and
            details redacted (`victor.core.safe_error`). `asyncio.CancelledError` means cancelled.
        error_text: The redacted text of that exception, ``""`` without one.
        content: Captured contents, redacted; empty unless the stream captures them.
    """

    kind: str
    phase: Phase
    name: str
    run_id: str
    span_id: str
    parent_id: str | None
    time_ns: int
    monotonic_ns: int
    attributes: Mapping[str, Any]
    duration_ns: int | None = None
    error: BaseException | None = None
    error_text: str = ""
    content: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"Event({self.kind!r}, {self.phase!r}, {self.name!r}, {dict(self.attributes)!r})"

    @property
    def cancelled(self) -> bool:
        """True when the operation was cancelled rather than failed."""
        return isinstance(self.error, CancelledError)


Listener = Callable[[Event], None]
"""Called in the emitting thread, at once. Keep it short: what takes time goes to a queue of its own."""

_current: ContextVar[Span | None] = ContextVar("victor_span", default=None)


def current_span() -> Span | None:
    """The innermost operation that is open in this context, or None."""
    return _current.get()


class Operation:
    """An open operation. Made by `EventStream.operation`; works with ``with`` and ``async with``."""

    __slots__ = ("_began_ns", "_content", "_failure", "_stream", "_token", "attributes", "kind", "name", "span")

    def __init__(self, stream: EventStream, kind: str, name: str, attributes: dict[str, Any]) -> None:
        parent = _current.get()
        if parent is None:
            self.span: Span = Span(new_run_id(), new_span_id(), None)
        else:
            self.span = Span(parent.run_id, new_span_id(), parent.span_id)
        self.kind: str = kind
        self.name: str = name
        self.attributes: dict[str, Any] = attributes
        self._stream = stream
        self._content: dict[str, Any] | None = None
        self._failure: BaseException | None = None
        self._token: Token[Span | None] | None = None

    recording = True
    """True here, False on the no-op: a guard for attributes that are dear to compute."""

    def set(self, **attributes: Any) -> None:
        """Add attributes, to be seen on the ``end`` event."""
        self.attributes.update(attributes)

    def capture(self, **content: Any) -> None:
        """Add contents; dropped at once unless the stream captures content, redacted if it does."""
        if self._stream.capture_content:
            if self._content is None:
                self._content = {}
            self._content.update(self._stream.redactor(content))

    def fail(self, error: BaseException) -> None:
        """Report a failure that is handled inside: the ``end`` event carries it although nothing was raised."""
        self._failure = error

    def __enter__(self) -> Operation:
        self._token = _current.set(self.span)
        self._began_ns = now = perf_counter_ns()
        stream = self._stream
        wanted = stream._starts.get(self.kind)
        if wanted is None:
            wanted = stream._match("start", self.kind)
        if wanted:
            span = self.span
            event = Event(
                self.kind, "start", self.name, span.run_id, span.span_id, span.parent_id, time_ns(), now,
                dict(self.attributes), None, None, "", self._content or {},
            )  # fmt: skip
            stream._deliver(event, wanted)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        now = perf_counter_ns()
        if self._token is not None:
            try:
                _current.reset(self._token)
            except ValueError:
                pass  # closed in another context, as an abandoned async generator is: that one has no span of ours
            self._token = None
        stream = self._stream
        wanted = stream._ends.get(self.kind)
        if wanted is None:
            wanted = stream._match("end", self.kind)
        if wanted:
            span, text = self.span, ""
            error = error or self._failure
            if error is not None:
                from victor.core.safe_error import safe_error

                error = safe_error(error, stream.redactor)
                text = str(error)
            event = Event(
                self.kind, "end", self.name, span.run_id, span.span_id, span.parent_id, time_ns(), now,
                self.attributes, now - self._began_ns, error, text, self._content or {},
            )  # fmt: skip
            stream._deliver(event, wanted)

    async def __aenter__(self) -> Operation:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


class _Silent(Operation):
    """What `EventStream.operation` returns with nobody listening: one object for all, doing nothing."""

    __slots__ = ()
    recording = False

    def __init__(self) -> None:
        self.kind = self.name = ""
        self.attributes = {}
        self.span = Span("", "", None)

    def set(self, **attributes: Any) -> None:
        pass

    def capture(self, **content: Any) -> None:
        pass

    def fail(self, error: BaseException) -> None:
        pass

    def __enter__(self) -> Operation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def __aenter__(self) -> Operation:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


_SILENT: Final = _Silent()


class _Subscription:
    __slots__ = ("kinds", "listener", "phases")

    def __init__(self, listener: Listener, kinds: Iterable[str] | None, phases: Iterable[Phase] | None) -> None:
        self.listener = listener
        self.kinds = None if kinds is None else frozenset(kinds)
        self.phases = _PHASES if phases is None else frozenset(phases)

    def wants(self, phase: Phase, kind: str) -> bool:
        return phase in self.phases and (self.kinds is None or _covers(self.kinds, kind))


_PHASES: Final[frozenset[Phase]] = frozenset(("start", "end", "point"))


class EventStream:
    """Carries events to listeners.

    Args:
        capture_content: Let prompts, arguments and answers travel (redacted). Off by default.
        redactor: What removes secrets from contents and error texts.

    Attributes:
        active: True while anybody listens. Read-only for others.
        detached: Listeners that raised, with their error; they get no more events.
    """

    def __init__(self, *, capture_content: bool = False, redactor: Redactor = redact) -> None:
        self.active: bool = False
        self.capture_content = capture_content
        self.redactor = redactor
        self.detached: list[tuple[Listener, Exception]] = []
        self._subscriptions: tuple[_Subscription, ...] = ()
        self._lock = Lock()
        self._forget_matches()

    def operation(self, kind: str, name: str = "", attributes: Mapping[str, Any] | None = None) -> Operation:
        """An operation to be entered with ``with`` or ``async with``.

        Args:
            kind: Such as ``"tool.call"``.
            name: Such as the tool's name.
            attributes: Plain values known at the start.
        """
        if not self.active:
            return _SILENT
        return Operation(self, kind, name, dict(attributes) if attributes else {})

    def emit(
        self,
        kind: str,
        name: str = "",
        attributes: Mapping[str, Any] | None = None,
        *,
        content: Mapping[str, Any] | None = None,
    ) -> None:
        """Emit a point event; costs one check when nobody listens to its kind."""
        if not self.active:
            return
        wanted = self._points.get(kind)
        if wanted is None:
            wanted = self._match("point", kind)
        if not wanted:
            return
        parent = _current.get()
        run_id, parent_id = (new_run_id(), None) if parent is None else (parent.run_id, parent.span_id)
        kept = self.redactor(content) if content and self.capture_content else {}
        event = Event(
            kind, "point", name, run_id, new_span_id(), parent_id, time_ns(), perf_counter_ns(),
            dict(attributes) if attributes else {}, None, None, "", kept,
        )  # fmt: skip
        self._deliver(event, wanted)

    def subscribe(
        self, listener: Listener, kinds: Iterable[str] | None = None, phases: Iterable[Phase] | None = None
    ) -> Callable[[], None]:
        """Call ``listener`` with every event of these kinds and phases (None: of all).

        A listener that raises is detached and reported on the ``victor.events`` logger; the run goes on.

        Args:
            listener: Called in the emitting thread.
            kinds: Exact kinds; an entry that ends in ``".*"`` stands for all with that prefix.
            phases: Some of ``"start"``, ``"end"`` and ``"point"``; an event that nobody wants is never made.

        Returns:
            A function that ends the subscription; calling it twice is harmless.

        Raises:
            ConfigurationError: The listener is an async function, or cannot be called, or there is no such phase.
        """
        _check_listener(listener)
        subscription = _Subscription(listener, kinds, phases)
        if unknown := subscription.phases - _PHASES:
            raise ConfigurationError(f"no phase {sorted(unknown)[0]!r}; there are: {', '.join(sorted(_PHASES))}")
        with self._lock:
            self._change((*self._subscriptions, subscription))

        def unsubscribe() -> None:
            self._drop(subscription)

        return unsubscribe

    @contextmanager
    def listening(self, listener: Listener, kinds: Iterable[str] | None = None) -> Iterator[None]:
        """Subscribe for the length of a ``with`` block."""
        stop = self.subscribe(listener, kinds)
        try:
            yield
        finally:
            stop()

    async def follow(self, kinds: Iterable[str] | None = None, *, maxsize: int = 1000) -> AsyncIterator[Event]:
        """Iterate over events as they come, in the running event loop.

        At most ``maxsize`` events wait; when the reader is slower than that the oldest are dropped, and the
        next event delivered carries how many in its ``dropped`` attribute. The stream is never held up.
        """
        import asyncio

        loop = asyncio.get_running_loop()
        waiting: deque[Event] = deque()
        ready = asyncio.Event()
        dropped = 0

        def put(event: Event) -> None:
            nonlocal dropped
            if len(waiting) >= maxsize:
                waiting.popleft()
                dropped += 1
            waiting.append(event)
            loop.call_soon_threadsafe(ready.set)

        with self.listening(put, kinds):
            while True:
                await ready.wait()
                ready.clear()
                while waiting:
                    event = waiting.popleft()
                    if dropped:
                        event = structs.replace(event, attributes={**event.attributes, "dropped": dropped})
                        dropped = 0
                    yield event

    def _match(self, phase: Phase, kind: str) -> tuple[_Subscription, ...]:
        subscriptions = self._subscriptions
        found = tuple(s for s in subscriptions if s.wants(phase, kind))
        with self._lock:
            if subscriptions is self._subscriptions:
                {"start": self._starts, "end": self._ends, "point": self._points}[phase][kind] = found
        return found

    def _deliver(self, event: Event, wanted: tuple[_Subscription, ...]) -> None:
        for subscription in wanted:
            try:
                # None unless it is a coroutine, made by a listener that did not look async
                answer: object = subscription.listener(event)
                if answer is not None and isinstance(answer, Coroutine):
                    answer.close()
                    raise ConfigurationError(_ASYNC.format(subscription.listener))
            except Exception as error:  # noqa: BLE001 - a listener's failure is its own
                self.detached.append((subscription.listener, error))
                self._drop(subscription)
                _log.exception(
                    "the event listener %r raised on %s and gets no more events", subscription.listener, event.kind
                )

    def _drop(self, subscription: _Subscription) -> None:
        with self._lock:
            self._change(tuple(s for s in self._subscriptions if s is not subscription))

    def _change(self, subscriptions: tuple[_Subscription, ...]) -> None:
        self._subscriptions = subscriptions
        self._forget_matches()
        self.active = bool(subscriptions)

    def _forget_matches(self) -> None:
        """Who wants what, by kind, is found out again: kept apart by phase, as each operation asks twice."""
        self._starts: dict[str, tuple[_Subscription, ...]] = {}
        self._ends: dict[str, tuple[_Subscription, ...]] = {}
        self._points: dict[str, tuple[_Subscription, ...]] = {}


_ASYNC: Final = (
    "the event listener {!r} is async, and nobody would await it: listeners are called at once, in the thread that "
    "emits. Use a plain function that puts the event on a queue, or 'async for event in stream.follow(): ...'"
)


def _check_listener(listener: Listener) -> None:
    given: object = listener
    if not callable(given):
        raise ConfigurationError(f"an event listener is a function of one event, not {given!r}")
    from inspect import isasyncgenfunction, iscoroutinefunction

    for target in (listener, getattr(listener, "__call__", listener)):  # noqa: B004 - its class may define it as async
        if iscoroutinefunction(target) or isasyncgenfunction(target):
            raise ConfigurationError(_ASYNC.format(listener))


def _covers(kinds: frozenset[str], kind: str) -> bool:
    return kind in kinds or any(k.endswith(".*") and kind.startswith(k[:-1]) for k in kinds)


_default = EventStream()
_listeners_started = False


def get_stream() -> EventStream:
    """The default stream, which everything emits to unless it was given another.

    The first call switches on the listeners that installed plugins and settings ask for. Long-lived code
    asks once per run, not once per import, so that `set_stream` takes effect.
    """
    global _listeners_started
    if not _listeners_started:
        _listeners_started = True
        from victor.core.listeners import start_listeners

        start_listeners(_default)
    return _default


_in_use: ContextVar[EventStream | None] = ContextVar("victor_stream", default=None)


def current_stream() -> EventStream:
    """The stream of the run this code works for; the default one outside of runs.

    Example:
        >>> mine = EventStream()
        >>> with using_stream(mine):
        ...     current_stream() is mine
        True
    """
    return _in_use.get() or get_stream()


@contextmanager
def using_stream(stream: EventStream) -> Iterator[None]:
    """Make a stream the current one for a ``with`` block, in tasks and threads it starts too."""
    token = _in_use.set(stream)
    try:
        yield
    finally:
        with suppress(ValueError):  # left in another context, as an abandoned generator is
            _in_use.reset(token)


def set_stream(stream: EventStream) -> EventStream:
    """Replace the default stream, listeners and all; returns the one it was.

    The new stream gets no listeners from plugins or settings: it is yours.
    """
    global _default, _listeners_started
    _listeners_started = True
    was, _default = _default, stream
    return was

"""The event stream: nesting, kinds, failing listeners, contents and what nobody hears."""

from __future__ import annotations

import asyncio
import copy
import functools
import logging
import pickle
import subprocess
import threading
import traceback
from contextvars import copy_context

import pytest

from victor.core.errors import ConfigurationError, ToolArgumentsError
from victor.core.events import (
    KINDS,
    Event,
    EventStream,
    current_span,
    current_stream,
    get_stream,
    set_stream,
    using_stream,
)
from victor.core.redact import MARK


@pytest.fixture
def heard() -> tuple[EventStream, list[Event]]:
    stream, events = EventStream(), []
    stream.subscribe(events.append)
    return stream, events


def test_an_operation_emits_start_and_end_with_its_attributes_and_duration(heard):
    stream, events = heard
    with stream.operation("tool.call", "add", {"a": 1}) as operation:
        operation.set(b=2)
    start, end = events
    assert (start.kind, start.phase, start.name, start.attributes) == ("tool.call", "start", "add", {"a": 1})
    assert (end.phase, end.attributes, end.error) == ("end", {"a": 1, "b": 2}, None)
    assert start.duration_ns is None
    assert end.duration_ns == end.monotonic_ns - start.monotonic_ns >= 0
    assert start.span_id == end.span_id
    assert (len(start.run_id), len(start.span_id), start.parent_id) == (32, 16, None)


def test_nested_operations_share_a_run_and_name_their_parent(heard):
    stream, events = heard
    with stream.operation("agent.run") as outer, stream.operation("tool.call") as inner:
        assert current_span() is inner.span
        stream.emit("log", "line")
    point = next(event for event in events if event.phase == "point")
    assert inner.span.parent_id == outer.span.span_id
    assert inner.span.run_id == outer.span.run_id == point.run_id
    assert point.parent_id == inner.span.span_id
    assert current_span() is None


async def test_tasks_nest_under_the_operation_that_started_them(heard):
    stream, events = heard

    async def work(name: str) -> None:
        async with stream.operation("tool.call", name):
            await asyncio.sleep(0)

    async with stream.operation("agent.run") as outer:
        await asyncio.gather(work("a"), work("b"))
    calls = [event for event in events if event.kind == "tool.call" and event.phase == "start"]
    assert [event.parent_id for event in calls] == [outer.span.span_id] * 2


def test_a_thread_with_a_copied_context_nests_too(heard):
    stream, events = heard
    with stream.operation("agent.run") as outer:
        thread = threading.Thread(target=copy_context().run, args=(lambda: stream.emit("log"),))
        thread.start()
        thread.join()
    assert next(e for e in events if e.kind == "log").parent_id == outer.span.span_id


def test_an_exception_ends_the_operation_with_an_error_and_passes_through(heard):
    stream, events = heard
    with pytest.raises(ValueError, match="no"), stream.operation("tool.call"):
        raise ValueError("no; password=hunter2")
    assert isinstance(events[-1].error, ValueError)
    assert "hunter2" not in events[-1].error_text
    assert MARK in events[-1].error_text
    assert not events[-1].cancelled


async def test_cancellation_is_told_apart_from_failure(heard):
    stream, events = heard

    async def work() -> None:
        with stream.operation("tool.call"):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events[-1].cancelled


def test_a_failure_that_was_handled_inside_is_reported_on_the_end(heard):
    stream, events = heard
    with stream.operation("tool.call") as operation:
        operation.fail(ValueError("bad arguments"))
    assert events[-1].error_text == "bad arguments"


def test_listeners_get_only_the_kinds_they_asked_for():
    stream = EventStream()
    exact, prefixed = [], []
    stream.subscribe(exact.append, ["tool.call"])
    stream.subscribe(prefixed.append, ["workflow.*"])
    for kind in ("tool.call", "workflow.node", "workflow.run", "workflows", "agent.run"):
        stream.emit(kind)
    assert [event.kind for event in exact] == ["tool.call"]
    assert [event.kind for event in prefixed] == ["workflow.node", "workflow.run"]


def test_listeners_get_only_the_phases_they_asked_for():
    stream, starts, rest = EventStream(), [], []
    stream.subscribe(starts.append, ["agent.run"], phases=["start"])
    stream.subscribe(rest.append, phases=["end", "point"])
    with stream.operation("agent.run"), stream.operation("tool.call"):
        stream.emit("log")
    assert [(event.kind, event.phase) for event in starts] == [("agent.run", "start")]
    assert [(event.kind, event.phase) for event in rest] == [
        ("log", "point"), ("tool.call", "end"), ("agent.run", "end"),
    ]  # fmt: skip


def test_a_phase_that_does_not_exist_is_refused():
    with pytest.raises(ConfigurationError, match="no phase 'ends'; there are: end, point, start"):
        EventStream().subscribe(print, phases=["ends"])


def test_nesting_holds_when_only_the_inner_kind_is_listened_to():
    stream, events = EventStream(), []
    stream.subscribe(events.append, ["tool.call"])
    with stream.operation("agent.run") as outer, stream.operation("tool.call"):
        pass
    assert events[0].parent_id == outer.span.span_id


def test_a_listener_that_raises_is_detached_reported_once_and_the_others_go_on(caplog):
    stream, good, calls = EventStream(), [], []

    def broken(event: Event) -> None:
        calls.append(event)
        raise RuntimeError("listener trouble")

    stream.subscribe(broken)
    stream.subscribe(good.append)
    with caplog.at_level(logging.ERROR, "victor.events"):
        stream.emit("log", "one")
        stream.emit("log", "two")
    assert len(calls) == 1
    assert [event.name for event in good] == ["one", "two"]
    assert [listener for listener, _ in stream.detached] == [broken]
    assert len(caplog.records) == 1


def test_unsubscribing_twice_is_harmless_and_silences_the_stream():
    stream, events = EventStream(), []
    stop = stream.subscribe(events.append)
    assert stream.active
    stop()
    stop()
    assert not stream.active
    with stream.operation("tool.call") as operation:
        operation.set(a=1)
        operation.capture(text="x")
        operation.fail(ValueError())
        assert not operation.recording
    stream.emit("log")
    assert events == []


async def test_the_silent_operation_works_with_async_with_too():
    async with EventStream().operation("tool.call") as operation:
        assert operation.attributes == {}


def test_contents_travel_only_when_captured_and_redacted(heard):
    stream, events = heard
    with stream.operation("model.request") as operation:
        operation.capture(prompt="hello")
    assert events[-1].content == {}
    stream.capture_content = True
    with stream.operation("model.request") as operation:
        operation.capture(arguments={"api_key": "abc", "page": 2})
    stream.emit("tool.progress", content={"message": "token=abc123"})
    assert events[-2].content == {"arguments": {"api_key": MARK, "page": 2}}
    assert events[-1].content == {"message": f"token={MARK}"}


def test_listening_ends_with_its_block():
    stream, events = EventStream(), []
    with stream.listening(events.append):
        stream.emit("log")
    stream.emit("log")
    assert len(events) == 1


async def test_following_yields_events_and_drops_the_oldest_when_the_reader_is_slow():
    stream = EventStream()
    seen: list[Event] = []

    async def read() -> None:
        async for event in stream.follow(["log"], maxsize=2):
            seen.append(event)
            if event.name == "4":
                return

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    for number in range(5):
        stream.emit("log", str(number))
    await task
    assert [event.name for event in seen] == ["3", "4"]
    assert seen[0].attributes["dropped"] == 3
    assert "dropped" not in seen[1].attributes


async def test_following_from_another_thread():
    stream = EventStream()
    events = stream.follow()
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    await asyncio.to_thread(stream.emit, "log", "from a thread")
    assert (await waiting).name == "from a thread"
    await events.aclose()
    assert not stream.active


async def test_an_abandoned_generator_leaves_no_span_behind(heard):
    stream, _ = heard

    async def numbers():
        with stream.operation("agent.run"):
            yield 1
            yield 2

    generator = numbers()

    async def read_one() -> None:
        assert await anext(generator) == 1

    await asyncio.create_task(read_one())
    await generator.aclose()  # in another context than the one it was started in
    assert current_span() is None


def test_the_default_stream_can_be_replaced_and_put_back():
    mine = EventStream()
    was = set_stream(mine)
    try:
        assert get_stream() is mine
    finally:
        set_stream(was)
    assert get_stream() is was


def test_threads_may_subscribe_and_emit_at_once():
    stream, counts = EventStream(), []
    stream.subscribe(lambda event: counts.append(1), ["log"])

    def work() -> None:
        for _ in range(200):
            stream.subscribe(lambda event: None, ["log"])()
            stream.emit("log")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == 8 * 200
    assert stream.detached == []


def test_every_kind_is_dotted_and_explained():
    assert all(help for help in KINDS.values())
    assert {kind for kind in KINDS if "." not in kind} == {"log"}


def test_listeners_see_an_error_without_its_secrets_but_with_type_and_traceback(heard):
    stream, events = heard

    class Refused(OSError):
        def __init__(self, url: str, status: int) -> None:
            super().__init__(f"refused: {url}")
            self.url, self.status, self.client = url, status, object()

    with pytest.raises(Refused), stream.operation("tool.call"):
        try:
            raise KeyError("password=hunter2")
        except KeyError as cause:
            cause.add_note("tried api_key=hunter2")
            raise Refused("https://ann:hunter2@db/", 403) from cause
    shown = events[-1].error
    assert isinstance(shown, Refused)
    assert type(shown).__name__ == "Refused"
    assert shown.status == 403
    assert not hasattr(shown, "client")
    assert str(shown) == events[-1].error_text == f"refused: https://{MARK}@db/"
    assert isinstance(shown.__cause__, KeyError)
    text = "".join(traceback.format_exception(shown))
    assert "test_events.py" in text
    assert "test_listeners_see_an_error" in text
    lines = [line for line in text.splitlines() if "hunter2" in line]
    assert all("raise " in line or "add_note" in line for line in lines)  # the source of this very test
    assert "hunter2" not in repr(shown) + repr(shown.args) + repr(vars(shown)) + repr(shown.__cause__)


@pytest.mark.parametrize(
    "error",
    [
        ExceptionGroup("two with token=hunter2", [ValueError("password=hunter2"), KeyError("k")]),
        subprocess.CalledProcessError(1, ["mysql", "--password", "hunter2"], output=b"password=hunter2"),
        UnicodeDecodeError("utf-8", b"password=hunter2", 0, 1, "password=hunter2"),
        ToolArgumentsError("token=hunter2", problems=[("$.token", "token=hunter2")]),
        asyncio.CancelledError(),
        RuntimeError(),
    ],
    ids=repr,
)
def test_any_exception_has_a_likeness_that_can_be_shown_copied_and_pickled(heard, error):
    stream, events = heard
    with stream.operation("tool.call") as operation:
        operation.fail(error)
    shown = events[-1].error
    assert isinstance(shown, type(error))
    assert "hunter2" not in f"{shown} {shown!r} {shown.args} {vars(shown)}"
    if isinstance(shown, ExceptionGroup):
        assert [type(member).__name__ for member in shown.exceptions] == ["ValueError", "KeyError"]
        assert "hunter2" not in repr(shown.exceptions)
    for other in (pickle.loads(pickle.dumps(shown)), copy.copy(shown)):
        assert (str(other), type(other).__name__) == (str(shown), type(shown).__name__)


def test_an_exception_of_a_class_nothing_can_be_made_from(heard):
    class Final(ValueError):  # as classes written in Rust or C may be
        def __init_subclass__(cls) -> None:
            raise TypeError("not an acceptable base type")

    stream, events = heard
    with stream.operation("tool.call") as operation:
        operation.fail(Final("no access with password=hunter2"))
    shown = events[-1].error
    assert isinstance(shown, ValueError)
    assert (type(shown).__name__, str(shown)) == ("Final", "no access with password=[redacted]")


def test_an_exception_that_cannot_say_what_it_is(heard):
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    stream, events = heard
    with stream.operation("tool.call") as operation:
        operation.fail(Mute())
    assert isinstance(events[-1].error, Mute)
    assert stream.detached == []


class _AsyncCallable:
    async def __call__(self, event: Event) -> None: ...


async def _listen_later(event: Event) -> None: ...


@pytest.mark.parametrize("listener", [_listen_later, _AsyncCallable(), functools.partial(_listen_later), "print"])
def test_a_listener_that_nobody_would_await_is_refused_at_once(listener):
    stream = EventStream()
    with pytest.raises(ConfigurationError, match="listener"):
        stream.subscribe(listener)
    with pytest.raises(ConfigurationError, match="listener"), stream.listening(listener):
        pass
    assert not stream.active


def test_a_listener_that_turns_out_to_be_async_is_detached_and_reported(caplog):
    stream = EventStream()
    stream.subscribe(lambda event: _listen_later(event))
    stream.emit("log")
    assert not stream.active
    assert "stream.follow()" in caplog.text


def test_the_current_stream_is_that_of_the_run():
    mine = EventStream()
    assert current_stream() is get_stream()
    with using_stream(mine):
        assert current_stream() is mine
    assert current_stream() is get_stream()

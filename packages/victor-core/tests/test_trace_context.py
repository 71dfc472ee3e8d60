"""W3C trace context in and out."""

from __future__ import annotations

import pytest

from victor.core.events import Event, EventStream, current_span
from victor.core.trace_context import continuing, incoming, read_traceparent, trace_environment, traceparent

HEADER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_an_operation_goes_on_where_the_caller_was() -> None:
    stream = EventStream()
    events: list[Event] = []
    stream.subscribe(events.append, phases=["start"])
    with continuing(HEADER), stream.operation("agent.run", "clerk"):
        assert traceparent() == f"00-{events[0].run_id}-{events[0].span_id}-01"
    assert events[0].run_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert events[0].parent_id == "00f067aa0ba902b7"
    assert current_span() is None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        HEADER.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32),
        HEADER.replace("00f067aa0ba902b7", "0" * 16),
        "ff" + HEADER[2:],
        HEADER + "-more",
        HEADER.replace("4bf9", "4bg9"),
        "traceparent: " + HEADER,
    ],
)
def test_a_header_that_is_none_is_ignored(header: str) -> None:
    assert read_traceparent(header) is None
    with continuing(header):
        assert traceparent() is None


def test_later_versions_may_say_more() -> None:
    span = read_traceparent("01" + HEADER[2:] + "-what-comes")
    assert span is not None
    assert span.span_id == "00f067aa0ba902b7"


def test_a_child_process_finds_its_parent() -> None:
    assert "TRACEPARENT" not in trace_environment({"A": "1"})
    with continuing(HEADER):
        assert trace_environment({"A": "1"}) == {"A": "1", "TRACEPARENT": HEADER}
        assert trace_environment()["TRACEPARENT"] == HEADER


def test_what_the_caller_said_about_sampling_goes_on_as_it_came() -> None:
    unsampled = HEADER[:-2] + "00"
    with continuing(unsampled.upper()):
        assert traceparent() == unsampled
        assert incoming() == unsampled
        with continuing(HEADER):
            assert incoming() == HEADER
        assert incoming() == unsampled
    assert incoming() is None


def test_a_later_version_goes_on_in_ours() -> None:
    with continuing("01" + HEADER[2:] + "-what-comes"):
        assert traceparent() == HEADER


def test_a_listener_may_know_an_operation_by_other_ids() -> None:
    stream = EventStream()
    other = "00-" + "a" * 32 + "-" + "b" * 16 + "-00"

    def name(event: object) -> None:
        span = current_span()
        assert span is not None
        span.outward = lambda: other

    stream.subscribe(name, phases=["start"])
    with stream.operation("tool.call", "shell") as operation:
        assert traceparent() == other
        assert trace_environment({}) == {"TRACEPARENT": other}
        assert traceparent(own=True) == f"00-{operation.span.run_id}-{operation.span.span_id}-01"


def test_a_block_left_in_another_context_raises_nothing() -> None:
    from contextvars import copy_context

    block = continuing(HEADER)
    copy_context().run(block.__enter__)
    block.__exit__(None, None, None)
    assert current_span() is None

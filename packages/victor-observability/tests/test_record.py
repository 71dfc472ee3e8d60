"""Records: what an event leaves, and what must not be in it."""

from __future__ import annotations

from asyncio import CancelledError
from typing import Any

import pytest

from victor.core.events import Event, EventStream
from victor.core.redact import MARK, redact
from victor.observability.record import Record, Status, counted_record, record_of


def events_of(kind: str, attributes: dict[str, Any], error: BaseException | None = None) -> list[Event]:
    stream, heard = EventStream(capture_content=True), list[Event]()
    stream.subscribe(heard.append)
    try:
        with stream.operation(kind, "n", attributes) as operation:
            operation.capture(prompt="the password=hunter2")
            if error is not None:
                raise error
    except BaseException as raised:
        if raised is not error:
            raise
    return heard


def test_a_model_request_has_tokens_and_cost_in_columns() -> None:
    given = {
        "provider": "openai", "model": "gpt", "agent": "a", "input_tokens": 10, "output_tokens": 2,
        "cache_read_tokens": 4, "cache_write_tokens": 0, "cost_usd": 0.25, "streaming": True,
    }  # fmt: skip
    record = record_of(events_of("model.request", given)[-1], redact)
    assert (record.provider, record.model, record.agent) == ("openai", "gpt", "a")
    assert (record.input_tokens, record.output_tokens, record.cache_read_tokens, record.cost_usd) == (10, 2, 4, 0.25)
    assert record.attributes == {"streaming": True}
    assert record.duration_ns is not None
    assert record.end_ns == record.start_ns + record.duration_ns


def test_a_run_repeats_what_its_requests_used_and_is_not_counted_again() -> None:
    record = record_of(events_of("agent.run", {"input_tokens": 10, "cost_usd": 1.0})[-1], redact)
    assert (record.input_tokens, record.cost_usd, record.agent) == (None, None, "n")
    assert record.attributes == {"input_tokens": 10, "cost_usd": 1.0}


@pytest.mark.parametrize("cost", [float("nan"), float("inf"), "1", None])
def test_a_cost_that_is_no_number_is_unknown(cost: object) -> None:
    record = record_of(events_of("model.request", {"cost_usd": cost, "input_tokens": "many"})[-1], redact)
    assert record.cost_usd is None
    assert record.input_tokens is None


@pytest.mark.parametrize(
    ("error", "status"), [(None, Status.OK), (ValueError("x"), Status.ERROR), (CancelledError(), Status.CANCELLED)]
)
def test_the_end_says_how_it_ended(error: BaseException | None, status: Status) -> None:
    start, end = events_of("tool.call", {}, error)
    assert record_of(start, redact).status is Status.OPEN
    assert record_of(end, redact).status is status


def test_secrets_in_attributes_errors_and_contents_are_gone() -> None:
    given = {"url": "https://ann:hunter2@db/", "headers": {"Authorization": "Bearer hunter2hunter2"}}
    (_, end) = events_of("tool.call", given, OSError("no access with password=hunter2"))
    record = record_of(end, redact)
    assert "hunter2" not in repr(record)
    assert record.attributes["headers"] == {"Authorization": MARK}
    assert record.error_type == "OSError"
    assert "no access" in record.error_text
    assert record.content


def test_long_errors_are_cut() -> None:
    record = record_of(events_of("tool.call", {}, ValueError("x" * 10_000))[-1], redact)
    assert len(record.error_text) == 2000


def test_what_is_counted_alone_has_no_texts() -> None:
    record = counted_record(events_of("tool.call", {"agent": "a", "url": "u"}, ValueError("x"))[-1])
    assert (record.agent, record.status, record.error_text, record.attributes) == ("a", Status.ERROR, "", {})


def test_a_point_ends_when_it_begins() -> None:
    assert Record("log", "x", "r", "s", None, 7).end_ns == 7

"""Whatever names, texts and numbers events have, nothing stops and nothing else is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from victor.core.events import EventStream
from victor.observability.record import record_of
from victor.observability.recorder import Recorder
from victor.observability.sound_text import LONGEST_NAME, sound_name, sound_text, sound_value
from victor.observability.store import open_store

HALF = "caf\udce9"


def test_names_are_short_encodable_and_without_secrets() -> None:
    assert sound_name(HALF) == "caf?"
    assert len(sound_name("x" * 5_000)) == LONGEST_NAME
    assert "ghp_" not in sound_name("ghp_" + "a1B2" * 9)
    assert sound_name("Zürich ☀") == "Zürich ☀"


def test_texts_deep_inside_are_encodable() -> None:
    value = sound_value({"a" + HALF: [HALF, {"b": (HALF, 1, None)}], "n": 2.5})
    assert json.loads(msgspec.json.encode(value)) == {"acaf?": ["caf?", {"b": ["caf?", 1, None]}], "n": 2.5}
    assert sound_text("plain") == "plain"


@pytest.mark.parametrize("wrong", [2**64, 2**62, 10**400, -5, float("nan"), float("inf"), "7", None])
def test_a_usage_that_is_none_is_unknown(wrong: Any) -> None:
    events: list[Any] = []
    stream = EventStream()
    stream.subscribe(events.append, phases=["end"])
    usage = {"input_tokens": wrong, "output_tokens": wrong, "cache_read_tokens": wrong, "cost_usd": wrong}
    with stream.operation("model.request", "m", {"provider": "p", "model": "m", **usage}):
        pass
    record = record_of(events[0], dict)
    assert (record.input_tokens, record.output_tokens, record.cache_read_tokens, record.cost_usd) == (None,) * 4


def test_one_absurd_event_takes_nothing_else_with_it(tmp_path: Path) -> None:
    stream = EventStream()
    recorder = Recorder(lambda: open_store(f"{tmp_path}/metrics.db"))
    recorder.listen_to(stream)
    lines: list[bytes] = []
    recorder.add_sink(lambda records: lines.extend(msgspec.json.encode(record) for record in records))
    absurd = {"input_tokens": 2**64, "output_tokens": -1, "cost_usd": 10**400, "x": HALF}
    with stream.operation("agent.run", HALF):
        for number in range(100):
            with stream.operation("tool.call", f"t{number % 3}"):
                pass
        for _ in range(3):
            with stream.operation("model.request", HALF, {"model": HALF, "provider": "p", **absurd}):
                pass
    assert recorder.flush(30)
    recorder.close()
    assert len(lines) >= 104
    with open_store(f"{tmp_path}/metrics.db") as store:
        counts = {group.by[0]: group.totals for group in store.breakdown(["kind"])}
        assert counts["tool.call"].count == 100
        assert counts["model.request"].unpriced == 3
        assert store.runs()[0].name == "caf?"


def test_an_event_that_cannot_be_counted_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    stream = EventStream()
    recorder = Recorder(None)
    recorder.listen_to(stream)
    for number in range(10):
        with stream.operation("tool.call", f"t{number}") as operation:
            if number in (3, 7):
                operation.name = ["no text"]  # type: ignore[assignment]
    assert recorder.flush(30)
    counts = recorder.metrics.snapshot()
    recorder.close()
    assert sum(aggregate.count for key, aggregate in counts.groups if key.kind == "tool.call") == 8
    assert sum("cannot be counted" in record.message for record in caplog.records) == 1

"""Whatever an event holds: its span can be exported, and holds no secret that redaction knows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from victor.core.redact import redact
from victor.observability.otel.attributes import Speaker
from victor.observability.otel.content import content_attributes
from victor.observability.otel.semconv import SPANS

if TYPE_CHECKING:
    from conftest import Seen

texts = st.text(max_size=40) | st.sampled_from(["https://ann:hunter2@db/", "password=hunter2", "Bearer hunter2hunter2"])
plain = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.binary(max_size=10)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts | st.integers(), inner, max_size=4),
    max_leaves=8,
)
kinds = st.sampled_from([*SPANS, "crawler.page"])


@given(
    kinds, texts, st.dictionaries(texts | st.sampled_from(["api_key", "model", "finish_reason"]), values, max_size=6)
)
def test_attributes_are_values_a_span_can_have(kind: str, name: str, given_: dict[str, Any]) -> None:
    title, found = Speaker(redact, "both").form(kind).begin(name, given_)
    assert isinstance(title, str)
    for key, value in found.items():
        assert isinstance(key, str)
        parts = value if isinstance(value, tuple) else (value,)
        assert all(isinstance(part, (str, bool, int, float)) for part in parts), (key, value)
    assert "hunter2" not in title
    secret = {key for key in given_ if "hunter2" in key}  # a name is the program's own, and short
    assert "hunter2" not in str([value for key, value in found.items() if key.removeprefix("victor.") not in secret])


@given(
    kinds,
    st.fixed_dictionaries({}, optional=dict.fromkeys(("prompt", "output", "arguments", "result", "input"), values)),
    st.integers(10, 60),
)
def test_contents_are_json_or_text_whatever_they_are(kind: str, content: dict[str, Any], most: int) -> None:
    for key, text in content_attributes(kind, content, {}, most):
        assert isinstance(text, str)
        if key.endswith("messages"):
            for message in msgspec.json.decode(text):
                assert {"role", "parts"} <= set(message)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
@given(name=texts, attributes=st.dictionaries(texts, values, max_size=4))
def test_every_span_can_be_sent(seen: Seen, name: str, attributes: dict[str, Any]) -> None:
    seen.exporter.clear()
    with seen.stream.operation("crawler.page", name, attributes):
        seen.stream.emit("crawler.link", name, attributes)
    (span,) = seen.all
    assert len(span.events) == 1
    encode_spans([span]).SerializeToString()
    assert seen.stream.detached == []


def test_twenty_threads_at_once(seen: Seen) -> None:
    together = threading.Barrier(20)

    def work(number: int) -> None:
        together.wait()
        for _ in range(40):
            with (
                seen.stream.operation("agent.run", f"a{number}") as run,
                seen.stream.operation("tool.call", "add") as call,
            ):
                pass
            pairs.append((call.span.span_id, run.span.span_id, run.span.run_id))

    pairs: list[tuple[str, str, str]] = []
    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {
        (
            f"{span.get_span_context().span_id:016x}",  # type: ignore[union-attr]
            f"{span.parent.span_id:016x}",
            f"{span.parent.trace_id:032x}",
        )
        for span in seen.all
        if span.parent is not None
    }
    assert len(seen.all) == 1600
    assert found == set(pairs)
    assert seen.otel.open_spans == 0

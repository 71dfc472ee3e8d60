"""Whatever the schema and the text: valid JSON or a plain refusal, the same every time, and never an exception."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from victor.core.message import Message
from victor.core.model import ModelRequest, OutputSchema
from victor.core.models.offline import OfflineModel
from victor.core.models.offline.dialog import is_refusal

jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema: pip install jsonschema")

NAMES = st.sampled_from(
    "title summary abstract category label sentiment language author date due_date deadline email url link path price "
    "total amount word_count reading_time confidence score rating keywords tags topics key_points action_items dates "
    "emails people risks questions headings is_urgent has_code mentions_price needs_refund reason answer quote value "
    "items result id name description count page steps notes x camelCase invoiceNumber größe".split()
)
STRINGS = st.builds(
    lambda extra, about: {"type": "string", **extra, **({"description": about} if about else {})},
    st.one_of(
        st.just({}),
        st.builds(lambda low, more: {"minLength": low, "maxLength": low + more}, st.integers(0, 4), st.integers(0, 40)),
        st.sampled_from(
            [{"format": form} for form in ("date", "date-time", "time", "email", "uri", "uuid", "decimal")]
        ),
        st.sampled_from([{"pattern": "^[a-z]+$"}, {"pattern": r"\d{4}"}, {"pattern": "^$"}]),
        st.just({"default": "none"}),
    ),
    st.sampled_from(["", "in one sentence", "one of: red, green or blue", "at most 5 words", "who wrote it"]),
)
NUMBERS = st.builds(
    lambda kind, extra: {"type": kind, **extra},
    st.sampled_from(["integer", "number"]),
    st.sampled_from(
        [{}, {"minimum": 0}, {"minimum": 0, "maximum": 1}, {"exclusiveMinimum": 10}, {"multipleOf": 5}, {"default": 0}]
    ),
)
ENUMS = st.one_of(
    st.lists(
        st.sampled_from("guide plan bug feature other high low APPROVE REJECT positive negative".split()),
        min_size=1,
        max_size=5,
        unique=True,
    ).map(lambda choices: {"type": "string", "enum": choices}),
    st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True).map(lambda choices: {"enum": choices}),
    st.just({"const": "fixed"}),
    st.just({"enum": ["a", None]}),
)
LEAVES = st.one_of(STRINGS, NUMBERS, ENUMS, st.just({"type": "boolean"}), st.just({}), st.just({"type": "null"}))


def _grow(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.builds(
        lambda items, extra: {"type": "array", "items": items, **extra},
        inner,
        st.sampled_from([{}, {"minItems": 1}, {"maxItems": 2}, {"uniqueItems": True}, {"minItems": 2, "maxItems": 3}]),
    )
    optional = inner.map(lambda schema: {"anyOf": [schema, {"type": "null"}]})
    unions = st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner)
    described = inner.map(lambda schema: {"allOf": [schema]})
    mappings = inner.map(lambda schema: {"type": "object", "additionalProperties": schema})
    tuples = st.builds(
        lambda a, b: {"type": "array", "prefixItems": [a, b], "minItems": 2, "maxItems": 2, "items": False},
        inner,
        inner,
    )
    return st.one_of(lists, optional, unions, described, mappings, tuples, _objects(inner))


def _objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, inner, min_size=1, max_size=5).flatmap(
        lambda properties: st.builds(
            lambda required, closed: {
                "type": "object",
                "properties": properties,
                "required": sorted(required),
                **({"additionalProperties": False} if closed else {}),
            },
            st.sets(st.sampled_from(sorted(properties))),
            st.booleans(),
        )
    )


SCHEMAS = _objects(st.recursive(LEAVES, _grow, max_leaves=8))
PIECES = st.sampled_from(
    [
        "# Invoice 17\n", "Total: 1,250.50 EUR\n", "Due date: 3 March 2026\n", "| Name | Price |\n|---|---|\n| Tea | 3.5 |\n",
        "The pump moves heat. It is old and broken.", "- [ ] Ada must call bob@example.org\n", "```python\nx = 1\n```\n",
        "---\ntitle: Grid\n---\n", "Why does it fail?\n\n", "東京は日本の首都です。", "Größe: 12 cm\n", "<b>bold</b> https://x.org/a?b=1) ",
        "\x00\ufffd\u200b", "1e400 -5 3.11.7 10:30 $5 1/0", "key_points:\n- one\n- two\n", "URGENT!!! ", "a" * 300, "*_~`[]()|<>", "\r\n",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(PIECES, max_size=8).map("".join),
    st.lists(PIECES | st.text(max_size=30), max_size=8).map(" ".join),
)
PROMPTS = st.sampled_from(
    ["", "Summarise this:\n\n", "Classify as bug, feature or other.\n\n", "<document>", "What is the total? ", "Text: "]
)


def ask(prompt: str, schema: dict[str, Any] | None) -> str:
    output = OutputSchema("form", schema) if schema is not None else None
    request = ModelRequest([Message.user(prompt)], output=output)
    return asyncio.run(OfflineModel(today=lambda: "2026-03-01").request(request)).content


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SCHEMAS, PROMPTS, TEXTS)
def test_a_form_is_filled_validly_or_refused(schema: dict[str, Any], prompt: str, text: str) -> None:
    answered = ask(prompt + text, schema)
    if is_refusal(answered):
        return
    validator = jsonschema.Draft202012Validator(schema)
    assert not list(validator.iter_errors(json.loads(answered))), answered


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SCHEMAS, TEXTS)
def test_no_number_is_made_up(schema: dict[str, Any], text: str) -> None:
    counted = {"word_count", "reading_time", "confidence", "headings", "keywords"}

    def plain(node: Any, name: str = "") -> list[float]:
        if isinstance(node, dict):
            return [number for key, value in node.items() if key not in counted for number in plain(value, key)]
        if isinstance(node, list):
            return [number for value in node for number in plain(value, name)]
        return [node] if isinstance(node, int | float) and not isinstance(node, bool) else []

    from victor.core.models.offline.extract import numbers

    answered = ask(text, schema)
    if is_refusal(answered):
        return
    known = {mention.value for mention in numbers(text)} | {float(mention.value) for mention in numbers(text)}
    allowed = _constants(schema)
    assert all(number in known or number in allowed for number in plain(json.loads(answered))), answered


def _constants(schema: Any) -> set[Any]:
    if isinstance(schema, dict):
        own = {value for key in ("default", "const") if isinstance(value := schema.get(key), int | float)}
        own |= {value for value in schema.get("enum", ()) if isinstance(value, int)}
        return own.union(*(_constants(value) for value in schema.values()))
    return set().union(*(_constants(value) for value in schema)) if isinstance(schema, list) else set()


@settings(max_examples=150, deadline=None)
@given(PROMPTS, TEXTS)
def test_text_answers_are_never_empty_and_never_raise(prompt: str, text: str) -> None:
    assert ask(prompt + text, None).strip()

"""Attributes lose their secrets exactly as the redactor would have it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from victor.core.redact import MARK, Redactor, redact
from victor.observability.attributes import CleanAttributes

names = st.sampled_from(
    ["call_id", "category", "api_key", "url", "name", "value", "password", "X-Auth-Token", "header", "sk-abcdefghijklmnop12",
     "messages", "Authorization"]
)  # fmt: skip
texts = st.one_of(
    st.sampled_from(
        ["files", "https://ann:hunter2@db/", "Bearer abcdefghijklmnop", "password=hunter2", "sk-proj-abcdefghijklmnopqrstuvwx",
         "", "authorization", "mysqldump --password hunter2", '{"api_key": "abc"}']
    ),
    st.text(max_size=80),
)  # fmt: skip
attribute_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=5,
)


@settings(max_examples=60)
@given(st.lists(st.dictionaries(names, attribute_values, max_size=4), min_size=1, max_size=4))
def test_it_answers_as_the_redactor_does(given: list[dict[str, Any]]) -> None:
    clean = CleanAttributes(redact)
    for attributes in given:
        assert clean(attributes) == redact(attributes)
        assert clean(attributes) == redact(attributes)  # and so it does when it remembers


def test_names_of_the_users_own_are_hidden_too() -> None:
    clean = CleanAttributes(Redactor(names=["^iban$"], values=["s3cr3t"]))
    for _ in range(2):
        assert clean({"iban": "DE00", "note": "a s3cr3t"}) == {"iban": MARK, "note": f"a {MARK}"}


def test_texts_without_end_take_no_memory_without_end() -> None:
    clean = CleanAttributes(redact)
    for at in range(10_000):
        clean({"call_id": f"call_{at}"})
    assert len(clean._texts) <= 4096


def test_the_attributes_themselves_are_not_changed() -> None:
    attributes = {"api_key": "abc", "url": "https://ann:hunter2@db/"}
    CleanAttributes(redact)(attributes)
    assert attributes == {"api_key": "abc", "url": "https://ann:hunter2@db/"}

"""Runaway labels are folded into ``other``, told, and nothing of what they count is lost."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.observability.aggregate import Key
from victor.observability.cardinality import OTHER, Folding

label = st.text("abcdef", max_size=2)
keys = st.lists(st.tuples(label, label, label, label, label, label), max_size=60)


@settings(max_examples=50)
@given(keys, st.integers(1, 5), st.integers(1, 20))
def test_there_are_never_more_keys_than_allowed(
    given: list[tuple[str, str, str, str, str, str]], names: int, most: int
) -> None:
    folding = Folding(names, most)
    found = {folding(key) for key in given}
    assert len({key for key in found if OTHER not in key}) <= most
    assert len(found) <= most + names + 1 + 32  # folded ones of each kind, with and without each label
    assert all(len({key.agent for key in found}) <= names + 2 for key in found)


@settings(max_examples=50)
@given(keys)
def test_a_key_is_always_counted_under_the_same_one(given: list[tuple[str, str, str, str, str, str]]) -> None:
    folding = Folding(2, 5)
    first = [folding(key) for key in given]
    assert [folding(key) for key in given] == first


def test_names_are_counted_for_each_kind() -> None:
    folding = Folding(2)
    kept = [folding(Key(kind, name)) for kind in ("tool.call", "workflow.node") for name in ("a", "b")]
    assert [key.name for key in kept] == ["a", "b", "a", "b"]
    assert folding.folded == {}


def test_the_first_fold_of_a_label_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    folding = Folding(3)
    with caplog.at_level(logging.WARNING, "victor.observability"):
        for at in range(50):
            folding(Key("tool.call", f"report-{at}"))
    assert len(caplog.records) == 1
    assert "name of tool.call" in caplog.text
    assert folding.folded == {"name of tool.call": 47}


def test_a_folded_model_is_folded_as_name_and_as_model() -> None:
    folding = Folding(1)
    folding(Key("model.request", "m1", "a", "m1", "p"))
    assert folding(Key("model.request", "m2", "a", "m2", "p")) == ("model.request", OTHER, "a", OTHER, "p", "")


def test_names_that_never_come_again_take_no_memory_without_end() -> None:
    folding = Folding(10)
    for at in range(25_000):
        folding(Key("tool.call", str(at)))
    assert len(folding._known) <= 20_000

"""Answers become plain data of bounded size, whatever they were."""

from __future__ import annotations

import dataclasses
import enum
from fractions import Fraction
from typing import Any

import attrs
import msgspec
import pytest

from victor.teams.negotiation import NegotiationError
from victor.teams.negotiation.plain_data import exact_number, shorten, to_plain


class Color(enum.Enum):
    RED = "red"


@attrs.define
class Attrs:
    a: int
    _private: int = 0


@dataclasses.dataclass
class Data:
    a: Any


class Struct(msgspec.Struct):
    a: int


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Attrs(1), {"a": 1}),
        (Data(Data([Fraction(1, 2), Fraction(4, 2)])), {"a": {"a": ["1/2", 2]}}),
        (Struct(3), {"a": 3}),
        (Color.RED, "red"),
        ({"b", "a"}, ["a", "b"]),
        ((None, True, 1.5), [None, True, 1.5]),
        ("a\ud800", "a?"),
    ],
)
def test_what_becomes_of_objects(value: Any, plain: Any) -> None:
    assert to_plain(value) == plain


@pytest.mark.parametrize("value", [Attrs, Data, object(), lambda: 1, b"bytes", (one for one in "ab"), float("inf")])
def test_what_is_no_data(value: Any) -> None:
    with pytest.raises(NegotiationError):
        to_plain(value)


@pytest.mark.parametrize("value", ["much", None, True, float("nan"), float("inf"), "1/0", [1], 10**301, "1e9"])
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(NegotiationError):
        exact_number(value)


def test_long_texts_are_cut_without_being_read_whole() -> None:
    assert shorten("word " * 1_000_000, 20) == "word word word wo..."
    assert shorten(["a"], 20) == '["a"]'

"""The sketch: percentiles within 1 % of exact ones, merges that lose nothing, and its form in bytes."""

from __future__ import annotations

import math
import random

import msgspec
import numpy as np
import pytest
from ddsketch import DDSketch
from hypothesis import given
from hypothesis import strategies as st

from victor.observability.sketch import RELATIVE_ERROR, Sketch

LARGEST = 2**63 - 1
values = st.lists(st.one_of(st.integers(0, 10_000), st.integers(0, LARGEST)), min_size=1, max_size=200)
quantile = st.floats(0, 1)


def exact(given: list[int], q: float) -> int:
    return sorted(given)[max(math.ceil(q * len(given) - 1e-9) - 1, 0)]


def close(found: float | None, wanted: float) -> bool:
    assert found is not None
    return abs(found - wanted) <= RELATIVE_ERROR * wanted * (1 + 1e-9) + 1e-9


@given(values, quantile)
def test_every_quantile_is_within_one_percent_of_the_exact_one(given: list[int], q: float) -> None:
    assert close(Sketch(given).quantile(q), exact(given, q))


@given(values)
def test_count_sum_smallest_and_largest_are_exact(given: list[int]) -> None:
    sketch = Sketch(given)
    assert (sketch.count, sketch.sum, sketch.low, sketch.high) == (len(given), sum(given), min(given), max(given))
    assert sketch.quantile(0) == float(min(given)) or close(sketch.quantile(0), min(given))
    assert sketch.quantile(1) == float(max(given))


@pytest.mark.slow
@given(values, values, values)
def test_merges_are_as_good_as_adding_and_in_any_order(a: list[int], b: list[int], c: list[int]) -> None:
    left = Sketch(a)
    left.merge(Sketch(b))
    left.merge(Sketch(c))
    right = Sketch(c)
    tail = Sketch(b)
    tail.merge(Sketch(a))
    right.merge(tail)
    assert left == right == Sketch(a + b + c)


@given(values)
def test_merging_leaves_the_other_one_alone(given: list[int]) -> None:
    other, into = Sketch(given), Sketch()
    into.merge(other)
    into.add(5)
    assert other == Sketch(given)
    assert other.copy() == other


@given(st.lists(st.integers(0, LARGEST), max_size=100))
def test_bytes_give_back_the_same_sketch(given: list[int]) -> None:
    sketch = Sketch(given)
    data = sketch.to_bytes()
    assert Sketch.from_bytes(data) == sketch
    assert Sketch.from_bytes(data).to_bytes() == data


@given(values, values)
def test_bytes_merge_as_sketches_do(a: list[int], b: list[int]) -> None:
    sketch = Sketch(a)
    sketch.merge_bytes(Sketch(b).to_bytes())
    assert sketch == Sketch(a + b)


@pytest.mark.parametrize("shape", ["lognormal", "uniform", "pareto", "bimodal"])
def test_it_agrees_with_numpy_and_ddsketch(shape: str) -> None:
    draw = random.Random(7)
    made = {
        "lognormal": lambda: draw.lognormvariate(14, 1.5),
        "uniform": lambda: draw.uniform(1, 1e9),
        "pareto": lambda: 1e6 * draw.paretovariate(1.1),
        "bimodal": lambda: draw.gauss(1e6, 1e4) if draw.random() < 0.9 else draw.gauss(5e9, 1e8),
    }[shape]
    given = [int(abs(made())) for _ in range(20_000)]
    sketch, peer = Sketch(given), DDSketch(RELATIVE_ERROR)  # type: ignore[no-untyped-call]
    for value in given:
        peer.add(value)
    for q in (0.01, 0.5, 0.9, 0.95, 0.99, 0.999):
        assert close(sketch.quantile(q), float(np.quantile(given, q, method="inverted_cdf")))
        true = float(np.quantile(given, q, method="lower"))
        theirs = peer.get_quantile_value(q)
        assert theirs is not None
        assert abs(theirs - true) <= 0.011 * true


def test_a_sketch_of_an_hour_has_the_error_bound_of_its_minutes() -> None:
    draw = random.Random(3)
    minutes = [[int(draw.lognormvariate(12 + minute / 20, 1)) for _ in range(200)] for minute in range(60)]
    hour = Sketch()
    for minute in minutes:
        hour.merge_bytes(Sketch(minute).to_bytes())
    whole = [value for minute in minutes for value in minute]
    for q in (0.5, 0.95, 0.99):
        assert close(hour.quantile(q), exact(whole, q))


def test_an_empty_sketch_has_no_percentiles() -> None:
    assert Sketch().quantile(0.5) is None
    assert Sketch().quantiles([0.5, 0.9]) == [None, None]
    assert Sketch.from_bytes(Sketch().to_bytes()) == Sketch()


def test_zeros_and_what_is_below_count_as_zero() -> None:
    sketch = Sketch([0, -5, 0, 100])
    assert (sketch.zeros, sketch.count, sketch.low, sketch.high) == (3, 4, 0, 100)
    assert sketch.quantile(0.5) == 0.0


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan])
def test_a_quantile_is_from_zero_to_one(q: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Sketch([1]).quantile(q)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no sketch"),
        (b"\xff\x00", "no sketch"),
        (msgspec.msgpack.encode([2, 0, 0, 0, 0, 0, [], []]), "version 2"),
        (msgspec.msgpack.encode([1, 0, 0, 0, 0, 0, [1], []]), "broken"),
    ],
)
def test_bytes_that_are_no_sketch_are_an_error_that_changes_nothing(data: bytes, message: str) -> None:
    sketch = Sketch([1, 2])
    with pytest.raises(ValueError, match=message):
        sketch.merge_bytes(data)
    assert sketch == Sketch([1, 2])


@given(values, st.lists(st.integers(0, LARGEST), min_size=1, max_size=10))
def test_cumulative_counts_never_decrease_and_end_with_all(given: list[int], bounds: list[int]) -> None:
    counts = Sketch(given).counts_up_to([*sorted(bounds), 2**64])
    assert counts == sorted(counts)
    assert counts[-1] == len(given)


@given(values, st.integers(1, LARGEST))
def test_cumulative_counts_are_right_but_for_values_close_to_the_bound(given: list[int], bound: int) -> None:
    (counted,) = Sketch(given).counts_up_to([bound])
    surely = sum(value <= bound * 0.98 for value in given)
    at_most = sum(value <= bound * 1.02 for value in given)
    assert surely <= counted <= at_most


def test_the_form_in_bytes_is_the_documented_one_and_small() -> None:
    data = Sketch([0, 1, 1, 10**9]).to_bytes()
    assert msgspec.msgpack.decode(data) == [1, 1, 0, 10**9 + 2, 0, 10**9, [0, 1037], [2, 1]]
    assert len(data) < 30


def test_sketches_compare_and_show_what_they_hold() -> None:
    assert Sketch([1]) != Sketch([2])
    assert Sketch([1]) != "a sketch"
    assert repr(Sketch([3])) == "Sketch(count=1, sum=3, low=3, high=3)"

"""Sketches as arrays: the same figures as by merging them one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.observability.aggregate import Aggregate
from victor.observability.sketch import Sketch
from victor.observability.store.rows import figure_row
from victor.observability.store.summing import Summing, pack

values = st.lists(st.one_of(st.integers(0, 3000), st.integers(0, (1 << 63) - 1)), max_size=80)


@given(st.lists(st.tuples(values, st.integers(1, 1 << 40)), max_size=6))
def test_rows_add_up_as_sketches_merge(parts: list[tuple[list[int], int]]) -> None:
    summing, wanted = Summing(), Sketch()
    for some, times in parts:
        sketch = Sketch(some)
        for index in sketch.buckets:  # as many values as a busy day has
            sketch.buckets[index] *= times
        sketch.count = sketch.zeros + sum(sketch.buckets.values())
        wanted.merge(sketch)
        summing.add(figure_row(Aggregate(sketch.count, durations=sketch)))
    total = summing.total()
    assert total.durations == wanted
    assert total.count == wanted.count
    assert summing.total().durations == wanted


def test_the_form_is_chosen_by_size() -> None:
    close = Sketch(range(1000, 3000))
    assert pack(close)[0] == 0xD1
    assert len(pack(close)) <= 2 * len(close.to_bytes())
    far = Sketch(1 << at for at in range(40))
    assert pack(far) == far.to_bytes()
    assert pack(Sketch([5])) == Sketch([5]).to_bytes()
    assert pack(Sketch()) == b""


@pytest.mark.parametrize(
    "damage",
    [b"\xd1", b"\xd1" * 44, b"\xd1\x03" + b"\0" * 90, b"\xd1\x02" + b"\0" * 43, b"nonsense"],
    ids=["short", "no places", "odd width", "half a place", "not one"],
)
def test_damaged_ones_are_refused(damage: bytes) -> None:
    row = (*figure_row(Aggregate(1))[:-1], damage)
    with pytest.raises(ValueError, match="sketch"):
        Summing().add(row)

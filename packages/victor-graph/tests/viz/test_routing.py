"""Tracks of a channel: lines cross at right angles and do nothing else, whatever order their ends are in."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from victor.graph.viz.layout.routing import Wire, route_channel


@st.composite
def channels(draw: st.DrawFn) -> list[Wire]:
    """Wires in a narrow channel, so that many ends stand above each other; some share an end."""
    count = draw(st.integers(1, 9))
    places = st.lists(st.integers(0, 14), min_size=count, max_size=count, unique=True)
    wires = [Wire(t, b, n, 100 + n) for n, (t, b) in enumerate(zip(draw(places), draw(places), strict=True))]
    for wire in wires[1:]:
        if draw(st.integers(0, 3)) == 0:
            wire.bottom, wire.bottom_port = wires[0].bottom, wires[0].bottom_port
    return wires


def pieces(wire: Wire, tracks: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    points = [(wire.top, -1)]
    for track, place in wire.bends:
        points += [(points[-1][0], track), (place, track)]
    return list(pairwise([*points, (points[-1][0], tracks)]))


def lie_on_each_other(one: Any, other: Any) -> bool:
    """Whether two pieces in the same direction have a point in common."""
    (ax, ay), (bx, by) = one
    (cx, cy), (dx, dy) = other
    if (ax == bx) != (cx == dx):
        return False
    if ax == bx:
        return ax == cx and max(min(ay, by), min(cy, dy)) <= min(max(ay, by), max(cy, dy))
    return ay == cy and max(min(ax, bx), min(cx, dx)) <= min(max(ax, bx), max(cx, dx))


@pytest.mark.slow
@given(wires=channels(), used=st.sets(st.integers(20, 24)), apart=st.integers(1, 3))
@settings(deadline=None, max_examples=250)
def test_lines_never_lie_on_each_other(wires: list[Wire], used: set[int], apart: int) -> None:
    tracks = route_channel(wires, used, apart)
    for wire in wires:
        ends = pieces(wire, tracks)
        assert ends[-1][1][0] == wire.bottom
        assert all(0 <= track < tracks for track, _ in wire.bends)
        assert not used & {place for _, place in wire.bends}
    for one, other in combinations(wires, 2):
        if one.bottom_port != other.bottom_port:
            for first in pieces(one, tracks):
                for second in pieces(other, tracks):
                    assert not lie_on_each_other(first, second), (one, other)


def test_two_lines_that_change_places_take_a_dogleg() -> None:
    wires = [Wire(2, 8, 1, 2), Wire(8, 2, 3, 4)]
    assert route_channel(wires, (), 1) == 5
    assert sorted(len(wire.bends) for wire in wires) == [1, 2]


def test_the_dogleg_keeps_clear_of_what_else_runs_through_the_channel() -> None:
    wires = [Wire(2, 8, 1, 2), Wire(8, 2, 3, 4)]
    route_channel(wires, range(3, 8), 1)
    (detour,) = (wire.bends[0][1] for wire in wires if len(wire.bends) == 2)
    assert detour in (1, 9)


def test_lines_to_one_end_share_a_track_on_each_side() -> None:
    wires = [Wire(place, 10, place, 99) for place in (0, 4, 8, 12, 16)]
    assert route_channel(wires, (), 1) == 2
    assert {wire.bends[0][0] for wire in wires if wire.top < 10} != {
        wire.bends[0][0] for wire in wires if wire.top > 10
    }


@pytest.mark.parametrize("step", [1, -1])
def test_parallel_lines_do_not_cross(step: int) -> None:
    wires = [Wire(place, place + 20 * step, place, 100 + place) for place in range(40, 50, 2)]
    tracks = route_channel(wires, (), 1)
    assert tracks == len(wires)
    for one, other in combinations(wires, 2):
        for (ax, ay), (bx, by) in pieces(one, tracks):
            for (cx, cy), (dx, dy) in pieces(other, tracks):
                if ax == bx and cy == dy:
                    assert not (min(cx, dx) < ax < max(cx, dx) and min(ay, by) < cy < max(ay, by))


def test_straight_lines_need_no_track() -> None:
    wires = [Wire(3, 3, 1, 2), Wire(7, 7, 3, 4)]
    assert route_channel(wires, (), 1) == 0
    assert not wires[0].bends

"""Pictures in reports."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from victor.observability.report.plots import bars, lines, ticks

SVG = "{http://www.w3.org/2000/svg}"


@given(st.floats(1e-9, 1e12))
def test_ticks_are_few_and_reach_the_greatest(most: float) -> None:
    found = ticks(most)
    assert found[0] == 0
    assert found[-1] >= most * 0.999
    assert 2 <= len(found) <= 7


@pytest.mark.parametrize("most", [0.0, float("nan"), float("inf"), -1.0])
def test_of_nothing_there_are_ticks_too(most: float) -> None:
    assert ticks(most) == [0.0, 1.0]


def test_a_gap_breaks_the_line_and_a_lone_value_is_a_dot() -> None:
    times = [0, 60, 120, 180, 240]
    picture = ElementTree.fromstring(lines("runs", times, [("all", [1.0, 2.0, None, 3.0, None])], str))
    assert [len(line.attrib["points"].split()) for line in picture.iter(SVG + "polyline")] == [2]
    assert len(list(picture.iter(SVG + "circle"))) == 1


def test_lines_stay_in_the_picture() -> None:
    picture = ElementTree.fromstring(lines("runs", [0, 1, 2], [("a", [0.0, 5.0, 9.9])], str))
    (line,) = picture.iter(SVG + "polyline")
    for point in line.attrib["points"].split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= 720
        assert 0 <= y <= 200


def test_texts_are_escaped() -> None:
    picture = bars("<b>", [("<script>\x00&", 1.0, "1 < 2")])
    texts = [element.text for element in ElementTree.fromstring(picture).iter(SVG + "text")]
    assert texts == ["<script>\ufffd&", "1 < 2"]


def test_bars_are_as_long_as_their_values() -> None:
    picture = ElementTree.fromstring(bars("cost", [("a", 4.0, ""), ("b", 1.0, ""), ("c", 0.0, "")]))
    widths = [float(bar.attrib["width"]) for bar in picture.iter(SVG + "rect")]
    assert widths[0] == pytest.approx(4 * widths[1], rel=0.01)
    assert widths[2] == 0


def test_nothing_known_is_no_picture() -> None:
    assert lines("x", [], [], str) == ""
    assert lines("x", [1], [("a", [None])], str) == ""
    assert bars("x", []) == ""

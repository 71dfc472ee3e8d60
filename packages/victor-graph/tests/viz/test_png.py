"""PNG images: drawn by the real resvg, the size that was asked for, with text, or a clear error."""

from __future__ import annotations

import struct
import sys
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from victor.core.errors import ConfigurationError
from victor.core.topology import Edge, Node, Topology
from victor.graph.viz import png
from victor.graph.viz.layout import lay_out

STEPS = Topology([Node("a", "First"), Node("b", "Second")], [Edge("a", "b", "then")])


def size(image: bytes) -> tuple[int, int]:
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    wide, high = struct.unpack(">II", image[16:24])
    return wide, high


@pytest.fixture
def resvg() -> Any:
    return pytest.importorskip("resvg_py", reason="resvg-py is not installed: pip install 'victor-graph[png]'")


def test_it_is_twice_the_size_of_the_svg(resvg: Any) -> None:
    geometry = lay_out(STEPS)
    assert size(png.render(STEPS)) == (2 * geometry.width, 2 * geometry.height)


def test_a_width_is_kept(resvg: Any) -> None:
    geometry = lay_out(STEPS)
    assert size(png.render(STEPS, width=500)) == (500, round(geometry.height * 500 / geometry.width))


def test_themes_differ_and_auto_is_light(resvg: Any) -> None:
    light = png.render(STEPS, theme="light")
    assert png.render(STEPS, theme="dark") != light
    assert size(png.render(STEPS, theme="auto")) == size(light)


def test_titles_are_drawn(resvg: Any) -> None:
    assert png.render(STEPS) != png.render(Topology([Node("a", "Firsl"), Node("b", "Second")], STEPS.edges))


@pytest.mark.slow
def test_what_would_be_too_large_is_made_smaller_or_refused(resvg: Any) -> None:
    wide = Topology([Node("a"), *(Node(f"n{n}") for n in range(200))], [Edge("a", f"n{n}") for n in range(200)])
    geometry = lay_out(wide)
    assert geometry.width > png.MAX_SIDE / 2
    assert size(png.render(wide))[0] == png.MAX_SIDE
    with pytest.raises(ConfigurationError, match=f"largest possible width of this picture is {png.MAX_SIDE}"):
        png.render(wide, width=50_000)


def test_without_resvg_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'victor-graph\[png\]'"):
        png.render(STEPS)


def test_without_fonts_the_error_says_so_instead_of_leaving_text_out(
    monkeypatch: pytest.MonkeyPatch, resvg: Any
) -> None:
    bare = ModuleType("resvg_py")
    bare.svg_to_bytes = partial(resvg.svg_to_bytes, skip_system_fonts=True)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "resvg_py", bare)
    png._check_fonts.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match="no font"):
            png.render(STEPS)
    finally:
        png._check_fonts.cache_clear()

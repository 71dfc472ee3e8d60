"""Pictures as PNG: the SVG, drawn by resvg."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from victor.core.errors import ConfigurationError
from victor.core.topology import Topology
from victor.graph.viz.geometry import Direction
from victor.graph.viz.highlights import Highlights
from victor.graph.viz.layout import lay_out
from victor.graph.viz.palette import theme_of
from victor.graph.viz.svg import draw

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["render"]

MAX_SIDE = 16_000
"""Longest side of a picture in pixels; larger ones are scaled down, because few programs open them."""


def render(
    topology: Topology,
    *,
    highlights: Highlights | None = None,
    theme: str = "auto",
    width: int | None = None,
    direction: Direction = "TB",
) -> bytes:
    """Draw a topology as a PNG image, the same picture as the SVG.

    Args:
        topology: What to draw.
        highlights: What a run did.
        theme: ``"dark"``, or ``"light"`` and ``"auto"``, which are the same here: an image cannot follow its reader.
        width: Pixels across; twice the picture's own size where None, for sharp screens.
        direction: ``"TB"`` or ``"LR"``.

    Raises:
        ConfigurationError: resvg-py is not installed, or the system has no font to write with.
    """
    resvg = _resvg()
    variant = "dark" if theme_of(theme) == "dark" else "light"
    geometry = lay_out(topology, direction=direction, highlights=highlights)
    scale = 2.0 if width is None else width / geometry.width
    longest = max(geometry.width, geometry.height)
    scale = min(scale, MAX_SIDE / longest)
    _check_fonts(resvg)
    picture = draw(topology, geometry, highlights, variant, max(1, round(geometry.width * scale)))
    return bytes(resvg.svg_to_bytes(svg_string=picture))


def _resvg() -> ModuleType:
    try:
        import resvg_py
    except ImportError as error:
        raise ConfigurationError(
            "PNG pictures need resvg-py, which is not installed: pip install 'victor-graph[png]' (SVG needs nothing)"
        ) from error
    return resvg_py


@cache
def _check_fonts(resvg: ModuleType) -> None:
    """Without any font resvg leaves all text out and says nothing; we say it."""
    probe = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20"><text x="2" y="15" font-family="{}">{}</text></svg>'
    fonts = "Inter,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation Sans','Noto Sans','DejaVu Sans',sans-serif"
    if resvg.svg_to_bytes(svg_string=probe.format(fonts, "M")) == resvg.svg_to_bytes(
        svg_string=probe.format(fonts, "")
    ):
        raise ConfigurationError(
            "no font to write PNG pictures with was found on this system: install one, such as DejaVu Sans "
            "(apt-get install fonts-dejavu-core), or use SVG"
        )

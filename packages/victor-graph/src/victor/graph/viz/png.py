"""Pictures as PNG: the SVG, drawn by resvg."""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import TYPE_CHECKING

from victor.core.errors import ConfigurationError
from victor.core.highlights import Highlights
from victor.core.topology import Topology
from victor.graph.viz.arguments import check_arguments
from victor.graph.viz.geometry import Direction
from victor.graph.viz.layout import lay_out
from victor.graph.viz.svg import draw
from victor.graph.viz.svg_style import FONT

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["MAX_PIXELS", "MAX_SIDE", "render"]

MAX_SIDE = 16_384
"""Longest side of an image in pixels; few programs open larger ones."""

MAX_PIXELS = 64_000_000
"""Largest image; it takes four bytes of memory a pixel while it is drawn."""


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
        width: Pixels across; where None twice the picture's own size, for sharp screens, or what `MAX_SIDE` and
            `MAX_PIXELS` allow.
        direction: ``"TB"`` or ``"LR"``.

    Raises:
        ConfigurationError: resvg-py is not installed, the system has no font to write with, or the image would be too
            large.
    """
    variant, way = check_arguments(topology, theme, width, direction)
    resvg = _resvg()
    geometry = lay_out(topology, direction=way, highlights=highlights)
    wide, high = geometry.width, geometry.height
    limit = min(MAX_SIDE / max(wide, high), sqrt(MAX_PIXELS / (wide * high)))
    scale = min(2.0, limit) if width is None else width / wide
    if scale > limit:
        raise ConfigurationError(
            f"the image would be {width} by {round(high * scale)} pixels, more than can be drawn; "
            f"the largest possible width of this picture is {int(wide * limit)}"
        )
    _check_fonts(resvg)
    picture = draw(topology, geometry, highlights, "dark" if variant == "dark" else "light", max(1, int(wide * scale)))
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

    def probe(text: str) -> bytes:
        return bytes(
            resvg.svg_to_bytes(
                svg_string='<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">'
                f'<text x="2" y="15" font-family="{FONT}">{text}</text></svg>'
            )
        )

    if probe("M") == probe(""):
        raise ConfigurationError(
            "no font to write PNG pictures with was found on this system: install one, such as DejaVu Sans "
            "(apt-get install fonts-dejavu-core), or use SVG"
        )

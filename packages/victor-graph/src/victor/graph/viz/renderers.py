"""The renderers this package brings, by name, as import strings: nothing is imported before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the plugin reads this module whenever `victor` starts
    from victor.core.highlights import Highlights
    from victor.core.topology import Topology
    from victor.graph.viz.geometry import Direction

__all__ = ["RENDERERS", "Renderer"]


class Renderer(Protocol):
    """How every renderer is called."""

    def __call__(
        self,
        topology: Topology,
        *,
        highlights: Highlights | None = None,
        theme: str = "auto",
        width: int | None = None,
        direction: Direction = "TB",
    ) -> str | bytes:
        """The picture: text, or the bytes of an image."""


RENDERERS: Mapping[str, str] = {
    "mermaid": "victor.graph.viz.mermaid:render",
    "dot": "victor.graph.viz.dot:render",
    "ascii": "victor.graph.viz.ascii:render",
    "unicode": "victor.graph.viz.ascii:render_unicode",
    "svg": "victor.graph.viz.svg:render",
    "png": "victor.graph.viz.png:render",
    "json": "victor.graph.viz.json_document:render",
}
"""Name to import string, for ``victor_register_visualizers``."""

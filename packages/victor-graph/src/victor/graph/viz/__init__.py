"""Pictures of workflows and of any other topology: Mermaid, DOT, characters, SVG, PNG, JSON.

All is drawn on this machine; nothing is sent or fetched.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.core.highlights import Highlights
    from victor.graph.viz.geometry import Box, Direction, Frame, Geometry, Route, TextBox
    from victor.graph.viz.layout import lay_out
    from victor.graph.viz.renderers import RENDERERS, Renderer
    from victor.graph.viz.visualizer import StateGraphVisualizer

__all__ = [
    "RENDERERS",
    "Box",
    "Direction",
    "Frame",
    "Geometry",
    "Highlights",
    "Renderer",
    "Route",
    "StateGraphVisualizer",
    "TextBox",
    "lay_out",
]

_HOMES = {
    "RENDERERS": "renderers",
    "Box": "geometry",
    "Direction": "geometry",
    "Frame": "geometry",
    "Geometry": "geometry",
    "Highlights": "victor.core.highlights",
    "Renderer": "renderers",
    "Route": "geometry",
    "StateGraphVisualizer": "visualizer",
    "TextBox": "geometry",
    "lay_out": "layout",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    value = getattr(import_module(home if "." in home else f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

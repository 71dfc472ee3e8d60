"""The arguments every renderer takes, checked in one place."""

from __future__ import annotations

from typing import get_args

from victor.core.errors import ConfigurationError
from victor.core.topology import EdgeStyle, NodeKind, Topology
from victor.graph.viz.geometry import Direction
from victor.graph.viz.palette import Theme

__all__ = ["check_arguments"]


def check_arguments(topology: Topology, theme: str, width: int | None, direction: str) -> tuple[Theme, Direction]:
    """The theme and the direction, when these, the width and what the topology holds are such as renderers know.

    Raises:
        ConfigurationError: One is not; the text says which there are.

    Example:
        >>> check_arguments(Topology([]), "dark", None, "BT")
        Traceback (most recent call last):
        ...
        victor.core.errors.ConfigurationError: no direction 'BT'; there are: TB, LR
    """
    _known("theme", theme, get_args(Theme))
    _known("direction", direction, get_args(Direction))
    if width is not None and width < 1:
        raise ConfigurationError(f"a picture cannot be {width} wide; leave width out for its natural size")
    kinds, styles = get_args(NodeKind), get_args(EdgeStyle)
    for node in topology.nodes:
        if node.kind not in kinds:
            _known(f"node {node.id!r}: kind", node.kind, kinds)
    for edge in topology.edges:
        if edge.style not in styles:
            _known(f"edge {edge.source!r} -> {edge.target!r}: style", edge.style, styles)
    return theme, direction  # type: ignore[return-value]


def _known(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        subject, _, name = what.rpartition(": ")
        raise ConfigurationError(
            f"{subject + ': ' if subject else ''}no {name} {value!r}; there are: {', '.join(known)}"
        )

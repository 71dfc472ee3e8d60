"""The arguments every renderer takes, checked in one place."""

from __future__ import annotations

from typing import get_args

from victor.core.errors import ConfigurationError
from victor.graph.viz.geometry import Direction
from victor.graph.viz.palette import Theme

__all__ = ["check_arguments"]


def check_arguments(theme: str, width: int | None, direction: str) -> tuple[Theme, Direction]:
    """The theme and the direction, when these and the width are such as renderers know.

    Raises:
        ConfigurationError: One is not; the text says which there are.

    Example:
        >>> check_arguments("dark", None, "BT")
        Traceback (most recent call last):
        ...
        victor.core.errors.ConfigurationError: no direction 'BT'; there are: TB, LR
    """
    if theme not in get_args(Theme):
        raise ConfigurationError(f"no theme {theme!r}; there are: {', '.join(get_args(Theme))}")
    if direction not in get_args(Direction):
        raise ConfigurationError(f"no direction {direction!r}; there are: {', '.join(get_args(Direction))}")
    if width is not None and width < 1:
        raise ConfigurationError(f"a picture cannot be {width} wide; leave width out for its natural size")
    return theme, direction  # type: ignore[return-value]

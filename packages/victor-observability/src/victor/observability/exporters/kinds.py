"""Which kinds of events an exporter writes."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from victor.core.errors import ConfigurationError

__all__ = ["kinds_of", "wanted"]


def kinds_of(kinds: Iterable[str] | None, exporter: str) -> tuple[str, ...] | None:
    """Patterns of kinds, as settings have them.

    Raises:
        ConfigurationError: It is one text.
    """
    if isinstance(kinds, str):
        raise ConfigurationError(f"[metrics.{exporter}] kinds must be a list, such as [{kinds!r}]")
    return None if kinds is None else tuple(kinds)


def wanted(kinds: tuple[str, ...] | None, kind: str) -> bool:
    """Whether a kind is one of those asked for."""
    return kinds is None or any(fnmatchcase(kind, pattern) for pattern in kinds)

"""Checks of settings that patterns share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from victor.core.errors import ConfigurationError

__all__ = ["names_a_member", "positive"]


def positive(what: str, value: Any) -> None:
    """Check that a setting is a whole number above zero.

    Raises:
        ConfigurationError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{what} must be a whole number above zero, not {value!r}")


def names_a_member(what: str, name: str, members: Mapping[str, Any], *, needed: bool = True) -> list[str]:
    """What is wrong with a setting that names a member."""
    if name in members or (not name and not needed):
        return []
    if not name:
        return [f"{what} must name a member: {', '.join(members)}"]
    from victor.core.catalog import near_matches

    near = near_matches(name, members)
    return [
        f"{what} names no member: {name!r}"
        + (f"; did you mean {near[0]!r}?" if near else f"; members: {', '.join(members)}")
    ]

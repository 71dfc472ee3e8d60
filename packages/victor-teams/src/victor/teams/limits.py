"""What a team's run may use at most. Every limit is on unless it is set to None."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

from msgspec import Struct

from victor.core.errors import ConfigurationError

__all__ = ["TeamLimits", "least"]


class TeamLimits(Struct, frozen=True):
    """Limits of one run of a team, its subteams included. A run that meets one ends with that `StopReason`.

    What is left is passed down: a member gets no more tokens, money or time than its team has, and members that work
    side by side share it.

    Args:
        turns: Turns of members.
        tokens: Input and output tokens of all turns; estimated where a provider does not say.
        cost_usd: US dollars of all turns; kept only where prices are known.
        timeout_s: Seconds of the whole run. Waiting for a person does not count.
        turn_timeout_s: Seconds of one turn; then the member has failed.
        repeats: How often a member may go through the same answers before the run ends as a loop.
        parallel: Members that work side by side.
        turn_chars: Characters of one answer; the rest is cut, and that is said.

    Raises:
        ConfigurationError: A limit is not a positive number, or not a whole one where things are counted.

    Example:
        >>> TeamLimits(turns=10).tokens
        1000000
    """

    turns: int | None = 200
    tokens: int | None = 1_000_000
    cost_usd: float | None = 5.0
    timeout_s: float | None = 1800.0
    turn_timeout_s: float | None = 300.0
    repeats: int | None = 3
    parallel: int = 16
    turn_chars: int | None = 100_000

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value: object = getattr(self, name)
            if value is None and name != "parallel":
                continue
            least = 2 if name == "repeats" else 0
            if not _is_number(value, whole=name not in _MEASURED) or value < least or value == 0:
                what = "a positive number" if name in _MEASURED else "a positive whole number"
                wanted = f"a whole number of at least {least}" if least else what
                none = "" if name == "parallel" else ", or None for no limit"
                raise ConfigurationError(f"TeamLimits.{name} must be {wanted}{none}, not {value!r}")


_MEASURED = {"cost_usd", "timeout_s", "turn_timeout_s"}


def _is_number(value: Any, *, whole: bool) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        return False
    return math.isfinite(value)


def least(one: Any, other: Any) -> Any:
    """The smaller of two limits, of which None is none.

    Example:
        >>> least(None, 3), least(2, 3)
        (3, 2)
    """
    return other if one is None else one if other is None else min(one, other)

"""What happens when a member fails: it raised, did not answer in time, or gave no usable answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from victor.core.errors import ConfigurationError

__all__ = ["OnFailure", "read_policies"]

_ACTIONS = ("fail", "skip", "replace")


class OnFailure(Struct, frozen=True):
    """What to do when a member fails.

    Args:
        then: ``"fail"`` ends the run, ``"skip"`` goes on without it, ``"replace"`` asks ``stand_in``.
        retries: How often it is asked again before that.
        backoff_s: Seconds before the first retry, doubled with every other.
        stand_in: Name of the member that acts in its place.

    Raises:
        ConfigurationError: A value makes no sense.

    Example:
        >>> OnFailure("skip", retries=2).retries
        2
    """

    then: Literal["fail", "skip", "replace"] = "fail"
    retries: int = 0
    backoff_s: float = 0.5
    stand_in: str = ""

    def __post_init__(self) -> None:
        if self.then not in _ACTIONS:
            raise ConfigurationError(f"OnFailure.then is one of {', '.join(_ACTIONS)}, not {self.then!r}")
        retries: object = self.retries
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise ConfigurationError(f"OnFailure.retries must be a whole number of at least 0, not {retries!r}")
        wait: object = self.backoff_s
        if isinstance(wait, bool) or not isinstance(wait, (int, float)) or not 0 <= wait < math.inf:
            raise ConfigurationError(f"OnFailure.backoff_s must be seconds, at least 0, not {wait!r}")
        if (self.then == "replace") != bool(self.stand_in):
            raise ConfigurationError("OnFailure: 'replace' and a stand_in belong together")


def read_policies(given: Any, members: Mapping[str, Any]) -> dict[str, OnFailure]:
    """The policy of every member, from one for all, or a mapping of name to policy (``"*"`` for the others).

    Raises:
        ConfigurationError: A name is no member, or a policy makes no sense.
    """
    if isinstance(given, (str, OnFailure)) or given is None:
        one = _policy(given)
        policies = dict.fromkeys(members, one)
    elif isinstance(given, Mapping):
        unknown = [name for name in given if name != "*" and name not in members]
        if unknown:
            raise ConfigurationError(f"on_failure names no member: {', '.join(unknown)}; members: {', '.join(members)}")
        rest = _policy(given.get("*"))
        policies = {name: _policy(given[name]) if name in given else rest for name in members}
    else:
        raise ConfigurationError(f"on_failure takes 'fail', 'skip', an OnFailure, or a mapping, not {given!r}")
    for name, policy in policies.items():
        if policy.stand_in and (policy.stand_in not in members or policy.stand_in == name):
            raise ConfigurationError(
                f"on_failure: the stand-in of {name!r} must be another member: {policy.stand_in!r}"
            )
    return policies


def _policy(given: Any) -> OnFailure:
    if given is None:
        return OnFailure()
    return given if isinstance(given, OnFailure) else OnFailure(given)

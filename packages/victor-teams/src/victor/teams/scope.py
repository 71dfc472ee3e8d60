"""What a member sees of what the others said.

==================  ===================================================================
``"all"``           every turn
``"own"``           its own turns
``"none"``          nothing but what it is asked
``"last:3"``        the last three turns, whoever spoke
``"from:ann,bob"``  the turns of these members, and its own
a function          ``(member, turns) -> turns``
==================  ===================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from victor.core.errors import ConfigurationError
from victor.teams.result import Turn

__all__ = ["Sees", "check_scope", "read_scope"]

Sees = Callable[[str, Sequence[Turn]], Sequence[Turn]]
"""A function of a member's name and the turns so far that returns those it sees."""


def _all(member: str, turns: Sequence[Turn]) -> Sequence[Turn]:
    return turns


def _own(member: str, turns: Sequence[Turn]) -> Sequence[Turn]:
    return [turn for turn in turns if turn.member == member]


def _none(member: str, turns: Sequence[Turn]) -> Sequence[Turn]:
    return ()


_NAMED: dict[str, Sees] = {"all": _all, "own": _own, "none": _none}


def read_scope(scope: str | Sees) -> Sees:
    """The function that a scope's name stands for.

    Raises:
        ConfigurationError: It means nothing.

    Example:
        >>> turns = [Turn("0", "ann", "a"), Turn("1", "bob", "b"), Turn("2", "ann", "c")]
        >>> [turn.text for turn in read_scope("last:2")("bob", turns)]
        ['b', 'c']
    """
    if callable(scope):
        return scope
    if scope in _NAMED:
        return _NAMED[scope]
    kind, _, rest = str(scope).partition(":")
    if kind == "last" and rest.isdecimal() and int(rest) > 0:
        count = int(rest)
        return lambda member, turns: turns[-count:]
    names = _names(rest)
    if kind == "from" and names:
        return lambda member, turns: [turn for turn in turns if turn.member in names or turn.member == member]
    raise ConfigurationError(
        f"what a member sees is 'all', 'own', 'none', 'last:3', 'from:ann,bob' or a function, not {scope!r}"
    )


def check_scope(scope: Any, members: Iterable[str]) -> Sees:
    """The same as `read_scope`, for a team whose members are known.

    Raises:
        ConfigurationError: It means nothing, or names somebody who is no member.
    """
    found = read_scope(scope)
    if isinstance(scope, str) and scope.startswith("from:"):
        unknown = sorted(_names(scope.removeprefix("from:")) - {*members})
        if unknown:
            raise ConfigurationError(
                f"{scope!r} names no member: {', '.join(unknown)}; members: {', '.join(members)}"
            )  # fmt: skip
    return found


def _names(listed: str) -> set[str]:
    return {name.strip() for name in listed.split(",") if name.strip()}


def sees_everything(scope: Sees) -> bool:
    """True for the scope ``"all"``, whose view can grow with the run instead of being made anew."""
    return scope is _all


def sees_nothing(scope: Sees) -> bool:
    """True for the scope ``"none"``: not even the task is told again."""
    return scope is _none

"""Voting rules by name, and as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final

import attrs

from victor.core.catalog import load_target, near_matches
from victor.core.errors import UnknownNameError
from victor.teams.voting.errors import VotingError
from victor.teams.voting.rule import Rule

__all__ = ["RULES", "describe_rule", "make_rule"]

_HERE: Final = "victor.teams.voting."
RULES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "approval": _HERE + "approval:Approval",
        "borda": _HERE + "borda:Borda",
        "copeland": _HERE + "copeland:Copeland",
        "irv": _HERE + "irv:InstantRunoff",
        "majority": _HERE + "threshold:Majority",
        "plurality": _HERE + "plurality:Plurality",
        "ranked_pairs": _HERE + "ranked_pairs:RankedPairs",
        "schulze": _HERE + "schulze:Schulze",
        "score": _HERE + "score:Score",
        "star": _HERE + "star:Star",
        "stv": _HERE + "stv:SingleTransferableVote",
        "supermajority": _HERE + "threshold:Supermajority",
        "unanimous": _HERE + "threshold:Unanimous",
        "weighted": _HERE + "threshold:Weighted",
    }
)
"""The rules of this package. A plugin adds one as coordination protocol ``"voting.NAME"``."""


def make_rule(rule: Any, **settings: Any) -> Rule:
    """A voting rule.

    Args:
        rule: A name from `RULES`, a name a plugin has registered as coordination protocol ``"voting.NAME"``, an import
            string ``"package.module:Rule"``, plain data (``{"rule": "stv", "seats": 2}``), or a rule itself.
        settings: What the rule can be told, such as ``fraction="3/4"``.

    Raises:
        UnknownNameError: There is no rule of that name.
        VotingError: The rule does not take these settings.

    Example:
        >>> make_rule("supermajority", fraction="3/4")
        Supermajority(fraction=Fraction(3, 4), of='cast')
        >>> make_rule("schultze")
        Traceback (most recent call last):
        ...
        victor.core.errors.UnknownNameError: unknown voting rule 'schultze'; did you mean 'schulze'?
    """
    if isinstance(rule, Mapping):
        given = {**rule, **settings}
        name = given.pop("rule", None)
        if not isinstance(name, str):
            raise VotingError(
                f"a rule as data has its name under 'rule': {{'rule': 'stv', 'seats': 2}}, not {dict(rule)!r}"
            )
        return make_rule(name, **given)
    if isinstance(rule, str):
        factory = _found(rule)
        try:
            made = factory(**settings)
        except (TypeError, ValueError) as error:
            if isinstance(error, VotingError):
                raise
            # attrs puts the text first and its own objects after it.
            why = str(error.args[0] if error.args else error).replace("<class 'int'>", "a whole number")
            told = ", ".join(f"{name}={value!r}" for name, value in settings.items())
            raise VotingError(f"the rule {rule!r} cannot be made with {told}: {why}") from error
        if not isinstance(made, Rule):
            raise VotingError(f"{rule!r} is no voting rule: it made a {type(made).__name__}")
        return made
    if isinstance(rule, type) or not isinstance(rule, Rule):
        raise VotingError(f"a voting rule is a name such as 'schulze', plain data or an object, not {rule!r}")
    if settings:
        raise VotingError(f"settings go with the name of a rule; this one is made already: {rule!r}")
    return rule


def describe_rule(rule: Rule) -> dict[str, Any]:
    """A rule as plain data, which `make_rule` reads back: its name, and settings that are not the usual ones.

    Example:
        >>> describe_rule(make_rule("supermajority", of="electorate"))
        {'rule': 'supermajority', 'of': 'electorate'}
    """
    known = RULES.get(rule.name) == f"{type(rule).__module__}:{type(rule).__qualname__}"
    data: dict[str, Any] = {"rule": rule.name if known else f"{type(rule).__module__}:{type(rule).__qualname__}"}
    kind: type[Any] = type(rule)
    if attrs.has(kind):
        for one in attrs.fields(kind):
            value = getattr(rule, one.name)
            if one.init and value != one.default:
                data[one.name] = str(value) if isinstance(value, Fraction) else value
    return data


def _found(name: str) -> Any:
    target = RULES.get(name) or (name if ":" in name else None)
    if target is not None:
        return load_target(target, what=name)
    from victor.core.plugins import get_plugins

    catalog = get_plugins().coordination_protocols
    if f"voting.{name}" in catalog:
        return catalog.get(f"voting.{name}")
    names = [*RULES, *(entry[len("voting.") :] for entry in catalog.names if entry.startswith("voting."))]
    near = near_matches(name, names)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are: {', '.join(sorted(names))}"
    raise UnknownNameError(f"unknown voting rule {name!r}; {hint}", name=name, suggestions=near)

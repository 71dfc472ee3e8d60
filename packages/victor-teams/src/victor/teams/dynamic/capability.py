"""What agents can do, and what a task needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen

from victor.core.errors import ConfigurationError

__all__ = ["Candidate", "Requirement", "Task", "as_candidate"]


def _levels(given: Mapping[str, float] | Iterable[str]) -> dict[str, float]:
    _no_text(given, "capabilities")
    return dict(given) if isinstance(given, Mapping) else dict.fromkeys(given, 1.0)


def _no_text(given: Any, what: str) -> None:
    if isinstance(given, str):
        raise ConfigurationError(
            f"{what} are a list of names or a mapping, not the text {given!r:.80}; write [{given!r:.80}]"
        )


@frozen
class Candidate:
    """Somebody who can be chosen for a team.

    Args:
        name: Unique in the pool.
        capabilities: What it can do, with how well, from 0 to 1; a list of names stands for 1.0 each.
        cost: What it costs to have it in the team, in any unit common to the pool.
        load: How busy it is, from 0 (idle) to 1 (full). A full one is not chosen, and the cost of a busy one counts
            more: ``cost / (1 - load)``.
        agent: Who it is; what the chosen team is made of. Itself where there is none.

    Raises:
        ConfigurationError: A number is out of its range.

    Example:
        >>> Candidate("ann", ["python"], cost=2, load=0.5).price
        4.0
    """

    name: str
    capabilities: Mapping[str, float] = field(converter=_levels, factory=dict)
    cost: float = 1.0
    load: float = 0.0
    agent: Any = None

    def __attrs_post_init__(self) -> None:
        wrong = [f"{name}={level!r}" for name, level in self.capabilities.items() if not 0 <= level <= 1]
        if wrong:
            raise ConfigurationError(f"candidate {self.name!r}: a proficiency lies between 0 and 1: {', '.join(wrong)}")
        if not self.cost >= 0 or self.cost == float("inf"):
            raise ConfigurationError(f"candidate {self.name!r}: the cost must be a number from 0 on, not {self.cost!r}")
        if not 0 <= self.load <= 1:
            raise ConfigurationError(f"candidate {self.name!r}: the load lies between 0 and 1, not {self.load!r}")

    @property
    def price(self) -> float:
        """The cost, with the load counted in."""
        return self.cost / (1 - self.load) if self.load < 1 else float("inf")


@frozen
class Requirement:
    """Something a team must be able to do.

    Args:
        name: The capability.
        proficiency: How well somebody in the team must be able to do it.
    """

    name: str
    proficiency: float = 0.0

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.proficiency <= 1:
            raise ConfigurationError(
                f"requirement {self.name!r}: a proficiency lies between 0 and 1, not {self.proficiency!r}"
            )

    def met_by(self, candidate: Candidate) -> bool:
        """Whether one candidate alone meets it."""
        level = candidate.capabilities.get(self.name)
        return level is not None and level >= self.proficiency and (level > 0 or self.proficiency > 0)


def _requirements(given: Iterable[Requirement | str] | Mapping[str, float]) -> tuple[Requirement, ...]:
    _no_text(given, "requirements")
    if isinstance(given, Mapping):
        return tuple(Requirement(name, level) for name, level in given.items())
    return tuple(one if isinstance(one, Requirement) else Requirement(one) for one in given)


@frozen
class Task:
    """What a team is wanted for.

    Args:
        description: In words.
        requirements: What the team must be able to do: a list of `Requirement`, names, or a mapping of name to
            proficiency.

    Raises:
        ConfigurationError: A capability is required twice.
    """

    description: str
    requirements: tuple[Requirement, ...] = field(converter=_requirements, default=())

    def __attrs_post_init__(self) -> None:
        names = [requirement.name for requirement in self.requirements]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ConfigurationError(f"task {self.description!r:.60} requires twice: {', '.join(twice)}")


def as_candidate(who: Any) -> Candidate:
    """A candidate from one, or from an agent that says what it can do: ``agent.capabilities`` or
    ``agent.get_capabilities()``, and where it has them ``cost`` and ``load``.

    Raises:
        ConfigurationError: It does not say.
    """
    if isinstance(who, Candidate):
        return who
    capabilities = getattr(who, "capabilities", None)
    if capabilities is None:
        ask = getattr(who, "get_capabilities", None)
        capabilities = ask() if ask is not None else None
    name = getattr(who, "name", None)
    if not name or not isinstance(capabilities, (Mapping, list, tuple, set, frozenset)):
        raise ConfigurationError(
            f"{who!r:.80} does not say what it can do; write Candidate('name', {{'skill': 0.9}}, agent=it)"
        )
    return Candidate(name, capabilities, getattr(who, "cost", 1.0), getattr(who, "load", 0.0), who)

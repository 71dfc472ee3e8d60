"""Teams made for a task: everybody who is needed, nobody who is not.

Example:
    >>> pool = [
    ...     Candidate("ann", {"python": 0.9, "sql": 0.4}, cost=3),
    ...     Candidate("bob", {"sql": 0.8}, cost=1),
    ...     Candidate("cat", {"python": 0.6, "writing": 0.9}, cost=2),
    ... ]
    >>> formation = DynamicTeam(pool).form(Task("a report", {"python": 0.5, "sql": 0.5, "writing": 0.5}))
    >>> formation.names, formation.cost, formation.optimal
    (['bob', 'cat'], 3.0, True)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import frozen

from victor.core.errors import ConfigurationError
from victor.teams.checks import positive
from victor.teams.dynamic.capability import Candidate, Requirement, Task, as_candidate
from victor.teams.dynamic.cover import Item, Method, choose, smallest
from victor.teams.errors import TeamError

__all__ = ["DynamicTeam", "Formation", "FormationError"]


class FormationError(TeamError):
    """No team of the pool can do the task; says what is missing and who comes nearest.

    What to do: add a candidate with what is missing, or ask for less.
    """


@frozen
class Formation:
    """A team that was chosen.

    Args:
        members: Who, in the order of the pool.
        covered_by: Who meets each requirement; the best of them first.
        cost: What they cost together, their load counted in.
        optimal: True when no team that can do the task is cheaper.
        gap: How much cheaper the best could be at most, as a part of the cost; None where nothing is known.
        method: How it was found: ``"exact"``, ``"solver"`` (integer programming) or ``"greedy"``.
    """

    members: tuple[Candidate, ...]
    covered_by: Mapping[str, tuple[str, ...]]
    cost: float
    optimal: bool
    gap: float | None
    method: str

    @property
    def names(self) -> list[str]:
        """The names of the members."""
        return [member.name for member in self.members]

    @property
    def agents(self) -> list[Any]:
        """The agents behind the members, where they have some."""
        return [member if member.agent is None else member.agent for member in self.members]

    def __str__(self) -> str:
        how = "the cheapest" if self.optimal else f"at most {100 * (self.gap or 0):.0f} % dearer than the cheapest"
        lines = [f"{', '.join(self.names) or 'nobody'}: cost {self.cost:g}, {how}"]
        lines += [f"  {name}: {', '.join(who)}" for name, who in self.covered_by.items()]
        return "\n".join(lines)


class DynamicTeam:
    """A pool of agents from which teams are made.

    Args:
        agent_pool: Each a `Candidate`, or an agent that says what it can do.
        analyze: Finds out what a task needs when that is given in words: a function of the text that returns names,
            a list of `Requirement`, or a mapping of name to proficiency; may be async. Without it, the capabilities of
            the pool that the text names.
        method: How teams are chosen; see `victor.teams.dynamic.cover`.

    Raises:
        ConfigurationError: Two candidates of one name, or one that does not say what it can do.
    """

    def __init__(
        self, agent_pool: Iterable[Any], *, analyze: Callable[[str], Any] | None = None, method: Method = "auto"
    ) -> None:
        self.agent_pool: list[Candidate] = []
        self.current_team: list[Any] = []
        self.formation: Formation | None = None
        self.method: Method = method
        self._analyze = analyze
        for who in agent_pool:
            self.add(who)

    def add(self, who: Any) -> Candidate:
        """Put somebody into the pool.

        Raises:
            ConfigurationError: The name is taken, or it does not say what it can do.
        """
        candidate = as_candidate(who)
        if any(candidate.name == other.name for other in self.agent_pool):
            raise ConfigurationError(f"two candidates are named {candidate.name!r}")
        self.agent_pool.append(candidate)
        return candidate

    def remove(self, name: str) -> Candidate:
        """Take somebody out of the pool.

        Raises:
            ConfigurationError: There is nobody of that name.
        """
        for index, candidate in enumerate(self.agent_pool):
            if candidate.name == name:
                return self.agent_pool.pop(index)
        raise ConfigurationError(
            f"the pool has no {name!r}; there are: {', '.join(c.name for c in self.agent_pool) or 'nobody'}"
        )

    async def select_agents(self, task: Task | str, team_size: int | None = None) -> list[Any]:
        """The agents of the cheapest team that can do the task; they become ``current_team``.

        Args:
            task: A `Task`, or what is to be done in words.
            team_size: Members at most; as many as needed by default.

        Raises:
            FormationError: No team can do it.
        """
        if isinstance(task, str):
            task = Task(task, await self._requirements_of(task))
        self.formation = self.form(task, team_size)
        self.current_team = self.formation.agents
        return self.current_team

    def form(self, task: Task, team_size: int | None = None) -> Formation:
        """The cheapest team that can do the task. Nothing is remembered.

        Raises:
            FormationError: No team can do it; says why.
            ConfigurationError: The size makes no sense.
        """
        if team_size is not None:
            positive("team_size", team_size)
        needs = task.requirements
        items = [_item(candidate, needs) for candidate in self.agent_pool]
        self._check(needs)
        size = len(needs) if team_size is None else team_size
        found = choose(items, len(needs), size, method=self.method)
        if found is None:
            least = smallest(items, len(needs))
            one_by = f"it takes at least {least}" if least is not None and least > size else "none was found"
            raise FormationError(f"no team of {size} can do {task.description!r:.80}: {one_by}")
        members = tuple(self.agent_pool[index] for index in found.items)
        covered = {
            need.name: tuple(
                member.name
                for member in sorted(members, key=lambda member: -member.capabilities.get(need.name, 0.0))
                if need.met_by(member)
            )
            for need in needs
        }
        return Formation(members, covered, found.price, found.optimal, found.gap, found.method)

    def _check(self, needs: tuple[Requirement, ...]) -> None:
        problems = []
        for need in needs:
            able = [c for c in self.agent_pool if need.met_by(c)]
            if not able:
                problems.append(self._nobody(need))
            elif all(candidate.load >= 1 for candidate in able):
                problems.append(f"{need.name}: who can do it has no time: {', '.join(c.name for c in able)}")
        if problems:
            raise FormationError("no team of the pool can do this: " + "; ".join(problems))

    def _nobody(self, need: Requirement) -> str:
        some = [c for c in self.agent_pool if c.capabilities.get(need.name, 0.0) > 0]
        if some:
            best = max(some, key=lambda c: c.capabilities[need.name])
            level = best.capabilities[need.name]
            return f"{need.name}: {need.proficiency:g} is needed, and the best, {best.name!r}, has {level:g}"
        from victor.core.catalog import near_matches

        known = {name for c in self.agent_pool for name in c.capabilities}
        near = near_matches(need.name, known)
        return f"{need.name}: nobody can do it" + (f" (did you mean {near[0]!r}?)" if near else "")

    async def _requirements_of(self, text: str) -> Any:
        if self._analyze is not None:
            found = self._analyze(text)
            return await found if inspect.isawaitable(found) else found
        from victor.core.ranking import content_words, stem

        words = {stem(word) for word in content_words(text)}
        known = dict.fromkeys(name for candidate in self.agent_pool for name in candidate.capabilities)
        named = [
            name for name in known if {stem(word) for word in content_words(name)} <= words and content_words(name)
        ]
        if not named:
            raise FormationError(
                f"the task {text!r:.80} names no capability of the pool ({', '.join(list(known)[:20])}); "
                "give Task(description, requirements), or DynamicTeam(..., analyze=function)"
            )
        return named


def _item(candidate: Candidate, needs: tuple[Requirement, ...]) -> Item:
    mask = sum(1 << bit for bit, need in enumerate(needs) if need.met_by(candidate))
    worth = sum(candidate.capabilities[need.name] for need in needs if need.met_by(candidate))
    return Item(mask, candidate.price, worth)

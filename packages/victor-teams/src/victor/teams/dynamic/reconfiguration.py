"""Changing a team by how well its members have done.

A change costs: who comes in has to learn what was done. So a member is only exchanged for somebody who is better by a
margin (hysteresis), and stays for some time after it came in.

Example:
    >>> pool = [Candidate("ann", ["sql"]), Candidate("bob", ["sql"])]
    >>> team = AdaptiveTeam(DynamicTeam(pool), margin=0.2, stay=1)
    >>> team.start(Task("report", ["sql"])).names
    ['ann']
    >>> for _ in range(3):
    ...     team.observe("ann", 0.1)
    >>> [str(change) for change in team.reconfigure()]
    ["exchange 'ann' for 'bob': 0.50 instead of 0.24 expected at sql"]
"""

from __future__ import annotations

from typing import Literal

from attrs import evolve, frozen

from victor.core.errors import ConfigurationError
from victor.teams.dynamic.capability import Candidate, Requirement, Task
from victor.teams.dynamic.performance import Performance
from victor.teams.dynamic.team_formation import DynamicTeam, Formation, FormationError

__all__ = ["AdaptiveTeam", "Change"]


@frozen
class Change:
    """One change of a team.

    Args:
        kind: ``"exchange"``, ``"add"``, ``"remove"`` or ``"rebalance"``.
        leaves: Who leaves, or gives work away.
        comes: Who comes, or takes work over.
        why: In words.
    """

    kind: Literal["exchange", "add", "remove", "rebalance"]
    leaves: str = ""
    comes: str = ""
    why: str = ""

    def __str__(self) -> str:
        what = {
            "exchange": f"exchange {self.leaves!r} for {self.comes!r}",
            "add": f"add {self.comes!r}",
            "remove": f"remove {self.leaves!r}",
            "rebalance": f"move work from {self.leaves!r} to {self.comes!r}",
        }[self.kind]
        return f"{what}: {self.why}" if self.why else what


class AdaptiveTeam:
    """A team for one task that is changed when its members do worse than others would.

    Args:
        dynamic: The pool.
        performance: What is known of the agents; a moving average by default.
        margin: By how much somebody else must be expected to be better.
        stay: Observations of a member before it can be exchanged.
        balance: How much busier than another a member may be before work is moved.
    """

    def __init__(
        self,
        dynamic: DynamicTeam,
        *,
        performance: Performance | None = None,
        margin: float = 0.15,
        stay: int = 3,
        balance: float = 0.3,
    ) -> None:
        if not 0 <= margin < 1 or stay < 0 or not 0 < balance <= 1:
            raise ConfigurationError("margin lies between 0 and 1, balance above 0 and up to 1, stay from 0 on")
        self.dynamic = dynamic
        self.performance: Performance = performance or Performance()
        self.margin = margin
        self.stay = stay
        self.balance = balance
        self.task: Task | None = None
        self.formation: Formation | None = None
        self._since: dict[str, int] = {}

    @property
    def names(self) -> list[str]:
        """Who is in the team."""
        return [] if self.formation is None else self.formation.names

    def start(self, task: Task, team_size: int | None = None) -> Formation:
        """Make a team for a task.

        Raises:
            FormationError: No team can do it.
        """
        self.task = task
        self.formation = self.dynamic.form(task, team_size)
        self._since = dict.fromkeys(self.formation.names, 0)
        return self.formation

    def observe(self, agent: str, quality: float, capability: str = "", *, load: float | None = None) -> None:
        """Note how well somebody did, and how busy it is now.

        Raises:
            ConfigurationError: It is not in the pool, or a number is out of its range.
        """
        index = next((i for i, c in enumerate(self.dynamic.agent_pool) if c.name == agent), None)
        if index is None:
            raise ConfigurationError(f"the pool has no {agent!r}")
        self.performance.observe(agent, quality, capability)
        if agent in self._since:
            self._since[agent] += 1
        if load is not None:
            self.dynamic.agent_pool[index] = evolve(self.dynamic.agent_pool[index], load=load)

    def reconfigure(self) -> list[Change]:
        """Change the team where that is worth it; returns what was changed.

        Members that have left the pool are replaced at once. Others are exchanged when somebody outside who can do all
        that only they do is expected to be better by the margin; members who are not needed any more are removed.

        Raises:
            ConfigurationError: There is no team yet.
            FormationError: Without those that have left, no team can do the task.
        """
        task = self._task()
        changes = self._replaced(task)
        for name in list(self.names):
            if self._since.get(name, 0) >= self.stay and (change := self._exchange(name, task)):
                changes.append(change)
        changes += self._superfluous(task)
        changes += self._balanced()
        return changes

    def _task(self) -> Task:
        if self.task is None or self.formation is None:
            raise ConfigurationError("there is no team yet: start(task) makes one")
        return self.task

    def _replaced(self, task: Task) -> list[Change]:
        pool = {candidate.name: candidate for candidate in self.dynamic.agent_pool}
        gone = [name for name in self.names if name not in pool]
        open_needs = self._unmet([pool[name] for name in self.names if name in pool], task)
        if not gone:
            return []
        changes = [Change("remove", leaves=name, why="it has left the pool") for name in gone]
        members = [pool[name] for name in self.names if name in pool]
        if open_needs:
            rest = DynamicTeam([c for c in self.dynamic.agent_pool if c.name not in self.names])
            try:
                added = rest.form(Task(task.description, open_needs))
            except FormationError as error:
                raise FormationError(f"{', '.join(gone)} left, and cannot be replaced: {error}") from None
            members += added.members
            what = ", ".join(need.name for need in open_needs)
            changes += [Change("add", comes=c.name, why=f"for {what}") for c in added.members]
        self._set(members, task)
        return changes

    def _exchange(self, name: str, task: Task) -> Change | None:
        pool = {candidate.name: candidate for candidate in self.dynamic.agent_pool}
        others = [pool[other] for other in self.names if other != name]
        only = self._unmet(others, task)
        if not only:
            return None
        now = self._expected(pool[name], only)
        best: tuple[float, Candidate] | None = None
        for candidate in self.dynamic.agent_pool:
            if candidate.name in self.names or candidate.load >= 1:
                continue
            if all(need.met_by(candidate) for need in only):
                value = self._expected(candidate, only)
                if best is None or value > best[0]:
                    best = (value, candidate)
        if best is None or best[0] < now + self.margin:
            return None
        self._set([*others, best[1]], task)
        at = ", ".join(need.name for need in only)
        return Change("exchange", name, best[1].name, f"{best[0]:.2f} instead of {now:.2f} expected at {at}")

    def _superfluous(self, task: Task) -> list[Change]:
        pool = {candidate.name: candidate for candidate in self.dynamic.agent_pool}
        changes = []
        for name in sorted(self.names, key=self.performance.quality):
            rest = [pool[other] for other in self.names if other != name]
            if not self._unmet(rest, task) and self._since.get(name, 0) >= self.stay:
                self._set(rest, task)
                changes.append(Change("remove", leaves=name, why="the others meet every requirement"))
        return changes

    def _balanced(self) -> list[Change]:
        members = [candidate for candidate in self.dynamic.agent_pool if candidate.name in self.names]
        by_load = sorted(members, key=lambda member: member.load)
        changes = []
        while len(by_load) > 1 and by_load[-1].load - by_load[0].load > self.balance:
            least, most = by_load[0], by_load[-1]
            shared = sorted(set(least.capabilities) & set(most.capabilities))
            if shared:
                why = f"{most.load:.0%} against {least.load:.0%} busy, both do {', '.join(shared)}"
                changes.append(Change("rebalance", most.name, least.name, why))
            by_load = by_load[1:-1]
        return changes

    def _unmet(self, members: list[Candidate], task: Task) -> list[Requirement]:
        return [need for need in task.requirements if not any(need.met_by(member) for member in members)]

    def _expected(self, candidate: Candidate, needs: list[Requirement]) -> float:
        return sum(self.performance.draw(candidate.name, need.name) for need in needs) / len(needs)

    def _set(self, members: list[Candidate], task: Task) -> None:
        order = {candidate.name: index for index, candidate in enumerate(self.dynamic.agent_pool)}
        members = sorted(members, key=lambda member: order.get(member.name, 0))
        covered = {
            need.name: tuple(
                member.name
                for member in sorted(members, key=lambda member: -member.capabilities.get(need.name, 0.0))
                if need.met_by(member)
            )
            for need in task.requirements
        }
        cost = sum(member.price for member in members)
        self.formation = Formation(tuple(members), covered, cost, False, None, "changed")
        self._since = {member.name: self._since.get(member.name, 0) for member in members}

"""Who takes which role, so that the whole fits best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from victor.core.errors import ConfigurationError
from victor.teams.dynamic.capability import Candidate, as_candidate

__all__ = ["Assignment", "assign_roles", "cheapest_assignment"]


@frozen
class Assignment:
    """Roles and who takes them.

    Args:
        roles: Role -> name.
        fitness: Role -> how well it fits, from 0 to 1.
        without: Names that have no role.
    """

    roles: Mapping[str, str]
    fitness: Mapping[str, float]
    without: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """The sum of the fitness of all roles, which is as great as it can be."""
        return sum(self.fitness.values())


def assign_roles(members: Iterable[Any], roles: Mapping[str, Mapping[str, float] | Iterable[str]]) -> Assignment:
    """Give each role to one member, no member two, so that the sum of fitness is greatest.

    How well a member fits a role is the mean of its proficiencies, weighted by the weights that the role gives them.

    Args:
        members: Candidates, or agents that say what they can do.
        roles: Role -> capabilities with weights; a list of names weighs them equally.

    Raises:
        ConfigurationError: There are more roles than members, or a role's weights are not above zero.

    Example:
        >>> members = [Candidate("ann", {"write": 0.9, "code": 0.8}), Candidate("bob", {"write": 0.7})]
        >>> assign_roles(members, {"author": ["write"], "engineer": ["code"]}).roles
        {'author': 'bob', 'engineer': 'ann'}
    """
    people = [as_candidate(member) for member in members]
    wanted = {role: _weights(role, given) for role, given in roles.items()}
    if len(wanted) > len(people):
        raise ConfigurationError(f"{len(wanted)} roles and {len(people)} members: each role needs a member of its own")
    fitness = [[_fitness(person, weights) for person in people] for weights in wanted.values()]
    chosen = cheapest_assignment([[1.0 - value for value in row] for row in fitness])
    taken = {*chosen}
    return Assignment(
        {role: people[column].name for role, column in zip(wanted, chosen, strict=True)},
        {role: row[column] for role, row, column in zip(wanted, fitness, chosen, strict=True)},
        tuple(person.name for index, person in enumerate(people) if index not in taken),
    )


def cheapest_assignment(costs: Sequence[Sequence[float]]) -> list[int]:
    """A column for every row, no column twice, of the least sum: the Hungarian method with potentials, in
    O(rows² · columns) (Kuhn 1955, Munkres 1957; in the form of Jonker and Volgenant's shortest augmenting paths).

    Args:
        costs: A row each, all of one length, no fewer columns than rows.

    Example:
        >>> cheapest_assignment([[4, 1, 3], [2, 0, 5], [3, 2, 2]])
        [1, 0, 2]
    """
    rows = len(costs)
    columns = len(costs[0]) if rows else 0
    if columns < rows:
        raise ConfigurationError(f"{rows} rows and {columns} columns: there must be a column for every row")
    infinity = float("inf")
    of_row = [0.0] * (rows + 1)
    of_column = [0.0] * (columns + 1)
    row_at = [0] * (columns + 1)  # rows count from 1; 0 stands for none
    for row in range(1, rows + 1):
        row_at[0] = row
        least = [infinity] * (columns + 1)
        before = [0] * (columns + 1)
        done = [False] * (columns + 1)
        column = 0
        while True:
            done[column] = True
            at, step, nearest = row_at[column], infinity, 0
            line, potential = costs[at - 1], of_row[at]
            for other in range(1, columns + 1):
                if done[other]:
                    continue
                reduced = line[other - 1] - potential - of_column[other]
                if reduced < least[other]:
                    least[other], before[other] = reduced, column
                if least[other] < step:
                    step, nearest = least[other], other
            for other in range(columns + 1):
                if done[other]:
                    of_row[row_at[other]] += step
                    of_column[other] -= step
                else:
                    least[other] -= step
            column = nearest
            if row_at[column] == 0:
                break
        while column:
            row_at[column] = row_at[before[column]]
            column = before[column]
    chosen = [0] * rows
    for column in range(1, columns + 1):
        if row_at[column]:
            chosen[row_at[column] - 1] = column - 1
    return chosen


def _weights(role: str, given: Mapping[str, float] | Iterable[str]) -> dict[str, float]:
    weights = dict(given) if isinstance(given, Mapping) else dict.fromkeys(given, 1.0)
    if not weights or any(not weight > 0 for weight in weights.values()):
        raise ConfigurationError(f"role {role!r} needs capabilities with weights above zero, not {given!r}")
    return weights


def _fitness(person: Candidate, weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(weight * person.capabilities.get(name, 0.0) for name, weight in weights.items()) / total

"""Each option against each other one.

Counting is the dear part of every Condorcet rule: ballots x options x options. Here the counters of one option
against all others are lanes of one long integer, so that a ballot costs one addition per option.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import lcm
from typing import cast

from attrs import frozen

from victor.teams.voting.arithmetic import Number, exact
from victor.teams.voting.ballot import Content, Ranking
from victor.teams.voting.election import Election

__all__ = ["Pairwise", "preferences"]


def preferences(election: Election, content: Content) -> Ranking:
    """What a ballot of any kind says about any two options: groups of equals, best first, all options in it.

    Options a ranking leaves out stand together at its end; of a choice, so do all but the chosen one.
    """
    options = election.options
    if isinstance(content, str):
        content = ((content,),)
    elif isinstance(content, frozenset):
        content = (tuple(option for option in options if option in content),) if content else ()
    elif election.form.kind == "scores":
        scores = cast("tuple[int, ...]", content)
        levels: dict[int, list[str]] = {}
        for option, score in zip(options, scores, strict=True):
            levels.setdefault(score, []).append(option)
        return tuple(tuple(levels[level]) for level in sorted(levels, reverse=True))
    ranking = cast("Ranking", content)
    named = {option for group in ranking for option in group}
    rest = tuple(option for option in options if option not in named)
    return (*ranking, rest) if rest else ranking


@frozen
class Pairwise:
    """How many prefer one option to another.

    Args:
        options: The options, in the order of the rows.
        rows: ``rows[i][j]`` is the weight of those who prefer option ``i`` to option ``j``.

    Example:
        >>> from victor.teams.voting import BallotForm
        >>> form = BallotForm("ranking", ("a", "b", "c"))
        >>> table = Pairwise.of(Election(form, ((form.read("a > b"), 3), (form.read("c > a"), 2)), {}))
        >>> table.prefer("a", "b"), table.prefer("a", "c"), table.prefer("c", "a"), table.beats("a", "c")
        (5, 3, 2, True)
    """

    options: tuple[str, ...]
    rows: tuple[tuple[Number, ...], ...]

    @classmethod
    def of(cls, election: Election) -> Pairwise:
        """Count the ballots."""
        options = election.options
        scale = lcm(*(weight.denominator for _, weight in election.profile))
        width = (sum(int(weight * scale) for _, weight in election.profile) + 1).bit_length()
        unit = {option: 1 << place * width for place, option in enumerate(options)}
        everything = sum(unit.values())
        packed: dict[str, int] = dict.fromkeys(options, 0)
        plain = election.form.kind == "ranking"
        for content, weight in election.profile:
            times = int(weight * scale)
            below = everything * times
            for group in cast("Ranking", content) if plain else preferences(election, content):
                if len(group) == 1:  # far the most frequent case
                    option = group[0]
                    below -= unit[option] * times
                    packed[option] += below
                else:
                    below -= sum(map(unit.__getitem__, group)) * times
                    for option in group:
                        packed[option] += below
        mask = (1 << width) - 1
        shifts = [place * width for place in range(len(options))]
        rows = [[packed[option] >> shift & mask for shift in shifts] for option in options]
        if scale == 1:
            return cls(options, tuple(map(tuple, rows)))
        return cls(options, tuple(tuple(exact(Fraction(value, scale)) for value in row) for row in rows))

    def prefer(self, one: str, other: str) -> Number:
        """Weight of those who prefer one option to another."""
        return self.rows[self.options.index(one)][self.options.index(other)]

    def beats(self, one: str, other: str) -> bool:
        """Whether more prefer the first than the second."""
        return self.prefer(one, other) > self.prefer(other, one)

    def unbeatable(self, lead: Number) -> str | None:
        """The option that beats each other one by more than ``lead``, if there is one.

        With 0 it is the Condorcet winner; with the weight of the outstanding voters, one that will certainly be it.
        """
        for i, option in enumerate(self.options):
            if all(self.rows[i][j] - self.rows[j][i] > lead for j in range(len(self.options)) if j != i):
                return option
        return None

    def smith_set(self) -> list[int]:
        """Rows of the fewest options that together beat each other one."""
        size = range(len(self.options))
        wins = [sum(self.rows[i][j] > self.rows[j][i] for j in size) for i in size]
        draws = [sum(self.rows[i][j] == self.rows[j][i] for j in size) for i in size]
        inside = [max(size, key=lambda i: 2 * wins[i] + draws[i])]  # who wins most is in it
        for i in inside:  # grows while it is walked through
            inside += [j for j in size if j not in inside and self.rows[i][j] <= self.rows[j][i]]
        return sorted(inside)

    def plain(self) -> Mapping[str, Mapping[str, Number]]:
        """The table as mappings, for showing."""
        return {
            one: {other: self.rows[i][j] for j, other in enumerate(self.options) if i != j}
            for i, one in enumerate(self.options)
        }

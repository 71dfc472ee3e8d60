"""How good an offer is for one party."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, Final

from attrs import field, frozen

from victor.teams.negotiation.errors import NegotiationError

__all__ = ["Choices", "Preferences", "Range"]

_MOST: Final = 100_000


@frozen
class Choices:
    """An issue with a few values.

    Args:
        scores: How good each value is; only the proportions matter.

    Example:
        >>> Choices({"red": 10, "blue": 5}).value("blue")
        0.5
    """

    scores: Mapping[str, float]

    def __attrs_post_init__(self) -> None:
        if not self.scores or min(self.scores.values()) < 0 or max(self.scores.values()) <= 0:
            raise NegotiationError("an issue needs scores of at least 0, one of them above 0")

    def values(self) -> list[Any]:
        """All values there are."""
        return list(self.scores)

    def value(self, choice: Any) -> float | None:
        """From 0 to 1 how good a value is, or None where there is no such value."""
        if not isinstance(choice, str) or choice not in self.scores:
            return None
        return self.scores[choice] / max(self.scores.values())


@frozen
class Range:
    """An issue that is a number; it gets worse evenly from the best to the worst value.

    Args:
        best: The best value for this party.
        worst: The worst one; it may be the larger or the smaller number.
        steps: Into how many steps the range is divided for this party's own offers.

    Example:
        >>> Range(best=100, worst=200).value(150), Range(best=100, worst=200, steps=2).values()
        (0.5, [100, 150, 200])
    """

    best: float
    worst: float
    steps: int = 20

    def __attrs_post_init__(self) -> None:
        if self.best == self.worst or self.steps < 1:
            raise NegotiationError("a range needs two different ends and at least one step")

    def values(self) -> list[Any]:
        """The values of this party's offers, the best first."""
        found = [self.best + (self.worst - self.best) * step / self.steps for step in range(self.steps + 1)]
        return [int(value) if value == int(value) else value for value in found]

    def value(self, choice: Any) -> float | None:
        """From 0 to 1 how good a number is; beyond the ends it gets no better and no worse."""
        if isinstance(choice, bool) or not isinstance(choice, (int, float)):
            return None
        share = (choice - self.worst) / (self.best - self.worst)
        return min(1.0, max(0.0, share))


@frozen
class Preferences:
    """What a party wants, over one or several issues.

    Args:
        issues: The issues by name.
        weights: How much each one matters; 1 where it is not stated.

    Raises:
        NegotiationError: There are no issues, or more than 100,000 combinations.

    Example:
        >>> wants = Preferences({"price": Range(100, 200), "color": Choices({"red": 1, "blue": 0})}, {"price": 3})
        >>> wants.utility({"price": 100, "color": "blue"})
        0.75
    """

    issues: Mapping[str, Choices | Range]
    weights: Mapping[str, float] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if not self.issues:
            raise NegotiationError("preferences need at least one issue")
        count = 1
        for issue in self.issues.values():
            count *= len(issue.values())
        if count > _MOST:
            raise NegotiationError(f"{count:,} combinations of values are more than {_MOST:,}; use fewer steps")
        if any(self.weights.get(name, 1) <= 0 for name in self.issues) or set(self.weights) - set(self.issues):
            raise NegotiationError("weights are numbers above 0, and belong to issues")

    def utility(self, offer: Any) -> float | None:
        """From 0 to 1 how good an offer is; None where it lacks an issue or has an unknown value."""
        if not isinstance(offer, Mapping) or set(offer) != set(self.issues):
            return None
        total = reached = 0.0
        for name, issue in self.issues.items():
            value = issue.value(offer[name])
            if value is None:
                return None
            weight = self.weights.get(name, 1)
            total += weight
            reached += weight * value
        return reached / total

    def outcomes(self) -> list[tuple[float, dict[str, Any]]]:
        """All offers this party could make with their utility, the best first."""
        names = list(self.issues)
        offers = [dict(zip(names, row, strict=True)) for row in product(*(self.issues[n].values() for n in names))]
        found = [(self.utility(offer) or 0.0, offer) for offer in offers]
        return sorted(found, key=lambda pair: -pair[0])

    def distance(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
        """How far two offers are apart: the weighted part of what differs."""
        apart = 0.0
        for name, issue in self.issues.items():
            weight = self.weights.get(name, 1)
            if isinstance(issue, Range):
                first, second = issue.value(one[name]), issue.value(other[name])
                apart += weight * abs((first or 0.0) - (second or 0.0))
            elif one[name] != other[name]:
                apart += weight
        return apart

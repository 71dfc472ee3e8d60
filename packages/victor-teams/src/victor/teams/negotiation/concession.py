"""Parties that follow a concession strategy, without a model."""

from __future__ import annotations

from typing import Any, Protocol

from attrs import define, field, frozen

from victor.teams.negotiation.alternating_offers import Accept, Offer, Progress
from victor.teams.negotiation.errors import NegotiationError
from victor.teams.negotiation.preferences import Preferences

__all__ = ["Boulware", "Conceder", "ConcessionParty", "Linear", "Strategy", "TimeDependent", "TitForTat"]


class Strategy(Protocol):
    """How much a party asks for at a moment."""

    def target(self, share: float, reservation: float, sent: list[float], received: list[float]) -> float:
        """The least utility it offers or accepts now.

        Args:
            share: How far the negotiation has come, from 0 to 1.
            reservation: What it gets without an agreement.
            sent: The utility, for itself, of its offers so far.
            received: The utility, for itself, of the others' offers so far.
        """


@frozen
class TimeDependent:
    """Concedes along ``1 - (1 - reservation) * share ** (1 / exponent)``.

    P. Faratin, C. Sierra, N. R. Jennings, "Negotiation decision functions for autonomous agents" (1998).

    Args:
        exponent: Below 1 it holds out and gives way at the end, above 1 it gives way early.

    Example:
        >>> TimeDependent(1).target(0.5, 0.2, [], [])
        0.6
    """

    exponent: float = 1.0

    def __attrs_post_init__(self) -> None:
        if not self.exponent > 0:
            raise NegotiationError(f"the exponent is a number above 0, not {self.exponent!r}")

    def target(self, share: float, reservation: float, sent: list[float], received: list[float]) -> float:
        """See `Strategy.target`."""
        conceded: float = share ** (1 / self.exponent)
        return 1 - (1 - reservation) * conceded


@frozen
class Boulware(TimeDependent):
    """Holds out until the end is near."""

    exponent: float = 0.2


@frozen
class Linear(TimeDependent):
    """Concedes evenly."""

    exponent: float = 1.0


@frozen
class Conceder(TimeDependent):
    """Concedes early."""

    exponent: float = 5.0


@frozen
class TitForTat:
    """Concedes as much as the other side did with its last offer, and in the last round down to the reservation.

    Args:
        rate: How much of the other's concession it gives back.
    """

    rate: float = 1.0

    def target(self, share: float, reservation: float, sent: list[float], received: list[float]) -> float:
        """See `Strategy.target`."""
        if share >= 1:
            return reservation
        if not sent:
            return 1.0
        if len(received) < 2:
            return sent[-1]
        given = max(0.0, received[-1] - received[-2])
        return max(reservation, sent[-1] - self.rate * given)


@define
class ConcessionParty:
    """A party of `AlternatingOffers` that knows what it wants and concedes by a strategy.

    It offers what is closest to the last offer it got among all that is good enough for itself, and accepts what is
    at least as good as what it would offer next. It holds one negotiation at a time, and begins anew in round 1.

    Args:
        name: Its name.
        preferences: What it wants.
        strategy: How it concedes.
        reservation: The utility it gets without an agreement; it takes nothing worse.
    """

    name: str
    preferences: Preferences
    strategy: Strategy = field(factory=Boulware)
    reservation: float = 0.0
    _sent: list[float] = field(factory=list, init=False, repr=False)
    _received: list[float] = field(factory=list, init=False, repr=False)
    _outcomes: list[tuple[float, dict[str, Any]]] = field(factory=list, init=False, repr=False)

    def respond(self, topic: Any, context: Any, offer: Any, progress: Progress) -> Offer | Accept:
        """Accept the offer on the table, or make another."""
        if progress.round == 1:
            self._sent, self._received = [], []
        if not self._outcomes:
            self._outcomes = self.preferences.outcomes()
        theirs = None if offer is None or progress.by == self.name else self.preferences.utility(offer)
        if theirs is not None:
            self._received.append(theirs)
        target = max(
            self.reservation, self.strategy.target(progress.share, self.reservation, self._sent, self._received)
        )
        good = [pair for pair in self._outcomes if pair[0] >= target - 1e-9] or self._outcomes[:1]
        if theirs is None:
            utility, mine = good[-1] if self._sent else good[0]
        else:
            utility, mine = min(good, key=lambda pair: (self.preferences.distance(pair[1], offer), pair[0]))
            if theirs >= utility - 1e-9 and theirs >= self.reservation:
                return Accept()
        self._sent.append(utility)
        return Offer(mine)

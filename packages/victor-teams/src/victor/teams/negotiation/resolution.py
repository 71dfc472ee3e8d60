"""What decides where the parties do not agree: a mediator, a weighted median, a person, the chair, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Protocol, runtime_checkable

from attrs import field, frozen

from victor.teams.negotiation.errors import NegotiationError
from victor.teams.negotiation.plain_data import exact_number, number_for_json
from victor.teams.negotiation.result import Proposal, Vote
from victor.teams.negotiation.table import Table

__all__ = [
    "ChairDecides",
    "Human",
    "Mediator",
    "Resolution",
    "WeightedMedian",
    "read_resolutions",
    "weighted_median",
]


@runtime_checkable
class Resolution(Protocol):
    """Decides for the parties."""

    @property
    def spec(self) -> str:
        """The text it is recorded as: ``"chair:ann"``."""

    async def resolve(
        self, table: Table, topic: Any, context: Any, proposals: Sequence[Proposal], votes: Sequence[Vote]
    ) -> Proposal | None:
        """What is decided, or None where it cannot decide; it reports why to the table."""


@frozen
class Mediator:
    """Somebody who reads all proposals and the votes on them, and takes one or writes another.

    Args:
        party: An object with a method ``mediate(topic, context, proposals, votes)``, a function of these, or an
            `Agent`. The answer is the id of a proposal, or ``{"content": ..., "reason": ...}`` for a new one.
        timeout_s: Seconds it has; None for as many as the parties.
    """

    party: Any = field(default=None, eq=False)
    timeout_s: float | None = None
    spec = "mediator"

    async def resolve(
        self, table: Table, topic: Any, context: Any, proposals: Sequence[Proposal], votes: Sequence[Vote]
    ) -> Proposal | None:
        """See `Resolution.resolve`."""
        return await _decided_by(table, self.spec, self.party, topic, context, proposals, votes, self.timeout_s)


@frozen
class Human:
    """A person is asked, as the last authority; the negotiation waits, also past its deadline.

    Args:
        ask: A function of ``(topic, context, proposals, votes)``, sync or async, such as one that asks on the
            terminal. It answers as a `Mediator` does.
        timeout_s: Seconds to wait.
    """

    ask: Any = field(default=None, eq=False)
    timeout_s: float | None = 86_400.0
    spec = "human"

    async def resolve(
        self, table: Table, topic: Any, context: Any, proposals: Sequence[Proposal], votes: Sequence[Vote]
    ) -> Proposal | None:
        """See `Resolution.resolve`."""
        return await _decided_by(table, self.spec, self.ask, topic, context, proposals, votes, self.timeout_s)


@frozen
class ChairDecides:
    """One of the parties has the last word: what it voted for in the last round is taken.

    Args:
        party: Its name.
    """

    party: str

    @property
    def spec(self) -> str:
        """The text it is recorded as."""
        return f"chair:{self.party}"

    async def resolve(
        self, table: Table, topic: Any, context: Any, proposals: Sequence[Proposal], votes: Sequence[Vote]
    ) -> Proposal | None:
        """See `Resolution.resolve`."""
        chosen = next((vote.selected_proposal for vote in votes if vote.voter == self.party), None)
        if isinstance(chosen, list) and chosen:
            chosen = chosen[0]
        found = next((proposal for proposal in proposals if proposal.id == chosen), None)
        if found is None:
            table.report(self.party, "decide", "no_vote", "the chair has not voted for a proposal in the last round")
        return found


@frozen
class WeightedMedian:
    """A compromise between numbers: the median of what was proposed, for each number by itself.

    Works where every proposal is a number, or a mapping with the same names to numbers. Half of the weight proposed
    this or less, half this or more; so nobody gains by exaggerating.

    Args:
        weights: How much each party counts; 1 where it is not stated.
    """

    weights: Mapping[str, Any] = field(factory=dict)
    spec = "median"

    def as_setting(self) -> Any:
        """What the record keeps of it; `read_resolutions` reads that back."""
        return {"median": dict(self.weights)} if self.weights else self.spec

    async def resolve(
        self, table: Table, topic: Any, context: Any, proposals: Sequence[Proposal], votes: Sequence[Vote]
    ) -> Proposal | None:
        """See `Resolution.resolve`."""
        points = [
            (proposal.content, exact_number(self.weights.get(name, 1)))
            for proposal in proposals
            for name in proposal.by
        ]
        try:
            content = _compromise(points)
        except NegotiationError as error:
            table.report("median", "compromise", "invalid", str(error))
            return None
        return Proposal(content, "the weighted median of all proposals", by=("median",), round=table.round)


def weighted_median(points: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """The least value so that those up to it have at least half of the weight.

    Args:
        points: Values with their weights.

    Example:
        >>> weighted_median([(Fraction(10), Fraction(1)), (Fraction(20), Fraction(1)), (Fraction(90), Fraction(1))])
        Fraction(20, 1)
        >>> weighted_median([(Fraction(10), Fraction(1)), (Fraction(90), Fraction(5))])
        Fraction(90, 1)
    """
    total = sum((weight for _, weight in points), Fraction())
    so_far = Fraction()
    for value, weight in sorted(points):
        so_far += weight
        if 2 * so_far >= total:
            return value
    raise NegotiationError("there are no numbers to take a median of")


def _compromise(points: Sequence[tuple[Any, Fraction]]) -> Any:
    if not points:
        raise NegotiationError("there are no proposals to take a median of")
    first = points[0][0]
    if isinstance(first, Mapping):
        if not all(isinstance(content, Mapping) and set(content) == set(first) for content, _ in points):
            raise NegotiationError("a median needs proposals with the same names")
        return {name: _compromise([(content[name], weight) for content, weight in points]) for name in first}
    numbers = [(exact_number(content, "a proposal"), weight) for content, weight in points]
    return number_for_json(weighted_median(numbers))


async def _decided_by(
    table: Table, name: str, party: Any, topic: Any, context: Any, proposals: Sequence[Proposal],
    votes: Sequence[Vote], timeout_s: float | None,
) -> Proposal | None:  # fmt: skip
    seat = table.seat(name, party)
    answer = await table.ask(
        seat, "mediate", topic, context, tuple(proposals), tuple(votes), timeout_s=timeout_s, patient=True
    )
    if answer.failure:
        return None
    value = answer.value
    if isinstance(value, Mapping) and "content" not in value and "choose" in value:
        value = value["choose"]
    if isinstance(value, str):
        found = next((proposal for proposal in proposals if proposal.id == value), None)
        if found is not None:
            return found
    elif isinstance(value, Mapping) and value.get("content") is not None:
        reason = value.get("reason")
        return Proposal(value["content"], reason if isinstance(reason, str) else "", by=(name,), round=table.round)
    there = ", ".join(proposal.id for proposal in proposals) or "none"
    table.report(seat, "mediate", "invalid", f"neither the id of a proposal ({there}) nor a 'content'")
    return None


def read_resolutions(given: Any) -> tuple[Resolution, ...]:
    """Resolutions from ``None``, ``"none"``, ``"median"``, ``"chair:NAME"``, objects, or a list of these.

    The texts ``"mediator"`` and ``"human"`` stand for those whose answers are in a record that is replayed.

    Raises:
        NegotiationError: It is something else.

    Example:
        >>> read_resolutions(["chair:ann", "median"])
        (ChairDecides(party='ann'), WeightedMedian(weights={}))
    """
    if given is None or given == "none":
        return ()
    if isinstance(given, str):
        name, _, value = given.partition(":")
        if name == "chair" and value:
            return (ChairDecides(value),)
        simple = {"median": WeightedMedian, "mediator": Mediator, "human": Human}.get(given)
        if simple is not None:
            return (simple(),)
        raise NegotiationError(f"unknown resolution {given!r}; there are: none, median, chair:NAME, and objects like "
                               "Mediator(agent) and Human(ask)")  # fmt: skip
    if isinstance(given, Mapping) and set(given) == {"median"} and isinstance(given["median"], Mapping):
        return (WeightedMedian(given["median"]),)
    if isinstance(given, (list, tuple)):
        return tuple(one for inner in given for one in read_resolutions(inner))
    if isinstance(given, Resolution):
        return (given,)
    raise NegotiationError(f"a resolution is a text or an object with resolve(), not {given!r}")

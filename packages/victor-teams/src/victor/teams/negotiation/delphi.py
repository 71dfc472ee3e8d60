"""Delphi: experts estimate a number in anonymous rounds, and see what all of them said before the next one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar

from attrs import define, field, frozen

from victor.teams.negotiation.conducted import Conducted, at_least, sync
from victor.teams.negotiation.errors import NegotiationError
from victor.teams.negotiation.plain_data import exact_number, number_for_json
from victor.teams.negotiation.result import NegotiationResult, NegotiationStop, Outcome
from victor.teams.negotiation.table import Table

__all__ = ["Delphi", "Feedback", "quartiles"]


@frozen
class Feedback:
    """What the experts learn of the round before. Nobody's name is in it.

    Args:
        round: The round it tells of.
        median: Half of the estimates are at most this.
        lower: The lower quartile.
        upper: The upper quartile.
        count: How many estimated.
        reasons: What the experts gave as reasons, in alphabetical order, so that the order tells nothing either.
    """

    round: int
    median: float
    lower: float
    upper: float
    count: int
    reasons: tuple[str, ...]


def _part(value: Any) -> Fraction:
    part = exact_number(value, "the part")
    if part < 0:
        raise NegotiationError(f"the part is at least 0, not {value!r}")
    return part


def _part_or_none(value: Any) -> Fraction | None:
    return None if value is None else _part(value)


@define(kw_only=True)
class Delphi(Conducted):
    """Anonymous estimates, fed back as median, quartiles and reasons, until they are close together or stay put.

    An expert has ``estimate(question, context, feedback)`` and answers a number, or ``{"estimate": 12, "reason":
    "..."}``; ``feedback`` is None in the first round. N. Dalkey, O. Helmer, "An experimental application of the Delphi
    method to the use of experts" (1963).

    Args:
        max_rounds: Rounds at most.
        spread: The estimates agree when the quartiles are at most this part of the median apart.
        stability: From the second round on it stops when median and quartiles moved by at most this part of the
            median; None goes on.
        least: How many estimates a round needs.

    Example:
        >>> class Expert:
        ...     def __init__(self, name, first): self.name, self.first = name, first
        ...     def estimate(self, question, context, feedback):
        ...         return self.first if feedback is None else (self.first + 9 * feedback.median) / 10
        >>> experts = [Expert("ann", 10), Expert("bob", 20), Expert("cid", 30)]
        >>> result = Delphi(spread="1/10", stability=None).estimate_sync(experts, "How many days?")
        >>> result.agreement, result.rounds
        (20, 2)
    """

    protocol: ClassVar[str] = "delphi"

    max_rounds: int = field(default=4, validator=at_least(1))
    spread: Fraction = field(default=Fraction(1, 10), converter=_part)
    stability: Fraction | None = field(default=Fraction(1, 50), converter=_part_or_none)
    least: int = field(default=1, validator=at_least(1))

    async def estimate(self, experts: Iterable[Any], question: Any, context: Any = None) -> NegotiationResult:
        """Hold the rounds. ``agreement`` is the median where the estimates agree; it is in ``details`` in any case.

        Raises:
            NegotiationError: It cannot be held like this.
        """
        return await self._begin(experts, question, context, least=self.least)

    def estimate_sync(self, experts: Iterable[Any], question: Any, context: Any = None) -> NegotiationResult:
        """The same, for programs without an event loop."""
        return sync(self.estimate(experts, question, context))

    async def conduct(self, table: Table, topic: Any, context: Any) -> Outcome:
        feedback: Feedback | None = None
        before: tuple[Fraction, Fraction, Fraction] | None = None
        rounds: list[dict[str, Any]] = []
        for number in range(1, self.max_rounds + 1):
            if table.out_of_time():
                return _over(NegotiationStop.DEADLINE, f"the time was up after round {number - 1}", rounds)
            with table.begin_round() as operation:
                answers = await table.ask_all(table.members, "estimate", lambda _: (topic, context, feedback))  # noqa: B023
                estimates: list[Fraction] = []
                reasons: list[str] = []
                for name, answer in answers.items():
                    if answer.failure or answer.value is None:
                        continue
                    try:
                        value, reason = _estimate(answer.value)
                    except NegotiationError as error:
                        table.report(name, "estimate", "invalid", str(error))
                        continue
                    estimates.append(value)
                    if reason:
                        reasons.append(reason)
                if len(estimates) < self.least:
                    why = f"{len(estimates)} estimates in round {number}, and {self.least} are needed"
                    return _over(NegotiationStop.FAILED, why, rounds)
                now = lower, median, upper = quartiles(estimates)
                feedback = Feedback(
                    number, number_for_json(median), number_for_json(lower), number_for_json(upper), len(estimates),
                    tuple(sorted(reasons)),
                )  # fmt: skip
                table.tell("feedback", {"median": feedback.median, "lower": feedback.lower, "upper": feedback.upper,
                                        "count": feedback.count, "reasons": list(feedback.reasons)})  # fmt: skip
                rounds.append({"median": feedback.median, "lower": feedback.lower, "upper": feedback.upper,
                               "count": feedback.count})  # fmt: skip
                operation.set(median=feedback.median, spread=number_for_json(upper - lower))
            said = f"median {feedback.median:g}, quartiles {feedback.lower:g} to {feedback.upper:g}"
            if upper - lower <= self.spread * abs(median):
                return Outcome(
                    NegotiationStop.AGREEMENT, f"the estimates of round {number} agree: {said}", feedback.median,
                    details={"rounds": rounds, "median": feedback.median},
                )  # fmt: skip
            if before is not None and self.stability is not None:
                moved = max(abs(one - other) for one, other in zip(now, before, strict=True))
                if moved <= self.stability * abs(median):
                    why = f"the estimates no longer move and are still apart: {said}"
                    return _over(NegotiationStop.NO_AGREEMENT, why, rounds)
            before = now
        return _over(
            NegotiationStop.NO_AGREEMENT, f"the estimates are apart after {self.max_rounds} rounds: {said}", rounds
        )


def _over(reason: NegotiationStop, why: str, rounds: list[dict[str, Any]]) -> Outcome:
    return Outcome(reason, why, details={"rounds": rounds, "median": rounds[-1]["median"] if rounds else None})


def _estimate(value: Any) -> tuple[Fraction, str]:
    reason = ""
    if isinstance(value, Mapping):
        given = value.get("reason")
        reason = given if isinstance(given, str) else ""
        value = value.get("estimate")
    return exact_number(value, "an estimate"), reason


def quartiles(values: Sequence[Fraction]) -> tuple[Fraction, Fraction, Fraction]:
    """Lower quartile, median and upper quartile, between two values where they fall between them.

    Example:
        >>> [float(value) for value in quartiles([Fraction(n) for n in (1, 2, 3, 10)])]
        [1.75, 2.5, 4.75]
    """
    ordered = sorted(values)

    def at(part: Fraction) -> Fraction:
        place = part * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

    return at(Fraction(1, 4)), at(Fraction(1, 2)), at(Fraction(3, 4))

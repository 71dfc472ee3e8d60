"""What a negotiation came to."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from victor.teams.negotiation.record import PartyProblem, Record

__all__ = ["NegotiationResult", "NegotiationStop", "Outcome", "Proposal", "Vote", "Withdraw"]


class NegotiationStop(StrEnum):
    """Why a negotiation ended. Only AGREEMENT means that the parties agreed."""

    AGREEMENT = "agreement"
    NO_AGREEMENT = "no_agreement"
    DEADLINE = "deadline"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"


@frozen
class Proposal:
    """What somebody proposes.

    Args:
        id: What it is called in the votes of its round: ``"2.1"``. Parties leave it empty.
        content: What is proposed, plain data.
        by: Whose it is; several who proposed the same share one proposal.
        reason: Why.
        round: The round it is on the table.
    """

    content: Any
    reason: str = ""
    id: str = ""
    by: tuple[str, ...] = ()
    round: int = 0


@frozen
class Vote:
    """What somebody votes for.

    Args:
        selected_proposal: The id of a proposal, or what else the voting rule takes (a ranking of ids, scores, ...);
            None abstains.
        reason: Why.
        voter: Whose it is. Parties leave it empty: nobody can vote for another.
    """

    selected_proposal: Any
    reason: str = ""
    voter: str = ""


@frozen
class Withdraw:
    """Answered by a party that leaves the negotiation.

    Args:
        reason: Why.
    """

    reason: str = ""
    action: str = field(default="withdraw", init=False)


@frozen
class Outcome:
    """What a protocol found, before it becomes a `NegotiationResult`.

    Args:
        stop_reason: Why it ended.
        explanation: The same in words.
        agreement: What was agreed, or decided by a resolution.
        rounds: Rounds begun.
        resolved_by: Which resolution decided, where the parties did not.
        proposal: The proposal that was taken.
        proposals: What was on the table last.
        votes: The votes on that.
        details: What else this protocol tells, plain data.
    """

    stop_reason: NegotiationStop
    explanation: str
    agreement: Any = None
    rounds: int = 0
    resolved_by: str = ""
    proposal: Proposal | None = None
    proposals: tuple[Proposal, ...] = ()
    votes: tuple[Vote, ...] = ()
    details: Mapping[str, Any] = field(factory=dict)


@frozen
class NegotiationResult:
    """The result of a negotiation.

    Args:
        stop_reason: Why it ended.
        explanation: The same in words.
        agreement: What was agreed; with `resolved_by`, what was decided for the parties; else None.
        rounds: Rounds begun.
        resolved_by: Which resolution decided, where the parties did not agree: ``"mediator"``, ``"chair:ann"``, ...
        proposal: The proposal that was taken, where the protocol has proposals.
        proposals: What was on the table last.
        votes: The votes on that.
        details: What else the protocol tells, plain data: results of votes, offers, estimates, bids.
        problems: What parties did wrong or failed to do.
        record: Everything that was said.
    """

    stop_reason: NegotiationStop
    explanation: str
    agreement: Any
    rounds: int
    resolved_by: str
    proposal: Proposal | None
    proposals: tuple[Proposal, ...]
    votes: tuple[Vote, ...]
    details: Mapping[str, Any]
    problems: tuple[PartyProblem, ...]
    record: Record = field(repr=False)

    @property
    def agreed(self) -> bool:
        """Whether the parties agreed by themselves."""
        return self.stop_reason is NegotiationStop.AGREEMENT

    def __str__(self) -> str:
        text = (
            f"{self.stop_reason.value} after {self.rounds} round{'' if self.rounds == 1 else 's'}: {self.explanation}"
        )
        return "\n".join([text, *(f"Problem in {problem}" for problem in self.problems)])

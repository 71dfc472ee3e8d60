"""What a voting rule is, and what counting gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from attrs import frozen

from victor.teams.voting.arithmetic import Number
from victor.teams.voting.ballot import BallotForm, BallotKind
from victor.teams.voting.election import Election

if TYPE_CHECKING:
    from victor.teams.voting.ties import Ties

__all__ = ["Count", "EarlyStop", "Round", "Rule", "Settled"]

EarlyStop = Literal["exact", "sound", "never"]
"""What a rule can tell of a live poll: the exact moment its result cannot change, only sure cases of it, or nothing."""


@frozen
class Round:
    """One round of counting.

    Args:
        title: What is counted.
        counts: Votes or points of the options still in it.
        elected: Who was elected in it.
        eliminated: Who left in it.
        note: What happened, in words.
    """

    title: str
    counts: Mapping[str, Number]
    elected: tuple[str, ...] = ()
    eliminated: tuple[str, ...] = ()
    note: str = ""


@frozen
class Count:
    """What counting gives.

    Args:
        winners: Who won, in order; empty where nobody has.
        counts: Votes or points of every option.
        explanation: Why, in words.
        rounds: How it went, where there is more than one round or a step in between.
        missed: What was needed and not reached, as a reason code such as ``"no_majority"``; ``""`` with winners.
    """

    winners: tuple[str, ...]
    counts: Mapping[str, Number]
    explanation: str
    rounds: tuple[Round, ...] = ()
    missed: str = ""


@frozen
class Settled:
    """The result cannot change any more, whatever the outstanding voters do.

    Args:
        winner: Who has won, or None: nobody can win any more.
        why: The reason in words.
    """

    winner: str | None
    why: str


@runtime_checkable
class Rule(Protocol):
    """A voting rule. Implement these to add one; `victor.teams.voting.plurality` is a short example.

    Attributes:
        name: What it is called.
        kind: Which ballots it counts.
        early_stop: What `settled` can tell.
        seats: How many are elected.
    """

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def kind(self) -> BallotKind:
        """Which ballots it counts."""

    @property
    def early_stop(self) -> EarlyStop:
        """What `settled` can tell."""

    @property
    def seats(self) -> int:
        """How many are elected."""

    def form(self, options: tuple[str, ...]) -> BallotForm:
        """What ballots about these options may say."""

    def count(self, election: Election, ties: Ties) -> Count:
        """Count the ballots, of which there is at least one; ``ties`` decides what is equal.

        Raises:
            Undecided: By ``ties``, where the caller stated no rule that decides; let it pass.
        """

    def settled(self, election: Election, ties: Ties) -> Settled | None:
        """The result, if it is certain already; None while it may change, or where the rule cannot tell."""

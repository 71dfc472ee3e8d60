"""What a vote came to, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from victor.teams.voting.arithmetic import Number, exact, plain_number
from victor.teams.voting.rule import Round
from victor.teams.voting.ties import TieBroken

__all__ = ["BallotProblem", "NoDecision", "VoteResult"]


@frozen
class BallotProblem:
    """A ballot that was not counted.

    Args:
        voter: Whose it was.
        kind: ``"invalid"``, ``"duplicate"``, ``"unknown_voter"`` or ``"closed"``.
        reason: Why, in words.
    """

    voter: str
    kind: str
    reason: str

    def __str__(self) -> str:
        return f"{self.voter}: {self.reason}"


@frozen
class NoDecision:
    """Why nobody won.

    Args:
        reason: ``"tie"``, ``"no_quorum"``, ``"no_ballots"``, or what the rule needs: ``"no_majority"``,
            ``"no_supermajority"``, ``"no_unanimous"``, ``"no_weighted"``.
        tied: With ``"tie"``, the options that are equal.
    """

    reason: str
    tied: tuple[str, ...] = ()


@frozen
class VoteResult:
    """The result of a vote.

    Args:
        rule: The rule and its settings, as plain data: ``{"rule": "stv", "seats": 2}``.
        options: What could be voted for.
        winners: Who won, in order; empty without a decision.
        counts: Votes or points of each option, in the first round where there are several.
        explanation: Why it is so, in words.
        rounds: How it was counted, where that takes more than one step.
        no_decision: Why nobody won, or None.
        ties: The ties on the way that the stated rule decided.
        cast: Number of voters whose ballot says something.
        abstained: Number of voters who abstained.
        missing: Known voters without a valid ballot.
        problems: Ballots that were not counted, each with its reason.

    Example:
        >>> from victor.teams.voting import vote
        >>> result = vote({"ann": "tea", "bob": "tea", "cid": "milk"}, rule="majority")
        >>> result.winner
        'tea'
        >>> print(result)
        'tea' wins: 'tea' has 2 of 3 votes cast, more than half.
        >>> VoteResult.from_dict(result.to_dict()) == result
        True
    """

    rule: Mapping[str, Any]
    options: tuple[str, ...]
    winners: tuple[str, ...]
    counts: Mapping[str, Number]
    explanation: str
    rounds: tuple[Round, ...] = ()
    no_decision: NoDecision | None = None
    ties: tuple[TieBroken, ...] = ()
    cast: int = 0
    abstained: int = 0
    missing: tuple[str, ...] = ()
    problems: tuple[BallotProblem, ...] = ()

    @property
    def winner(self) -> str | None:
        """Who won, the first one where there are several; None without a decision."""
        return self.winners[0] if self.winners else None

    @property
    def decided(self) -> bool:
        """Whether somebody won."""
        return bool(self.winners)

    def __str__(self) -> str:
        from victor.teams.voting.points import listed

        if self.winners:
            wins = "wins" if len(self.winners) == 1 else "win"
            text = f"{listed(self.winners)} {wins}: {self.explanation}."
        else:
            text = f"No decision: {self.explanation}."
        for problem in self.problems:
            text += f"\nNot counted: {problem}."
        return text

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data: fractions are texts such as ``"7/3"``."""
        return {
            "rule": dict(self.rule),
            "options": list(self.options),
            "winners": list(self.winners),
            "counts": _plain(self.counts),
            "explanation": self.explanation,
            "rounds": [
                {
                    "title": one.title,
                    "counts": _plain(one.counts),
                    "elected": list(one.elected),
                    "eliminated": list(one.eliminated),
                    "note": one.note,
                }
                for one in self.rounds
            ],
            "no_decision": None
            if self.no_decision is None
            else {"reason": self.no_decision.reason, "tied": list(self.no_decision.tied)},
            "ties": [
                {"where": tie.where, "tied": list(tie.tied), "chosen": tie.chosen, "by": tie.by} for tie in self.ties
            ],
            "cast": self.cast,
            "abstained": self.abstained,
            "missing": list(self.missing),
            "problems": [{"voter": p.voter, "kind": p.kind, "reason": p.reason} for p in self.problems],
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> VoteResult:
        """Read what `to_dict` wrote."""
        none = data["no_decision"]
        return cls(
            rule=dict(data["rule"]),
            options=tuple(data["options"]),
            winners=tuple(data["winners"]),
            counts=_exact(data["counts"]),
            explanation=data["explanation"],
            rounds=tuple(
                Round(
                    one["title"],
                    _exact(one["counts"]),
                    tuple(one["elected"]),
                    tuple(one["eliminated"]),
                    one["note"],
                )
                for one in data["rounds"]
            ),
            no_decision=None if none is None else NoDecision(none["reason"], tuple(none["tied"])),
            ties=tuple(TieBroken(tie["where"], tuple(tie["tied"]), tie["chosen"], tie["by"]) for tie in data["ties"]),
            cast=data["cast"],
            abstained=data["abstained"],
            missing=tuple(data["missing"]),
            problems=tuple(BallotProblem(p["voter"], p["kind"], p["reason"]) for p in data["problems"]),
        )


def _plain(counts: Mapping[str, Number]) -> dict[str, int | str]:
    return {option: plain_number(count) for option, count in counts.items()}


def _exact(counts: Mapping[str, Any]) -> dict[str, Number]:
    return {option: exact(count) for option, count in counts.items()}

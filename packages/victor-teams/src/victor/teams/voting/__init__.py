"""Votes among agents: ballots read strictly, exact counting, and a result that says why.

Pure and synchronous: nothing here asks a model or waits. `vote` counts ballots that are there, `Poll` takes them one
by one and knows when the result is certain.

Example:
    >>> from victor.teams.voting import vote
    >>> result = vote({"ann": "tea > milk", "bob": "milk > tea", "cid": "tea"}, rule="irv")
    >>> result.winner
    'tea'
    >>> result.explanation
    "'tea' has 2 votes in round 1, more than half of 3"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from victor.teams.voting.approval import Approval as Approval
    from victor.teams.voting.arithmetic import Number as Number
    from victor.teams.voting.arithmetic import exact as exact
    from victor.teams.voting.arithmetic import plain_number as plain_number
    from victor.teams.voting.ballot import Ballot as Ballot
    from victor.teams.voting.ballot import BallotForm as BallotForm
    from victor.teams.voting.ballot import BallotKind as BallotKind
    from victor.teams.voting.ballot import Content as Content
    from victor.teams.voting.ballots import BallotFile as BallotFile
    from victor.teams.voting.ballots import read_csv as read_csv
    from victor.teams.voting.ballots import read_json as read_json
    from victor.teams.voting.borda import Borda as Borda
    from victor.teams.voting.copeland import Copeland as Copeland
    from victor.teams.voting.election import Election as Election
    from victor.teams.voting.errors import BallotError as BallotError
    from victor.teams.voting.errors import VotingError as VotingError
    from victor.teams.voting.irv import InstantRunoff as InstantRunoff
    from victor.teams.voting.pairwise import Pairwise as Pairwise
    from victor.teams.voting.plurality import Plurality as Plurality
    from victor.teams.voting.poll import Poll as Poll
    from victor.teams.voting.quorum import Quorum as Quorum
    from victor.teams.voting.ranked_pairs import RankedPairs as RankedPairs
    from victor.teams.voting.registry import RULES as RULES
    from victor.teams.voting.registry import describe_rule as describe_rule
    from victor.teams.voting.registry import make_rule as make_rule
    from victor.teams.voting.result import BallotProblem as BallotProblem
    from victor.teams.voting.result import NoDecision as NoDecision
    from victor.teams.voting.result import VoteResult as VoteResult
    from victor.teams.voting.rule import Count as Count
    from victor.teams.voting.rule import Round as Round
    from victor.teams.voting.rule import Rule as Rule
    from victor.teams.voting.rule import Settled as Settled
    from victor.teams.voting.schulze import Schulze as Schulze
    from victor.teams.voting.score import Score as Score
    from victor.teams.voting.star import Star as Star
    from victor.teams.voting.stv import SingleTransferableVote as SingleTransferableVote
    from victor.teams.voting.tally import vote as vote
    from victor.teams.voting.threshold import Majority as Majority
    from victor.teams.voting.threshold import Supermajority as Supermajority
    from victor.teams.voting.threshold import Unanimous as Unanimous
    from victor.teams.voting.threshold import Weighted as Weighted
    from victor.teams.voting.ties import Chair as Chair
    from victor.teams.voting.ties import Declared as Declared
    from victor.teams.voting.ties import Lot as Lot
    from victor.teams.voting.ties import RunOff as RunOff
    from victor.teams.voting.ties import TieBreak as TieBreak
    from victor.teams.voting.ties import TieBroken as TieBroken
    from victor.teams.voting.ties import Ties as Ties
    from victor.teams.voting.ties import Undecided as Undecided
    from victor.teams.voting.ties import read_tie_breaks as read_tie_breaks

__all__ = [
    "Approval",
    "Ballot",
    "BallotError",
    "BallotFile",
    "BallotForm",
    "BallotKind",
    "BallotProblem",
    "Borda",
    "Chair",
    "Content",
    "Copeland",
    "Count",
    "Declared",
    "Election",
    "InstantRunoff",
    "Lot",
    "Majority",
    "NoDecision",
    "Number",
    "Pairwise",
    "Plurality",
    "Poll",
    "Quorum",
    "RULES",
    "RankedPairs",
    "Round",
    "Rule",
    "RunOff",
    "Schulze",
    "Score",
    "Settled",
    "SingleTransferableVote",
    "Star",
    "Supermajority",
    "TieBreak",
    "TieBroken",
    "Ties",
    "Unanimous",
    "Undecided",
    "VoteResult",
    "VotingError",
    "Weighted",
    "describe_rule",
    "exact",
    "make_rule",
    "plain_number",
    "read_csv",
    "read_json",
    "read_tie_breaks",
    "vote",
]

_MODULES = {
    "Approval": "approval",
    "Ballot": "ballot",
    "BallotError": "errors",
    "BallotFile": "ballots",
    "BallotForm": "ballot",
    "BallotKind": "ballot",
    "BallotProblem": "result",
    "Borda": "borda",
    "Chair": "ties",
    "Content": "ballot",
    "Copeland": "copeland",
    "Count": "rule",
    "Declared": "ties",
    "Election": "election",
    "InstantRunoff": "irv",
    "Lot": "ties",
    "Majority": "threshold",
    "NoDecision": "result",
    "Number": "arithmetic",
    "Pairwise": "pairwise",
    "Plurality": "plurality",
    "Poll": "poll",
    "Quorum": "quorum",
    "RULES": "registry",
    "RankedPairs": "ranked_pairs",
    "Round": "rule",
    "Rule": "rule",
    "RunOff": "ties",
    "Schulze": "schulze",
    "Score": "score",
    "Settled": "rule",
    "SingleTransferableVote": "stv",
    "Star": "star",
    "Supermajority": "threshold",
    "TieBreak": "ties",
    "TieBroken": "ties",
    "Ties": "ties",
    "Unanimous": "threshold",
    "Undecided": "ties",
    "VoteResult": "result",
    "VotingError": "errors",
    "Weighted": "threshold",
    "describe_rule": "registry",
    "exact": "arithmetic",
    "make_rule": "registry",
    "plain_number": "arithmetic",
    "read_csv": "ballots",
    "read_json": "ballots",
    "read_tie_breaks": "ties",
    "vote": "tally",
}
"""Public name -> the module here that has it."""


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""A whole vote in one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from victor.teams.voting.ballot import Ballot
from victor.teams.voting.ballots import BallotFile, found_options
from victor.teams.voting.errors import VotingError
from victor.teams.voting.poll import Poll
from victor.teams.voting.registry import make_rule
from victor.teams.voting.result import VoteResult

if TYPE_CHECKING:
    from victor.core.events import EventStream

__all__ = ["vote"]


def vote(
    ballots: Mapping[str, Any] | Iterable[Ballot] | BallotFile,
    *,
    rule: Any = "majority",
    options: Iterable[str] | None = None,
    voters: Iterable[str] | None = None,
    weights: Mapping[str, Any] | None = None,
    quorum: Any = None,
    tie_break: Any = "none",
    name: str = "",
    stream: EventStream | None = None,
) -> VoteResult:
    """Count ballots.

    Args:
        ballots: What each voter says (`Ballot` shows the forms), `Ballot` objects, or what `read_csv` or `read_json`
            found in a file.
        rule: A name, plain data or an object, as `make_rule` takes it.
        options: What could be voted for; None takes what the ballots name, sorted, so that no ballot can be off the
            list.
        voters: Who may vote; None for whoever did.
        weights: How much each voter counts; who is not in it counts 1.
        quorum: How many have to take part: a number, or a part such as ``"1/2"``, which needs ``voters``.
        tie_break: What decides between equals: ``"none"``, ``"declared"``, ``"lot:SEED"``, ``"chair:NAME"``,
            ``"runoff"``, or a list of these.
        name: For the events.
        stream: Where ``vote.cast`` and ``vote.result`` are emitted; None for nowhere.

    Returns:
        The result; ballots that are invalid, double or of strangers are reported in it.

    Raises:
        VotingError: There is nothing to vote for, or the vote cannot be held as described.
        UnknownNameError: There is no such rule.

    Example:
        >>> result = vote({"ann": "a > b", "bob": "b > a", "cid": None}, rule="schulze", tie_break="lot:2026")
        >>> result.winner, result.abstained
        ('a', 1)
        >>> print(vote({"ann": "a > b", "bob": "b > a"}, rule="schulze"))
        No decision: 'a' and 'b' tie for first place, and no tie-break rule is stated.
    """
    made = make_rule(rule)
    if isinstance(ballots, BallotFile):
        options = ballots.options if options is None else options
        weights = ballots.weights if weights is None else weights
        ballots = ballots.ballots
    if isinstance(ballots, Mapping):
        ballots = [Ballot(voter, content) for voter, content in ballots.items()]
    ballots = list(ballots)
    if options is None:
        options = found_options(ballots, made.kind)
        if not options:
            raise VotingError("no ballot names an option, so say what could be voted for: options=[...]")
    poll = Poll(
        options, voters, rule=made, weights=weights, quorum=quorum, tie_break=tie_break, name=name, stream=stream
    )
    poll.cast_all(ballots)
    return poll.result()

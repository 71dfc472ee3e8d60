"""A poll that is held: ballots come in one by one, and it knows when the result is certain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from victor.teams.voting.arithmetic import Number, exact
from victor.teams.voting.ballot import Ballot, Content
from victor.teams.voting.election import Election
from victor.teams.voting.errors import BallotError, VotingError
from victor.teams.voting.points import listed
from victor.teams.voting.quorum import Quorum
from victor.teams.voting.registry import describe_rule, make_rule
from victor.teams.voting.result import BallotProblem, NoDecision, VoteResult
from victor.teams.voting.rule import Count, Rule, Settled
from victor.teams.voting.ties import Declared, Ties, Undecided, read_tie_breaks

if TYPE_CHECKING:
    from victor.core.events import EventStream
    from victor.teams.voting.ballot import BallotForm
    from victor.teams.voting.ties import TieBreak

__all__ = ["Poll"]


class Poll:
    """A vote among stated options.

    Args:
        options: What can be voted for. The order matters to the tie-break rule ``"declared"`` alone.
        voters: Who may vote; None lets anybody vote once, and then nothing can be certain before the end.
        rule: A name, plain data or an object, as `make_rule` takes it.
        weights: How much each voter counts, exactly: whole numbers, fractions, or texts of these. Who is not in it
            counts 1.
        quorum: How many have to take part: a number of voters, or a part of them such as ``"1/2"``. An abstention
            takes part.
        tie_break: What decides between equals, as `read_tie_breaks` takes it. ``"none"`` leaves a tie undecided.
        name: For the events.
        stream: Where ``vote.cast`` and ``vote.result`` are emitted; None for nowhere.

    Raises:
        VotingError: The poll cannot be held like this.

    Example:
        >>> poll = Poll(["tea", "coffee"], voters=["ann", "bob", "cid"], rule="majority")
        >>> poll.cast("ann", "tea")
        >>> print(poll.cast("bob", "tee"))
        bob: 'tee' is not on the ballot; did it mean 'tea'? There are: 'tea', 'coffee'
        >>> poll.settled() is None
        True
        >>> poll.cast("bob", "tea")
        >>> poll.settled().winner
        'tea'
        >>> print(poll.result().explanation)
        'tea' has 2 of 2 votes cast, more than half
    """

    def __init__(
        self,
        options: Iterable[str],
        voters: Iterable[str] | None = None,
        *,
        rule: Any = "majority",
        weights: Mapping[str, Any] | None = None,
        quorum: Any = None,
        tie_break: Any = "none",
        name: str = "",
        stream: EventStream | None = None,
    ) -> None:
        if isinstance(options, str):
            raise VotingError(f"options are a list of texts, not the text {options!r}")
        if isinstance(voters, str):
            raise VotingError(f"voters are a list of names, not the text {voters!r}")
        self.rule: Rule = make_rule(rule)
        self.form: BallotForm = self.rule.form(tuple(options))
        self.voters: tuple[str, ...] | None = None if voters is None else tuple(dict.fromkeys(voters))
        self.weights: dict[str, Number] = {voter: _weight(voter, weight) for voter, weight in (weights or {}).items()}
        self.quorum: Quorum | None = Quorum.read(quorum)
        self.tie_break: tuple[TieBreak, ...] = read_tie_breaks(tie_break)
        self.name = name
        self._stream = stream
        self._ballots: dict[str, Content | None] = {}
        self._profile: dict[Content, Number] = {}
        self._abstained: Number = 0
        self._problems: list[BallotProblem] = []
        self._result: VoteResult | None = None
        self._known = None if self.voters is None else frozenset(self.voters)
        self._electorate = None if self.voters is None else sum(self.weights.get(voter, 1) for voter in self.voters)
        if self._known is not None:
            strangers = [voter for voter in self.weights if voter not in self._known]
            if strangers:
                raise VotingError(f"weights are given for {listed(strangers)}, who may not vote")
        elif self.quorum is not None and self.quorum.is_part:
            raise VotingError("a quorum that is a part of the voters needs to know them: Poll(options, voters=[...])")
        if self.rule.name == "weighted" and not self.weights:
            raise VotingError("the rule 'weighted' needs the weights of the voters: weights={'ann': 3, ...}")

    @property
    def options(self) -> tuple[str, ...]:
        """What can be voted for."""
        return self.form.options

    @property
    def problems(self) -> tuple[BallotProblem, ...]:
        """Ballots that were not counted so far."""
        return tuple(self._problems)

    def cast(self, voter: str, content: Any = None, reason: str = "") -> BallotProblem | None:
        """Take one ballot.

        Args:
            voter: Whose it is.
            content: What it says, as in `Ballot`; None abstains.
            reason: Why, for listeners.

        Returns:
            None when it counts; otherwise what is wrong with it, which the result will tell, too. After an invalid
            ballot the same voter may cast a valid one; after a valid one there is no second.
        """
        if self._result is not None:
            return self._refuse(voter, "closed", "the poll is closed")
        if self._known is not None and voter not in self._known:
            return self._refuse(voter, "unknown_voter", "may not vote in this poll")
        if voter in self._ballots:
            return self._refuse(voter, "duplicate", "has voted already; the first ballot counts")
        try:
            read = self.form.read(content)
        except BallotError as error:
            return self._refuse(voter, "invalid", str(error))
        weight = self.weights.get(voter, 1)
        self._ballots[voter] = read
        if read is None:
            self._abstained += weight
        else:
            self._profile[read] = self._profile.get(read, 0) + weight
        if self._stream is not None and self._stream.active:
            self._stream.emit(
                "vote.cast",
                self.name,
                {"voter": voter, "rule": self.rule.name, "abstained": read is None},
                content={"ballot": self.form.plain(read), "reason": reason},
            )
        return None

    def cast_all(self, ballots: Mapping[str, Any] | Iterable[Ballot]) -> list[BallotProblem]:
        """Take several ballots.

        Args:
            ballots: What each voter says, or `Ballot` objects.

        Returns:
            What is wrong, one entry for each ballot that does not count.
        """
        if isinstance(ballots, Mapping):
            ballots = [Ballot(voter, content) for voter, content in ballots.items()]
        problems = [self.cast(ballot.voter, ballot.content, ballot.reason) for ballot in ballots]
        return [problem for problem in problems if problem is not None]

    def settled(self) -> Settled | None:
        """The result, once it is certain whatever the outstanding voters do; None before that.

        Exact for plurality, the majorities, unanimity, weighted votes, approval, score and Borda: it speaks with the
        very ballot that settles the vote. Copeland, Schulze, ranked pairs and IRV know sure cases only (an option
        that beats each other one by more than the outstanding votes; the first place on more than half of all
        ballots), STAR and STV wait for everybody. (While a ``runoff``, or a chair who has not voted, could decide a
        tie, such a tie counts as open.)
        """
        if self._known is None or self.voters is None:
            return None
        present, missing = len(self._ballots), len(self.voters) - len(self._ballots)
        if self.quorum is not None and not self.quorum.reached(present + missing, len(self.voters)):
            return Settled(None, f"the quorum of {self.quorum} is more than there are voters")
        if not missing:
            result = self.count()
            return Settled(result.winner, result.explanation)
        election = self._election()
        settled = self.rule.settled(election, Ties(self.tie_break, election))
        if settled is not None and settled.winner is not None and not self._quorate(present):
            return None
        return settled

    def count(self) -> VoteResult:
        """Count what is there, without closing the poll."""
        election = self._election()
        present = len(self._ballots)
        ties = Ties(self.tie_break, election)
        counted, no_decision = self._counted(election, ties, present)
        missing = () if self.voters is None else tuple(voter for voter in self.voters if voter not in self._ballots)
        explanation = counted.explanation
        for tie in ties.broken:
            explanation += f"; the tie of {listed(tie.tied)} for {tie.where} was decided by {tie.by}: {tie.chosen!r}"
        return VoteResult(
            rule=describe_rule(self.rule),
            options=self.options,
            winners=counted.winners,
            counts=counted.counts,
            explanation=explanation,
            rounds=counted.rounds,
            no_decision=no_decision,
            ties=tuple(ties.broken),
            cast=sum(ballot is not None for ballot in self._ballots.values()),
            abstained=sum(ballot is None for ballot in self._ballots.values()),
            missing=missing,
            problems=self.problems,
        )

    def result(self) -> VoteResult:
        """Close the poll and count it; called again, it gives the same result."""
        if self._result is None:
            self._result = result = self.count()
            if self._stream is not None and self._stream.active:
                self._stream.emit(
                    "vote.result",
                    self.name,
                    {
                        "rule": self.rule.name,
                        "decided": result.decided,
                        "reason": "" if result.no_decision is None else result.no_decision.reason,
                        "cast": result.cast,
                        "abstained": result.abstained,
                        "problems": len(result.problems),
                    },
                    content={"winners": list(result.winners), "explanation": result.explanation},
                )
        return self._result

    def runoff(self) -> Poll:
        """A new poll about the options that are tied, for the same voters by the same rules.

        Raises:
            VotingError: The result is no tie.
        """
        none = self.count().no_decision
        if none is None or none.reason != "tie":
            raise VotingError("a run-off needs a tie, and this poll has none")
        return Poll(
            none.tied,
            self.voters,
            rule=self.rule,
            weights=self.weights,
            quorum=self.quorum,
            tie_break=self.tie_break,
            name=f"{self.name} run-off".strip(),
            stream=self._stream,
        )

    def _refuse(self, voter: str, kind: str, reason: str) -> BallotProblem:
        problem = BallotProblem(str(voter), kind, reason)
        self._problems.append(problem)
        return problem

    def _election(self) -> Election:
        outstanding: Number | None = None
        if self._electorate is not None:
            outstanding = self._electorate - sum(self._profile.values()) - self._abstained
        return Election(self.form, tuple(self._profile.items()), self._ballots, self._abstained, outstanding)

    def _quorate(self, present: int) -> bool:
        return self.quorum is None or self.quorum.reached(present, None if self.voters is None else len(self.voters))

    def _counted(self, election: Election, ties: Ties, present: int) -> tuple[Count, NoDecision | None]:
        if not election.profile:
            why = "nobody voted" if not present else f"all {present} who took part abstained"
            return Count((), election.totals(), why), NoDecision("no_ballots")
        try:
            counted = self.rule.count(election, ties)
        except Undecided as tie:
            rules = ", ".join(rule.spec for rule in self.tie_break)
            stated = f"the stated rule ({rules}) does not decide it" if rules else "no tie-break rule is stated"
            counted = Count(
                (), _first_counts(self.rule, election), f"{listed(tie.tied)} tie for {tie.where}, and {stated}"
            )
            none: NoDecision | None = NoDecision("tie", tie.tied)
        else:
            none = NoDecision(counted.missed) if counted.missed else None
        if not self._quorate(present):
            of = "" if self.voters is None else f" of {len(self.voters)}"
            why = f"{present}{of} voters took part, and the quorum is {self.quorum}"
            return Count((), counted.counts, why, counted.rounds), NoDecision("no_quorum")
        return counted, none


def _first_counts(rule: Rule, election: Election) -> Mapping[str, Number]:
    """What each option has before any tie comes up."""
    return rule.count(election, Ties([Declared()], election)).counts


def _weight(voter: str, weight: Any) -> Number:
    number = exact(weight, f"the weight of {voter!r}")
    if number <= 0:
        raise VotingError(f"the weight of {voter!r} must be more than 0, not {weight!r}; who has no vote is no voter")
    return number

"""What is wrong with a poll, or with one ballot of it."""

from __future__ import annotations

from victor.teams.errors import TeamError

__all__ = ["BallotError", "VotingError"]


class VotingError(TeamError, ValueError):
    """A poll cannot be held as it was described: a rule, an option, a weight or a quorum is wrong.

    What to do: correct what the text names; ``victor team vote --rules`` lists the rules.
    """


class BallotError(VotingError):
    """One ballot does not say what a ballot of this rule has to say; the text tells why.

    What to do: cast a ballot of the form the rule asks for; the text shows it. Others' ballots stand.
    """

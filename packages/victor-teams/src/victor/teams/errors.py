"""What can go wrong in a team, by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from victor.core.errors import VictorError

if TYPE_CHECKING:
    from victor.teams.result import TeamResult

__all__ = ["IncompleteTeamRunError", "JournalError", "MemberError", "TeamError"]


class TeamError(VictorError):
    """Root of the errors of teams."""


class MemberError(TeamError):
    """A member could not take its turn: it raised, did not answer in time, or answered what cannot be used.

    Args:
        message: What happened.
        member: Name of the member.

    Attributes:
        spent: Tokens, cost and the like of the failed attempt, where they are known.
    """

    def __init__(self, message: str, *, member: str = "") -> None:
        super().__init__(message)
        self.member = member
        self.spent: Any = None


class JournalError(TeamError):
    """The record of a run cannot be read, belongs to another run, or does not fit what the team does now."""


class IncompleteTeamRunError(TeamError):
    """`TeamResult.output` was read from a run that ended without one.

    Attributes:
        result: That run; its ``stop_reason`` and ``detail`` say why.
    """

    def __init__(self, message: str, *, result: TeamResult) -> None:
        super().__init__(message)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return _incomplete, (str(self), self.result)


def _incomplete(message: str, result: TeamResult) -> IncompleteTeamRunError:
    return IncompleteTeamRunError(message, result=result)

"""What can go wrong in a team, by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from victor.core.errors import VictorError

if TYPE_CHECKING:
    from victor.teams.result import TeamResult

__all__ = ["IncompleteTeamRunError", "JournalError", "MemberError", "TeamError"]


class TeamError(VictorError):
    """Root of the errors of teams.

    What to do: see the kinds below it.
    """


class MemberError(TeamError):
    """A member could not take its turn: it raised, did not answer in time, or answered what cannot be used.

    What to do: correct the member, or say with ``on_failure`` that the team goes on without it, asks again or lets
    another act.

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
    """The record of a run cannot be read, belongs to another run, or does not fit what the team does now.

    What to do: take the record of this run and this form of the team, or begin a new run.
    """


class IncompleteTeamRunError(TeamError):
    """`TeamResult.output` was read from a run that ended without one.

    What to do: look at ``result.stop_reason`` before the output; raise the limit, answer the question or correct the
    member it names.

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

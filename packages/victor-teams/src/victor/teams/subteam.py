"""A team as a member of another: work is delegated down, with a part of the budget, and what it comes to goes up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from victor.teams.errors import MemberError
from victor.teams.member import Ask, Reply, Waiting
from victor.teams.result import StopReason

if TYPE_CHECKING:
    from victor.teams.team import Team

__all__ = ["SubTeam"]


class SubTeam:
    """A team as a member. Its turns are recorded in the journal of the team above, below its own turn.

    Args:
        team: The team; it is not changed.
        name: Another name than the team's.
        description: Instead of the team's.
        sees: What it sees of the others, instead of what the pattern says. What it sees becomes part of its task.
    """

    def __init__(self, team: Team, *, name: str = "", description: str = "", sees: Any = None) -> None:
        self.team = team
        self.name: str = name or team.name
        self.description: str = description or team.description or f"a team of {', '.join(team.members)}"
        self.sees = sees

    async def act(self, ask: Ask) -> Reply:
        """Run the team; when it ends without an answer, that is told upwards as this member's failure."""
        result = await self.team.run_inside(ask, _task(ask))
        reply = Reply(usage=result.usage, cost_usd=result.cost_usd, turns=len(result.turns))
        if result.stop_reason is StopReason.WAITING:
            raise Waiting(result.detail, questions=result.questions, spent=reply)
        if not result.completed:
            why = f": {result.detail}" if result.detail else ""
            failed = MemberError(
                f"the team ended without an answer ({result.stop_reason.value}{why})", member=self.name
            )
            failed.spent = reply
            raise failed
        reply.text, reply.data = _said(result.found)
        return reply


def _task(ask: Ask) -> str:
    """What is asked, with what the member may see of the conversation above."""
    said = [message.content for message in ask.history if message.content and message.content != ask.task]
    if not said:
        return ask.text
    return "\n\n".join([ask.text, "What was said before:", *said])


def _said(found: Any) -> tuple[str, Any]:
    if isinstance(found, str) or found is None:
        return found or "", None
    import msgspec

    try:
        return msgspec.json.encode(found).decode(), found
    except (TypeError, ValueError, OverflowError, RecursionError):
        return str(found), found

"""In turn, again and again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from victor.teams.checks import positive
from victor.teams.pattern import Pattern

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session

__all__ = ["RoundRobin"]


@frozen
class RoundRobin(Pattern):
    """The members speak in order, and everybody sees everything. The last word is the outcome.

    Args:
        rounds: How often; None goes on until a condition or a limit of the team ends it.
    """

    rounds: int | None = None

    name = "round_robin"

    def __attrs_post_init__(self) -> None:
        if self.rounds is not None:
            positive("round_robin.rounds", self.rounds)

    async def run(self, session: Session) -> str:
        """See `Pattern.run`."""
        done = 0
        while self.rounds is None or done < self.rounds:
            for member in session.members:
                await session.ask(member, "" if not session.turns else f"It is your turn, {member}.")
            done += 1
        return "" if session.last is None else session.last.text

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.teams.picture import row

        return row(members, back=True)

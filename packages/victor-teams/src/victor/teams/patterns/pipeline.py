"""An assembly line: what a member makes is all the next one gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from victor.teams.errors import TeamError
from victor.teams.pattern import Pattern

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session

__all__ = ["Pipeline"]


@frozen
class Pipeline(Pattern):
    """Each member is a stage. The first gets the task; every other gets the answer of the one before and nothing else,
    so no context grows along the line. A stage that was passed over ends the line, as there is nothing to hand on.

    Args:
        split: Makes several pieces of the task, such as ``str.splitlines``; they go down the line side by side, each
            stage working on the piece it has got, and the outcome is the list of what came out.
    """

    split: Callable[[str], list[str]] | None = None

    name = "pipeline"
    sees = "none"

    async def run(self, session: Session) -> str | list[str]:
        """See `Pattern.run`."""
        if self.split is None:
            return await self._line(session, session.task)
        return await session.together(self._line, self.split(session.task))

    async def _line(self, session: Session, piece: str) -> str:
        for member in session.members:
            turn = await session.ask(member, piece)
            if not turn.ok or not turn.text:
                raise TeamError(f"the line is broken: {member!r} handed nothing on ({turn.error or 'an empty answer'})")
            piece = turn.text
        return piece

    def conclude(self, session: Session) -> Any:
        """See `Pattern.conclude`."""
        return "" if session.last is None else session.last.text

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.teams.picture import row

        return row(members)

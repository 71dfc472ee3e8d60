"""One after the other: each member builds on what was said before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from victor.teams.pattern import Pattern

if TYPE_CHECKING:
    from victor.teams.session import Session

__all__ = ["Sequential"]


@frozen
class Sequential(Pattern):
    """Every member has one turn, in order, and sees the task and all that was said. The last
    one's answer is the outcome.

    Example:
        >>> from victor.teams import Team
        >>> def writer(ask):
        ...     return "a draft"
        >>> def editor(ask):
        ...     return ask.history[-1].content + ", edited"
        >>> Team([writer, editor], Sequential()).run_sync("Write.").output
        'writer: a draft, edited'
    """

    name = "sequential"

    async def run(self, session: Session) -> str:
        """See `Pattern.run`."""
        # A text keeps its first line whole, which may be a heading.
        again = "Go on with the task:" + ("\n\n" if "\n" in session.task else " ") + session.task
        for index, member in enumerate(session.members):
            await session.ask(member, "" if index == 0 else again)
        return "" if session.last is None else session.last.text

"""Do, criticise, do better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from victor.teams.checks import positive
from victor.teams.errors import TeamError
from victor.teams.pattern import Pattern
from victor.teams.quoting import as_said

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session

__all__ = ["Reflection", "Review"]


@frozen
class Review:
    """A judgement on a draft.

    Args:
        approved: True when nothing needs to change.
        comments: What should change and why.
    """

    approved: bool
    comments: str = ""


@frozen
class Reflection(Pattern):
    """The first member drafts; the others review the draft, each by itself; it is improved until all approve. The
    outcome is the last draft, approved or not: `Reflection` improves, it does not guard.

    Args:
        rounds: Drafts at most.
    """

    rounds: int = 3

    name = "reflection"
    sees = "none"

    def __attrs_post_init__(self) -> None:
        positive("reflection.rounds", self.rounds)

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        return [] if len(members) > 1 else ["reflection needs somebody who drafts and somebody who reviews"]

    async def run(self, session: Session) -> str:
        """See `Pattern.run`."""
        author, *reviewers = session.members
        draft = await self._draft(session, author, session.task)
        for _ in range(self.rounds - 1):
            reviews = await session.ask_all(
                reviewers,
                f"The task was: {session.task}\n\nThe draft:\n{draft}\n\nReview it.",
                output_type=Review,
            )
            comments = [
                as_said(turn.member, turn.data.comments) for turn in reviews if turn.ok and not turn.data.approved
            ]
            if not comments:
                break
            draft = await self._draft(
                session,
                author,
                f"The task: {session.task}\n\nYour draft:\n{draft}\n\nThe reviews:\n" + "\n".join(comments)
                + "\n\nWrite a better draft.",
            )  # fmt: skip
        return draft

    async def _draft(self, session: Session, author: str, text: str) -> str:
        turn = await session.ask(author, text)
        if not turn.ok:
            raise TeamError(f"{author!r} wrote no draft: {turn.error}")
        session.state["draft"] = turn.text
        return turn.text

    def conclude(self, session: Session) -> str:
        """The last draft."""
        return str(session.state.get("draft", ""))

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.teams.picture import star

        return star(members, next(iter(members)), label="draft", back="review")

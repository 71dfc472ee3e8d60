"""One question, and the one member that should answer it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from victor.core.errors import ConfigurationError
from victor.teams.checks import names_a_member
from victor.teams.choice import described_choice
from victor.teams.errors import TeamError
from victor.teams.pattern import Pattern

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session

__all__ = ["Router"]


@frozen
class Router(Pattern):
    """The task goes to one member, which answers it.

    Who that is, is decided by a function, by a member, or else by comparing the words of the task with the members'
    names and descriptions; the last needs no model.

    Args:
        choose: A function of the task that returns a member's name; may be async.
        by: Instead: the member that decides; it does not answer itself.
        otherwise: Who answers when nobody fits, or the one who decides fails.
    """

    choose: Callable[[str], Any] | None = None
    by: str = ""
    otherwise: str = ""

    name = "router"
    sees = "none"

    def __attrs_post_init__(self) -> None:
        if self.choose is not None and self.by:
            raise ConfigurationError("router takes choose=function or by='member', not both")

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        problems = names_a_member("router.by", self.by, members, needed=False)
        problems += names_a_member("router.otherwise", self.otherwise, members, needed=False)
        if self.by and self.by == self.otherwise:
            problems.append("router.by decides and does not answer, so it cannot be 'otherwise'")
        return problems

    async def run(self, session: Session) -> str:
        """See `Pattern.run`."""
        name = await self._choose(session)
        turn = await session.ask(name)
        if not turn.ok:
            raise TeamError(f"{name!r} did not answer: {turn.error}")
        return turn.text

    async def _choose(self, session: Session) -> str:
        if self.choose is not None:
            chosen = self.choose(session.task)
            if inspect.isawaitable(chosen):
                chosen = await chosen
            if chosen is None and self.otherwise:
                return self.otherwise
            session.member(chosen)
            return str(chosen)
        able = [name for name in session.members if name != self.by]
        if self.by:
            described = "\n".join(f"- {name}: {session.member(name).description or 'no description'}" for name in able)
            turn = await session.ask(
                self.by,
                f"Who should do this?\n{session.task}\n\nThere are:\n{described}",
                output_type=described_choice({name: session.member(name).description for name in able}),
            )
            if turn.ok:
                return str(turn.data)
            return self._fallback(f"{self.by!r} did not choose: {turn.error}")
        return self._by_words(session, able)

    def _by_words(self, session: Session, able: list[str]) -> str:
        from victor.core.ranking import BM25

        ranking: BM25[str] = BM25()
        for name in able:
            ranking.add(name, f"{name} {session.member(name).description}")
        found = ranking.search(session.task, limit=1)
        return found[0][0] if found else self._fallback("no member's description has a word of the task")

    def _fallback(self, why: str) -> str:
        if not self.otherwise:
            raise TeamError(f"{why}, and there is no 'otherwise'")
        return self.otherwise

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.core.topology import Edge, Node, Topology
        from victor.teams.picture import node_of

        centre = node_of(members[self.by]) if self.by else Node("choose", kind="condition")
        others = {name: member for name, member in members.items() if name != self.by}
        edges = [Edge(centre.id, name, "otherwise" if name == self.otherwise else "", "dashed") for name in others]
        return Topology([centre, *(node_of(member) for member in others.values())], edges)

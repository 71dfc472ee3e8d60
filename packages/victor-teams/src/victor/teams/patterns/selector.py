"""Somebody chooses who speaks next: a function, or a member."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
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
    from victor.teams.result import Turn
    from victor.teams.session import Session

__all__ = ["Selector"]

_DONE = "done"


@frozen
class Selector(Pattern):
    """Before each turn it is decided who speaks next, or that the work is done. Everybody sees everything.

    Args:
        choose: A function of the turns so far that returns a member's name, or None when the work is done; may be
            async. It must decide the same when it sees the same.
        by: Instead: the member that decides, from the others' descriptions; it does not speak otherwise.
        again: Whether the same member may speak twice in a row.
    """

    choose: Callable[[Sequence[Turn]], Any] | None = None
    by: str = ""
    again: bool = False

    name = "selector"

    def __attrs_post_init__(self) -> None:
        if (self.choose is None) == (not self.by):
            raise ConfigurationError("selector needs either choose=function or by='member'")

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        problems = names_a_member("selector.by", self.by, members, needed=self.choose is None)
        if self.by in members and len(members) < 2:
            problems.append("there is nobody to choose from")
        return problems

    async def run(self, session: Session) -> str:
        """See `Pattern.run`."""
        last = ""
        while True:
            name = await self._next(session, last)
            if name is None:
                said = [turn for turn in session.turns if turn.ok and turn.member != self.by]
                if not said:
                    raise TeamError("the work was called done before any member had answered")
                return said[-1].text
            await session.ask(name, "" if not session.turns else f"It is your turn, {name}.")
            last = name

    async def _next(self, session: Session, last: str) -> str | None:
        if self.choose is not None:
            chosen = self.choose(tuple(session.turns))
            if inspect.isawaitable(chosen):
                chosen = await chosen
            if chosen is not None:
                session.member(chosen)  # an unknown name is an error that lists the members
            return None if chosen is None else str(chosen)
        able = [name for name in session.members if name != self.by and (self.again or name != last)]
        if not able:
            able = [name for name in session.members if name != self.by]
        described = "\n".join(f"- {name}: {session.member(name).description or 'no description'}" for name in able)
        turn = await session.ask(
            self.by,
            f"Who should speak next?\n{described}\nAnswer {_DONE!r} when the task is done: {session.task}",
            output_type=described_choice(
                {**{name: session.member(name).description for name in able}, _DONE: "the task is done"}
            ),
        )
        if not turn.ok:
            raise TeamError(f"{self.by!r} did not choose who speaks next: {turn.error}")
        return None if turn.data == _DONE else str(turn.data)

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.core.topology import Edge, Node, Topology
        from victor.teams.picture import node_of, star

        if self.by:
            return star(members, self.by)
        chooser = Node("choose", kind="condition")
        edges = [Edge("choose", name, style="dashed") for name in members] + [Edge(name, "choose") for name in members]
        return Topology([chooser, *(node_of(member) for member in members.values())], edges)

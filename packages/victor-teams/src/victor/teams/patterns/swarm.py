"""Members pass the work on themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from victor.core.errors import ConfigurationError
from victor.teams.checks import names_a_member
from victor.teams.errors import TeamError
from victor.teams.pattern import Pattern
from victor.teams.quoting import as_said

if TYPE_CHECKING:
    from victor.core.tool import Tool
    from victor.core.topology import Topology
    from victor.teams.member import Ask, Member
    from victor.teams.session import Session

__all__ = ["HandOver", "Swarm"]


def _lists(given: Mapping[str, Any] | None) -> dict[str, list[str]] | None:
    return None if given is None else {name: [to] if isinstance(to, str) else list(to) for name, to in given.items()}


@frozen
class Swarm(Pattern):
    """One member works at a time. It passes the work on with the tool ``hand_over``, and what it writes after that goes
    along; a member that hands over to nobody has finished the task, and its answer is the outcome.

    A function as a member hands over by returning ``Reply(text, handoff="name")``.

    Args:
        first: Who begins; the first member by default.
        may: Who may hand over to whom; everybody to everybody by default. A name given here that is no member leaves
            the team: the run ends there, with the condition ``Handoff(name)`` or as completed. Any other name ends the
            run as an error.
    """

    first: str = ""
    may: Mapping[str, Any] | None = field(default=None, converter=_lists)

    name = "swarm"

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        problems = names_a_member("swarm.first", self.first, members, needed=False)
        for name in self.may or ():
            problems += names_a_member("swarm.may", name, members)
        return problems

    async def run(self, session: Session) -> str:
        """See `Pattern.run`."""
        at, text = self.first or session.members[0], ""
        while True:
            turn = await session.ask(at, text, tools=self._tools(session, at))
            if not turn.ok:
                raise TeamError(f"{at!r} did not finish: {turn.error}")
            if turn.handoff is None:
                return turn.text
            targets = self._targets(session, at)
            if turn.handoff not in targets:
                session.member(turn.handoff)  # an unknown name is an error that lists the members
                raise ConfigurationError(
                    f"{at!r} may not hand over to {turn.handoff!r}; it may to: {', '.join(targets)}"
                )
            if turn.handoff not in session.run.members:
                return turn.text
            text = as_said(f"{at} hands the work over to you", turn.text)
            at = turn.handoff

    def _targets(self, session: Session, name: str) -> list[str]:
        if self.may is None:
            return [other for other in session.members if other != name]
        return list(self.may.get(name, ()))

    def _tools(self, session: Session, name: str) -> Sequence[HandOver]:
        targets = self._targets(session, name)
        if not targets:
            return ()
        described = {to: session.member(to).description if to in session.run.members else "" for to in targets}
        return (HandOver(described),)

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.core.topology import Edge, Node, Topology
        from victor.teams.picture import node_of

        nodes = [node_of(member) for member in members.values()]
        may = self.may or {name: [other for other in members if other != name] for name in members}
        away = {to for targets in may.values() for to in targets} - members.keys()
        edges = [Edge(name, to, style="dashed") for name, targets in may.items() for to in targets]
        return Topology([*nodes, *(Node(name, kind="end") for name in sorted(away))], edges)


class HandOver:
    """Makes the tool for one turn, as the tool tells that turn's `Ask` where the work goes.

    Args:
        targets: What each member is good at to whom the work may go.
    """

    def __init__(self, targets: Mapping[str, str]) -> None:
        self.targets = targets

    def __call__(self, ask: Ask) -> Tool:
        from typing import Literal

        from victor.core.tool import as_tool

        names = Literal[tuple(self.targets)]  # type: ignore[valid-type]

        async def hand_over(to: Any) -> str:
            ask.handoff = to
            return f"The work goes to {to} when your turn ends."

        listed = "; ".join(f"{name}: {text}" if text else name for name, text in self.targets.items())
        hand_over.__annotations__["to"] = names
        hand_over.__doc__ = (
            f"Pass the work on to another member of the team. {listed}\n\n"
            "After the call write what that member needs to know, and nothing else.\n\nArgs:\n    to: Who goes on."
        )
        return as_tool(hand_over)

"""A manager plans, delegates and judges; the others do the work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

from victor.teams.checks import names_a_member, positive
from victor.teams.errors import TeamError
from victor.teams.pattern import Pattern
from victor.teams.quoting import as_said

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session

__all__ = ["Assignment", "Decision", "Hierarchical"]


@frozen
class Assignment:
    """A piece of work for one member.

    Args:
        member: Who should do it.
        task: What to do, with all that is needed for it.
    """

    member: str
    task: str


@frozen
class Decision:
    """What the manager wants: more work, or to finish.

    Args:
        assignments: Work to be done now, side by side.
        answer: The final answer; empty while there is work to be done.
    """

    assignments: list[Assignment] = field(factory=list)
    answer: str = ""


@frozen
class Hierarchical(Pattern):
    """The manager gives out work; the members do it side by side, each seeing only its own piece; the manager sees the
    results and gives out more or answers. Members may be teams themselves, to any depth: a team that fails tells its
    manager, who can give the work to somebody else.

    Args:
        manager: Who leads; the first member by default.
        rounds: How often work is given out at most; then the manager must answer.
    """

    manager: str = ""
    rounds: int = 5

    name = "hierarchical"
    sees = "none"

    def __attrs_post_init__(self) -> None:
        positive("hierarchical.rounds", self.rounds)

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        problems = names_a_member("hierarchical.manager", self.manager, members, needed=False)
        return problems if len(members) > 1 else [*problems, "a manager needs at least one other member"]

    async def run(self, session: Session) -> str:
        """See `Pattern.run`."""
        manager = self.manager or session.members[0]
        workers = [name for name in session.members if name != manager]
        described = "\n".join(f"- {name}: {session.member(name).description or 'no description'}" for name in workers)
        report = ""
        for number in range(self.rounds + 1):
            wanted = (
                "Give out work, or answer." if number < self.rounds else "Answer now; no more work can be given out."
            )
            decision = await self._decide(
                session, manager, f"The task: {session.task}\n\nYour members:\n{described}\n\n{report}{wanted}"
            )
            # An answer beside work that is still to be done is a guess at what will come of it.
            if decision.answer and (not decision.assignments or number == self.rounds):
                return decision.answer
            if not decision.assignments:
                raise TeamError(f"the manager {manager!r} gave neither work nor an answer")
            if number == self.rounds:
                break
            report = f"What came of the work:\n{await self._work(session, decision.assignments, workers)}\n\n"
        raise TeamError(f"{manager!r} gave no answer after {self.rounds} rounds of work")

    async def _decide(self, session: Session, manager: str, text: str) -> Decision:
        turn = await session.ask(manager, text, output_type=Decision, sees="own")
        if not turn.ok:
            raise TeamError(f"the manager {manager!r} failed: {turn.error}")
        decision: Decision = turn.data
        return decision

    async def _work(self, session: Session, assignments: list[Assignment], workers: list[str]) -> str:
        fitting = [each for each in assignments if each.member in workers]
        turns = await session.together(lambda branch, each: branch.ask(each.member, each.task), fitting)
        lines = [
            as_said(f"- {turn.member}, asked to {turn.prompt!r}", turn.text if turn.ok else f"FAILED: {turn.error}")
            for turn in turns
        ]
        lines += [f"- {each.member!r} is no member; there are: {', '.join(workers)}" for each in assignments
                  if each.member not in workers]  # fmt: skip
        return "\n".join(lines)

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.teams.picture import star

        return star(members, self.manager or next(iter(members)), label="work", back="result")

"""A planner that keeps a ledger of facts, plan and progress, and plans anew when the work does not get on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from victor.teams.checks import names_a_member, positive
from victor.teams.errors import TeamError
from victor.teams.pattern import Pattern
from victor.teams.quoting import as_said

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session

__all__ = ["Ledger", "Magentic", "Progress"]


@frozen
class Ledger:
    """What is known and what is to be done.

    Args:
        facts: What is known, what must be looked up, what must be guessed.
        plan: The steps, each with the member that does it.
    """

    facts: str
    plan: str


@frozen
class Progress:
    """Where the work stands.

    Args:
        done: True when the task is fulfilled.
        stuck: True when the last steps brought nothing new or went round in circles.
        member: Who works next.
        instruction: What it should do.
    """

    done: bool
    stuck: bool = False
    member: str = ""
    instruction: str = ""


@frozen
class Magentic(Pattern):
    """The planner first writes a ledger of facts and a plan. Before every step it judges the progress and says who does
    what; when the work is stuck several times it rewrites facts and plan and begins anew; when it is done it writes the
    answer. The idea is that of Fourney et al., "Magentic-One" (2024).

    Args:
        planner: Who leads; the first member by default.
        stalls: Steps without progress before the plan is written anew.
        plans: Plans at most; then the run ends with an error that tells what was tried.
        steps: Steps at most under one plan.
    """

    planner: str = ""
    stalls: int = 2
    plans: int = 3
    steps: int = 20

    name = "magentic"
    sees = "none"

    def __attrs_post_init__(self) -> None:
        for name in ("stalls", "plans", "steps"):
            positive(f"magentic.{name}", getattr(self, name))

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        problems = names_a_member("magentic.planner", self.planner, members, needed=False)
        return problems if len(members) > 1 else [*problems, "a planner needs at least one other member"]

    async def run(self, session: Session) -> str:
        """See `Pattern.run`."""
        planner = self.planner or session.members[0]
        workers = [name for name in session.members if name != planner]
        described = "\n".join(f"- {name}: {session.member(name).description or 'no description'}" for name in workers)
        opening = f"The task: {session.task}\n\nYour members:\n{described}"
        ledger: Ledger | None = None
        log: list[str] = []
        for _ in range(self.plans):
            before = (
                ""
                if ledger is None
                else f"\n\nThe old plan did not work:\n{ledger.plan}\n\nDone so far:\n" + "\n".join(log)
            )
            ledger = await self._asked(
                session, planner, f"{opening}{before}\n\nWrite down the facts and a plan.", Ledger
            )
            if await self._carry_out(
                session, planner, workers, f"{opening}\n\nFacts:\n{ledger.facts}\n\nPlan:\n{ledger.plan}", log
            ):
                turn = await session.ask(
                    planner, f"{opening}\n\nWhat was done:\n" + "\n".join(log) + "\n\nWrite the final answer."
                )
                if not turn.ok:
                    raise TeamError(f"the planner {planner!r} wrote no answer: {turn.error}")
                return turn.text
        raise TeamError(
            f"the work was stuck under each of {self.plans} plans; the last was: {ledger.plan if ledger else ''}"
        )

    async def _carry_out(self, session: Session, planner: str, workers: list[str], ledger: str, log: list[str]) -> bool:
        """Work by a plan; True when the task is done, False when it is stuck."""
        stalls = 0
        for _ in range(self.steps):
            done = "\n".join(log) or "(nothing yet)"
            progress = await self._asked(
                session,
                planner,
                f"{ledger}\n\nWhat was done:\n{done}\n\nSay how the work stands, and who does what next.",
                Progress,
            )
            if progress.done:
                return True
            stalls = stalls + 1 if progress.stuck or progress.member not in workers else max(0, stalls - 1)
            if stalls > self.stalls:
                return False
            if progress.member not in workers:
                log.append(f"({progress.member!r} is no member; there are: {', '.join(workers)})")
                continue
            turn = await session.ask(progress.member, progress.instruction or session.task)
            log.append(
                as_said(f"{turn.member}, asked to {turn.prompt!r}", turn.text if turn.ok else f"FAILED: {turn.error}")
            )
        return False

    async def _asked(self, session: Session, planner: str, text: str, form: type) -> Any:
        turn = await session.ask(planner, text, output_type=form)
        if not turn.ok:
            raise TeamError(f"the planner {planner!r} failed: {turn.error}")
        return turn.data

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.teams.picture import star

        return star(members, self.planner or next(iter(members)), label="instruction", back="result")

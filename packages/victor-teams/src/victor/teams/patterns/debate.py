"""Argue, listen, argue again; then it is decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from victor.teams.checks import names_a_member, positive
from victor.teams.errors import TeamError
from victor.teams.pattern import Pattern
from victor.teams.quoting import as_said

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.result import Turn
    from victor.teams.session import Session

__all__ = ["Debate"]


@frozen
class Debate(Pattern):
    """Members take positions at the same time, round by round; from the second round on each answers what the others
    said in the one before. A judge, who has not argued, decides from the last round.

    One or two rounds are usually best: more rounds before a decision tend to make answers worse (Kaesberg et al.,
    "Voting or Consensus?", ACL Findings 2025).

    Args:
        judge: The member that decides.
        rounds: Rounds of argument.
    """

    judge: str
    rounds: int = 2

    name = "debate"
    sees = "none"

    def __attrs_post_init__(self) -> None:
        positive("debate.rounds", self.rounds)

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        problems = names_a_member("debate.judge", self.judge, members)
        if len(members) < 3:
            problems.append("a debate needs two members that argue and one that judges")
        return problems

    async def run(self, session: Session) -> str:
        """See `Pattern.run`."""
        sides = [name for name in session.members if name != self.judge]
        said: list[Turn] = []
        for number in range(self.rounds):
            heard = {turn.member: turn for turn in said if turn.ok}

            def text(name: str, heard: dict[str, Turn] = heard, number: int = number) -> str:
                if number == 0:
                    return f"{session.task}\n\nTake a position and give your reasons."
                others = "\n\n".join(as_said(turn.member, turn.text) for turn in heard.values() if turn.member != name)
                own = f"## Your position\n\n{heard[name].text}\n\n" if name in heard else ""
                wanted = "Take up what they said, and change your mind where they are right."
                return f"{session.task}\n\n{own}## What the others said\n\n{others}\n\n{wanted}"

            said = await session.ask_all(sides, text)
        positions = "\n\n".join(as_said(turn.member, turn.text) for turn in said if turn.ok)
        if not positions:
            raise TeamError("nobody took a position: " + "; ".join(f"{turn.member}: {turn.error}" for turn in said))
        verdict = await session.ask(
            self.judge, f"{session.task}\n\n## The positions\n\n{positions}\n\nDecide, and give your reasons."
        )
        if not verdict.ok:
            raise TeamError(f"the judge {self.judge!r} did not decide: {verdict.error}")
        return verdict.text

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.teams.picture import fan, node_of

        sides = {name: member for name, member in members.items() if name != self.judge}
        return fan(sides, [node_of(members[self.judge])])

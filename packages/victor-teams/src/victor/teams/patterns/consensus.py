"""Everybody proposes, everybody votes, until enough agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from victor.teams.checks import positive
from victor.teams.choice import described_choice
from victor.teams.errors import TeamError
from victor.teams.loops import same_words
from victor.teams.pattern import Pattern
from victor.teams.quoting import indented
from victor.teams.result import StopReason
from victor.teams.session import Stop

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session
    from victor.teams.voting.result import VoteResult

__all__ = ["Consensus"]


@frozen
class Consensus(Pattern):
    """In each round all members propose at once, without seeing each other, then all vote at once on the proposals of
    that round. When a voting rule says that they agree, that proposal is the outcome; else they propose again, knowing
    the proposals and how the vote went. Without agreement in the last round the run ends with
    ``StopReason.NO_DECISION``.

    Drafting independently and voting soon is what serves best (Kaesberg et al., "Voting or Consensus?", ACL Findings
    2025).

    Args:
        rule: A voting rule by name, or as data: ``{"rule": "supermajority", "fraction": "3/4"}``. By default two
            thirds, exactly, of all members.
        rounds: Rounds at most.
        tie_break: What breaks a tie; see `victor.teams.voting`.
    """

    rule: Any = None
    rounds: int = 2
    tie_break: Any = "none"

    name = "consensus"
    sees = "none"

    def __attrs_post_init__(self) -> None:
        from victor.teams.voting import make_rule, read_tie_breaks

        positive("consensus.rounds", self.rounds)
        made = make_rule("supermajority", of="electorate") if self.rule is None else make_rule(self.rule)
        object.__setattr__(self, "rule", made)
        read_tie_breaks(self.tie_break)

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        return [] if len(members) > 1 else ["it takes two to agree"]

    async def run(self, session: Session) -> str:
        """See `Pattern.run`."""
        before, told = "", "nobody proposed anything"
        for number in range(1, self.rounds + 1):
            wanted = "Propose an answer." if number == 1 else "Propose again: better, or one that others can agree to."
            turns = await session.ask_all(session.members, f"{session.task}{before}\n\n{wanted}")
            proposals = _different({turn.member: turn.text for turn in turns if turn.ok and turn.text})
            if not proposals:
                raise TeamError("nobody proposed anything: " + "; ".join(f"{t.member}: {t.error}" for t in turns))
            listed = "\n\n".join(f"Proposal {key}:\n{indented(text)}" for key, text in proposals.items())
            result = await self._vote(session, proposals, listed)
            session.state["proposals"] = proposals
            if result.winner is not None:
                return proposals[result.winner]
            told = result.explanation
            before = f"\n\nThe proposals of round {number}:\n{listed}\n\nThe vote: {told}."
        raise Stop(StopReason.NO_DECISION, f"after {self.rounds} rounds: {told}")

    async def _vote(self, session: Session, proposals: Mapping[str, str], listed: str) -> VoteResult:
        from victor.teams.voting import Poll

        poll = Poll(
            tuple(proposals),
            rule=self.rule,
            voters=session.members,
            tie_break=self.tie_break,
            stream=session.run.stream,
        )
        form = _form(poll.rule.kind, proposals)
        ballots = await session.ask_all(
            session.members, f"{session.task}\n\n{listed}\n\nVote: {_asked(poll.rule.kind)}", output_type=form
        )
        for turn in ballots:
            if turn.ok:
                poll.cast(turn.member, turn.data)
        return poll.count()

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.core.topology import Node
        from victor.teams.picture import fan

        return fan(members, [Node("vote", kind="condition"), Node("end", kind="end")])


def _different(proposals: Mapping[str, str]) -> dict[str, str]:
    """Proposals by a short name; who says the same proposes the same."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for text in proposals.values():
        same = same_words(text)
        if same not in seen:
            seen.add(same)
            found[f"P{len(found) + 1}"] = text
    return found


def _form(kind: str, proposals: Mapping[str, str]) -> Any:
    """What a ballot of a kind looks like to a model; its schema says what each proposal is."""
    one = described_choice(proposals)
    if kind == "choice":
        return one
    if kind in {"approval", "ranking"}:
        return list[one]  # type: ignore[valid-type]
    return dict[str, int]


def _asked(kind: str) -> str:
    return {
        "choice": "which proposal do you want?",
        "approval": "list all proposals that are good enough.",
        "ranking": "list the proposals, the best first.",
    }.get(kind, "give every proposal a score from 0 to 5.")

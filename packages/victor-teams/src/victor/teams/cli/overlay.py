"""What a recorded run of a team did, laid over its picture: who spoke how often, and what that took."""

from __future__ import annotations

from attrs import define

from victor.core.highlights import Highlights, duration
from victor.teams.journal import Journal
from victor.teams.result import Turn
from victor.teams.subteam import SubTeam
from victor.teams.team import Team

__all__ = ["Share", "highlights_of", "rows_of", "shares_of"]


@define
class Share:
    """What one member had of a run.

    Args:
        turns: How often it was asked, retries not counted.
        failed: Turns in which it gave no answer.
        tokens: Input and output; None when a provider did not say.
        cost_usd: US dollars, or None when a price is unknown.
        duration_s: Seconds.
        last_failed: Its last turn was one without an answer.
    """

    turns: int = 0
    failed: int = 0
    tokens: int | None = 0
    cost_usd: float | None = 0.0
    duration_s: float = 0.0
    last_failed: bool = False

    def add(self, turn: Turn) -> None:
        """Count a turn."""
        self.turns += 1
        self.last_failed = bool(turn.error)
        self.failed += self.last_failed
        tokens = turn.usage.total_tokens
        self.tokens = None if self.tokens is None or tokens is None else self.tokens + tokens
        self.cost_usd = None if self.cost_usd is None or turn.cost_usd is None else self.cost_usd + turn.cost_usd
        self.duration_s += turn.duration_s

    def __str__(self) -> str:
        parts = [f"{self.turns} turn{'' if self.turns == 1 else 's'}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.tokens:
            parts.append(f"{self.tokens:,} tokens")
        if self.cost_usd:
            parts.append(f"${self.cost_usd:.4f}")
        return ", ".join(parts)


def shares_of(team: Team, journal: Journal) -> dict[str, Share]:
    """What each member had of a run, by its id in the picture; those of a subteam as ``subteam/member``.

    Turns inside a subteam that had not come to its end are left out, as is a member that the team has lost since.
    """
    shares: dict[str, Share] = {}
    for key, turn in journal.turns.items():
        id = _id(team, journal, key)
        if id is not None:
            shares.setdefault(id, Share()).add(turn)
    # In the order of the picture: what went on side by side was recorded in the order in which it ended.
    return {node.id: shares[node.id] for node in team.topology().nodes if node.id in shares}


def highlights_of(team: Team, journal: Journal) -> Highlights:
    """Marks and notes for the picture of a team: who spoke, who failed the last time it was asked.

    Args:
        team: What was run.
        journal: The record of the run.
    """
    shares = shares_of(team, journal)
    failed = {id for id, share in shares.items() if share.last_failed}
    visited = set(shares) - failed
    for node in team.topology().nodes:
        inside = node.id.rpartition("/")[0]  # the subteam that it belongs to
        began, ended = (inside in shares, inside in visited) if inside else (bool(shares), journal.ended is not None)
        if (node.kind == "start" and began) or (node.kind == "end" and ended):
            visited.add(node.id)
    return Highlights(
        visited=visited,
        failed=failed,
        timings={id: share.duration_s * 1000 for id, share in shares.items()},
        notes={id: str(share) for id, share in shares.items()},
    )


def rows_of(shares: dict[str, Share]) -> list[tuple[str, str, str]]:
    """The same as lines of a table: member, what it had, how long it took."""
    return [(id, str(share), duration(share.duration_s * 1000)) for id, share in shares.items()]


def _id(team: Team, journal: Journal, key: str) -> str | None:
    """Where a turn belongs in the picture: ``"3/0"`` is the first turn inside the subteam that had turn 3."""
    parts = key.split("/")
    names = []
    at: Team | None = team
    for depth in range(len(parts)):
        turn = journal.turns.get("/".join(parts[: depth + 1]))
        if turn is None or at is None or turn.member not in at.members:
            return None
        names.append(turn.member)
        member = at.members[turn.member]
        at = member.team if isinstance(member, SubTeam) else None
    return "/".join(names)

"""What `Team.stream` yields: turns as they begin, the words of agents as they come, turns as they end, the result."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from victor.core.run_events import RunEvent
from victor.teams.result import TeamResult, Turn

__all__ = ["MemberEvent", "TeamEvent", "TeamFinished", "TurnFinished", "TurnStarted"]


class TurnStarted(Struct, frozen=True):
    """A member is asked.

    Args:
        key: The turn's place in the run's record.
        member: Who is asked.
        prompt: What it is asked.
    """

    key: str
    member: str
    prompt: str


class MemberEvent(Struct, frozen=True):
    """A piece of an agent's run inside a turn: `TextDelta`, `ToolStarted`, `ToolFinished`, ...

    Args:
        key: Of the turn.
        member: Whose turn it is.
        event: The piece.
    """

    key: str
    member: str
    event: RunEvent


class TurnFinished(Struct, frozen=True):
    """A member has answered, or was passed over."""

    turn: Turn


class TeamFinished(Struct, frozen=True):
    """The run is over; always the last event."""

    result: TeamResult


TeamEvent = TurnStarted | MemberEvent | TurnFinished | TeamFinished
"""What `Team.stream` yields."""


def event_of(what: str, key: str, about: Any) -> TeamEvent:
    """The event that a session tells."""
    if what == "started":
        return TurnStarted(key, *about)
    if what == "words":
        return MemberEvent(key, *about)
    return TurnFinished(about)

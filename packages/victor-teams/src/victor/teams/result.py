"""What a team's run came to: its turns, why it ended, and the answer."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from victor.core.message import Usage
from victor.teams.errors import IncompleteTeamRunError
from victor.teams.quoting import as_said

__all__ = ["Question", "StopReason", "TeamResult", "Turn", "turns_in", "turns_taken"]


def turns_in(count: int) -> str:
    """A number of turns in words: ``1 turn``, ``2 turns``."""
    return "1 turn" if count == 1 else f"{count} turns"


def turns_taken(count: int) -> str:
    """The same as a sentence."""
    return f"{turns_in(count)} {'was' if count == 1 else 'were'} taken"


class StopReason(StrEnum):
    """Why a team's run ended. COMPLETED and CONDITION mean that there is an answer."""

    COMPLETED = "completed"
    CONDITION = "condition"
    NO_DECISION = "no_decision"
    NO_ANSWER = "no_answer"
    WAITING = "waiting"
    MAX_TURNS = "max_turns"
    MAX_TOKENS = "max_tokens"
    MAX_COST = "max_cost"
    TIMEOUT = "timeout"
    LOOP = "loop"
    MEMBER_FAILED = "member_failed"
    ERROR = "error"


_EXPLAINED = {
    "no_decision": "its members did not agree",
    "no_answer": "no member answered",
    "waiting": "it waits for an answer from outside",
    "max_turns": "it reached the limit on turns (TeamLimits.turns)",
    "max_tokens": "it reached the limit on tokens (TeamLimits.tokens)",
    "max_cost": "it reached the limit on cost (TeamLimits.cost_usd)",
    "timeout": "it reached the limit on time (TeamLimits.timeout_s)",
    "loop": "it repeated itself (TeamLimits.repeats)",
    "member_failed": "a member failed",
    "error": "its pattern failed",
}


class Turn(Struct, frozen=True, omit_defaults=True):
    """One member's turn.

    Args:
        key: Its place in the run, such as ``"3"``, or ``"4.0.1"`` inside work done side by side. Unique.
        member: Who was asked.
        text: What it said; ``""`` when it failed and was passed over.
        data: Its answer as a value, where a form was asked for.
        prompt: What it was asked.
        handoff: The member it passes the work to, or None.
        usage: Tokens of the turn, failed attempts included.
        cost_usd: US dollars of the turn, or None when the price is unknown.
        duration_s: Seconds.
        attempts: How often it was tried.
        stand_in: Who acted in its place, or ``""``.
        error: Why there is no answer, or ``""``.
        memory: What the turn changed in the shared memory.
        sender_note: What was noticed about the answer, such as that it was cut.
    """

    key: str
    member: str
    text: str = ""
    data: Any = None
    prompt: str = ""
    handoff: str | None = None
    usage: Usage = Usage(0, 0)
    cost_usd: float | None = 0.0
    duration_s: float = 0.0
    attempts: int = 1
    stand_in: str = ""
    error: str = ""
    memory: Mapping[str, Any] = field(default_factory=dict)
    sender_note: str = ""

    @property
    def ok(self) -> bool:
        """True when the member answered."""
        return not self.error


class Question(Struct, frozen=True):
    """What a run waits for.

    Args:
        id: Names the question when it is answered: ``team.run(answers={id: text})``.
        member: Who is asked.
        prompt: What is asked.
    """

    id: str
    member: str
    prompt: str


class TeamResult(Struct):
    """One run of a team, finished or not.

    Args:
        stop_reason: Why it ended.
        turns: Everything the members said, in order.
        detail: The reason in words: which condition, which member, which error.
        usage: Tokens of all turns; a count is None when a provider did not say.
        cost_usd: US dollars of all turns, or None when a price is unknown.
        team: Name of the team.
        pattern: Name of the pattern.
        run_id: The run's id in the event stream, ``""`` when nobody listened.
        duration_s: Seconds it took; after a resume, of the last part.
        memory: The shared memory at the end.
        questions: What it waits for.
        found: The answer; read it as `output`.
    """

    stop_reason: StopReason
    turns: list[Turn]
    detail: str = ""
    usage: Usage = Usage(0, 0)
    cost_usd: float | None = 0.0
    team: str = ""
    pattern: str = ""
    run_id: str = ""
    duration_s: float = 0.0
    memory: dict[str, Any] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    found: Any = None

    def __repr__(self) -> str:
        return f"TeamResult({self.stop_reason.value!r}, {self.text!r:.80}, {turns_in(len(self.turns))})"

    @property
    def completed(self) -> bool:
        """True when there is an answer."""
        return self.stop_reason in {StopReason.COMPLETED, StopReason.CONDITION}

    @property
    def output(self) -> Any:
        """The answer: a text, or what the pattern makes.

        Raises:
            IncompleteTeamRunError: The run ended without one; `stop_reason` and `detail` say why.
        """
        if not self.completed:
            why = _EXPLAINED[self.stop_reason.value] + (f": {self.detail}" if self.detail else "")
            raise IncompleteTeamRunError(
                f"the team {self.team!r} has no output: {why}; see result.turns ({turns_in(len(self.turns))})",
                result=self,
            )
        return self.found

    @property
    def text(self) -> str:
        """The last thing a member said, finished or not; ``""`` when nobody said anything."""
        return next((turn.text for turn in reversed(self.turns) if turn.text), "")

    def transcript(self) -> str:
        """Everything that was said, for people: a paragraph a turn. Further lines of a turn are indented, so that a
        name at the beginning of a line is always that of who spoke.

        Example:
            >>> turns = [Turn("0", "ann", "Hello."), Turn("1", "bob", error="no answer")]
            >>> print(TeamResult(StopReason.COMPLETED, turns).transcript())
            ann: Hello.
            <BLANKLINE>
            bob failed: no answer
        """
        return "\n\n".join(
            as_said(f"{turn.member} failed", turn.error) if turn.error else as_said(turn.member, turn.text)
            for turn in self.turns
        )

"""How several answers become one."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from victor.core.errors import ConfigurationError
from victor.teams.errors import TeamError
from victor.teams.loops import same_words
from victor.teams.quoting import as_said, indented

if TYPE_CHECKING:
    from victor.teams.member import Member
    from victor.teams.result import Turn
    from victor.teams.session import Session

__all__ = ["Aggregate", "resolve_aggregation"]

_NAMES = ("concatenate", "summarise", "vote", "best")


class Aggregate:
    """One way to make one answer of several.

    Args:
        how: ``"concatenate"``, ``"summarise"``, ``"vote"``, ``"best"``, or a function of the turns (sync or async).
        by: The member that summarises or chooses.
    """

    def __init__(self, how: str | Callable[..., Any], by: str = "") -> None:
        self.how = how
        self.by = by

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """What is wrong with it for these members."""
        if self.by and self.by not in members:
            return [f"'by' names no member: {self.by!r}; members: {', '.join(members)}"]
        return ["with 'by' there must be another member that answers"] if self.by and len(members) < 2 else []

    async def combine(self, session: Session, turns: Sequence[Turn], *, task: str | None = None) -> Any:
        """One answer of several; failed turns are left out.

        Args:
            session: The run.
            turns: The answers.
            task: What whoever summarises or chooses is told of the task; all of it by default.

        Raises:
            TeamError: Nobody answered, whoever summarises or chooses failed, or a vote is tied.
        """
        answered = [turn for turn in turns if turn.ok]
        if not answered:
            raise TeamError("no member answered: " + "; ".join(f"{turn.member}: {turn.error}" for turn in turns))
        if callable(self.how):
            made = self.how(answered)
            return await made if inspect.isawaitable(made) else made
        if self.how == "concatenate":
            return "\n\n".join(as_said(turn.member, turn.text) for turn in answered)
        if self.how == "vote":
            return _most_frequent(answered)
        if task is None:
            task = f"The task was: {session.task}\n\n"
        listed = "\n\n".join(
            f"## Answer {number}, by {turn.member}\n\n{indented(turn.text)}" for number, turn in enumerate(answered, 1)
        )
        if self.how == "summarise":
            turn = await session.ask(self.by, f"{task}{listed}\n\nMake one answer of these.", sees="none")
            if not turn.ok:
                raise TeamError(f"{self.by!r} did not summarise: {turn.error}")
            return turn.text
        numbers = Literal[tuple(range(1, len(answered) + 1))]  # type: ignore[valid-type]
        turn = await session.ask(
            self.by,
            f"{task}{listed}\n\nWhich answer is the best? Give its number.",
            output_type=numbers,
            sees="none",
        )
        if not turn.ok:
            raise TeamError(f"{self.by!r} did not choose: {turn.error}")
        return answered[turn.data - 1].text


def _most_frequent(turns: Sequence[Turn]) -> str:
    counts = Counter(same_words(turn.text) for turn in turns)
    (first, most), *others = counts.most_common(2)
    if others and others[0][1] == most:
        tied = [text for text, count in counts.items() if count == most]
        raise TeamError(f"the vote is tied: {len(tied)} answers with {most} each: {', '.join(map(repr, tied))}"[:500])
    return next(turn.text for turn in turns if same_words(turn.text) == first)


def resolve_aggregation(how: str | Callable[..., Any], by: str = "") -> Aggregate:
    """Check the name, and whether somebody who summarises or chooses is named.

    Raises:
        ConfigurationError: The name is unknown, or ``by`` is missing or not needed.
    """
    if callable(how):
        return Aggregate(how, by)
    if how not in _NAMES:
        raise ConfigurationError(f"answers are combined by {', '.join(_NAMES)} or a function, not {how!r}")
    needs = how in {"summarise", "best"}
    if needs and not by:
        raise ConfigurationError(f"combine={how!r} needs a member that does it: by='...'")
    if by and not needs:
        raise ConfigurationError(f"combine={how!r} needs no member that does it; leave 'by' out")
    return Aggregate(how, by)

"""Several ways to work, and the one that has served best so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from victor.core.errors import ConfigurationError
from victor.teams.checks import names_a_member
from victor.teams.errors import TeamError
from victor.teams.pattern import Pattern, resolve_pattern
from victor.teams.session import Stop

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session

__all__ = ["Adaptive"]


def _patterns(given: Mapping[str, Any]) -> dict[str, Pattern]:
    return {name: resolve_pattern(pattern) for name, pattern in given.items()}


@frozen
class Adaptive(Pattern):
    """Works by one of several patterns, and changes to the next when one fails or its outcome is not good enough.

    Args:
        patterns: Patterns by name; tried in this order unless ``choose`` says where to begin.
        choose: A function of the task that returns the name of the first to try.
        good: A function of the outcome that says whether it will do; by default every outcome does.
        by: Instead of ``good``: a member that judges the outcome. The patterns may use it too.
    """

    patterns: Mapping[str, Any] = field(converter=_patterns)
    choose: Callable[[str], str] | None = None
    good: Callable[[Any], bool] | None = None
    by: str = ""

    name = "adaptive"

    def __attrs_post_init__(self) -> None:
        if not self.patterns:
            raise ConfigurationError("adaptive needs at least one pattern: patterns={'fast': 'router', 'careful': ...}")
        if self.good is not None and self.by:
            raise ConfigurationError("adaptive takes good=function or by='member', not both")

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        problems = names_a_member("adaptive.by", self.by, members, needed=False)
        for name, pattern in self.patterns.items():
            problems += [f"{name}: {problem}" for problem in pattern.check(members)]
        return problems

    async def run(self, session: Session) -> Any:
        """See `Pattern.run`."""
        tried = []
        for name in self._order(session.task):
            pattern: Pattern = self.patterns[name]
            session.state["pattern"] = pattern
            was, session.run.pattern_sees = session.run.pattern_sees, pattern.sees
            try:
                outcome = await pattern.run(session)
            except Stop:
                raise
            except Exception as error:  # noqa: BLE001 - told below, when no pattern has served
                tried.append(f"{name}: {type(error).__name__}: {error}")
                continue
            finally:
                session.run.pattern_sees = was
            problem = await self._problem(session, outcome)
            if not problem:
                return outcome
            tried.append(f"{name}: {problem}")
        raise TeamError("no pattern led to an outcome that will do: " + "; ".join(tried))

    def _order(self, task: str) -> list[str]:
        names = list(self.patterns)
        if self.choose is None:
            return names
        first = self.choose(task)
        if first not in names:
            raise ConfigurationError(f"adaptive.choose named {first!r}; the patterns are: {', '.join(names)}")
        return [first, *(name for name in names if name != first)]

    async def _problem(self, session: Session, outcome: Any) -> str:
        if self.good is not None:
            return "" if self.good(outcome) else "the outcome is not good enough"
        if not self.by:
            return ""
        from victor.teams.patterns.reflection import Review

        turn = await session.ask(
            self.by, f"The task was: {session.task}\n\nThe outcome:\n{outcome}\n\nWill it do?", output_type=Review
        )
        if not turn.ok:
            raise TeamError(f"{self.by!r} did not judge: {turn.error}")
        return "" if turn.data.approved else turn.data.comments or "not approved"

    def conclude(self, session: Session) -> Any:
        """What the pattern at work makes of it."""
        pattern = session.state.get("pattern")
        return super().conclude(session) if pattern is None else pattern.conclude(session)

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """The picture of the first pattern."""
        return next(iter(self.patterns.values())).topology(members)  # type: ignore[no-any-return]

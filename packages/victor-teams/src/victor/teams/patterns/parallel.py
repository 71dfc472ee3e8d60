"""Side by side: all members answer the same question by themselves, and the answers are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from victor.teams.aggregation import Aggregate, resolve_aggregation
from victor.teams.pattern import Pattern

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session

__all__ = ["Parallel"]


@frozen
class Parallel(Pattern):
    """Every member has one turn, all at the same time, and sees nothing of the others.

    Args:
        combine: How the answers become one: ``"concatenate"``, ``"vote"`` (the answer given most often),
            ``"summarise"`` and ``"best"`` (both by the member ``by``), or a function of the list of turns.
        by: The member that summarises or chooses; it does not answer itself.
    """

    combine: str | Callable[..., Any] = "concatenate"
    by: str = ""
    _aggregate: Aggregate = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_aggregate", resolve_aggregation(self.combine, self.by))

    name = "parallel"
    sees = "none"

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        return self._aggregate.check(members)

    async def run(self, session: Session) -> Any:
        """See `Pattern.run`."""
        workers = [name for name in session.members if name != self.by]
        turns = await session.ask_all(workers)
        return await self._aggregate.combine(session, turns)

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.teams.picture import fan, node_of

        workers = {name: member for name, member in members.items() if name != self.by}
        return fan(workers, [node_of(members[self.by])] if self.by else ())

"""Split, work on the parts side by side, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from victor.core.errors import ConfigurationError
from victor.teams.aggregation import Aggregate, resolve_aggregation
from victor.teams.checks import names_a_member, positive
from victor.teams.errors import TeamError
from victor.teams.pattern import Pattern

if TYPE_CHECKING:
    from victor.core.topology import Topology
    from victor.teams.member import Member
    from victor.teams.session import Session

__all__ = ["MapReduce"]


@frozen
class MapReduce(Pattern):
    """The task is split into parts; the workers take them in turn, side by side; the answers become one.

    Args:
        split: A function of the task that returns the parts.
        splitter: Instead: the member that splits; it answers with a list of texts.
        combine: How the answers become one: ``"concatenate"``, ``"summarise"``, or a function of the turns.
        reducer: The member that summarises.
        most: Parts at most; more is an error before any work is done.
    """

    split: Callable[[str], list[str]] | None = None
    splitter: str = ""
    combine: str | Callable[..., Any] = "concatenate"
    reducer: str = ""
    most: int = 100
    _aggregate: Aggregate = field(init=False, repr=False)

    name = "map_reduce"
    sees = "none"

    def __attrs_post_init__(self) -> None:
        positive("map_reduce.most", self.most)
        if (self.split is None) == (not self.splitter):
            raise ConfigurationError("map_reduce needs either split=function or splitter='member'")
        how = "summarise" if self.reducer and self.combine == "concatenate" else self.combine
        object.__setattr__(self, "_aggregate", resolve_aggregation(how, self.reducer))

    def check(self, members: Mapping[str, Member]) -> list[str]:
        """See `Pattern.check`."""
        problems = names_a_member("map_reduce.splitter", self.splitter, members, needed=False)
        problems += names_a_member("map_reduce.reducer", self.reducer, members, needed=False)
        if not problems and not self._workers(members):
            problems.append("there is no member left to do the work")
        return problems

    def _workers(self, members: Mapping[str, Any]) -> list[str]:
        return [name for name in members if name not in {self.splitter, self.reducer}]

    async def run(self, session: Session) -> Any:
        """See `Pattern.run`."""
        parts = await self._parts(session)
        workers = self._workers(session.run.members)
        turns = await session.together(
            lambda branch, item: branch.ask(item[0], item[1]),
            [(workers[index % len(workers)], part) for index, part in enumerate(parts)],
        )
        # What a function splits is as a rule a text too long for one model, so nobody is sent all of it again.
        return await self._aggregate.combine(session, turns, task=None if self.splitter else "")

    async def _parts(self, session: Session) -> list[str]:
        if self.split is not None:
            parts = list(self.split(session.task))
        else:
            turn = await session.ask(
                self.splitter,
                "Split this into parts that can be worked on separately, each with all that is needed to do it:\n"
                + session.task,
                output_type=list[str],
            )
            if not turn.ok:
                raise TeamError(f"{self.splitter!r} did not split the task: {turn.error}")
            parts = turn.data
        if not parts:
            raise TeamError("the task was split into no parts")
        if len(parts) > self.most:
            raise TeamError(f"the task was split into {len(parts)} parts; map_reduce.most allows {self.most}")
        return parts

    def topology(self, members: Mapping[str, Member]) -> Topology:
        """See `Pattern.topology`."""
        from victor.core.topology import Edge, Node, Topology
        from victor.teams.picture import node_of

        first = node_of(members[self.splitter]) if self.splitter else Node("split", kind="map")
        last = node_of(members[self.reducer]) if self.reducer else Node("combine")
        workers = self._workers(members)
        edges = [Edge(first.id, name) for name in workers] + [Edge(name, last.id) for name in workers]
        return Topology([first, *(node_of(members[name]) for name in workers), last], edges)

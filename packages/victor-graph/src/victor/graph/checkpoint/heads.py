"""What batches take for the latest entries of their logs: the optimistic lock of a thread.

A store compares, within the transaction that writes, what `demands` says with what it has.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, field

from victor.graph.checkpoint.base import Batch
from victor.graph.errors import ThreadConflictError

__all__ = ["Demand", "demands"]


@define
class Demand:
    """What the latest entry of a log has to be.

    Args:
        entry_id: The entry; None: there is none.
        own: What the same call writes to the log: it is there already when a write is repeated whose answer was lost.
    """

    entry_id: str | None
    own: set[str] = field(factory=set)

    def met_by(self, latest: str | None) -> bool:
        """Whether the log is as demanded."""
        return latest == self.entry_id or latest in self.own

    def check(self, place: tuple[str, str], latest: str | None) -> None:
        """Raises `ThreadConflictError` unless the log at this place (thread and namespace) is as demanded."""
        if not self.met_by(latest):
            raise ThreadConflictError(*place, self.entry_id, latest)


def demands(batches: Iterable[Batch]) -> dict[tuple[str, str], Demand]:
    """What batches that are written together demand of the store, by thread and namespace.

    Raises:
        ThreadConflictError: One of them is not based on what those before it write.
    """
    found: dict[tuple[str, str], Demand] = {}
    written: dict[tuple[str, str], str] = {}
    for batch in batches:
        base = batch.based_on
        if base is not None:
            place = (base.thread_id, base.namespace)
            if place in written:
                own = {one.id for one in batch.entries if (one.thread_id, one.namespace) == place}
                Demand(base.entry_id, own).check(place, written[place])
            elif place in found:
                Demand(base.entry_id).check(place, found[place].entry_id)
            else:
                found[place] = Demand(base.entry_id)
        for one in batch.entries:
            place = (one.thread_id, one.namespace)
            written[place] = max(written.get(place, ""), one.id)
            if place in found:
                found[place].own.add(one.id)
    return found

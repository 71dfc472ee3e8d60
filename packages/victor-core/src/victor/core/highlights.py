"""What a run did, to be shown on the picture of what it ran."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from attrs import field, frozen

__all__ = ["Highlights", "Mark"]

Mark = Literal["current", "failed", "interrupted", "visited"]
"""How a node is marked; one at most, the first of this order that applies."""


def _ids(value: str | Iterable[str] | None) -> frozenset[str]:
    if value is None:
        return frozenset()
    return frozenset([value]) if isinstance(value, str) else frozenset(value)


@frozen
class Highlights:
    """Marks for the nodes of one picture, which every renderer honours.

    Ids that the picture does not have are left out: a run of last week may know nodes its graph has lost since.

    Args:
        current: Node or nodes that run now.
        visited: Nodes that ran to their end.
        failed: Nodes that raised.
        interrupted: Nodes that wait for a person.
        timings: Milliseconds spent, by node id; shown in the node.
        notes: What else is to be said of a node in a few words, by node id; shown before its time.

    Example:
        >>> run = Highlights(current="review", visited=["fetch", "review"], timings={"fetch": 12.4})
        >>> run.mark("review"), run.mark("fetch"), run.mark("send"), run.timing("fetch")
        ('current', 'visited', None, '12 ms')
        >>> Highlights(visited="ann", timings={"ann": 12.4}, notes={"ann": "3 turns"}).note("ann")
        '3 turns, 12 ms'
    """

    current: frozenset[str] = field(converter=_ids, default=None)
    visited: frozenset[str] = field(converter=_ids, default=None)
    failed: frozenset[str] = field(converter=_ids, default=None)
    interrupted: frozenset[str] = field(converter=_ids, default=None)
    timings: Mapping[str, float] = field(factory=dict, hash=False)
    notes: Mapping[str, str] = field(factory=dict, hash=False)

    def mark(self, id: str) -> Mark | None:
        """The mark of that node, or None."""
        if id in self.current:
            return "current"
        if id in self.failed:
            return "failed"
        if id in self.interrupted:
            return "interrupted"
        return "visited" if id in self.visited else None

    def timing(self, id: str) -> str:
        """Its duration for people, such as ``"12 ms"`` or ``"1.5 s"``; empty where none is known."""
        return duration(self.timings[id]) if id in self.timings else ""

    def note(self, id: str) -> str:
        """The small line below that node's title, such as ``"3 turns, 12 ms"``; empty where there is none."""
        said = " ".join(self.notes.get(id, "").split())
        return ", ".join(part for part in (said, self.timing(id)) if part)


def duration(ms: float) -> str:
    """Milliseconds as people read them.

    Example:
        >>> [duration(ms) for ms in (0.25, 3.21, 940, 2500, 75_000, 7_260_000)]
        ['0.25 ms', '3.2 ms', '940 ms', '2.5 s', '1 min 15 s', '2 h 1 min']
    """
    if ms < 0.9995:
        return f"{ms:.2g} ms"
    if ms < 9.95:
        return f"{ms:.1f}".removesuffix(".0") + " ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 59_950:
        return f"{ms / 1000:.1f} s"
    seconds = round(ms / 1000)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"

"""Collects events, to be asserted on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import SupportsIndex

from victor.core.events import Event, EventStream, Phase, get_stream

__all__ = ["EventList", "capture_events"]


class EventList(list[Event]):
    """Events in the order they happened."""

    def of(self, kind: str, phase: Phase | None = None) -> EventList:
        """Those of one kind (``"tool.*"`` for all with that beginning), and of one phase if it is given."""
        prefix = kind[:-1] if kind.endswith(".*") else None
        return EventList(
            event
            for event in self
            if (event.kind.startswith(prefix) if prefix is not None else event.kind == kind)
            and (phase is None or event.phase == phase)
        )

    def one(self, kind: str, phase: Phase | None = None) -> Event:
        """The only one of that kind; of an operation, its end.

        Raises:
            AssertionError: There is none, or there are several; lists what there is.
        """
        found = self.of(kind, phase)
        if phase is None and any(event.phase == "end" for event in found):
            found = found.of(kind, "end")
        if len(found) != 1:
            raise AssertionError(f"there should be one {kind!r}, and there are {len(found)}, among:\n{self.tree()}")
        return found[0]

    def tree(self) -> str:
        """What happened, one line each, nested as it was."""
        depths: dict[str | None, int] = {None: -1}
        lines = []
        for event in self:
            if event.phase == "end":
                continue
            depth = depths[event.span_id] = depths.get(event.parent_id, -1) + 1
            failed = next(
                (e.error_text for e in self if e.span_id == event.span_id and e.phase == "end" and e.error), None
            )
            lines.append(
                "  " * depth + f"{event.kind} {event.name}".rstrip() + ("" if failed is None else f" ! {failed}")
            )
        return "\n".join(lines)

    def __getitem__(self, index: SupportsIndex) -> Event:  # type: ignore[override]
        return super().__getitem__(index)


@contextmanager
def capture_events(
    kinds: Iterable[str] | None = None, *, stream: EventStream | None = None, content: bool = False
) -> Iterator[EventList]:
    """Collect what happens inside a ``with`` block.

    Args:
        kinds: Exact kinds, or ``"tool.*"``; None for all.
        stream: The stream to listen to; None for the default one.
        content: Capture contents (prompts, arguments, answers) too.

    Example:
        >>> from victor.core import Agent
        >>> from victor.core.testing import ScriptedModel
        >>> with capture_events() as events:
        ...     _ = Agent(model=ScriptedModel("Hello.", name="demo"), name="greeter").run_sync("hi")
        >>> print(events.tree())
        agent.run greeter
          model.request demo
        >>> events.one("agent.run").attributes["stop_reason"]
        'completed'
    """
    listened = get_stream() if stream is None else stream
    events = EventList()
    before = listened.capture_content
    listened.capture_content = before or content
    try:
        with listened.listening(events.append, kinds):
            yield events
    finally:
        listened.capture_content = before

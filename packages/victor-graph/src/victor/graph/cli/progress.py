"""What a run shows while it goes on: a live list on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, TextIO

from attrs import define, field

from victor.core.cli.terminal import is_terminal
from victor.core.errors import VictorError
from victor.core.events import Event, get_stream
from victor.graph.cli.records import base_name

__all__ = ["Progress"]


@define
class _Row:
    """One node of the workflow."""

    name: str
    began: float
    running: int = 0
    done: int = 0
    failed: int = 0
    total: int = 0
    seconds: float = 0.0
    waits: bool = False
    note: str = ""
    depth: int = 0

    @property
    def count(self) -> str:
        if self.total or self.done > 1:
            return f"{self.done}/{self.total}" if self.total else f"{self.done}x"
        return ""


@define
class Progress:
    """Follows one run on the event stream.

    Args:
        live: Redraw in place; None for terminals only.
        quiet: Say nothing.
        out: Where to write; stderr, so that stdout is the result's.

    Attributes:
        rows: What was seen, by node.
    """

    live: bool | None = None
    quiet: bool = False
    out: TextIO = field(factory=lambda: sys.stderr)
    rows: dict[str, _Row] = field(factory=dict, init=False)
    tokens: int = field(default=0, init=False)
    paused: bool = field(default=False, init=False)
    _failures: list[tuple[str, TracebackType | None]] = field(factory=list, init=False)
    _stop: Callable[[], None] | None = field(default=None, init=False)
    _live: Any = field(default=None, init=False)

    def __enter__(self) -> Progress:
        kinds = ["workflow.node", "workflow.map", "workflow.interrupt", "model.request"]
        self._stop = get_stream().subscribe(self._hear, kinds)
        if self.live is None:
            self.live = is_terminal(self.out)
        if self.live and not self.quiet:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                console=Console(file=self.out), refresh_per_second=12, get_renderable=self._picture, transient=False
            )
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._stop is not None:
            self._stop()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def pause(self) -> None:
        """Leave the terminal alone while somebody is asked."""
        self.paused = True
        if self._live is not None:
            self._live.stop()

    def go_on(self) -> None:
        """Draw again."""
        self.paused = False
        if self._live is not None:
            self._live.start()

    def failed_at(self, error: BaseException | None) -> str:
        """Where an error came from: the node, and behind a slash the node in its body; empty where it is not known."""
        raised = _origin(error)
        names = [name for name, place in self._failures if place is raised] if raised is not None else []
        return "/".join(dict.fromkeys(reversed(names)))

    def summary(self) -> list[dict[str, Any]]:
        """What was seen, for machines: node, runs, failures, seconds."""
        return [
            {"node": row.name, "runs": row.done, "failed": row.failed, "seconds": round(row.seconds, 6)}
            for row in self.rows.values()
        ]

    def _hear(self, event: Event) -> None:
        if event.kind == "model.request":
            if event.phase == "end":
                self.tokens += (event.attributes.get("input_tokens") or 0) + (
                    event.attributes.get("output_tokens") or 0
                )
            return
        name = base_name(event.name)
        if event.error is not None and event.kind == "workflow.node" and not event.cancelled:
            self._failures.append((name, _origin(event.error)))
        namespace = event.attributes.get("namespace") or ""
        if namespace and name not in self.rows and event.kind != "workflow.map":
            return  # inside a subgraph or the body of a map: what is outside stands for it, but for maps in maps
        row = self.rows.get(name)
        if row is None:
            row = self.rows[name] = _Row(name, time.perf_counter(), depth=namespace.count("|") + bool(namespace))
        if event.kind == "workflow.map":
            if not row.depth:  # one in a body runs once for each item outside
                row.total = row.done = 0
            row.total += event.attributes.get("items", 0)
        elif event.kind == "workflow.interrupt":
            row.waits = True
            self._line(row, "waits for an answer")
        else:
            self._node(event, row)

    def _node(self, event: Event, row: _Row) -> None:
        is_item = event.name.endswith(":each")
        helper = not is_item and event.name != row.name
        if event.phase == "start":
            row.running += 1
            row.waits = False
            return
        row.running -= 1
        row.seconds = time.perf_counter() - row.began  # of the clock: items run side by side
        if event.attributes.get("interrupted") or event.cancelled:
            return
        if event.error is not None:
            row.failed += 1
            row.note = _said(event)
            self._line(row, f"failed: {row.note}")
            return
        if helper:
            if event.name.endswith(":join") and row.total and not row.depth:
                self._line(row, f"{row.done}/{row.total} done")
            return
        if is_item:
            row.done += 1
            if not row.depth and row.total >= 10 and row.done % max(1, row.total // 5) == 0 and row.done < row.total:
                self._line(row, f"{row.done}/{row.total}")
        elif not row.total:
            row.done += 1
            self._line(row, "done")

    def _line(self, row: _Row, what: str) -> None:
        if self._live is None and not self.quiet:
            print(f"{row.name}: {what} ({row.seconds:.2f} s)", file=self.out, flush=True)

    def _picture(self) -> Any:
        from rich.text import Text

        text = Text()
        frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
        frame = frames[int(time.perf_counter() * 10) % len(frames)]
        wide = max((len(row.name) + 2 * row.depth for row in self.rows.values()), default=0)
        for row in list(self.rows.values()):
            busy = row.running > 0 or (row.total > row.done + row.failed and not row.failed)
            mark, color = (
                ("?", "yellow")
                if row.waits
                else ("✗", "red")
                if row.failed and not busy
                else (frame, "cyan")
                if busy
                else ("✓", "green")
            )
            seconds = time.perf_counter() - row.began if busy else row.seconds
            text.append(f"{mark} ", style=color)
            text.append(("  " * row.depth + row.name).ljust(wide + 2), style="bold" if busy else "")
            text.append(row.count.rjust(9) + "  ", style="cyan")
            if row.total and busy:
                filled = round(20 * row.done / row.total)
                text.append("━" * filled, style="cyan")
                text.append("━" * (20 - filled) + "  ", style="dim")
            text.append(f"{seconds:6.2f} s", style="dim")
            if row.note or row.waits:
                text.append(f"  {row.note or 'waits for an answer'}", style=color)
            text.append("\n")
        text.rstrip()
        return text


def _said(event: Event) -> str:
    """An error in a line: our own as they are, others behind their type; a KeyError alone is but a value."""
    first = event.error_text.strip().partition("\n")[0][:200]
    if isinstance(event.error, VictorError) and first:
        return first
    kind = type(event.error).__name__
    return f"{kind}: {first}" if first else kind


def _origin(error: BaseException | None) -> TracebackType | None:
    """Where an error was raised: the same of the error itself and of the likeness of it that listeners get."""
    place = None if error is None else error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place

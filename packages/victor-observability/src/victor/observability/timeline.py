"""One run as a tree of lines, each with a bar that shows when it was at work: for terminals and plain text.

Example:
    >>> from victor.observability.record import Status
    >>> from victor.observability.results import Span
    >>> def span(name, start, took, *below):
    ...     rest = ["", "", "", "", "", None, None, None, {}, below]
    ...     return Span("workflow.node", name, "0", None, start, took, Status.OK, *rest)
    >>> print(render([span("find", 0, 250), span("digest", 250, 750, span("read", 250, 250))], bar=8))
    node find    [==      ]  0.25 us
    node digest  [  ======]  0.75 us
    └─ node read [  ==    ]  0.25 us
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from attrs import frozen

from victor.observability.record import Status
from victor.observability.results import Span
from victor.observability.shown import amount, cost, duration, plain

__all__ = ["SHORT_KINDS", "render"]

SHORT_KINDS: Final = {
    "agent.run": "agent", "model.request": "model", "tool.call": "tool", "workflow.run": "workflow",
    "workflow.node": "node", "workflow.step": "step", "team.run": "team", "team.turn": "turn",
}  # fmt: skip
"""Kinds by the one word that people use; the others are written out."""

_SEVERAL: Final = 4
"""So many points of one kind and name in a row become one line."""

_Style = Callable[[str, str], str]


@frozen
class _Line:
    lead: str
    what: str
    span: Span
    repeats: int


def render(
    spans: Sequence[Span],
    *,
    width: int | None = None,
    bar: int = 20,
    depth: int | None = None,
    points: bool = True,
    paint: _Style = lambda text, color: text,
) -> str:
    """Draw a tree of spans.

    Args:
        spans: The outermost ones, in the order they began.
        width: Columns; longer lines are cut. None leaves them alone.
        bar: Columns of the bars; 0 for none.
        depth: How many levels to show; None for all. What is not shown is counted.
        points: Whether to show what happened in a moment, such as messages sent.
        paint: Colors a text: called with it and ``"red"``, ``"yellow"``, ``"dim"`` or ``"bold"``.
    """
    lines = list(_lines(spans, "", depth, points, outermost=True))
    if not lines:
        return ""
    began = min(line.span.start_ns for line in lines)
    ended = max(line.span.start_ns + (line.span.duration_ns or 0) for line in lines)
    widest = max(len(line.lead) + len(line.what) for line in lines)
    if width is not None:
        widest = min(widest, max(width - bar - 24, 20))
    shown = []
    for line in lines:
        tree = (line.lead + line.what)[:widest].ljust(widest)
        picture = f" {_bar(line.span, began, ended, bar)}" if bar else ""
        text = f"{tree}{picture}  {_figures(line)}".rstrip()
        if width is not None and len(text) > width:
            text = text[: max(width - 1, 1)] + "…"
        shown.append(_painted(text, line.span, paint))
    return "\n".join(shown)


def _lines(spans: Sequence[Span], lead: str, depth: int | None, points: bool, *, outermost: bool) -> Iterator[_Line]:
    groups = list(_grouped(span for span in spans if points or not _is_point(span)))
    for number, (span, repeats) in enumerate(groups):
        last = number == len(groups) - 1
        # The outermost lines have no branch, those below hang on them.
        here = "" if outermost else lead + ("└─ " if last else "├─ ")
        deeper = "" if outermost else lead + ("   " if last else "│  ")
        hidden = _count(span.children) if depth is not None and depth <= 1 else 0
        what = plain(f"{SHORT_KINDS.get(span.kind, span.kind)} {span.name}").rstrip()
        what += f" x {repeats}" if repeats > 1 else f" (+{hidden} below)" if hidden else ""
        yield _Line(here, what, span, repeats)
        if not hidden:
            yield from _lines(span.children, deeper, None if depth is None else depth - 1, points, outermost=False)


def _grouped(spans: Iterable[Span]) -> Iterator[tuple[Span, int]]:
    for (point, *_), group in groupby(spans, lambda span: (_is_point(span), span.kind, span.name)):
        members = list(group)
        if point and len(members) >= _SEVERAL:
            yield members[0], len(members)
        else:
            for member in members:
                yield member, 1


def _is_point(span: Span) -> bool:
    return span.duration_ns is None and span.status is not Status.OPEN


def _count(spans: Sequence[Span]) -> int:
    return sum(1 + _count(span.children) for span in spans)


def _bar(span: Span, began: int, ended: int, width: int) -> str:
    whole = max(ended - began, 1)
    start = min((span.start_ns - began) * width // whole, width - 1)
    if _is_point(span):
        return "[" + " " * start + "." + " " * (width - start - 1) + "]"
    if span.duration_ns is None:
        return "[" + " " * start + ">" * (width - start) + "]"
    end = max(-((began - span.start_ns - span.duration_ns) * width // whole), start + 1)
    return "[" + " " * start + "=" * (end - start) + " " * (width - end) + "]"


def _figures(line: _Line) -> str:
    span = line.span
    parts = [] if _is_point(span) else [duration(span.duration_ns) if span.duration_ns is not None else "not ended"]
    if span.input_tokens is not None or span.output_tokens is not None:
        parts.append(f"{amount(span.input_tokens)} in {amount(span.output_tokens)} out")
    if span.kind == "model.request" and (span.cost_usd is not None or span.status is Status.OK):
        parts.append(cost(span.cost_usd, int(span.cost_usd is None)).replace("1 unpriced", "unpriced"))
    if span.status is Status.CANCELLED:
        parts.append("cancelled")
    elif span.status is Status.ERROR:
        text = plain(" ".join(span.error_text.split()))
        parts.append(f"{span.error_type}: {text}" if text else span.error_type)
    return "  ".join(parts)


def _painted(text: str, span: Span, paint: _Style) -> str:
    if span.status is Status.ERROR:
        return paint(text, "red")
    if span.status in (Status.CANCELLED, Status.OPEN):
        return paint(text, "yellow")
    return paint(text, "dim") if _is_point(span) else text

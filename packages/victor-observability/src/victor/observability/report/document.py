"""What a report says, gathered once from a store, whichever form it is written in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

from victor.observability.report.measure import over_range, over_run
from victor.observability.results import ErrorGroup, Group, Point, Run, Span, Totals

if TYPE_CHECKING:
    from victor.observability.report.expression import Condition, Verdict
    from victor.observability.results import By
    from victor.observability.store.protocol import Store

__all__ = ["Report", "gather", "gather_run"]

_ROOTS: Final = ("agent.run", "team.run", "workflow.run")
_STEPS: Final = (60, 300, 900, 3600, 6 * 3600, 86_400)
_POINTS: Final = 60
_MOST: Final = 15

_SECTIONS: Final[tuple[tuple[str, tuple[By, ...], str], ...]] = (
    ("Agents", ("agent",), "agent.run"),
    ("Models", ("provider", "model"), "model.request"),
    ("Tools", ("name",), "tool.call"),
    ("Workflows", ("name",), "workflow.run"),
    ("Nodes", ("root", "name"), "workflow.node"),
    ("Teams", ("name",), "team.run"),
)


@frozen
class Report:
    """What a report says.

    Args:
        title: Its heading.
        place: The store.
        since, until: The range of seconds since 1970 that the figures are of; None where it is open.
        run: The one run it is about, or None.
        spans: Of that run.
        runs: The latest runs, the newest first.
        sections: Headings with the figures below each, those that took longest first.
        requests: Figures of all model requests.
        calls: Figures of all tool calls.
        step_s: Seconds of one step of the series.
        activity: Figures of all runs, step by step.
        spending: Figures of model requests, step by step.
        errors: What failed and how.
        verdicts: Conditions with what became of them.
    """

    title: str
    place: str
    since: float | None = None
    until: float | None = None
    run: Run | None = None
    spans: tuple[Span, ...] = ()
    runs: tuple[Run, ...] = ()
    sections: tuple[tuple[str, tuple[Group, ...]], ...] = ()
    requests: Totals = Totals()
    calls: Totals = Totals()
    step_s: int = 60
    activity: tuple[Point, ...] = ()
    spending: tuple[Point, ...] = ()
    errors: tuple[ErrorGroup, ...] = ()
    verdicts: tuple[tuple[Condition, Verdict], ...] = ()


def gather(
    store: Store,
    *,
    since: float | None = None,
    until: float | None = None,
    title: str = "What the agents did",
    conditions: tuple[Condition, ...] = (),
) -> Report:
    """A report over a range of time.

    Args:
        store: Where it is kept.
        since: Seconds since 1970; None is unbounded.
        until: Likewise; not included.
        title: The heading.
        conditions: To be judged over the same range.
    """

    def totals(kind: str) -> Totals:
        found = store.breakdown([], since=since, until=until, where={"kind": kind})
        return found[0].totals if found else Totals()

    sections = []
    for heading, by, kind in _SECTIONS:
        groups = store.breakdown(by, since=since, until=until, where={"kind": kind})
        if groups:
            groups.sort(key=lambda group: -group.totals.duration_s)
            sections.append((heading, tuple(groups[:_MOST])))
    step = _step(store, since, until)
    measure = over_range(store, since, until)  # one for all conditions, as it asks for the runs once
    return Report(
        title=title,
        place=store.place,
        since=since,
        until=until,
        runs=tuple(store.runs(since=since, until=until, limit=_MOST)),
        sections=tuple(sections),
        requests=totals("model.request"),
        calls=totals("tool.call"),
        step_s=step,
        activity=tuple(store.series(step, since=since, until=until, where={"kind": _ROOTS})),
        spending=tuple(store.series(step, since=since, until=until, where={"kind": "model.request"})),
        errors=tuple(store.errors(since=since, until=until, limit=_MOST)),
        verdicts=tuple((one, one.judge(measure)) for one in conditions),
    )


def gather_run(store: Store, run_id: str, *, title: str = "", conditions: tuple[Condition, ...] = ()) -> Report:
    """A report about one run.

    Args:
        store: Where it is kept.
        run_id: Its id, or the beginning of it.
        title: The heading; its name by default.
        conditions: To be judged over this run.
    """
    run, spans = store.run(run_id)
    measure = over_run(run, spans)
    return Report(
        title=title or f"{run.name}, run {run.run_id[:8]}",
        place=store.place,
        run=run,
        spans=spans,
        runs=(run,),
        verdicts=tuple((one, one.judge(measure)) for one in conditions),
    )


def _step(store: Store, since: float | None, until: float | None) -> int:
    """Seconds of a step: the shortest that makes no more points than a picture shows."""
    info = store.info()
    if info.oldest_ns is None or info.newest_ns is None:
        return _STEPS[0]
    first = max(info.oldest_ns / 1e9, since or 0)
    last = min(info.newest_ns / 1e9, until or info.newest_ns / 1e9)
    return next((step for step in _STEPS if (last - first) / step <= _POINTS), _STEPS[-1])

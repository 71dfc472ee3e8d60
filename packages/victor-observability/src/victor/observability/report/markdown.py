"""A report as Markdown: tables that read well as plain text, too."""

from __future__ import annotations

from collections.abc import Sequence

from victor.observability.report.document import Report
from victor.observability.report.expression import Judged, Verdict
from victor.observability.results import Totals
from victor.observability.shown import amount, clock, cost, duration, percent, plain, seconds
from victor.observability.timeline import SHORT_KINDS, render

__all__ = [
    "ERROR_HEADER", "GROUP_HEADER", "RUN_HEADER", "as_markdown", "error_rows", "figures", "group_names", "outcome",
    "overview", "period", "reason", "run_rows",
]  # fmt: skip

GROUP_HEADER = ("count", "failed", "p50", "p95", "p99", "tokens", "cost")
"""What `figures` gives of a group."""

ERROR_HEADER = ("kind", "name", "type", "count", "newest")
"""What `error_rows` gives of each error."""

RUN_HEADER = ("run", "what", "began", "status", "took", "tokens", "cost")
"""What `run_rows` gives of each run."""

_TICKS = " ▁▂▃▄▅▆▇█"


def as_markdown(report: Report) -> str:
    """Write a report."""
    parts = [f"# {_text(report.title)}", f"{period(report)} From {_text(report.place)}."]
    if report.verdicts:
        parts.append("## Conditions")
        for condition, verdict in report.verdicts:
            rows = [(one.comparison.text, reason(one), _word(one.holds)) for one in verdict.comparisons]
            parts += [f"**{outcome(verdict)}**: `{condition.text}`", _table(("comparison", "measured", "holds"), rows)]
    parts += ["## Overview", _table(("what", "figure"), overview(report))]
    if report.run is not None:
        parts += ["## Timeline", "```text\n" + render(report.spans, width=120) + "\n```"] if report.spans else []
        return "\n\n".join(parts) + "\n"
    if len(report.activity) > 1:
        runs = [point.totals.count for point in report.activity]
        failed = [point.totals.errors for point in report.activity]
        parts.append(
            f"Runs and failures per {seconds(report.step_s)}:\n\n```text\n{_spark(runs)}\n{_spark(failed)}\n```"
        )
    for heading, groups in report.sections:
        table = [(*group.by, *figures(group.totals)) for group in groups]
        parts += [f"## {heading}", _table((*group_names(heading), *GROUP_HEADER), table)]
    if report.errors:
        parts += ["## Errors", _table(ERROR_HEADER, error_rows(report, 200))]
    if report.runs:
        parts += ["## Latest runs", _table(RUN_HEADER, run_rows(report))]
    return "\n\n".join(parts) + "\n"


def period(report: Report) -> str:
    """The range of time as a sentence."""
    since = None if report.since is None else clock(int(report.since * 1e9))
    until = None if report.until is None else clock(int(report.until * 1e9))
    if report.run is not None:
        return f"Began {clock(report.run.start_ns)}."
    if since and until:
        return f"From {since} to {until}."
    return f"Since {since}." if since else f"Until {until}." if until else "Everything that is kept."


def overview(report: Report) -> list[tuple[str, str]]:
    """The few figures that matter most."""
    run = report.run
    if run is not None:
        return [
            ("ended", "not yet, or it was cut off" if run.duration_ns is None else run.status.name.lower()),
            ("took", duration(run.duration_ns)),
            ("model requests", amount(run.model_requests)),
            ("tool calls", amount(run.tool_calls)),
            ("failures", amount(run.errors)),
            ("tokens", f"{amount(run.input_tokens)} read, {amount(run.output_tokens)} written"),
            ("cost", cost(run.cost_usd, run.unpriced)),
        ]
    requests, calls = report.requests, report.calls
    runs = sum(point.totals.count for point in report.activity)
    failed = sum(point.totals.errors for point in report.activity)
    return [
        ("runs of agents, teams and workflows", f"{amount(runs)}, {percent(failed, runs)} failed" if runs else "none"),
        ("model requests", f"{amount(requests.count)}, p95 {seconds(requests.p95_s)}"),
        ("tool calls", f"{amount(calls.count)}, p95 {seconds(calls.p95_s)}, {amount(calls.errors)} failed"),
        ("tokens", f"{amount(requests.input_tokens)} read, {amount(requests.output_tokens)} written"),
        ("from the provider's cache", percent(requests.cache_read_tokens, requests.input_tokens)),
        ("cost", cost(requests.cost_usd, requests.unpriced)),
    ]


def figures(totals: Totals) -> tuple[str, ...]:
    """One group's figures, in the order of `GROUP_HEADER`."""
    return (
        amount(totals.count),
        f"{totals.errors:,} ({percent(totals.errors, totals.count)})" if totals.errors else "-",
        seconds(totals.p50_s),
        seconds(totals.p95_s),
        seconds(totals.p99_s),
        amount(totals.input_tokens + totals.output_tokens or None),
        cost(totals.cost_usd, totals.unpriced),
    )


def error_rows(report: Report, longest: int) -> list[tuple[str, ...]]:
    """Failures, in the order of `ERROR_HEADER`.

    Args:
        report: The report.
        longest: Characters of a text at most.
    """
    return [
        (SHORT_KINDS.get(one.kind, one.kind), one.name, one.error_type, amount(one.count), one.last_text[:longest])
        for one in report.errors
    ]


def run_rows(report: Report) -> list[tuple[str, ...]]:
    """The latest runs, in the order of `RUN_HEADER`."""
    return [
        (
            run.run_id[:8],
            f"{SHORT_KINDS.get(run.kind, run.kind)} {run.name}",
            clock(run.start_ns),
            run.status.name.lower(),
            duration(run.duration_ns),
            amount(run.input_tokens + run.output_tokens),
            cost(run.cost_usd, run.unpriced),
        )
        for run in report.runs
    ]


def outcome(verdict: Verdict) -> str:
    """What became of a condition under which a report fails."""
    return {True: "FAILED", False: "passed", None: "CANNOT TELL"}[verdict.holds]


def reason(judged: Judged) -> str:
    """What was measured, in words."""
    measured, unit = judged.measured, judged.comparison.figure.unit
    if measured.value is None:
        return measured.why or "unknown"
    if unit == "s":
        shown = seconds(measured.value)
    elif unit == "%":
        shown = "0 %" if not measured.value else percent(measured.value, 1)
    elif judged.comparison.figure.name == "cost_usd":
        shown = cost(measured.value)
    else:
        shown = amount(measured.value)
    return f"at least {shown}: {measured.why}" if measured.at_least else shown


def group_names(heading: str) -> tuple[str, ...]:
    """What the first columns of a section are called."""
    return {"Models": ("provider", "model"), "Nodes": ("workflow", "node")}.get(heading, ("name",))


def _word(holds: bool | None) -> str:
    return {True: "yes", False: "no", None: "cannot tell"}[holds]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(_text(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _text(text: str) -> str:
    """A text from a stranger that stays in its cell and is no markup."""
    escaped = plain(text)
    for mark in "\\`*_[]<>|#":
        escaped = escaped.replace(mark, "\\" + mark)
    return escaped


def _spark(values: Sequence[int]) -> str:
    most = max(values) or 1
    return "".join(_TICKS[-(-value * (len(_TICKS) - 1) // most)] for value in values)

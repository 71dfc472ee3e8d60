"""``victor observability runs`` and ``show``.

With ``--json``, ``runs`` prints a list of objects with the fields of `victor.observability.results.Run`, ``show`` one
object with ``run`` and ``spans``, each span with its ``children``.
"""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any, Final

import msgspec
import typer

from victor.core.cli.terminal import is_terminal, note, print_json, print_table, style, terminal_width
from victor.core.errors import ConfigurationError
from victor.observability.cli.choice import AsJson, Chosen, Since, Until, find_run, open_chosen, read_range
from victor.observability.record import Status
from victor.observability.results import Run, Span
from victor.observability.shown import ago, amount, clock, cost, duration, plain
from victor.observability.timeline import SHORT_KINDS, render

__all__ = ["plain_data", "runs", "show"]

_PLAIN_BRANCHES: Final = str.maketrans({"├": "|", "└": "`", "│": "|", "─": "-", "…": "."})

Kind = Annotated[str, typer.Option("--kind", help="Only runs of agents, teams or workflows: agent, team, workflow.")]


def runs(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Only runs of this agent, team or workflow.")] = "",
    kind: Kind = "",
    status: Annotated[str, typer.Option(help="Only those that ended so: ok, failed, cancelled, open.")] = "",
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the latest first.")] = 20,
    store: Chosen = "",
    as_json: AsJson = False,
) -> None:
    """List the runs that were recorded, the latest first."""
    chosen = _status(status)
    wanted = {"agent": "agent.run", "team": "team.run", "workflow": "workflow.run"}.get(kind, kind)
    first, last = read_range(since, until)
    with open_chosen(store) as opened:
        found = opened.runs(
            since=first, until=last, kind=wanted or None, name=name or None, status=chosen, limit=limit + 1
        )
    more, found = len(found) > limit, found[:limit]
    if as_json:
        print_json([plain_data(run) for run in found])
        return
    if not found:
        print("No recorded run fits." if name or kind or status or since or until else "No runs are recorded.")
        return
    now = time.time_ns()
    rows = [
        (
            run.run_id[:8],
            plain(f"{SHORT_KINDS.get(run.kind, run.kind)} {run.name}"),
            ago(run.start_ns, now),
            how(run),
            duration(run.duration_ns),
            amount(run.model_requests),
            amount(run.tool_calls),
            amount(run.input_tokens + run.output_tokens),
            cost(run.cost_usd, run.unpriced),
        )
        for run in found
    ]
    print_table(rows, header=("run", "what", "began", "ended", "took", "requests", "tools", "tokens", "cost"))
    if more:
        note("There are more; --limit shows them.")


def show(
    run: Annotated[str, typer.Argument(metavar="[RUN]", help="Its id, the beginning of it, last, or last~1.")] = "last",
    depth: Annotated[int | None, typer.Option(min=1, help="How many levels.")] = None,
    points: Annotated[bool, typer.Option(help="Show what happened in a moment, such as messages sent.")] = True,
    attributes: Annotated[bool, typer.Option("--attributes", "-a", help="Show everything that was recorded.")] = False,
    store: Chosen = "",
    as_json: AsJson = False,
) -> None:
    """Show a run as a tree: what it did, when, for how long, with which tokens, cost and errors."""
    with open_chosen(store) as opened:
        found, spans = opened.run(find_run(opened, run).run_id)
    if as_json:
        print_json({"run": plain_data(found), "spans": [plain_data(span) for span in spans]})
        return
    print(style(plain(f"{SHORT_KINDS.get(found.kind, found.kind)} {found.name}"), "bold") + f"  {found.run_id}")
    parts = [
        clock(found.start_ns),
        how(found),
        duration(found.duration_ns),
        f"{amount(found.input_tokens + found.output_tokens)} tokens",
        f"cost {cost(found.cost_usd, found.unpriced)}",
    ]
    print(", ".join(part for part in parts if part != "-"))
    kept = _count(spans)
    if not spans:
        print("Nothing of it is kept in detail any more: only its figures are.")
        return
    print()
    width = terminal_width() if is_terminal() else None
    print(_shown(render(spans, width=width, depth=depth, points=points, paint=style)))
    if attributes:
        _print_attributes(spans)
    if kept < found.spans:
        note(f"{found.spans - kept:,} of {found.spans:,} operations and points were not kept in detail.")


def how(run: Run) -> str:
    """How a run ended, in a word."""
    if run.status is Status.OPEN:
        return "open"
    if run.status is Status.OK:
        return "ok" if not run.errors else f"ok, {run.errors} failed"
    return run.status.name.lower() if run.status is Status.CANCELLED else "failed"


def plain_data(value: Any) -> Any:
    """A result as data for JSON: statuses by name."""

    def named(found: Any) -> Any:
        if isinstance(found, Status):
            return found.name.lower()
        if isinstance(found, msgspec.Struct):
            return {key: named(getattr(found, key)) for key in found.__struct_fields__}
        if isinstance(found, (list, tuple)):
            return [named(one) for one in found]
        return found

    return named(value)


def _status(word: str) -> Status | None:
    if not word:
        return None
    try:
        return Status.ERROR if word.lower() == "failed" else Status[word.upper()]
    except KeyError:
        raise ConfigurationError(f"--status {word!r}: there are: ok, failed (or error), cancelled, open") from None


def _shown(tree: str) -> str:
    """The tree with branches that the output's encoding has."""
    try:
        tree.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        tree = tree.translate(_PLAIN_BRANCHES)
        return tree.encode(sys.stdout.encoding, "replace").decode(sys.stdout.encoding)
    return tree


def _count(spans: tuple[Span, ...]) -> int:
    """Operations that ended and points, below the outermost or below another process's operation."""
    return sum(
        (span.parent_id is not None and span.status is not Status.OPEN) + _count(span.children) for span in spans
    )


def _print_attributes(spans: tuple[Span, ...]) -> None:
    for span in spans:
        if span.attributes:
            pairs = ", ".join(f"{key}={value}" for key, value in span.attributes.items())
            print(f"\n{plain(f'{span.kind} {span.name}')}\n  {plain(pairs)}")
        _print_attributes(span.children)

"""``victor observability report``: what happened, as a document, and as a gate."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from victor.core.cli.failures import FAILED, USAGE
from victor.core.cli.terminal import note
from victor.core.errors import ConfigurationError, VictorError
from victor.observability.cli.choice import Chosen, Since, Until, find_run, open_chosen, read_range
from victor.observability.report.document import Report, gather, gather_run
from victor.observability.report.expression import parse

__all__ = ["UNDECIDED", "report"]

UNDECIDED = 3
"""The exit code when what was recorded does not tell whether a condition holds."""


def report(
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if", metavar="CONDITION", help='End with 1 when it holds: "p95(tool) > 5s or cost_usd > 1".'
        ),
    ] = None,
    run: Annotated[str, typer.Option("--run", metavar="RUN", help="Only this run: its id, last or last~1.")] = "",
    since: Since = "",
    until: Until = "",
    form: Annotated[
        str, typer.Option("--format", help="markdown or html; by the ending of --output where it has one.")
    ] = "",
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")] = "",
    title: Annotated[str, typer.Option(help="Its heading.")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only say what became of --fail-if.")] = False,
    store: Chosen = "",
) -> None:
    """Write a report; with --fail-if, end with 1 when a condition holds, 3 when that cannot be told, 2 on a mistake."""
    try:
        code = _report(fail_if, run, since, until, form, output, title, quiet, store)
    except VictorError as error:  # not 1, which says that a condition holds
        note(str(error), kind="error")
        code = USAGE
    if code:
        raise typer.Exit(code)


def _report(
    fail_if: list[str] | None,
    run: str,
    since: str,
    until: str,
    form: str,
    output: str,
    title: str,
    quiet: bool,
    store: str,
) -> int:
    conditions = tuple(parse(text) for text in fail_if or ())
    chosen = _form(form, output)
    if run and (since or until):
        raise ConfigurationError("--run is about one run, --since and --until about many: take one of them")
    first, last = read_range(since, until, time.time())
    with open_chosen(store) as opened:
        if run:
            made = gather_run(opened, find_run(opened, run).run_id, title=title, conditions=conditions)
        else:
            made = gather(opened, since=first, until=last, conditions=conditions, **({"title": title} if title else {}))
    if output or not quiet:
        _write(_text(made, chosen), output)
    return judge(made)


def judge(report: Report) -> int:
    """Say what became of the conditions, and give the exit code."""
    from victor.observability.report.markdown import outcome, reason

    code = 0
    for condition, verdict in report.verdicts:
        parts = "; ".join(f"{one.comparison.figure}: {reason(one)}" for one in verdict.comparisons)
        kind = "" if verdict.holds is False else "error"
        note(f"{outcome(verdict)}: --fail-if {condition.text!r} ({parts})", kind=kind)
        if verdict.holds:
            code = FAILED
        elif verdict.holds is None and not code:
            code = UNDECIDED
    return code


def _form(form: str, output: str) -> str:
    if form not in ("", "markdown", "html"):
        raise ConfigurationError(f"--format {form!r}: there are: markdown, html")
    return form or ("html" if Path(output).suffix.lower() in (".html", ".htm") else "markdown")


def _text(report: Report, form: str) -> str:
    if form == "html":
        from victor.observability.report.html import as_html

        return as_html(report)
    from victor.observability.report.markdown import as_markdown

    return as_markdown(report)


def _write(text: str, output: str) -> None:
    if not output:
        sys.stdout.write(text)
        return
    path = Path(output)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--output {output} cannot be written: {error.strerror or error}") from error
    note(f"The report is in {path}.")

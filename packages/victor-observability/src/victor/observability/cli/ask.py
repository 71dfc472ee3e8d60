"""``victor observability query``, ``top`` and ``compare``: figures."""

from __future__ import annotations

import csv
import sys
import time
from typing import Annotated, Any

import typer

from victor.core.cli.terminal import is_terminal, note, print_json, print_table, style
from victor.core.errors import ConfigurationError
from victor.observability.cli.choice import (
    AsJson,
    Chosen,
    Since,
    Until,
    open_chosen,
    read_by,
    read_range,
    read_side,
    read_where,
)
from victor.observability.cli.runs import plain_data
from victor.observability.moments import read_length
from victor.observability.results import Change, Totals
from victor.observability.shown import amount, cost, percent, plain, seconds
from victor.observability.store.protocol import Store

__all__ = ["compare", "query", "top"]

By = Annotated[str, typer.Option("--by", metavar="KEYS", help="Of kind,name,agent,model,provider,root.")]
Filters = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="KEY=VALUE", help="Only these; several of one key: any of them."),
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]

_FIGURES = ("count", "failed", "mean", "p50", "p95", "p99", "tokens", "cost")


def query(
    sql: Annotated[
        str, typer.Argument(metavar="[SQL]", help="One SELECT; the views are in the reference of the metrics store.")
    ] = "",
    by: By = "kind,name",
    where: Filters = None,
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many lines.")] = 1000,
    store: Chosen = "",
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Ask the store, in SQL or by filters.

    For example: victor observability query --by name --where kind=tool.call --since 1d
    """
    with open_chosen(store) as opened:
        if sql:
            if where or since or until:
                raise ConfigurationError("--where, --since and --until are for questions without SQL")
            table = opened.sql(sql, max_rows=limit)
            header, rows, truncated = table.columns, table.rows, table.truncated
        else:
            header, rows, truncated = _breakdown(opened, by, where, since, until, limit, as_data=as_csv or as_json)
    _print(header, rows, as_csv=as_csv, as_json=as_json)
    if truncated:
        note(f"There are more than {limit:,} lines; --limit shows them.")


def top(
    window: Annotated[str, typer.Option(help="How much of the past.")] = "5m",
    by: By = "kind,name",
    where: Filters = None,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end; so it is where no terminal is.")] = False,
    lines: Annotated[int, typer.Option(min=1, help="At most so many lines.")] = 20,
    store: Chosen = "",
) -> None:
    """Show what takes the most time now, again and again until Ctrl-C."""
    keys, chosen, past = read_by(by), read_where(where or []), read_length(window)
    with open_chosen(store) as opened:
        while True:
            # Figures are kept by the minute: the minute in which the window begins counts as a whole.
            groups = opened.breakdown(keys, since=time.time() - past, where=chosen)
            groups.sort(key=lambda group: -group.totals.duration_s)
            if not once and is_terminal():
                print("\x1b[H\x1b[2J", end="")
            whole = sum(group.totals.count for group in groups)
            print(style(f"{opened.place}, the last {window}: {amount(whole)} operations and points", "bold"))
            rows = [(*map(plain, group.by), *_figures(group.totals)) for group in groups[:lines]]
            print_table(rows, header=(*keys, *_FIGURES))
            if once or not is_terminal():
                return
            time.sleep(every)


def compare(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A run, a range such as 2h..1h, or a store's file.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="Likewise.")],
    by: By = "kind,name",
    store: Chosen = "",
    as_json: AsJson = False,
) -> None:
    """Compare two runs, two ranges of time or two stores: counts, errors, times, tokens and cost."""
    with open_chosen(store) as opened:
        keys = read_by(by)
        changes = opened.compare(read_side(opened, before), read_side(opened, after), keys)
    if as_json:
        print_json([plain_data(change) for change in changes])
        return
    if not changes:
        print("Neither has anything.")
        return
    rows = [(*map(plain, change.by), *_changed(change)) for change in changes]
    print_table(rows, header=(*keys, "count", "failed", "p50", "p95", "tokens", "cost"))


def _breakdown(
    store: Store, by: str, where: list[str] | None, since: str, until: str, limit: int, *, as_data: bool
) -> tuple[tuple[str, ...], list[tuple[Any, ...]], bool]:
    keys = read_by(by)
    first, last = read_range(since, until)
    groups = store.breakdown(keys, since=first, until=last, where=read_where(where or []))
    kept = groups[:limit]
    if as_data:
        names = Totals.__struct_fields__
        rows = [(*group.by, *(getattr(group.totals, name) for name in names)) for group in kept]
        return (*keys, *names), rows, len(groups) > limit
    return (*keys, *_FIGURES), [(*group.by, *_figures(group.totals)) for group in kept], len(groups) > limit


def _figures(totals: Totals) -> tuple[str, ...]:
    timed = totals.p50_s is not None
    return (
        amount(totals.count),
        f"{totals.errors:,} ({percent(totals.errors, totals.count)})" if totals.errors else "-",
        seconds(totals.duration_s / totals.count if timed and totals.count else None),
        seconds(totals.p50_s),
        seconds(totals.p95_s),
        seconds(totals.p99_s),
        amount(totals.input_tokens + totals.output_tokens or None),
        cost(totals.cost_usd, totals.unpriced),
    )


def _changed(change: Change) -> tuple[str, ...]:
    before, after = change.before or Totals(), change.after or Totals()

    def pair(old: float | None, new: float | None, shown: Any) -> str:
        if old == new:
            return str(shown(new)) if new else "-"
        text = f"{shown(old)} -> {shown(new)}"
        if old and new:
            text += f" ({(new - old) / old:+.0%})"
        return text

    return (
        pair(before.count, after.count, amount),
        pair(before.errors, after.errors, amount),
        pair(before.p50_s, after.p50_s, seconds),
        pair(before.p95_s, after.p95_s, seconds),
        pair(before.input_tokens + before.output_tokens, after.input_tokens + after.output_tokens, amount),
        pair(before.cost_usd, after.cost_usd, cost),
    )


def _print(header: tuple[str, ...], rows: list[tuple[Any, ...]], *, as_csv: bool, as_json: bool) -> None:
    if as_json:
        print_json([dict(zip(header, (_json(value) for value in row), strict=True)) for row in rows])
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([["" if value is None else _json(value) for value in row] for row in rows])
    elif rows:
        print_table([[_cell(value) for value in row] for row in rows], header=[plain(name) for name in header])
    else:
        print("Nothing fits.")


def _json(value: Any) -> Any:
    return value.hex() if isinstance(value, (bytes, memoryview)) else value


def _cell(value: Any) -> str:
    return "-" if value is None else plain(str(_json(value)))

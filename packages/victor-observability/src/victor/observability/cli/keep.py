"""``victor observability status``, ``export``, ``import``, ``prune`` and ``doctor``: the store itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from victor.core.cli.terminal import note, print_json, print_table
from victor.core.errors import VictorError
from victor.observability.cli.choice import AsJson, Chosen, open_chosen
from victor.observability.cli.runs import plain_data
from victor.observability.moments import read_length, read_size
from victor.observability.results import Totals
from victor.observability.shown import ago, amount, cost, percent, seconds

__all__ = ["doctor", "prune", "status"]

_DAY = 86_400


def status(store: Chosen = "", as_json: AsJson = False) -> None:
    """Say where things are recorded, how much there is, and what the last day was like."""
    with open_chosen(store) as opened:
        info = opened.info()
        groups = opened.breakdown(["kind"], since=time.time() - _DAY)
    day = {group.by[0]: group.totals for group in groups}
    if as_json:
        print_json({"store": plain_data(info), "last_day": {kind: plain_data(one) for kind, one in day.items()}})
        return
    now = time.time_ns()
    requests, calls = day.get("model.request", Totals()), day.get("tool.call", Totals())
    rows = [
        ("store", info.place),
        ("size", f"{info.size_bytes / 1e6:,.1f} MB"),
        ("runs", f"{info.runs:,}" + (f", the newest {ago(info.newest_ns, now)}" if info.newest_ns else "")),
        ("kept in detail", f"{info.records:,} operations and points"),
        ("kept as figures", f"{info.figures:,} rows"),
        ("last day: model requests", _line(requests)),
        ("last day: tool calls", _line(calls)),
        ("last day: cost", cost(requests.cost_usd, requests.unpriced)),
    ]
    print_table(rows)


def prune(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help="Remove detail and runs older than 30d, say.")
    ] = "",
    max_size: Annotated[
        str, typer.Option("--max-size", metavar="SIZE", help="Remove the oldest until it is no larger.")
    ] = "",
    store: Chosen = "",
) -> None:
    """Roll up figures, remove what is too old or too much, and give the space back."""
    import attrs

    from victor.observability.settings import load_settings

    retention = load_settings().retention
    if older_than:
        days = read_length(older_than) / _DAY
        retention = attrs.evolve(retention, records_days=days, runs_days=days)
    if max_size:
        retention = attrs.evolve(retention, max_bytes=read_size(max_size))
    with open_chosen(store) as opened:
        done = opened.maintain(retention=retention)
        size = opened.info().size_bytes
    print(
        f"Removed {done.records:,} operations and points and {done.runs:,} runs; the store takes {size / 1e6:,.1f} MB, "
        f"{done.freed_bytes / 1e6:,.1f} MB less than before."
    )
    for problem in done.problems:
        note(problem, kind="warning")


def doctor(store: Chosen = "") -> None:
    """Check settings, listener, store and room on the disk; end with 1 when something is not as it should be."""
    troubles = 0
    for what, found, problem in _findings(store):
        print(f"{'ok     ' if not problem else 'PROBLEM'}  {what}: {problem or found}")
        troubles += bool(problem)
    if troubles:
        raise typer.Exit(1)


def _findings(store: str) -> Iterator[tuple[str, str, str]]:
    """What was looked at, what was found, and what is wrong with it."""
    import shutil
    import sqlite3
    from pathlib import Path

    from victor.core.listeners import chosen_listeners
    from victor.core.plugins import get_plugins
    from victor.core.settings import load_settings as core_settings
    from victor.observability.settings import load_settings

    try:
        settings = load_settings()
    except VictorError as error:
        yield "settings", "", str(error)
        return
    yield "settings", "[listener.observability] is read", ""
    on: list[str] = []
    try:
        on = chosen_listeners(core_settings().listeners, get_plugins().default_listeners)
        off = "" if "observability" in on else "nothing is recorded: the setting 'listeners' switches it off"
        yield "recording", "on", off
    except VictorError as error:
        yield "recording", "", str(error)
    yield "sqlite", sqlite3.sqlite_version, ""
    url = store or settings.store_url()
    if "://" not in url:
        folder = Path(url.removeprefix("sqlite:")).absolute().parent
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        yield "room on the disk", f"{free / 1e9:,.1f} GB", "" if free > 1e8 else f"only {free / 1e6:,.0f} MB are free"
    try:
        with open_chosen(store) as opened:
            wrong = opened.check()
            yield "store", f"{opened.place} is sound", "; ".join(wrong)
    except VictorError as error:
        yield "store", "", str(error)
    if "otel" in on:
        from victor.observability.otel.selftest import selftest

        try:
            answer = selftest(**_endpoint(core_settings().section("listener.otel")))
            yield "OpenTelemetry", str(answer), "" if answer.ok else str(answer)
        except VictorError as error:
            yield "OpenTelemetry", "", str(error)


def _endpoint(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: table[key] for key in ("endpoint", "protocol", "headers") if key in table}


def _line(totals: Totals) -> str:
    if not totals.count:
        return "none"
    failed = f", {percent(totals.errors, totals.count)} failed" if totals.errors else ""
    return f"{amount(totals.count)}, p95 {seconds(totals.p95_s)}{failed}"

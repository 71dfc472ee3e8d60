"""``victor observability export`` and ``import``: stores as files, and to a collector."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from victor.core.cli.terminal import note
from victor.core.errors import ConfigurationError
from victor.observability.cli.choice import Chosen, Since, Until, find_run, open_chosen, read_range

if TYPE_CHECKING:
    from victor.observability.otel.replay import RunSource
    from victor.observability.store.protocol import Store
    from victor.observability.store.transfer import Format

__all__ = ["export", "import_"]

_FORMATS = ("jsonl", "csv", "parquet")
_ENDINGS = {".jsonl": "jsonl", ".json": "jsonl", ".csv": "csv", ".parquet": "parquet"}


def export(
    target: Annotated[
        str, typer.Argument(metavar="[FILE]", help="A new file, for csv and parquet a folder; with --otlp a URL.")
    ] = "",
    form: Annotated[str, typer.Option("--format", help="jsonl, csv or parquet; by the ending of FILE.")] = "",
    otlp: Annotated[
        bool,
        typer.Option(
            "--otlp", help="Send the runs to a receiver of OTLP: the URL given, or OTEL_EXPORTER_OTLP_ENDPOINT."
        ),
    ] = False,
    protocol: Annotated[str, typer.Option(help="http/protobuf or grpc (with --otlp).")] = "",
    run: Annotated[list[str] | None, typer.Option("--run", metavar="RUN", help="Only this run (with --otlp).")] = None,
    again: Annotated[bool, typer.Option("--again", help="Send what was sent there before, too (with --otlp).")] = False,
    since: Since = "",
    until: Until = "",
    store: Chosen = "",
) -> None:
    """Write what is recorded to a file, or send it to a collector that was not there when it happened."""
    first, last = read_range(since, until)
    if otlp:
        if form or (target and "://" not in target):
            raise ConfigurationError("--otlp sends to a URL such as http://localhost:4318, and writes no file")
        with open_chosen(store) as opened:
            _send(opened, target, protocol, run, first, last, again=again)
        return
    if protocol or run or again:
        raise ConfigurationError("--protocol, --run and --again belong to --otlp")
    if not target:
        raise ConfigurationError("where to? Give a file such as runs.jsonl, or --otlp")
    from victor.observability.store.transfer import export_store

    chosen = form or _ENDINGS.get(Path(target).suffix.lower(), "")
    if chosen not in _FORMATS:
        asked = f"--format {form}" if form else target
        raise ConfigurationError(f"{asked}: which format? Say --format {', '.join(_FORMATS)}, or give such an ending")
    with open_chosen(store) as opened:
        counts = export_store(opened, target, cast("Format", chosen), since=first, until=last)
    print(
        f"{target}: {counts.runs:,} runs, {counts.records:,} operations and points, {counts.figures:,} rows of figures."
    )


def import_(
    source: Annotated[str, typer.Argument(metavar="FILE", help="What export wrote.")],
    store: Chosen = "",
) -> None:
    """Bring what was exported into the store, all of it or nothing; doing it twice is as doing it once."""
    from victor.observability.settings import load_settings
    from victor.observability.store import open_store
    from victor.observability.store.transfer import import_store

    if not Path(source).exists():
        raise ConfigurationError(f"there is no {source}")
    with open_store(store or load_settings().store_url()) as opened:
        done = import_store(opened, source)
        place = opened.place
    print(f"{place}: {done.runs:,} runs, {done.records:,} operations and points, {done.figures:,} rows of figures.")
    if done.skipped:
        note(f"{done.skipped:,} runs were there already and were left as they are.")


def _send(
    store: Store,
    endpoint: str,
    protocol: str,
    runs: list[str] | None,
    since: float | None,
    until: float | None,
    *,
    again: bool,
) -> None:
    from victor.core.settings import load_settings
    from victor.observability.otel.exporting import Endpoint
    from victor.observability.otel.journal import journal_path
    from victor.observability.otel.replay import replay
    from victor.observability.settings import project_folder

    where = Endpoint(endpoint or None, protocol or None)
    ids = None if runs is None else [find_run(store, run).run_id for run in runs]
    journal = None if again else journal_path(where.address(), project_folder() / ".victor")
    table = load_settings().section("listener.otel")
    told = {key: table[key] for key in ("service_name", "resource", "semconv") if key in table}
    result = replay(cast("RunSource", store), where, since=since, until=until, runs=ids, journal=journal, **told)
    print(f"{where.address()}: {result.spans:,} spans of {result.runs:,} runs.")
    if result.before:
        note(f"{result.before:,} runs were sent there before; --again sends them once more.")
    if result.open:
        note(f"{result.open:,} runs are not over and were left out.")

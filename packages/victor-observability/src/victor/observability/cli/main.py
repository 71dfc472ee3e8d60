"""``victor observability``."""

from __future__ import annotations

import typer

from victor.observability.cli.ask import compare, query, top
from victor.observability.cli.carry import export, import_
from victor.observability.cli.keep import doctor, prune, status
from victor.observability.cli.live import tail
from victor.observability.cli.report import report
from victor.observability.cli.runs import runs, show

__all__ = ["app"]

app: typer.Typer = typer.Typer(
    no_args_is_help=True,
    help="Look at what was recorded: runs, times, tokens, cost, errors.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
"""The command ``victor observability``."""
for _command in (status, runs, show, tail, top, query, compare, report, export):
    app.command()(_command)
app.command("import")(import_)
app.command()(prune)
app.command()(doctor)

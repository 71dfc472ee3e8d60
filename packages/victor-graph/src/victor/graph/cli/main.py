"""The commands of ``victor workflow``."""

from __future__ import annotations

import typer

from victor.graph.cli.check import list_workflows, show, validate
from victor.graph.cli.export import export
from victor.graph.cli.fork import fork, prune
from victor.graph.cli.look import history, state, threads
from victor.graph.cli.run import run
from victor.graph.cli.schema import schema
from victor.graph.cli.visualize import visualize

__all__ = ["app"]

app: typer.Typer = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Run, check, look at and draw workflows.",
)
"""The command ``victor workflow``."""
app.command("run")(run)
app.command("list")(list_workflows)
app.command("show")(show)
app.command("validate")(validate)
app.command("visualize")(visualize)
app.command("threads")(threads)
app.command("history")(history)
app.command("state")(state)
app.command("fork")(fork)
app.command("prune")(prune)
app.command("schema")(schema)
app.command("export")(export)

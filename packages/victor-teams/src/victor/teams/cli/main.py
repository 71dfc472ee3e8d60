"""``victor team``."""

from __future__ import annotations

import typer

from victor.teams.cli.form import form
from victor.teams.cli.look import list_teams, replay, schema, validate, visualize
from victor.teams.cli.run import run
from victor.teams.cli.vote import vote
from victor.teams.cli.worker import worker

__all__ = ["app"]

app: typer.Typer = typer.Typer(
    no_args_is_help=True,
    help="Teams of agents: run them, look at them, count votes, form new ones.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
"""The command ``victor team``."""
app.command()(run)
app.command("list")(list_teams)
app.command()(validate)
app.command()(visualize)
app.command()(replay)
app.command()(vote)
app.command()(form)
app.command()(worker)
app.command()(schema)

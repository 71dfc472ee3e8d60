"""``victor tools``: what agents can use by name. victor-tools puts a richer command of the same name in its place.

``--json`` prints a list of objects with ``name``, ``plugin`` and ``help``.
"""

from __future__ import annotations

from typing import Annotated

import typer

from victor.core.cli.terminal import note, print_json, print_table
from victor.core.plugins import get_plugins

__all__ = ["app"]

app: typer.Typer = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})
"""The command ``victor tools``."""


@app.command(
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": ["-h", "--help"],
    }
)
def tools(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the tools agents can use by name."""
    if context.args and context.args[0].startswith("-"):
        context.fail(f"No such option: {context.args[0]}")
    if context.args:
        context.fail(f"'victor tools {context.args[0]}' comes with victor-tools; pip install victor-tools")
    catalog = get_plugins().tools
    if as_json:
        print_json([{"name": entry.name, "plugin": entry.plugin, "help": entry.help} for entry in catalog])
    elif len(catalog):
        print_table(
            [(entry.name, entry.plugin or "-", entry.help) for entry in catalog],
            header=("tool", "plugin", "what it does"),
        )
    else:
        note(
            "no plugin has tools; pip install victor-tools, or name a function of yours: victor run -t module:function"
        )

"""``victor plugins``: what is installed, what it contributes, and what is broken.

``--json`` prints a list of objects with ``name``, ``distribution``, ``version``, ``module``, ``hooks``,
``contributions`` (names by catalog), ``load_ms`` and ``error`` (null when the plugin works).
"""

from __future__ import annotations

from typing import Annotated

import typer

from victor.core.cli.terminal import note, print_json, print_table
from victor.core.plugins import HOOKS, Plugin, get_plugins

__all__ = ["app"]

app: typer.Typer = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})
"""The command ``victor plugins``."""


@app.command()
def plugins(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    hooks: Annotated[bool, typer.Option("--hooks", help="List every hook, and who implements it.")] = False,
) -> None:
    """List installed plugins and what they contribute."""
    loaded = get_plugins().loaded
    if hooks:
        users = {hook: [plugin.name for plugin in loaded if hook in plugin.hooks] for hook in HOOKS}
        if as_json:
            print_json(users)
        else:
            print_table([(hook, ", ".join(names) or "-") for hook, names in users.items()], header=("hook", "plugins"))
        return
    if as_json:
        print_json([_as_json(plugin) for plugin in loaded])
        return
    rows = [
        (plugin.name, plugin.distribution or "-", plugin.version or "-", f"{plugin.load_ms:.1f}", _summary(plugin))
        for plugin in loaded
    ]
    print_table(rows, header=("name", "package", "version", "load ms", "contributes"))
    for plugin in loaded:
        if plugin.error:
            note(f"plugin {plugin.name!r} is broken: {plugin.error}", kind="error")


def _summary(plugin: Plugin) -> str:
    if plugin.error:
        return "BROKEN, see below"
    return "; ".join(f"{catalog}: {', '.join(names)}" for catalog, names in plugin.contributions.items()) or "nothing"


def _as_json(plugin: Plugin) -> dict[str, object]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution or None,
        "version": plugin.version or None,
        "module": plugin.module,
        "hooks": plugin.hooks,
        "contributions": plugin.contributions,
        "load_ms": round(plugin.load_ms, 2),
        "error": plugin.error or None,
    }

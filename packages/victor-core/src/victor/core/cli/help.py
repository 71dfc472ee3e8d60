"""``victor --help``, drawn without typer and rich from what plugins registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from victor.core.cli.terminal import is_terminal, print_table, style

if TYPE_CHECKING:
    from victor.core.catalog import Entry
    from victor.core.plugins import Plugins

__all__ = ["OPTIONS", "print_help"]

OPTIONS: Final = (
    ("-h, --help", "show this text, or that of a command: victor COMMAND --help"),
    ("-V, --version", "show the version of every victor-* package"),
    ("-v, --verbose", "log what happens to stderr, one line per operation"),
    ("--debug", "show tracebacks"),
)
"""The options of ``victor`` itself."""


def print_help(plugins: Plugins) -> None:
    """Print what ``victor`` can do with what is installed, by package."""
    print(style("Victor", "bold", "cyan") + ": agents, tools, workflows and teams, each as far as it is installed\n")
    print(style("Usage:", "bold") + " victor [OPTIONS] COMMAND [ARGUMENTS]\n")
    owners = {plugin.name: plugin.distribution or plugin.name for plugin in plugins.loaded}
    groups: dict[str, list[Entry[object]]] = {}
    for entry in plugins.commands:
        groups.setdefault(owners.get(entry.plugin, entry.plugin), []).append(entry)
    width = max([len(entry.name) for entry in plugins.commands] + [len(option) for option, _ in OPTIONS])
    for owner in sorted(groups, key=lambda owner: (owner != owners.get("core"), owner)):
        _section("Commands" if owner == owners.get("core") else f"Commands of {owner}")
        print_table([(entry.name.ljust(width), entry.help) for entry in groups[owner]], indent="  ")
        print()
    _section("Options")
    print_table([(option.ljust(width), text) for option, text in OPTIONS], indent="  ")
    if not groups:
        print("\nNo plugin is loaded: VICTOR_LOAD_PLUGINS or the setting load_plugins excludes them all.")


def _section(title: str) -> None:
    print(style(title, "bold") if is_terminal() else f"{title}:")

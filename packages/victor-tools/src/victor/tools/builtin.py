"""The built-in tools by their dotted names, each made when it is first asked for, as ``victor.toml`` configures it.

``victor.tools.builtin:files_read`` is the tool ``files.read``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from victor.core.errors import ConfigurationError

if TYPE_CHECKING:
    from victor.core.tool import Tool

__all__ = ["KITS", "SwitchedOffError", "configured_tools"]


class SwitchedOffError(ConfigurationError):
    """The settings leave this tool out.

    What to do: change the table ``[tools.SECTION]`` where the tool is wanted, or take it from the agent's list.
    """


KITS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "files": (
        "victor.tools.files.kit:Files",
        {
            "read": "read a text file, or some of its lines",
            "write": "write a text file",
            "edit": "replace an exact piece of a text file",
            "list": "list a directory",
            "glob": "find files whose path fits a pattern",
            "grep": "search the text of files",
            "tree": "show a directory and those below it",
        },
    ),
    "archive": (
        "victor.tools.archive_kit:Archive",
        {"list": "list a ZIP or tar archive", "read": "read a file inside of one"},
    ),
    "data": (
        "victor.tools.data.kit:Data",
        {
            "query": "select from JSON, YAML, TOML or CSV",
            "describe": "describe the structure of such data",
            "set": "set one value in such a file",
            "delete": "remove one value from such a file",
        },
    ),
    "git": (
        "victor.tools.programs.git:Git",
        {
            "status": "which files are changed",
            "diff": "changes as a patch",
            "log": "list commits",
            "show": "show a commit, or a file as it was",
            "blame": "which commit each line comes from",
            "commit": "commit files (needs approval)",
        },
    ),
    "http": (
        "victor.tools.web.kit:Http",
        {"fetch": "fetch a URL", "json": "call a web service", "page": "a web page as Markdown"},
    ),
    "human": ("victor.tools.human_kit:Human", {"ask": "ask the person a question", "confirm": "ask for a yes or no"}),
    "math": (
        "victor.tools.math_kit:Math",
        {"evaluate": "calculate an expression", "statistics": "mean, median and the like"},
    ),
    "notes": (
        "victor.tools.notes_kit:Notes",
        {"write": "keep a note", "read": "read a note", "list": "list the notes"},
    ),
    "python": ("victor.tools.programs.python:Python", {"run": "run Python code in a sandbox"}),
    "results": ("victor.tools.results_kit:Results", {"read": "read the rest of a result that was cut"}),
    "shell": ("victor.tools.programs.shell:Shell", {"run": "run a program (needs approval)"}),
    "sql": (
        "victor.tools.data.sql:Sql",
        {"query": "run a SELECT", "tables": "list tables and columns", "execute": "change a database (switched off)"},
    ),
    "text": (
        "victor.tools.text_kit:Text",
        {
            "count": "count words, lines, characters",
            "diff": "compare two texts",
            "find": "find matches of a regular expression",
            "replace": "replace matches of a regular expression",
        },
    ),
    "time": (
        "victor.tools.time_kit:Time",
        {
            "now": "date and time right now",
            "convert": "to another time zone",
            "add": "a date so much later or earlier",
            "between": "how long from one date to another",
        },
    ),
}
"""Section -> where its toolkit is, and what each of its tools does in a line."""

_made: dict[str, tuple[Any, dict[str, Tool]]] = {}


def configured_tools(section: str) -> dict[str, Tool]:
    """The tools of one toolkit by the name models know them by, configured by ``[tools.SECTION]``.

    Raises:
        ConfigurationError: The settings of that toolkit are wrong.
    """
    from victor.core.settings import load_settings
    from victor.tools.registry import UnifiedToolRegistry

    settings = load_settings()
    found = _made.get(section)
    if found is None or found[0] is not settings:
        module, _, name = KITS[section][0].partition(":")
        kit = getattr(import_module(module), name).from_settings()
        apply = UnifiedToolRegistry.get_instance().categories.apply
        found = _made[section] = (settings, {made.name: apply(made) for made in kit.tools()})
    return found[1]


def __getattr__(name: str) -> Any:
    section, _, _ = name.partition("_")
    if section in KITS and name.partition("_")[2] in KITS[section][1]:
        tools = configured_tools(section)
        if name in tools:
            return tools[name]
        raise SwitchedOffError(f"{name.replace('_', '.', 1)} is switched off by the settings [tools.{section}]")
    raise AttributeError(f"module 'victor.tools.builtin' has no attribute {name!r}")

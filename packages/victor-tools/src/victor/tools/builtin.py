"""The built-in tools by their dotted names, each made when it is first asked for, as ``victor.toml`` configures it.

``victor.tools.builtin:files_read`` is the tool ``files.read``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from victor.core.tool import Tool

__all__ = ["KITS", "configured_tools"]

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
}
"""Section -> where its toolkit is, and what each of its tools does in a line."""

_made: dict[str, dict[str, Tool]] = {}


def configured_tools(section: str) -> dict[str, Tool]:
    """The tools of one toolkit by the name models know them by, configured by ``[tools.SECTION]``.

    Raises:
        ConfigurationError: The settings of that toolkit are wrong.
    """
    if section not in _made:
        from victor.tools.registry import UnifiedToolRegistry

        module, _, name = KITS[section][0].partition(":")
        kit = getattr(import_module(module), name).from_settings()
        apply = UnifiedToolRegistry.get_instance().categories.apply
        _made[section] = {made.name: apply(made) for made in kit.tools()}
    return _made[section]


def __getattr__(name: str) -> Any:
    section, _, _ = name.partition("_")
    if section in KITS and name.partition("_")[2] in KITS[section][1]:
        tools = configured_tools(section)
        if name in tools:
            return tools[name]
        from victor.core.errors import ConfigurationError

        raise ConfigurationError(f"{name.replace('_', '.', 1)} is switched off by [tools.{section}]")
    raise AttributeError(f"module 'victor.tools.builtin' has no attribute {name!r}")

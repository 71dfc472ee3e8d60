"""What ``victor tools run`` and its kin are told on the command line: a tool's arguments, and who allows its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from victor.core.cli.terminal import note, terminal_width, wrap
from victor.core.errors import ConfigurationError

if TYPE_CHECKING:
    from victor.core.tool import ToolContext

__all__ = ["approval", "read_arguments"]


def read_arguments(pairs: list[str], given: str) -> dict[str, Any]:
    """The arguments in ``name=value`` and ``name:=JSON``, on top of those in one JSON object.

    Raises:
        ConfigurationError: One is neither.
    """
    import json

    out: dict[str, Any] = {}
    if given:
        try:
            out = json.loads(given)
        except ValueError as error:
            raise ConfigurationError(f"--args is not JSON: {error}") from error
        if not isinstance(out, dict):
            raise ConfigurationError("--args must be one JSON object")
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"{pair!r}: write arguments as name=value, or name:=JSON")
        if key.endswith(":"):
            try:
                out[key[:-1]] = json.loads(value)
            except ValueError as error:
                raise ConfigurationError(f"{pair!r}: after := comes JSON: {error}") from error
        else:
            out[key] = value
    return out


def approval(yes: bool) -> Any:
    """Ask on the terminal; without one nothing is allowed."""
    from victor.core.cli.terminal import is_terminal
    from victor.core.settings import load_settings

    wish = "always" if yes else load_settings().approve
    if wish == "always":
        return lambda context: True
    import sys

    if wish == "never" or not is_terminal(sys.stdin):
        return None

    def ask(context: ToolContext) -> bool:
        shown = ", ".join(f"{key}={value!r}" for key, value in context.arguments.items())
        for line in wrap(f"{context.tool.name}({shown})", terminal_width(), indent="  "):
            note(line)
        return typer.confirm("Allow this call?", default=False, err=True)

    return ask

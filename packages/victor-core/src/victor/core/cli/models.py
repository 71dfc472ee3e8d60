"""``victor models``: the providers, and what each of them lacks here.

``--json`` prints one object: ``in_use`` (``model`` and ``origin``) and ``providers``, a list of objects with ``name``,
``plugin``, ``help``, ``ready`` (null when it cannot be told without asking) and ``missing`` (what to install or set).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated, Final

import typer
from attrs import frozen

from victor.core.cli.terminal import print_json, print_table, style
from victor.core.model import DEFAULT_MODEL
from victor.core.plugins import get_plugins
from victor.core.settings import load_settings

__all__ = ["Needs", "app", "missing_for"]

app: typer.Typer = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})
"""The command ``victor models``."""


@frozen
class Needs:
    """What a provider of core needs.

    Args:
        sdk: Module of the vendor's SDK, which the extra of the same name installs.
        variables: Environment variables of which one must be set.
    """

    sdk: str = ""
    variables: tuple[str, ...] = ()


_NEEDS: Final[Mapping[str, Needs]] = {
    "offline": Needs(),
    "scripted": Needs(),
    "test": Needs(),
    "openai": Needs("openai", ("OPENAI_API_KEY", "OPENAI_BASE_URL")),
    "openrouter": Needs("openai", ("OPENROUTER_API_KEY",)),
    "anthropic": Needs("anthropic", ("ANTHROPIC_API_KEY",)),
    "ollama": Needs("openai"),
    "lmstudio": Needs("openai"),
    "vllm": Needs("openai"),
    "llamacpp": Needs("openai"),
}
"""Of others, only their own code knows."""


def missing_for(provider: str) -> list[str] | None:
    """What to install or set before a provider can be used; None where that is not known.

    Example:
        >>> missing_for("offline")
        []
    """
    needs = _NEEDS.get(provider)
    if needs is None:
        return None
    missing = [f"pip install 'victor-core[{needs.sdk}]'"] if needs.sdk and find_spec(needs.sdk) is None else []
    if needs.variables and not any(os.environ.get(name) for name in needs.variables):
        missing.append(f"set {needs.variables[0]}")
    return missing


@app.command()
def models(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List model providers and what they need."""
    settings = load_settings()
    in_use = settings.model or DEFAULT_MODEL
    providers = get_plugins().models
    if as_json:
        listed = []
        for entry in providers:
            missing = missing_for(entry.name)
            listed.append(
                {
                    "name": entry.name,
                    "plugin": entry.plugin,
                    "help": entry.help,
                    "ready": None if missing is None else not missing,
                    "missing": missing or [],
                }
            )
        print_json({"in_use": {"model": in_use, "origin": settings.origin("model")}, "providers": listed})
        return
    print(f"In use: {style(in_use, 'bold')} ({settings.origin('model')})\n")
    rows = []
    for entry in providers:
        missing = missing_for(entry.name)
        state = "installed" if missing is None else "; ".join(missing) or "ready"
        rows.append((entry.name, state, entry.help))
    print_table(rows, header=("provider", "state", "what it is"))
    print('\nChoose one with -m PROVIDER:MODEL, VICTOR_MODEL, or model = "PROVIDER:MODEL" in victor.toml.')

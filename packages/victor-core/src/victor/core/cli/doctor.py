"""``victor doctor``: is this installation sound? Exit code 1 when something is broken.

``--json`` prints one object: ``ok`` and ``checks``, a list of objects with ``name``, ``state`` (``"ok"``, ``"info"``,
``"warning"`` or ``"broken"``) and ``text``. No key or other secret is ever shown.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from attrs import frozen

from victor.core.cli.terminal import print_json, print_table, style
from victor.core.errors import VictorError

__all__ = ["Check", "app", "checks"]

app: typer.Typer = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})
"""The command ``victor doctor``."""

State = Literal["ok", "info", "warning", "broken"]

_COLORS: Final[dict[State, str]] = {"ok": "green", "info": "dim", "warning": "yellow", "broken": "red"}
_PROGRAMS: Final = {
    "git": "git tools",
    "rg": "fast search in files",
    "docker": "tools in containers",
    "npx": "tool servers written in JavaScript",
    "uvx": "tool servers written in Python",
}


@frozen
class Check:
    """One finding.

    Args:
        name: What was looked at.
        state: How it is; only ``"broken"`` makes the command fail.
        text: What was found and, where it is not well, what to do.
    """

    name: str
    state: State
    text: str


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    network: Annotated[bool, typer.Option(help="Try to reach the server of the model in use.")] = True,
) -> None:
    """Check this installation; exit code 1 when something is broken."""
    found = list(checks(network=network))
    broken = sum(check.state == "broken" for check in found)
    if as_json:
        print_json({"ok": not broken, "checks": found})
    else:
        width = max(len(state) for state in _COLORS)
        rows = [(style(c.state.ljust(width), _COLORS[c.state]), c.name, c.text) for c in found]
        print_table(rows, color="")
        print()
        print(style(f"{broken} broken", "red", "bold") if broken else style("Nothing is broken.", "green", "bold"))
    if broken:
        raise typer.Exit(1)


def checks(*, network: bool = True) -> Iterator[Check]:
    """Look at everything, one finding after the other.

    Args:
        network: Open a connection to the server of the model in use.
    """
    looks: list[Callable[[], Iterator[Check]]] = [
        _python,
        _packages,
        _namespace,
        _plugins,
        _settings,
        lambda: _model(network=network),
        _folders,
        _programs,
    ]
    for look in looks:
        yield from look()


def _python() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", "ok", f"{version} at {sys.executable}")
    encoding = (getattr(sys.stdout, "encoding", "") or "").lower().replace("-", "")
    if encoding and encoding != "utf8":
        yield Check("encoding", "warning", f"output is {encoding}, not UTF-8: set PYTHONUTF8=1")


def _packages() -> Iterator[Check]:
    from victor.core.cli.version import installed_packages

    found = installed_packages()
    for name, version in found.items():
        yield Check(name, "ok", version)
    if "victor-core" not in found:
        yield Check("victor-core", "warning", "runs from a folder that is not installed: plugins cannot be found")


def _namespace() -> Iterator[Check]:
    """`victor` is a namespace; a package of that name that has code of its own hides ours."""
    import victor
    from victor.core.plugins import get_plugins

    file = getattr(victor, "__file__", None)
    if file is not None:
        yield Check(
            "namespace",
            "broken",
            f"{file} belongs to another package called 'victor' and hides parts of this one: pip uninstall victor, "
            "then install the victor-* packages again",
        )
    else:
        yield Check("namespace", "ok", "victor is a namespace, in " + ", ".join(victor.__path__))
    get_plugins()  # loaded here, so that what they print stands before the findings about them


def _plugins() -> Iterator[Check]:
    from victor.core.plugins import get_plugins

    loaded = get_plugins().loaded
    for plugin in loaded:
        if plugin.error:
            where = f" ({plugin.distribution} {plugin.version})" if plugin.distribution else ""
            yield Check(f"plugin {plugin.name}", "broken", f"{plugin.error}{where}")
    working = [plugin.name for plugin in loaded if not plugin.error]
    if working:
        yield Check("plugins", "ok", ", ".join(working))
    else:
        yield Check("plugins", "warning", "none is loaded; see VICTOR_LOAD_PLUGINS")


def _settings() -> Iterator[Check]:
    from victor.core.settings import load_settings, unknown_variables

    try:
        files = load_settings().files
    except VictorError as error:
        yield Check("settings", "broken", str(error))
    else:
        yield Check("settings", "ok", ", ".join(map(str, files)) or "no file; all defaults, or from the environment")
    for name, meant in unknown_variables(os.environ).items():
        yield Check("environment", "warning", f"{name} is no setting; did you mean {meant}?")


def _model(*, network: bool) -> Iterator[Check]:
    from victor.core.cli.models import missing_for
    from victor.core.model import DEFAULT_MODEL, resolve_model
    from victor.core.settings import load_settings

    try:
        name = load_settings().model or DEFAULT_MODEL
    except VictorError:
        return  # reported above
    missing = missing_for(name.partition(":")[0])
    if missing:
        yield Check("model", "broken", f"{name}: " + "; ".join(missing))
        return
    try:
        model = resolve_model(name)
    except VictorError as error:
        yield Check("model", "broken", f"{name}: {error}")
        return
    if model.provider == DEFAULT_MODEL:
        yield Check("model", "info", "offline, which is not a language model; set VICTOR_MODEL to use one")
        return
    yield Check("model", "ok", f"{name}: its SDK and what it needs are there")
    server = str(getattr(getattr(model, "endpoint", model), "base_url", "") or "")
    if server and network:
        yield _reach(server)


def _reach(server: str) -> Check:
    """Open a connection and close it: no request, no key, no cost."""
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(server)
    host, port = parts.hostname or "", parts.port or (80 if parts.scheme == "http" else 443)
    try:
        socket.create_connection((host, port), timeout=3.0).close()
    except (OSError, OverflowError, UnicodeError) as error:
        return Check("server", "broken", f"{host}:{port} cannot be reached: {error}")
    return Check("server", "ok", f"{host}:{port} answers")


def _folders() -> Iterator[Check]:
    from platformdirs import user_state_path

    from victor.core.settings import user_file

    file = user_file()
    places = [("chat history", user_state_path("victor", appauthor=False)), ("working directory", Path.cwd())]
    if file is not None:
        places.insert(0, ("user settings", file.parent))
    for what, folder in places:
        there = next(place for place in (folder, *folder.parents) if place.exists())
        if os.access(there, os.W_OK | os.X_OK):
            yield Check(what, "ok", str(folder))
        else:
            yield Check(what, "warning", f"{folder} cannot be written")


def _programs() -> Iterator[Check]:
    from shutil import which

    for program, what in _PROGRAMS.items():
        found: Any = which(program)
        yield Check(program, "ok" if found else "info", found or f"not found; only needed for {what}")

"""``victor config``: settings, where each came from, and the files they live in.

``show --json`` prints a list of objects with ``name``, ``value`` (secrets redacted) and ``origin``; ``path --json`` a
list of objects with ``what``, ``path`` and ``read``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from victor.core.cli.terminal import note, print_json, print_table
from victor.core.errors import ConfigurationError
from victor.core.limits import Limits
from victor.core.redact import MARK, redact
from victor.core.settings import KEYS, Settings, load_settings, unknown_variables, user_file

__all__ = ["app"]

app: typer.Typer = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Show settings and where each came from.",
)
"""The command ``victor config``."""

_WITHOUT_DEFAULT: Final[dict[str, str]] = {
    "model": '"openai:gpt-5-mini"',
    "listeners": '["log"]',
    "load_plugins": '["core", "tools"]',
}
"""Values that show how settings are written which nobody has set."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def show(as_json: Json = False) -> None:
    """Show every setting with its value and where that came from."""
    rows = [
        (name, _hidden(name, _default_limit(name) if value is None else value), origin)
        for name, value, origin in load_settings()
    ]
    if as_json:
        print_json([{"name": name, "value": value, "origin": origin} for name, value, origin in rows])
    else:
        print_table([(name, _text(value), origin) for name, value, origin in rows], header=("setting", "value", "from"))
    for name, meant in unknown_variables(os.environ).items():
        note(f"{name} is no setting; did you mean {meant}?", kind="warning")


@app.command()
def path(as_json: Json = False) -> None:
    """Show which files settings are read from."""
    project = _project_path()
    files = [("project", project), ("user", user_file())]
    if as_json:
        print_json(
            [{"what": what, "path": str(file), "read": file.is_file()} for what, file in files if file is not None]
        )
    else:
        rows = [
            (what, str(file), "read" if file.is_file() else "not there") for what, file in files if file is not None
        ]
        print_table(rows, header=("what", "file", "state"))


@app.command()
def init(
    user: Annotated[bool, typer.Option("--user", help="The user's own file instead of ./victor.toml.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a file with every setting explained, all of them commented out."""
    file = user_file() if user else Path("victor.toml")
    if file is None:
        raise ConfigurationError("VICTOR_CONFIG is empty, which means that there is no user file")
    if file.exists() and not force:
        raise ConfigurationError(f"{file} is there already; --force writes over it")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(template(), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from error
    print(file)


def template() -> str:
    """A ``victor.toml`` with every setting explained and commented out."""
    lines = [
        "# Settings of Victor. What is commented out is the default, or an example where it says so;",
        "# victor config show tells what holds.",
        "",
    ]
    table = ""
    defaults = Settings()
    for name, key in KEYS.items():
        above, _, last = name.rpartition(".")
        if above != table:
            table = above
            lines += [f"[{table}]"]
        if name in _WITHOUT_DEFAULT:
            lines += [f"# {key.help}; for example:", f"# {last} = {_WITHOUT_DEFAULT[name]}", ""]
        else:
            default = _default_limit(name) if table == "limits" else defaults.value(name)
            lines += [f"# {key.help}", f"# {last} = {_toml(default)}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _project_path() -> Path:
    try:
        project = load_settings().project
    except ConfigurationError:  # the file is there and broken: show where
        project = next(
            (folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "victor.toml").is_file()), None
        )
    return (project or Path.cwd()) / "victor.toml"


def _hidden(name: str, value: Any) -> Any:
    if any(redact.is_secret(part) for part in name.split(".")) and value is not None and name not in KEYS:
        return MARK
    return redact(value)


def _default_limit(name: str) -> Any:
    """What a run may use where nothing is set; None where the setting is no limit."""
    above, _, last = name.partition(".")
    return getattr(Limits(), last) if above == "limits" and name in KEYS else None


def _toml(value: Any) -> str:
    if isinstance(value, (bool, str)):
        return json.dumps(value)
    return f"{value:_}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "(none)"
    return "-" if value is None else str(value)

"""``victor new plugin NAME``: a complete plugin package that works at once."""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from victor.core import __version__
from victor.core.cli.terminal import note
from victor.core.errors import ConfigurationError
from victor.core.plugins import get_plugins

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["License", "app", "plugin_name", "write_plugin"]

app: typer.Typer = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Start a package of your own.",
)
"""The command ``victor new``."""

_OURS: Final = frozenset({"core", "tools", "graph", "teams", "observability", "playground", "cookbook"})
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_HOLE: Final = re.compile(r"<<(\w+)>>")


class License(StrEnum):
    """What a new package may be licensed under."""

    APACHE = "Apache-2.0"
    MIT = "MIT"
    BSD = "BSD-3-Clause"
    PROPRIETARY = "proprietary"


@app.callback()
def _group() -> None:
    """Keeps ``plugin`` a sub-command although it is the only one."""


@app.command()
def plugin(
    name: Annotated[str, typer.Argument(help="Such as weather, which makes the package victor-weather.")],
    directory: Annotated[Path, typer.Option("-d", "--directory", help="Where to put its folder.")] = Path(),
    license: Annotated[
        License, typer.Option("-l", "--license", help="Its license.", case_sensitive=False)
    ] = License.APACHE,
    author: Annotated[
        str, typer.Option(help="Who holds the copyright.  [default: git's user.name]", show_default=False)
    ] = "",
    description: Annotated[str, typer.Option(help="One sentence.", show_default=False)] = "",
) -> None:
    """Write a plugin package with a tool, a command, a vertical, tests and CI."""
    name = plugin_name(name)
    folder = directory / f"victor-{name}"
    files = write_plugin(name, folder, license=license, author=author or _git_name(), description=description)
    note(f"{len(files)} files in {folder}")
    pip = "pip" if sys.prefix != sys.base_prefix else "python -m venv .venv && . .venv/bin/activate && pip"
    print(f"cd {folder} && {pip} install -e '.[test]'")
    print("python -m pytest")
    print(f'victor {name} "It rained. It rained all day."')


def plugin_name(name: str) -> str:
    """The name of a plugin as it is registered, from what somebody typed.

    Raises:
        ConfigurationError: It cannot be used; says why and what could be.

    Example:
        >>> plugin_name("victor-weather")
        'weather'
    """
    short = name.removeprefix("victor-")
    if not _NAME.fullmatch(short) or len(short) > 50:
        like = re.sub(r"[^a-z0-9]+", "-", short.lower()).strip("-0123456789")[:50].rstrip("-")
        hint = f"; {like!r} would do" if _NAME.fullmatch(like) else ""
        raise ConfigurationError(
            f"a plugin cannot be named {name!r}: it takes lower-case letters, digits and single dashes{hint}"
        )
    if keyword.iskeyword(short):
        raise ConfigurationError(f"a plugin cannot be named {short!r}: it is a word of the Python language")
    if short in _OURS:
        raise ConfigurationError(f"victor-{short} is a package of Victor itself; choose another name")
    taken = next((entry for entry in get_plugins().commands if entry.name == short), None)
    if taken is not None:
        raise ConfigurationError(
            f"'victor {short}' is a command already, of plugin {taken.plugin!r}; choose another name"
        )
    return short


def write_plugin(
    name: str, folder: Path, *, license: License = License.APACHE, author: str = "", description: str = ""
) -> list[Path]:
    """Write the files of a new plugin package.

    Args:
        name: As `plugin_name` returns it.
        folder: Where to; must be empty or not there.
        license: Its license.
        author: Who holds the copyright.
        description: One sentence; a neutral one where empty.

    Returns:
        The files written.

    Raises:
        ConfigurationError: The folder has something in it, or cannot be written.
    """
    from importlib.resources import files

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is there already and not empty; nothing was written")
    module = "victor_" + name.replace("-", "_")
    holder = author or f"The victor-{name} authors"
    words = {
        "name": name,
        "package": f"victor-{name}",
        "module": module,
        "function": name.replace("-", "_"),
        "author": holder,
        "author_toml": _toml(holder),
        "description": description or f"A Victor plugin: {name}.",
        "description_docstring": _docstring(description or f"A Victor plugin: {name}."),
        "description_toml": _toml(description or f"A Victor plugin: {name}."),
        "year": str(date.today().year),
        "license": license.value,
        "license_toml": (
            'license = "LicenseRef-Proprietary"'
            if license is License.PROPRIETARY
            else f'license = "{license.value}"\nlicense-files = ["LICENSE"]'
        ),
        "core": _core_range(__version__),
    }
    source = files("victor.core") / "scaffold"
    templates = _templates(source / "plugin")
    if license is not License.PROPRIETARY:
        templates["LICENSE"] = (source / "licenses" / f"{license.value}.txt").read_text(encoding="utf-8")
    written: list[Path] = []
    try:
        for path, text in sorted(templates.items()):
            file = folder / path.replace("__module__", module)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_filled(text, words), encoding="utf-8")
            written.append(file)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror or error}") from error
    return written


def _templates(folder: Traversable, at: str = "") -> dict[str, str]:
    """Texts by path. In the package every file ends in .txt, so that no tool takes it for code of ours."""
    found: dict[str, str] = {}
    for item in folder.iterdir():
        path = at + item.name.replace("dot-", ".", 1) if item.name.startswith("dot-") else at + item.name
        if item.is_dir():
            found.update(_templates(item, path + "/"))
        elif path.endswith(".txt"):
            found[path.removesuffix(".txt")] = item.read_text(encoding="utf-8")
    return found


def _filled(text: str, words: dict[str, str]) -> str:
    return _HOLE.sub(lambda hole: words[hole[1]], text)


def _toml(text: str) -> str:
    import msgspec

    return msgspec.json.encode(text).decode()  # a JSON string is a TOML string


def _docstring(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', "'")


def _core_range(version: str) -> str:
    major, minor = (int(part) for part in version.split(".")[:2])
    above = f"{major}.{minor + 1}" if major == 0 else f"{major + 1}"
    return f">={major}.{minor},<{above}"


def _git_name() -> str:
    try:
        done = subprocess.run(
            ["git", "config", "user.name"], capture_output=True, text=True, timeout=5, check=False, encoding="utf-8"
        )
    except (OSError, subprocess.SubprocessError):  # no git here, or none that answers
        return ""
    return done.stdout.strip()

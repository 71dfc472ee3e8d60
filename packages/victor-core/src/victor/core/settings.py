"""Settings: command line > environment > ``victor.toml`` > user configuration > defaults.

``victor.toml`` is searched from the working directory upwards, as far as the first directory that holds a
``.git``, the home directory or the root of the file system. The user's own file is ``config.toml`` in the
platform's configuration directory, or what ``VICTOR_CONFIG`` names. A setting ``a.b`` is ``VICTOR_A__B`` in the
environment. Tables that are not listed in `KEYS` belong to plugins, which read them with `Settings.section`.

Example:
    >>> settings = load_settings({"model": "scripted:demo"}, environ={"VICTOR_LIMITS__STEPS": "5", "VICTOR_CONFIG": ""})
    >>> settings.model, settings.origin("model")
    ('scripted:demo', 'command line')
    >>> settings.limits.steps, settings.origin("limits.steps")
    (5, 'environment VICTOR_LIMITS__STEPS')
"""

# os.path throughout: asking for unchanged settings happens in every run, and Path would triple its cost.
# ruff: noqa: PTH100, PTH109, PTH110, PTH111, PTH116, PTH118, PTH120

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from attrs import field, frozen

from victor.core.errors import ConfigurationError
from victor.core.toml_file import TomlFile, read_toml

__all__ = [
    "KEYS",
    "Key",
    "LimitSettings",
    "Settings",
    "load_settings",
    "strangers_to_tell",
    "unknown_variables",
    "user_file",
]

_PREFIX: Final = "VICTOR_"
_FILE: Final = "victor.toml"


@frozen
class Key:
    """One setting of core.

    Args:
        kind: What a value is: a text, a switch (true or false), a list of texts, a whole count or an amount.
        help: One line for listings.
        choices: The texts allowed, where not all are.
    """

    kind: Literal["text", "switch", "list", "count", "amount"]
    help: str
    choices: tuple[str, ...] = ()


KEYS: Final[Mapping[str, Key]] = {
    "model": Key("text", "the model agents use, as provider:name; the offline model where unset"),
    "approve": Key("text", "tools that need approval: ask on a terminal, always or never", ("ask", "always", "never")),
    "capture_content": Key("switch", "let prompts, arguments and answers travel on the event stream, redacted"),
    "listeners": Key("list", "event listeners to switch on; with a minus sign: off"),
    "load_plugins": Key("list", "plugins to load; all that are installed where unset"),
    "log_level": Key("text", "what is logged to stderr", ("debug", "info", "warning", "error")),
    "color": Key("text", "color in terminals", ("auto", "always", "never")),
    "limits.steps": Key("count", "most model requests of one agent run"),
    "limits.tokens": Key("count", "most tokens of one agent run, read and written"),
    "limits.cost_usd": Key("amount", "most US dollars of one agent run"),
    "limits.timeout_s": Key("amount", "most seconds of one agent run"),
}
"""Every setting of core, by its dotted name."""

_SPECIAL: Final = frozenset({"VICTOR_BUS", "VICTOR_BUS_KEY", "VICTOR_CONFIG", "VICTOR_DEBUG"})  # BUS: victor-teams
_TABLES: Final = frozenset(key.partition(".")[0] for key in KEYS if "." in key)
_OPEN_TABLES: Final = frozenset({"listener", "model", "models", "tool", "tools", "plugin", "plugins"})
"""Tables that may look like a misspelt key of core and are none."""

_KINDS: Final = {
    "text": "a text",
    "switch": "true or false",
    "list": "a list of texts",
    "count": "a whole number above 0",
    "amount": "a number above 0",
}
_ON: Final = frozenset({"1", "true", "yes", "on"})
_OFF: Final = frozenset({"0", "false", "no", "off"})


@frozen
class LimitSettings:
    """Limits of agent runs; None where none is set, which leaves the agent's own.

    Args:
        steps: Most requests to the model.
        tokens: Most tokens, read and written.
        cost_usd: Most US dollars.
        timeout_s: Most seconds.
    """

    steps: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    timeout_s: float | None = None

    def as_dict(self) -> dict[str, float]:
        """Those that are set.

        Example:
            >>> LimitSettings(steps=3).as_dict()
            {'steps': 3}
        """
        names = ("steps", "tokens", "cost_usd", "timeout_s")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


@frozen(kw_only=True)
class Settings:
    """What is set, and where each value came from.

    Args:
        model: Model agents use, ``"provider:name"``; None for the offline model.
        approve: What happens to tool calls that need approval on the command line.
        capture_content: Whether contents travel on the event stream.
        listeners: Event listeners to switch on, or off with a minus sign.
        load_plugins: Plugins to load, or None for all.
        log_level: What is logged on the command line.
        color: Color on the command line.
        limits: Limits of agent runs.
        files: The files that were read, the strongest first.
    """

    model: str | None = None
    approve: Literal["ask", "always", "never"] = "ask"
    capture_content: bool = False
    listeners: tuple[str, ...] = ()
    load_plugins: tuple[str, ...] | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    color: Literal["auto", "always", "never"] = "auto"
    limits: LimitSettings = LimitSettings()
    files: tuple[Path, ...] = ()
    _tables: Mapping[str, Any] = field(factory=dict, repr=False, hash=False)
    _origins: Mapping[str, str | TomlFile] = field(factory=dict, repr=False, eq=False)

    @property
    def project(self) -> Path | None:
        """The directory of the ``victor.toml`` that was read, against which a plugin resolves its relative paths."""
        return next((file.parent for file in self.files if file.name == _FILE), None)

    def section(self, name: str) -> dict[str, Any]:
        """A plugin's table, merged from all sources; empty where there is none.

        Args:
            name: Dotted name, such as ``"listener.log"``.

        Raises:
            ConfigurationError: That name is set, but not to a table.
        """
        at: Any = self._tables
        walked: list[str] = []
        for part in name.split("."):
            walked.append(part)
            at = at.get(part, {})
            if not isinstance(at, Mapping):
                key = ".".join(walked)
                raise ConfigurationError(f"{self.origin(key)}: {key!r} must be a table, not {_shown(at)}")
        return _copy(at)

    def value(self, key: str) -> Any:
        """The value of a dotted key of core or of a plugin's table; None where it is not set.

        Example:
            >>> load_settings({"limits.steps": 4}, environ={"VICTOR_CONFIG": ""}).value("limits.steps")
            4
        """
        at: Any = self
        for part in key.split("."):
            at = (
                at.get(part)
                if isinstance(at, Mapping)
                else getattr(at, part, None)
                if key in KEYS
                else self._tables.get(part)
            )
        return at

    def origin(self, key: str) -> str:
        """Where a value came from, such as ``"default"``, ``"victor.toml:3"`` or ``"environment VICTOR_MODEL"``.

        Args:
            key: Dotted name.
        """
        found = self._origins.get(key, "default")
        return found if isinstance(found, str) else found.where(key)

    def __iter__(self) -> Iterator[tuple[str, Any, str]]:
        """Every key of core, then every value of plugins' tables: name, value, origin."""
        for key in KEYS:
            yield key, self.value(key), self.origin(key)
        for key, value in _leaves(self._tables):
            yield key, value, self.origin(key)


def load_settings(
    overrides: Mapping[str, Any] | None = None,
    *,
    cwd: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings. What was read is kept until a file or a variable changes, so asking again is cheap.

    Args:
        overrides: Values that win over all others, by dotted name; None values are ignored.
        cwd: Where the search for ``victor.toml`` begins; the working directory by default.
        environ: The environment; that of the process by default.

    Raises:
        ConfigurationError: A file is not TOML, a key of core is unknown or has a wrong value; says where.
    """
    given = os.environ if environ is None else environ
    variables = {name: given[name] for name in given if name.startswith(_PREFIX)}
    here = _working_directory() if cwd is None else os.path.abspath(cwd)
    stamps = [stamp for stamp in (_project_file(here), _stamp(_user_file(variables))) if stamp is not None]
    if overrides:
        return _read(here, variables, stamps, overrides)
    known = (here, tuple(variables.items()), tuple(stamps))
    settings = _known.get(known)
    if settings is None:
        if environ is None:
            _warn_of_strangers(variables)
        settings = _read(here, variables, stamps, {})
        while len(_known) >= 16:
            _known.pop(next(iter(_known)))
        _known[known] = settings
    return settings


_known: dict[tuple[Any, ...], Settings] = {}
"""What was read lately, by all that it was read from."""

_Stamp = tuple[str, int, int]

_told: set[str] = set()
"""Variables that somebody was warned of."""


def strangers_to_tell(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that looks like a misspelt setting and was not told of yet in this process."""
    new = {name: near for name, near in unknown_variables(environ).items() if name not in _told}
    _told.update(new)
    return [f"{name} is no setting, and has no effect; did you mean {near}?" for name, near in new.items()]


def _warn_of_strangers(variables: Mapping[str, str]) -> None:
    for sentence in strangers_to_tell(variables):
        import logging

        logging.getLogger("victor.settings").warning(sentence)


def unknown_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that look like misspelt settings of core, each with the one that may be meant.

    Example:
        >>> unknown_variables({"VICTOR_MODLE": "openai:gpt-5-mini", "VICTOR_MODEL": "offline"})
        {'VICTOR_MODLE': 'VICTOR_MODEL'}
    """
    known = {_variable(key) for key in KEYS} | _SPECIAL
    strangers = (name for name in environ if name.startswith(_PREFIX) and name not in known and name.count("__") < 2)
    return {name: near for name in sorted(strangers) if (near := _near(name, known))}


def user_file() -> Path | None:
    """The user's own file, whether it is there or not; None when ``VICTOR_CONFIG`` is empty."""
    path = _user_file(os.environ)
    return Path(path) if path else None


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed under us
        return ""


def _stamp(path: str) -> _Stamp | None:
    try:
        stat = os.stat(path) if path else None
    except OSError:
        return None
    return None if stat is None else (path, stat.st_mtime_ns, stat.st_size)


def _project_file(here: str) -> _Stamp | None:
    home = os.path.expanduser("~")
    at = here
    while at:
        found = _stamp(os.path.join(at, _FILE))
        above = os.path.dirname(at)
        if found is not None or above == at or at == home or os.path.exists(os.path.join(at, ".git")):
            return found
        at = above
    return None


def _user_file(variables: Mapping[str, str]) -> str:
    named = variables.get("VICTOR_CONFIG")
    if named is not None:
        return os.path.abspath(os.path.expanduser(named)) if named else ""
    return _platform_file(os.environ.get("HOME"), os.environ.get("XDG_CONFIG_HOME"))


@cache
def _platform_file(home: str | None, config_home: str | None) -> str:
    # what platformdirs says too, without its 20 ms of imports
    if sys.platform in {"linux", "emscripten"} and (config_home or home):
        return os.path.join((config_home or "").strip() or os.path.join(home or "", ".config"), "victor", "config.toml")
    from platformdirs import user_config_dir

    return os.path.join(user_config_dir("victor", appauthor=False), "config.toml")


def _read(here: str, variables: Mapping[str, str], stamps: list[_Stamp], overrides: Mapping[str, Any]) -> Settings:
    values: dict[str, Any] = {}
    tables: dict[str, Any] = {}
    origins: dict[str, str | TomlFile] = {}
    for path, *_ in reversed(stamps):
        file = read_toml(path, near=here)
        for key, value in _leaves(_checked(file)):
            if key not in _TABLES:  # an empty one
                _put(key, value, file, values, tables, origins)
    for name, text in variables.items():
        _put_variable(name, text, values, tables, origins)
    for key, value in overrides.items():
        if value is not None:
            _put(key, _check(key, value, "command line"), "command line", values, tables, origins)
    limits = {key.partition(".")[2]: values.pop(key) for key in list(values) if key.startswith("limits.")}
    files = tuple(Path(path) for path, *_ in stamps)
    return Settings(**values, limits=LimitSettings(**limits), files=files, tables=tables, origins=origins)


def _put(
    key: str,
    value: Any,
    origin: str | TomlFile,
    values: dict[str, Any],
    tables: dict[str, Any],
    origins: dict[str, str | TomlFile],
) -> None:
    if key in KEYS:
        values[key] = value
    else:
        at = tables
        *parents, last = key.split(".")
        for parent in parents:
            below = at.get(parent)
            if not isinstance(below, dict):
                below = at[parent] = {}
            at = below
        at[last] = value
    origins[key] = origin


def _put_variable(
    name: str, text: str, values: dict[str, Any], tables: dict[str, Any], origins: dict[str, str | TomlFile]
) -> None:
    key = name[len(_PREFIX) :].lower().replace("__", ".")
    where = f"environment {name}"
    if key in KEYS:
        kind = KEYS[key].kind
        if text.strip() or kind == "list":
            _put(key, _check(key, _from_text(text.strip(), kind), where, text), where, values, tables, origins)
    elif "." in key and all(key.split(".")):
        top = key.partition(".")[0]
        if top in _TABLES:
            raise ConfigurationError(f"{where}: {_unknown(key)}")
        _put(key, _plain(text), where, values, tables, origins)


def _from_text(text: str, kind: str) -> Any:
    if kind == "list":
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind == "switch" and text.lower() in _ON | _OFF:
        return text.lower() in _ON
    if kind in {"count", "amount"}:
        for number in (int, float):
            try:
                return number(text)
            except ValueError:
                continue
    return text


def _plain(text: str) -> Any:
    """What a variable of a plugin's table means: a TOML value where it reads as one, else the text."""
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if text[:1] in "+-0123456789[{\"'":
        import tomllib

        try:
            return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
        except tomllib.TOMLDecodeError:
            return text
    return text


def _checked(file: TomlFile) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in file.data.items():
        if key in _TABLES:
            if not isinstance(value, dict):
                raise ConfigurationError(f"{file.where(key)}: {key!r} must be a table [{key}], not {_shown(value)}")
            out[key] = {name: _check(f"{key}.{name}", below, file) for name, below in value.items()}
        elif key in KEYS or not isinstance(value, dict):
            out[key] = _check(key, value, file)
        else:
            near = "" if key in _OPEN_TABLES else _near(key, {*_TABLES, "listener", *(k for k in KEYS if "." not in k)})
            if near:
                raise ConfigurationError(
                    f"{file.where(key)}: {_unknown(key)} A plugin's table needs a name that cannot be mistaken"
                )
            out[key] = value
    return out


def _check(key: str, value: Any, where: str | TomlFile, text: str | None = None) -> Any:
    known = KEYS.get(key)
    if known is None:
        if "." in key and key.partition(".")[0] not in _TABLES:
            return value
        raise ConfigurationError(f"{_at(where, key)}: {_unknown(key)}")
    if known.kind == "list" and isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return tuple(value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < float("inf")
    right = {
        "text": isinstance(value, str) and bool(value.strip()),
        "switch": isinstance(value, bool),
        "list": False,
        "count": number and isinstance(value, int),
        "amount": number,
    }[known.kind]
    if right and (not known.choices or value in known.choices):
        return value
    wanted = "one of " + ", ".join(map(repr, known.choices)) if known.choices else _KINDS[known.kind]
    raise ConfigurationError(
        f"{_at(where, key)}: {key!r} must be {wanted}, not {_shown(value if text is None else text)}"
    )


def _at(where: str | TomlFile, key: str) -> str:
    return where if isinstance(where, str) else where.where(key)


def _unknown(key: str) -> str:
    near = _near(key, KEYS, cutoff=0.6) or _near(key, _TABLES)
    return f"unknown setting {key!r}" + (f"; did you mean {near!r}?" if near else "; there are: " + ", ".join(KEYS))


def _near(name: str, names: Any, *, cutoff: float = 0.8) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, sorted(names), n=1, cutoff=cutoff)), "")


def _shown(value: Any) -> str:
    return "a table" if isinstance(value, Mapping) else repr(value) if len(repr(value)) < 60 else type(value).__name__


def _variable(key: str) -> str:
    return _PREFIX + key.replace(".", "__").upper()


def _leaves(tables: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tables.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _copy(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in table.items()}

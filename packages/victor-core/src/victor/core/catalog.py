"""Named things that plugins contribute, each imported when it is first used.

Example:
    >>> catalog: Catalog[object] = Catalog("shape")
    >>> catalog.register("square", "math:sqrt", help="a square")
    >>> catalog.get("square")(9.0)
    3.0
    >>> catalog.get("sqare")
    Traceback (most recent call last):
    ...
    victor.core.errors.UnknownNameError: unknown shape 'sqare'; did you mean 'square'?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final, Generic, TypeVar, cast

from attrs import field, frozen

from victor.core.errors import PluginError, UnknownNameError

__all__ = ["Catalog", "Entry", "load_target", "near_matches"]

T = TypeVar("T")

_PROVIDERS: Final[dict[str, dict[str, str]]] = {
    "command": {
        "workflow": "victor-graph",
        "team": "victor-teams",
        "observability": "victor-observability",
        "playground": "victor-playground",
        "cookbook": "victor-cookbook",
    },
    "visualizer": dict.fromkeys(("mermaid", "dot", "ascii", "unicode", "svg", "png", "json"), "victor-graph"),
    "checkpointer": {"memory": "victor-graph", "sqlite": "victor-graph", "postgres": "victor-graph[postgres]"},
    "executor": {"local": "victor-graph", "dbos": "victor-graph[dbos]"},
    "workflow node type": {
        **dict.fromkeys(("agent", "compute", "condition", "parallel", "transform", "hitl", "map"), "victor-graph"),
        "team": "victor-teams",
    },
    "metrics exporter": dict.fromkeys(
        ("prometheus", "statsd", "datadog", "otlp", "jsonl", "structlog"), "victor-observability"
    ),
    "coordination protocol": dict.fromkeys(("sequential", "parallel", "vote", "debate"), "victor-teams"),
    "tool": dict.fromkeys(("files", "shell", "git", "http", "sql", "python"), "victor-tools"),
}
"""What the packages of this repository provide, so that a missing one can be named in an error."""


@frozen
class Entry(Generic[T]):
    """One contribution.

    Args:
        name: What it is looked up by.
        target: The object, or an import string ``"package.module:attribute"``.
        plugin: Name of the plugin that registered it; ``""`` for a program's own.
        help: One line for listings.
    """

    name: str
    target: T | str
    plugin: str = ""
    help: str = ""
    _convert: Callable[[Any], T] | None = field(default=None, repr=False, eq=False)
    _loaded: list[T] = field(factory=list, init=False, repr=False, eq=False)

    def load(self) -> T:
        """The object itself, imported at the first call.

        Raises:
            PluginError: The import string cannot be resolved.
            ConfigurationError: What it names is not what the catalog holds.
        """
        if not self._loaded:
            found: Any = self.target
            if isinstance(found, str):
                found = load_target(found, what=self.name, plugin=self.plugin)
            self._loaded.append(cast("T", found) if self._convert is None else self._convert(found))
        return self._loaded[0]


class Catalog(Generic[T]):
    """Contributions of one kind, by name.

    Args:
        kind: What an entry is, in the singular, for messages: ``"model provider"``.
        convert: Applied to a target when it is first used, such as turning a function into a tool.
    """

    def __init__(self, kind: str, *, convert: Callable[[Any], T] | None = None) -> None:
        self.kind = kind
        self._convert = convert
        self._entries: dict[str, Entry[T]] = {}
        self.revision: int = 0
        """Goes up with every change, so that who keeps a copy can tell whether it is still right."""

    def register(self, name: str, target: T | str, *, help: str = "", plugin: str = "", replace: bool = False) -> None:
        """Add an entry.

        Args:
            name: Unique in this catalog.
            target: The object, or an import string that is resolved at first use.
            help: One line for listings.
            plugin: Who registers it.
            replace: Take the place of an entry of that name instead of failing.

        Raises:
            PluginError: The name is taken, empty, or the import string has no ``module:attribute`` form.
        """
        if not name or name != name.strip():
            raise PluginError(f"a {self.kind} needs a name without surrounding spaces, not {name!r}")
        if isinstance(target, str) and (target.count(":") != 1 or target.startswith(":") or target.endswith(":")):
            raise PluginError(f"{self.kind} {name!r}: {target!r} is not an import string 'package.module:attribute'")
        taken = self._entries.get(name)
        if taken is not None and not replace:
            raise PluginError(
                f"{self.kind} {name!r} is registered already, by {taken.plugin or 'the program'}; "
                "choose another name, or pass replace=True to take its place"
            )
        self._entries[name] = Entry(name, target, plugin, help, self._convert)
        self.revision += 1

    def get(self, name: str) -> T:
        """The object of that name, imported if need be.

        Raises:
            UnknownNameError: There is none; the message has near matches and, where known, the package to install.
            PluginError: It exists but cannot be imported.
        """
        return self.entry(name).load()

    def entry(self, name: str) -> Entry[T]:
        """The entry of that name, without importing its target.

        Raises:
            UnknownNameError: There is none.
        """
        try:
            return self._entries[name]
        except KeyError:
            raise self._unknown(name) from None

    def discard(self, name: str) -> None:
        """Remove an entry if it is there."""
        self._entries.pop(name, None)
        self.revision += 1

    def discard_plugin(self, plugin: str) -> None:
        """Remove every entry a plugin registered."""
        self._entries = {name: entry for name, entry in self._entries.items() if entry.plugin != plugin}
        self.revision += 1

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[Entry[T]]:
        return iter([self._entries[name] for name in self.names])

    def __len__(self) -> int:
        return len(self._entries)

    def _unknown(self, name: str) -> UnknownNameError:
        package = _PROVIDERS.get(self.kind, {}).get(name)
        text = f"unknown {self.kind} {name!r}"
        if package is not None:
            quoted = f"'{package}'" if "[" in package else package
            return UnknownNameError(f"{text}: it comes with {package}; pip install {quoted}", name=name)
        absent = [known for known in _PROVIDERS.get(self.kind, {}) if known not in self._entries]
        near = near_matches(name, [*self._entries, *absent])
        if near and near[0] in absent:
            package = _PROVIDERS[self.kind][near[0]]
            text += f"; did you mean {near[0]!r}, which comes with {package} (pip install {package!r})?"
        elif near:
            text += "; did you mean " + " or ".join(repr(n) for n in near) + "?"
        elif self._entries:
            shown = self.names[:8]
            text += "; there are: " + ", ".join(shown) + (", ..." if len(self._entries) > len(shown) else "")
        else:
            text += f"; no {self.kind} is installed"
        return UnknownNameError(text, name=name, suggestions=near)


def near_matches(name: str, names: Any, *, most: int = 3) -> list[str]:
    """Names that look like ``name``, best first.

    Example:
        >>> near_matches("sumarize", ["translate", "summarize"])
        ['summarize']
    """
    from difflib import get_close_matches

    if len(name) > 200:  # no slip of the finger; comparing takes long
        return []
    by_lower = {str(n).lower(): str(n) for n in names}
    return [by_lower[match] for match in get_close_matches(name.lower(), by_lower, n=most, cutoff=0.6)]


def load_target(target: str, *, what: str = "", plugin: str = "") -> Any:
    """The object behind an import string ``"package.module:attribute.of.it"``.

    Args:
        target: The import string.
        what: Name of the contribution, for the error.
        plugin: Name of the plugin, for the error.

    Raises:
        PluginError: The module does not import, or has no such attribute.
    """
    module, _, path = target.partition(":")
    where = f"{what!r}" + (f" of plugin {plugin!r}" if plugin else "") if what else "the target"
    try:
        found: Any = import_module(module)
    except Exception as error:
        raise PluginError(f"{where}: {target!r} does not import: {type(error).__name__}: {error}") from error
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            near = near_matches(part, dir(found))
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise PluginError(f"{where}: {module!r} has no {path!r}{hint}") from error
    return found

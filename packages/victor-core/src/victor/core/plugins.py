"""Finds and loads plugins, one by one, and keeps what they contribute.

A plugin that fails is reported once on the ``victor.plugins`` logger and in `Plugins.loaded`; everything
else works. ``VICTOR_LOAD_PLUGINS`` (comma list of entry-point names; empty = none) chooses which are loaded.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import pluggy
from attrs import define, field

from victor.core import hookspecs
from victor.core.catalog import Catalog
from victor.core.errors import PluginError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from victor.core.tool import Tool

__all__ = ["HOOKS", "Plugin", "Plugins", "get_plugins", "set_plugins"]

_log = logging.getLogger("victor.plugins")

HOOKS: Final[dict[str, tuple[str, str]]] = {
    "victor_register_tools": ("tools", "tool"),
    "victor_register_models": ("models", "model provider"),
    "victor_register_metrics": ("metrics", "metrics exporter"),
    "victor_register_visualizers": ("visualizers", "visualizer"),
    "victor_register_coordination_protocols": ("coordination_protocols", "coordination protocol"),
    "victor_register_node_types": ("node_types", "workflow node type"),
    "victor_register_checkpointers": ("checkpointers", "checkpointer"),
    "victor_register_executors": ("executors", "executor"),
    "victor_register_verticals": ("verticals", "vertical"),
    "victor_register_commands": ("commands", "command"),
    "victor_register_listeners": ("listeners", "listener"),
}
"""Hook name -> (attribute of `Plugins` that holds its catalog, what an entry is called)."""


@define
class Plugin:
    """What is known of one plugin.

    Args:
        name: Entry-point name.
        distribution: Name of the distribution it came with, ``""`` for one registered by hand.
        version: Version of that distribution.
        module: Dotted name of the plugin module.
        hooks: Hooks it implements.
        contributions: Registered names, by catalog attribute (``"tools"``, ``"models"``, ...).
        load_ms: Milliseconds to import it and run its hooks.
        error: Why it is broken, or ``""``.
    """

    name: str
    distribution: str = ""
    version: str = ""
    module: str = ""
    hooks: list[str] = field(factory=list)
    contributions: dict[str, list[str]] = field(factory=dict)
    load_ms: float = 0.0
    error: str = ""


class Plugins:
    """The plugin manager: catalogs of what is there, and the plugins it came from.

    Args:
        only: Entry-point names to load; None for all that are installed.
        blocked: Entry-point names not to load.

    Example:
        >>> plugins = Plugins(only=["core"]).load()
        >>> "offline" in plugins.models
        True
    """

    tools: Catalog[Tool]
    models: Catalog[Any]
    metrics: Catalog[Any]
    visualizers: Catalog[Any]
    coordination_protocols: Catalog[Any]
    node_types: Catalog[Any]
    checkpointers: Catalog[Any]
    executors: Catalog[Any]
    verticals: Catalog[Any]
    commands: Catalog[Any]
    listeners: Catalog[Any]
    default_listeners: set[str]
    """Names in ``listeners`` that are on unless a setting says otherwise."""

    def __init__(self, *, only: Iterable[str] | None = None, blocked: Iterable[str] = ()) -> None:
        self.loaded: list[Plugin] = []
        self.default_listeners = set()
        self._only = None if only is None else frozenset(only)
        self._blocked = frozenset(blocked)
        self._manager = pluggy.PluginManager("victor")
        self._manager.add_hookspecs(hookspecs)
        for hook, (attribute, kind) in HOOKS.items():
            convert = self.tool if hook == "victor_register_tools" else None
            setattr(self, attribute, Catalog(kind, convert=convert))

    def load(self) -> Plugins:
        """Load the installed plugins; a broken one is recorded and skipped. Returns self."""
        from importlib.metadata import entry_points

        found = sorted(entry_points(group="victor"), key=lambda e: (e.name != "core", e.name, e.value))
        seen: set[tuple[str, str]] = set()
        for entry in found:
            if (entry.name, entry.value) in seen:  # one distribution found twice on the path
                continue
            seen.add((entry.name, entry.value))
            if entry.name in self._blocked or (self._only is not None and entry.name not in self._only):
                continue
            self._load_entry(entry)
        for name in sorted((self._only or frozenset()) - {entry.name for entry in found}):
            self._fail(Plugin(name), f"no installed package has a plugin {name!r} (asked for by VICTOR_LOAD_PLUGINS)")
        return self

    def register(self, module: Any, *, name: str | None = None) -> Plugin:
        """Register a plugin by hand: a module or object with hook implementations.

        Raises:
            PluginError: It has a hook Victor does not know, or a contribution was refused. Nothing of it stays.
        """
        plugin = Plugin(name or str(getattr(module, "__name__", type(module).__name__)))
        plugin.module = getattr(module, "__name__", "")
        self._refuse_twin(plugin)
        try:
            self._add(plugin, module)
        except Exception as error:
            self._forget(plugin.name)
            if isinstance(error, PluginError):
                raise
            raise PluginError(f"plugin {plugin.name!r}: {type(error).__name__}: {error}") from error
        self.loaded.append(plugin)
        return plugin

    def unregister(self, name: str) -> None:
        """Take a plugin and its contributions out again; unknown names are ignored."""
        self._forget(name)
        self.loaded = [plugin for plugin in self.loaded if plugin.name != name]

    def catalogs(self) -> dict[str, Catalog[Any]]:
        """All catalogs, by attribute name."""
        return {attribute: getattr(self, attribute) for attribute, _ in HOOKS.values()}

    def _load_entry(self, entry: EntryPoint) -> None:
        plugin = Plugin(entry.name, module=entry.value)
        if entry.dist is not None:
            plugin.distribution, plugin.version = str(entry.dist.name), entry.dist.version
        began = time.perf_counter()
        try:
            self._refuse_twin(plugin)
        except PluginError as error:
            self._fail(plugin, str(error))
            return
        try:
            self._add(plugin, entry.load(), strict=False)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a stranger's code raises is its own failure
            self._forget(plugin.name)
            plugin.contributions.clear()
            self._fail(plugin, f"{type(error).__name__}: {error}", error)
        else:
            if plugin.error:  # some of what it offers was refused; the rest of it works
                self._fail(plugin, plugin.error)
            else:
                self.loaded.append(plugin)
        plugin.load_ms = (time.perf_counter() - began) * 1000

    def _refuse_twin(self, plugin: Plugin) -> None:
        """Of two plugins of one name the first stays, with all it has contributed."""
        for other in self.loaded:
            if other.name == plugin.name and self._manager.has_plugin(plugin.name):
                whose = f", from {other.distribution} {other.version}" if other.distribution else ""
                advice = f"uninstall one of {other.distribution} and {plugin.distribution}" if whose else "rename one"
                raise PluginError(f"a plugin named {plugin.name!r} is loaded already{whose}; {advice}")

    def _add(self, plugin: Plugin, module: ModuleType | Any, *, strict: bool = True) -> None:
        before = set(vars(self._manager.hook))
        self._manager.register(module, plugin.name)
        for unknown in sorted(set(vars(self._manager.hook)) - before):
            delattr(self._manager.hook, unknown)
            raise PluginError(f"unknown hook {unknown!r}; the hooks are: {', '.join(HOOKS)}")
        for hook, (attribute, _) in HOOKS.items():
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                if implementation.plugin_name == plugin.name:
                    plugin.hooks.append(hook)
                    arguments = {"register": self._register_for(plugin, attribute, strict=strict)}
                    implementation.function(**{name: arguments[name] for name in implementation.argnames})

    def _register_for(self, plugin: Plugin, attribute: str, *, strict: bool) -> Callable[..., None]:
        catalog: Catalog[Any] = getattr(self, attribute)

        def register(
            name: Any, target: Any = None, *, help: str = "", replace: bool = False, enabled: bool = False
        ) -> None:
            if attribute == "tools" and target is None and not isinstance(name, str):
                target = _as_tool(name)
                name = target.name
            if target is None:
                raise PluginError(f"{catalog.kind} {name!r}: register(name, target) needs a target")
            try:
                catalog.register(name, target, help=help, plugin=plugin.name, replace=replace)
            except PluginError as error:
                if strict:
                    raise
                plugin.error = f"{plugin.error}; {error}" if plugin.error else str(error)
                return
            plugin.contributions.setdefault(attribute, []).append(name)
            if enabled:
                self.default_listeners.add(name)

        return register

    def _forget(self, name: str) -> None:
        if self._manager.has_plugin(name):
            self._manager.unregister(name=name)
        for catalog in self.catalogs().values():
            catalog.discard_plugin(name)

    def tool(self, target: Any) -> Tool:
        """A tool with what plugins change about it: the hook ``victor_adjust_tool``. Done once to each.

        Args:
            target: A `Tool`, or what can become one.
        """
        tool: Tool = _as_tool(target)
        if tool.adjusted_for is self:
            return tool
        for implementation in self._manager.hook.victor_adjust_tool.get_hookimpls():
            changed: Any = implementation.function(tool)
            if changed is not None:
                tool = changed
        tool.adjusted_for = self
        return tool

    def _fail(self, plugin: Plugin, reason: str, error: BaseException | None = None) -> None:
        plugin.error = reason
        self.loaded.append(plugin)
        advice = ""
        if error is not None and plugin.distribution:
            advice = f" (from {plugin.distribution} {plugin.version}; upgrade or uninstall it)"
        _log.warning(
            "plugin %r: %s%s" if plugin.contributions else "plugin %r is broken and was skipped: %s%s",
            plugin.name,
            reason,
            advice,
            exc_info=error if _log.isEnabledFor(logging.DEBUG) else None,
        )


def _as_tool(target: Any) -> Any:
    from victor.core.tool import as_tool

    return as_tool(target)


_lock = RLock()
_plugins: Plugins | None = None


def get_plugins() -> Plugins:
    """The process's plugin manager; the first call loads the installed plugins.

    Raises:
        ConfigurationError: The settings, which may choose the plugins to load, cannot be read.
    """
    global _plugins
    if _plugins is None:
        with _lock:
            if _plugins is None:
                from victor.core.settings import load_settings

                chosen = load_settings().load_plugins
                # Core's own models and commands are no plugin to do without: `victor plugins` must always be there.
                manager = Plugins(only=None if chosen is None else {*chosen, "core"})
                _plugins = manager
                manager.load()
    return _plugins


def set_plugins(plugins: Plugins | None) -> Plugins | None:
    """Replace the process's plugin manager; None loads afresh at next use. Returns the one it was."""
    global _plugins
    was, _plugins = _plugins, plugins
    return was

"""One registry of tools: what there is, by id, by category, by price, by words."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import frozen

from victor.core.catalog import near_matches
from victor.core.errors import ConfigurationError, UnknownNameError
from victor.core.tool import CostTier, Tool, ToolMetadata, as_tool
from victor.tools.spec import cost_tier_of
from victor.tools.tool_tables import ToolTables

if TYPE_CHECKING:
    from victor.core.hookspecs import RegisterTool
    from victor.core.ranking import BM25
    from victor.tools.categories import Categories, Preset
    from victor.tools.toolset import Toolset

__all__ = ["RegistryChange", "UnifiedToolRegistry"]

_log: Final = logging.getLogger("victor.tools")


@frozen
class RegistryChange:
    """Something changed in a registry.

    Args:
        kind: What happened.
        tool_id: To which tool.
    """

    kind: Literal["added", "removed", "replaced"]
    tool_id: str


class UnifiedToolRegistry:
    """Tools by id (``"filesystem.files_read"``), by dotted name (``"files.read"``), or by unambiguous name.

    May be used from any number of threads.

    Args:
        tools: Tools to begin with.
        categories: Categories and presets; None for the built-in ones and those ``victor.toml`` names.
        catalog: Also show what plugins put into core's catalog of tools, each imported when it is first needed.

    Example:
        >>> registry = UnifiedToolRegistry()
        >>> def add(a: int, b: int) -> int:
        ...     "Add two numbers."
        ...     return a + b
        >>> registry.register(add, category="math", keywords=["sum"]).metadata.id
        'math.add'
        >>> registry.get_tool("math.add").description
        'Add two numbers.'
        >>> [found.id for found in registry.search_tools("sum of numbers")]
        ['math.add']
    """

    _instance: UnifiedToolRegistry | None = None
    _instance_lock = RLock()

    def __init__(
        self, tools: Iterable[Any] = (), *, categories: Categories | None = None, catalog: bool = False
    ) -> None:
        self._lock = RLock()
        self._tables = ToolTables()
        self._tools, self._metadata, self._by_name = self._tables.tools, self._tables.metadata, self._tables.by_name
        self._aliases: dict[str, str] = {}
        self._index: BM25[str] | None = None
        self._stale: dict[str, None] = {}  # in the order of registration, which decides between equals
        self._unsettled: set[str] = set()  # whose category's defaults have not been looked at
        self._originals: dict[str, Tool] = {}  # what was registered, where defaults made another of it
        self._listeners: list[Callable[[RegistryChange], None]] = []
        self._categories = categories
        self._catalog = catalog
        self._seen: dict[str, Any] = {}
        self._synced: tuple[object, int] | None = None  # the catalog, and its revision then
        self._mine: dict[str, str | None] = {}
        for each in tools:
            self.register(each)

    @classmethod
    def get_instance(cls) -> UnifiedToolRegistry:
        """The default registry: where `tool` puts tools, together with what plugins have registered."""
        if UnifiedToolRegistry._instance is None:
            with cls._instance_lock:
                if UnifiedToolRegistry._instance is None:
                    UnifiedToolRegistry._instance = UnifiedToolRegistry(catalog=True)
        return UnifiedToolRegistry._instance

    @classmethod
    def set_instance(cls, registry: UnifiedToolRegistry | None) -> UnifiedToolRegistry | None:
        """Replace the default registry; None for a new one at next use. Returns the one it was."""
        with cls._instance_lock:
            was, UnifiedToolRegistry._instance = UnifiedToolRegistry._instance, registry
        return was

    # --- changing -----------------------------------------------------------------------------------------------

    def register(
        self, tool: Any, *, alias: str | None = None, replace: bool = False, source: str = "", **metadata: Any
    ) -> Tool:
        """Add a tool.

        Args:
            tool: A `Tool`, a function, a `BaseTool`, or anything `victor.core.tool.as_tool` takes.
            alias: A second name to look it up by, such as ``"files.read"``.
            replace: Take the place of another tool of the same id instead of failing.
            source: Which plugin or server it comes from.
            **metadata: Fields of `ToolMetadata` to set or replace.

        Returns:
            The tool. Registering the very same tool again is no mistake and changes nothing.

        Raises:
            ConfigurationError: Another tool has that id or alias.
        """
        if source:
            metadata["source"] = source
        made = as_tool(tool, **metadata)
        if "." in (found := alias or "") and found.replace(".", "_") == made.metadata.id.replace(".", "_"):
            alias = None
        with self._lock:
            tool_id = made.metadata.id
            old = self._tools.get(tool_id)
            if old is not None and made not in (old, self._originals.get(tool_id)) and not replace:
                raise ConfigurationError(
                    f"a tool {tool_id!r} is registered already ({_where(old)}); choose another name or category, "
                    "or pass replace=True to take its place"
                )
            if alias is not None and alias != tool_id and alias in self._tools:
                raise ConfigurationError(f"{alias!r} is the id of another tool; as an alias it would lead there")
            if alias is not None and self._aliases.get(alias, tool_id) != tool_id and not replace:
                raise ConfigurationError(
                    f"{alias!r} names the tool {self._aliases[alias]!r} already; pass replace=True"
                )
            if alias is not None:
                self._aliases[alias] = tool_id
            if old is not None and (old is made or self._originals.get(tool_id) is made):
                return old
            if old is not None:
                self._forget(tool_id)
            self._remember(made)
        self._publish(made, alias)
        self._tell(RegistryChange("added" if old is None else "replaced", tool_id))
        return made

    def unregister(self, tool_id: str) -> None:
        """Take a tool out; unknown ids are ignored."""
        with self._lock:
            found = self._tools.get(tool_id)
            if found is None:
                return
            self._forget(tool_id)
            self._mine.pop(tool_id, None)
            self._aliases = {alias: of for alias, of in self._aliases.items() if of != tool_id}
        self._tell(RegistryChange("removed", tool_id))

    def is_redefinition(self, tool: Tool) -> bool:
        """Whether a tool is a newer version of the one that has its id: the same function, defined once more.

        So it is when a notebook's cell runs again, or a module is reloaded.
        """
        old = self._tools.get(tool.metadata.id)
        if old is None:
            return False
        before, now = _identity(old.function), _identity(tool.function)
        return before == now or ("<locals>" in before[1] and "<locals>" in now[1])

    def discover_tools(self, package: ModuleType | str) -> int:
        """Import a package with all its modules and register the tools in it.

        Tools are `Tool` objects, functions made tools by `victor.tools.tool`, and classes derived from `BaseTool`
        that are not abstract and take no arguments. What a module merely imports from elsewhere is not its own.

        Args:
            package: The package or module, or its dotted name.

        Returns:
            How many tools were new.

        Raises:
            ConfigurationError: It cannot be imported, or one of its modules cannot.
        """
        from victor.tools.discovery import discover

        count = 0
        for made in list(discover(package)):  # all of it is looked at before any of it is registered
            if made.metadata.id not in self._tools:
                count += 1
            self.register(made, replace=self.is_redefinition(made))
        return count

    def on_change(self, listener: Callable[[RegistryChange], None]) -> Callable[[], None]:
        """Call ``listener`` after every change, in the thread that changes. Returns a function that ends it."""
        with self._lock:
            self._listeners = [*self._listeners, listener]

        def stop() -> None:
            with self._lock:
                self._listeners = [each for each in self._listeners if each is not listener]

        return stop

    # --- looking up -----------------------------------------------------------------------------------------------

    def get_tool(self, tool_id: str) -> ToolMetadata | None:
        """What is known of a tool, by id, dotted name or unambiguous name; None where there is none. O(1)."""
        if self._unsettled:
            self._settle()
        found = self._metadata.get(tool_id)
        return found if found is not None else self._look_up(tool_id)

    def tool(self, tool_id: str) -> Tool:
        """The tool itself, by id, dotted name or unambiguous name. O(1).

        Raises:
            UnknownNameError: There is none, or several have that name.
        """
        if self._unsettled:
            self._settle()
        found = self._tools.get(tool_id)
        if found is not None:
            return found
        metadata = self._look_up(tool_id)
        if metadata is None:
            raise self._unknown(tool_id)
        return self._tools[metadata.id]

    def tools(
        self,
        *,
        category: str | Iterable[str] | None = None,
        tier: CostTier | str | None = None,
        keyword: str | None = None,
        idempotent: bool | None = None,
        source: str | None = None,
        preset: str | None = None,
    ) -> list[Tool]:
        """The tools that fit all of what is given, sorted by id.

        Args:
            category: One or several.
            tier: This tier.
            keyword: One of its keywords, in any case.
            idempotent: Whether it is.
            source: The plugin or server it comes from.
            preset: Named selection, such as ``"coding"``; see `Categories`.

        Raises:
            UnknownNameError: No such preset.
            ConfigurationError: The preset names a tool or category nobody knows.
        """
        wanted_tier = None if tier is None else cost_tier_of(tier)
        self._sync()
        wanted = None if category is None else [category] if isinstance(category, str) else list(category)
        with self._lock:
            chosen = self._tables.select(wanted, wanted_tier, keyword)
        if idempotent is not None:
            chosen = [made for made in chosen if made.metadata.idempotent is idempotent]
        if source is not None:
            chosen = [made for made in chosen if made.metadata.source == source]
        if preset is not None:
            named = self.categories.preset(preset)
            self._check_preset(named)
            selects = named.selects
            names = self._names_of
            chosen = [made for made in chosen if selects(made.metadata, names(made.metadata.id))]
        return chosen

    def get_tools_by_category(self, category: str) -> list[ToolMetadata]:
        """What is known of the tools of a category."""
        return [made.metadata for made in self.tools(category=category)]

    def get_tools_by_tier(self, tier: CostTier | str) -> list[ToolMetadata]:
        """What is known of the tools of a cost tier."""
        return [made.metadata for made in self.tools(tier=tier)]

    def search_tools(self, query: str, limit: int = 10) -> list[ToolMetadata]:
        """The tools that fit a question best, the best first.

        Ranked by BM25 over name, keywords, description, category and parameters. Tools that share no word with the
        question are left out.

        Args:
            query: Any words: ``"how big is this folder"``.
            limit: Most tools to return.

        Raises:
            ConfigurationError: The question is no text.
        """
        if not isinstance(query, str):
            raise ConfigurationError(f"search_tools takes a text, not {query!r}")
        self._sync()
        with self._lock:
            index = self._searchable()
            return [self._metadata[tool_id] for tool_id, _ in index.search(query, limit)]

    def toolset(self, **filters: Any) -> Toolset:
        """A selection of tools to give to a model; takes the arguments of `tools`."""
        from victor.tools.toolset import Toolset

        return Toolset(self.tools(**filters))

    @property
    def categories(self) -> Categories:
        """Categories and presets, read at the first question."""
        if self._categories is None:
            from victor.tools.categories import Categories

            self._categories = Categories.from_settings()
        return self._categories

    @property
    def has_categories(self) -> bool:
        """Whether it was given categories, or has read them."""
        return self._categories is not None

    @property
    def ids(self) -> list[str]:
        """All ids, sorted."""
        self._sync()
        return sorted(self._tools)

    def names_of(self, tool_id: str) -> tuple[str, ...]:
        """The dotted names a tool can also be called by."""
        self._sync()
        return self._names_of(tool_id)

    def __contains__(self, tool_id: object) -> bool:
        return isinstance(tool_id, str) and self.get_tool(tool_id) is not None

    def __iter__(self) -> Iterator[Tool]:
        return iter(self.tools())

    def __len__(self) -> int:
        self._sync()
        return len(self._tools)

    # --- within -----------------------------------------------------------------------------------------------------

    def _look_up(self, name: str) -> ToolMetadata | None:
        tool_id = self._aliases.get(name)
        if tool_id is None:
            ids = self._by_name.get(name, ())
            tool_id = ids[0] if len(ids) == 1 else None
        if tool_id is None and self._catalog and self._load(name):
            return self._look_up(name)
        if tool_id is None and self._catalog and name not in self._by_name:
            self._sync()
            tool_id = name if name in self._tools else next(iter(self._by_name.get(name, ())), None)
        return None if tool_id is None else self._metadata.get(tool_id)

    def _check_preset(self, preset: Preset) -> None:
        """A name nobody knows is a slip of the pen: what was to be left out would be in."""
        from victor.tools.builtin import KITS

        wanted = {*preset.tools, *preset.exclude} - self._tools.keys() - self._aliases.keys()
        if not wanted:
            return
        known = (
            {made.name for made in self} | {made.metadata.category for made in self} | {*self._aliases, *self._tools}
        )
        known |= {f"{section}.{name}" for section, (_, names) in KITS.items() for name in names}  # also those left out
        known |= {name.replace(".", "_") for name in known} | {category.name for category in self.categories}
        for name in sorted(wanted - known):
            near = near_matches(name, known, most=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(
                f"{preset.origin}: preset {preset.name!r} names {name!r}, which is no tool and no category{meant}"
            )

    def _unknown(self, name: str) -> UnknownNameError:
        ids = self._by_name.get(name, ())
        if len(ids) > 1:
            return UnknownNameError(
                f"several tools are named {name!r}: say which of {', '.join(ids)}", name=name, suggestions=ids
            )
        self._sync()
        near = near_matches(name, [*self._aliases, *self._by_name, *self._tools])
        hint = (
            "; did you mean " + " or ".join(map(repr, near)) + "?" if near else f"; there are {len(self._tools)} tools"
        )
        return UnknownNameError(f"unknown tool {name!r}{hint}", name=name, suggestions=near)

    def _remember(self, made: Tool) -> None:
        self._tables.add(made)
        self._stale[made.metadata.id] = None
        self._unsettled.add(made.metadata.id)

    def _forget(self, tool_id: str) -> None:
        self._tables.remove(tool_id)
        self._unsettled.discard(tool_id)
        self._originals.pop(tool_id, None)
        self._stale[tool_id] = None

    def _settle(self) -> None:
        """Give new tools the defaults of their categories.

        Not when they are registered: a program that only decorates functions need not read the categories.
        """
        categories = self.categories
        with self._lock:
            for tool_id in self._unsettled.copy():
                made = self._tools[tool_id]
                settled = categories.apply(made)
                if settled is not made:
                    self._tables.settle(settled)
                    self._originals[tool_id] = made
                self._unsettled.discard(tool_id)

    def _tell(self, change: RegistryChange) -> None:
        for listener in self._listeners:
            try:
                listener(change)
            except Exception:  # noqa: BLE001 - reported; the registry has changed, and the others are to know
                _log.exception("a listener to changes of the registry failed (%s %s)", change.kind, change.tool_id)

    def _names_of(self, tool_id: str) -> tuple[str, ...]:
        return tuple(alias for alias, of in self._aliases.items() if of == tool_id)

    def _searchable(self) -> BM25[str]:
        from victor.tools.search import document, new_index

        if self._index is None:
            self._index = new_index()
        for tool_id in self._stale:
            made = self._tools.get(tool_id)
            if made is not None:
                self._index.add(tool_id, document(made, self.categories))
            elif tool_id in self._index:
                self._index.remove(tool_id)
        self._stale.clear()
        return self._index

    # --- core's catalog ----------------------------------------------------------------------------------------

    def _sync(self) -> None:
        """Take over what plugins have put into core's catalog since last time."""
        if self._catalog:
            from victor.core.plugins import get_plugins

            catalog = get_plugins().tools
            synced = self._synced
            revision = catalog.revision
            if synced is None or synced[0] is not catalog or synced[1] != revision:
                for entry in list(catalog):
                    if self._seen.get(entry.name) is not entry:
                        self._load(entry.name)
                self._synced = (catalog, revision)
        if self._unsettled:
            self._settle()

    def _load(self, name: str) -> bool:
        from victor.core.plugins import get_plugins

        catalog = get_plugins().tools
        if name not in catalog:
            return False
        entry = catalog.entry(name)
        if self._seen.get(name) is entry:
            return False
        from victor.tools.builtin import SwitchedOffError

        try:
            made = as_tool(entry.load())
        except SwitchedOffError:  # the settings leave it out: it is not here
            self._seen[name] = entry
            return False
        with self._lock:
            self._seen[name] = entry
            tool_id = made.metadata.id
            target = getattr(entry.target, "__victor_tool__", entry.target)
            known = (self._tools.get(tool_id), self._originals.get(tool_id))
            if not any(each is not None and each in known for each in (made, target)):
                if not made.metadata.source and entry.plugin:
                    made = made.with_(source=entry.plugin)
                if tool_id in self._tools:
                    self._forget(tool_id)
                self._remember(made)
            if name not in {tool_id, made.name}:
                self._aliases[name] = tool_id
        self._settle()
        return True

    def _publish(self, made: Tool, alias: str | None) -> None:
        """Put a tool where agents and workflows look names up, once plugins are loaded."""
        self._mine[made.metadata.id] = alias
        if not self._catalog:
            return
        plugins = sys.modules.get("victor.core.plugins")
        loaded = None if plugins is None else plugins._plugins
        if loaded is None:  # `victor.tools.plugin` does it when plugins are loaded
            return
        catalog = loaded.tools
        name = alias or made.name
        if name in catalog:
            target = catalog.entry(name).target
            if not isinstance(target, Tool) or target.metadata.id != made.metadata.id:
                name = made.metadata.id  # somebody else's tool keeps the short name
        catalog.register(name, made, help=_first_line(made.description), replace=True)

    def publish(self, register: RegisterTool) -> None:
        """Register the tools that were registered here by a program with a plugin manager's callback."""
        from victor.core.errors import PluginError

        for tool_id, alias in list(self._mine.items()):
            made = self._tools.get(tool_id)
            if made is not None:
                text = _first_line(made.description)
                try:
                    register(alias or made.name, made, help=text)
                except PluginError:  # somebody else's tool keeps the short name
                    register(tool_id, made, help=text, replace=True)


def __getattr__(name: str) -> Any:
    if name == "ToolRegistry":  # where victor-ai had one of its registries
        from victor.tools.bridges.registries import ToolRegistry

        return ToolRegistry
    raise AttributeError(f"module 'victor.tools.registry' has no attribute {name!r}")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _identity(function: Any) -> tuple[str, str]:
    return (str(getattr(function, "__module__", "")), str(getattr(function, "__qualname__", id(function))))


def _where(made: Tool) -> str:
    module, qualified = _identity(made.function)
    return made.metadata.source or f"{module}.{qualified}"

"""UnifiedToolRegistry: registering, looking up, choosing, searching, discovering."""

from __future__ import annotations

import sys
import textwrap
import threading
from pathlib import Path

import pytest

from victor.core.errors import ConfigurationError, UnknownNameError
from victor.core.plugins import Plugins, get_plugins, set_plugins
from victor.core.tool import Tool
from victor.tools import CostTier, RegistryChange, ToolMetadata, UnifiedToolRegistry, tool
from victor.tools.categories import Categories, Category


def make(name: str, category: str = "custom", **metadata: object) -> Tool:
    def function(x: int = 0) -> str:
        return f"{category}.{name}"

    function.__qualname__ = f"{category}_{name}"
    return Tool.from_function(function, name=name, category=category, **metadata)


@pytest.fixture
def registry() -> UnifiedToolRegistry:
    return UnifiedToolRegistry(
        [
            make(
                "read_page",
                "web",
                cost_tier="low",
                idempotent=True,
                keywords=["fetch", "Website"],
                description="Read a web page.",
            ),
            make("read_file", "filesystem", idempotent=True, keywords=["open"], description="Read a file from disk."),
            make("delete_file", "filesystem", description="Delete a file for good.", source="disk-plugin"),
            make("train", "ml", cost_tier=CostTier.HIGH, description="Train a model."),
            make("search", "web", description="Search the web."),
            make("search", "filesystem", description="Search files."),
        ]
    )


def test_lookup_by_id_name_and_alias(registry: UnifiedToolRegistry) -> None:
    assert registry.get_tool("web.read_page") == registry.tool("read_page").metadata
    assert registry.get_tool("nothing") is None
    assert registry.get_tool("search") is None
    with pytest.raises(
        UnknownNameError, match=r"several tools are named 'search': say which of web\.search, filesystem\.search"
    ):
        registry.tool("search")
    with pytest.raises(UnknownNameError, match="did you mean 'train'"):
        registry.tool("trian")
    registry.register(make("copy", "filesystem"), alias="files.copy")
    assert registry.tool("files.copy") is registry.tool("filesystem.copy")
    assert registry.names_of("filesystem.copy") == ("files.copy",)
    assert "files.copy" in registry and "x" not in registry and 3 not in registry


def test_views(registry: UnifiedToolRegistry) -> None:
    assert [m.id for m in registry.get_tools_by_category("filesystem")] == [
        "filesystem.delete_file",
        "filesystem.read_file",
        "filesystem.search",
    ]
    assert [m.id for m in registry.get_tools_by_tier(CostTier.HIGH)] == ["ml.train"]
    # the built-in category web makes its tools low unless they say otherwise
    assert [m.id for m in registry.get_tools_by_tier("low")] == ["web.read_page", "web.search"]
    assert registry.get_tools_by_category("none") == []
    assert [t.metadata.id for t in registry.tools(keyword="WEBSITE")] == ["web.read_page"]
    assert [t.name for t in registry.tools(idempotent=True, category=["web", "filesystem"])] == [
        "read_file",
        "read_page",
    ]
    assert [t.name for t in registry.tools(source="disk-plugin")] == ["delete_file"]
    assert len(registry) == 6 and len(list(registry)) == 6 and registry.ids[0] == "filesystem.delete_file"


def test_search_ranks_several_words(registry: UnifiedToolRegistry) -> None:
    assert registry.search_tools("reading a file from my disk")[0].id == "filesystem.read_file"
    assert registry.search_tools("website")[0].id == "web.read_page"
    assert registry.search_tools("xylophone") == []
    assert len(registry.search_tools("search read", limit=2)) == 2
    registry.unregister("web.read_page")
    assert all(found.id != "web.read_page" for found in registry.search_tools("website page"))
    registry.register(make("xylophone", "music", description="Play."))
    assert registry.search_tools("xylophone")[0].id == "music.xylophone"


def test_duplicates_are_an_error_unless_replaced(registry: UnifiedToolRegistry) -> None:
    other = make("train", "ml", keywords=["new"])
    with pytest.raises(ConfigurationError, match=r"a tool 'ml.train' is registered already .*replace=True"):
        registry.register(other)
    registry.register(registry.tool("train"))  # the very same one is no mistake
    registry.register(other, replace=True)
    assert registry.tool("train") is other
    assert registry.tools(tier="high") == []
    assert [t.name for t in registry.tools(keyword="new")] == ["train"]
    registry.register(make("one"), alias="x.y")
    with pytest.raises(ConfigurationError, match=r"'x\.y' names the tool 'custom\.one' already"):
        registry.register(make("two"), alias="x.y")


def test_registering_with_other_metadata(registry: UnifiedToolRegistry) -> None:
    made = registry.register(make("plain"), source="server", category="remote", cost_tier="medium")
    assert made.metadata == ToolMetadata("plain", category="remote", cost_tier="medium", source="server")


def test_changes_are_told(registry: UnifiedToolRegistry) -> None:
    seen: list[RegistryChange] = []
    stop = registry.on_change(seen.append)
    registry.register(make("a"))
    registry.register(make("a"), replace=True)
    registry.unregister("custom.a")
    registry.unregister("custom.a")
    stop()
    registry.register(make("b"))
    assert seen == [
        RegistryChange("added", "custom.a"),
        RegistryChange("replaced", "custom.a"),
        RegistryChange("removed", "custom.a"),
    ]


def test_many_threads_register_and_look_up() -> None:
    registry = UnifiedToolRegistry(categories=Categories({}, {}))
    problems: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for number in range(50):
                registry.register(make(f"t{worker}_{number}", f"c{number % 5}"))
                registry.search_tools(f"t{worker}", limit=3)
                assert registry.get_tool(f"c{number % 5}.t{worker}_{number}") is not None
                registry.tools(category="c1")
                if number % 3 == 0:
                    registry.unregister(f"c{number % 5}.t{worker}_{number}")
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(registry) == 8 * (50 - 17)


def test_presets(registry: UnifiedToolRegistry) -> None:
    everything = {t.metadata.id for t in registry}
    assert {t.metadata.id for t in registry.tools(preset="full")} == everything
    assert {t.metadata.category for t in registry.tools(preset="airgapped")} == {"filesystem", "ml"}
    with pytest.raises(UnknownNameError, match="unknown preset 'codng'; did you mean 'coding'"):
        registry.tools(preset="codng")


def test_category_defaults_add_approval_and_price() -> None:
    categories = Categories({"ml": Category("ml", cost_tier=CostTier.MEDIUM, requires_approval=True)}, {})
    made = categories.apply(make("train", "ml"))
    assert made.metadata.requires_approval is True and made.metadata.cost_tier is CostTier.MEDIUM
    dear = categories.apply(make("train", "ml", cost_tier="high"))
    assert dear.metadata.cost_tier is CostTier.HIGH
    other = make("other", "web")
    assert categories.apply(other) is other


# --- the default registry and core's catalog --------------------------------------------------------------------------


@pytest.fixture
def default() -> UnifiedToolRegistry:  # type: ignore[misc]
    was_plugins = set_plugins(Plugins(only=["core", "tools"]).load())
    was = UnifiedToolRegistry.set_instance(None)
    yield UnifiedToolRegistry.get_instance()
    UnifiedToolRegistry.set_instance(was)
    set_plugins(was_plugins)


def test_built_in_tools_are_in_the_default_registry(default: UnifiedToolRegistry) -> None:
    assert default.tool("files.read").name == "files_read"
    assert default.get_tool("filesystem.files_read") is default.tool("files_read").metadata
    assert default.tool("files.read").metadata.source == "tools"
    assert {"git.git_log", "web.http_fetch", "math.math_evaluate"} <= set(default.ids)
    assert "sql.execute" not in default  # switched off unless the settings allow it
    minimal = {name for t in default.tools(preset="minimal") for name in default.names_of(t.metadata.id)}
    assert minimal == {"files.read", "files.list", "files.glob", "files.grep", "math.evaluate", "time.now"}


def test_decorated_tools_are_in_the_catalog_agents_use(default: UnifiedToolRegistry) -> None:
    @tool(category="greeting")
    def hello_there(name: str) -> str:
        """Greet."""
        return f"hello {name}"

    assert get_plugins().tools.get("hello_there").metadata.id == "greeting.hello_there"

    @tool(category="other", name="files.read")
    def mine(name: str) -> str:
        """Not theirs."""
        return name

    # Somebody else's short name is not taken over; the id always works.
    assert get_plugins().tools.get("files.read").metadata.category == "filesystem"
    assert get_plugins().tools.get("other.files_read").metadata.description == "Not theirs."


def test_tools_decorated_before_plugins_are_loaded_reach_the_catalog(default: UnifiedToolRegistry) -> None:
    set_plugins(None)

    @tool(name="early.bird")
    def early(x: int) -> int:
        """Early."""
        return x

    set_plugins(Plugins(only=["tools"]).load())
    assert get_plugins().tools.get("early.bird").name == "early_bird"


def test_tools_of_other_plugins_appear(default: UnifiedToolRegistry) -> None:
    from victor.core.hookspecs import hookimpl

    class Weather:
        @hookimpl
        def victor_register_tools(self, register) -> None:  # type: ignore[no-untyped-def]
            register("weather.today", make("weather_today", "weather"), help="now")
            register("lazy", "test_registry_lazy_target:lazy_tool", help="imported late")

    module = type(sys)("test_registry_lazy_target")

    def lazy_tool(x: int) -> int:
        """A plain function."""
        return x

    module.lazy_tool = lazy_tool  # type: ignore[attr-defined]
    sys.modules["test_registry_lazy_target"] = module
    try:
        get_plugins().register(Weather(), name="weather")
        assert default.tool("weather.today").metadata.source == "weather"
        assert default.tool("lazy").metadata.source == "weather"
        assert [t.name for t in default.tools(source="weather")] == ["lazy_tool", "weather_today"]
        assert default.search_tools("weather today")[0].name == "weather_today"
    finally:
        del sys.modules["test_registry_lazy_target"]


def test_defining_a_function_again_replaces_it(default: UnifiedToolRegistry) -> None:
    def cell(answer: int) -> None:
        @tool
        def cell_tool() -> int:
            """Same name, as in a notebook's cell that runs again."""
            return answer

    cell(1)
    cell(2)
    assert default.tool("cell_tool").function() == 2


# --- discovery ------------------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    root = tmp_path / "found_tools"
    (root / "inner").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "inner" / "__init__.py").write_text("")
    (root / "functions.py").write_text(
        textwrap.dedent(
            """
            from victor.tools import tool

            @tool(register=False, category="found")
            def one(x: int) -> int:
                "One."
                return x

            def helper(): ...
            """
        )
    )
    (root / "inner" / "classes.py").write_text(
        textwrap.dedent(
            """
            from abc import abstractmethod
            from victor.tools import BaseTool, ToolMetadata
            from found_tools.functions import one

            class Base(BaseTool):
                @abstractmethod
                def missing(self): ...

            class Two(BaseTool):
                metadata = ToolMetadata("two", category="found")
                def execute(self): return 2
            """
        )
    )
    (root / "__main__.py").write_text("raise SystemExit('not imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "found_tools"
    for name in [name for name in sys.modules if name.startswith("found_tools")]:
        del sys.modules[name]


def test_discovery_finds_each_tool_once_and_no_abstract_class(package: str) -> None:
    registry = UnifiedToolRegistry()
    assert registry.discover_tools(package) == 2
    assert registry.ids == ["found.one", "found.two"]
    assert registry.discover_tools(sys.modules[package]) == 0


def test_a_module_that_does_not_import_is_told(package: str, tmp_path: Path) -> None:
    (tmp_path / "found_tools" / "broken.py").write_text("import nothing_of_that_name")
    with pytest.raises(ConfigurationError, match=r"cannot be discovered in 'found_tools.broken': ModuleNotFoundError"):
        UnifiedToolRegistry().discover_tools(package)
    with pytest.raises(ConfigurationError, match="cannot be discovered in 'no_such_package'"):
        UnifiedToolRegistry().discover_tools("no_such_package")


def test_discovery_leaves_out_classes_that_need_arguments_and_keeps_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "stateful_tools.py").write_text(
        "from victor.tools import BaseTool, ToolMetadata\n"
        "class Counter(BaseTool):\n    metadata = ToolMetadata('count')\n"
        "    def __init__(self, start): self.start = start\n"
        "    def execute(self) -> int: return self.start\n"
        "class Same(BaseTool):\n    metadata = ToolMetadata('same')\n"
        "    def execute(self) -> int: return 1\n"
    )
    (tmp_path / "failing_tools.py").write_text(
        "from victor.tools import BaseTool, ToolMetadata\n"
        "class Broken(BaseTool):\n    metadata = ToolMetadata('broken')\n"
        "    def __init__(self): raise TypeError('its own')\n"
        "    def execute(self) -> int: return 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with caplog.at_level("INFO", "victor.tools"):
        registry = UnifiedToolRegistry()
        assert registry.discover_tools("stateful_tools") == 1
    assert "stateful_tools.Counter needs arguments: register an object of it" in caplog.text
    assert [made.name for made in registry] == ["same"]
    with pytest.raises(TypeError, match="its own"):
        UnifiedToolRegistry().discover_tools("failing_tools")


def test_an_alias_is_not_the_id_of_another_tool() -> None:
    registry = UnifiedToolRegistry()

    def f() -> int:
        return 1

    registry.register(f, name="p")
    with pytest.raises(ConfigurationError, match="'custom.p' is the id of another tool"):
        registry.register(f, name="q", alias="custom.p")
    assert registry.ids == ["custom.p"]


def test_a_listener_that_raises_is_reported_and_the_others_hear(caplog: pytest.LogCaptureFixture) -> None:
    registry = UnifiedToolRegistry()
    seen: list[RegistryChange] = []

    def broken(change: object) -> None:
        raise ZeroDivisionError

    registry.on_change(broken)
    registry.on_change(seen.append)
    registry.register(lambda: 1, name="x")
    assert [change.tool_id for change in seen] == ["custom.x"]
    assert "a listener to changes of the registry failed (added custom.x)" in caplog.text


def test_questions_that_are_none() -> None:
    registry = UnifiedToolRegistry()
    with pytest.raises(ConfigurationError, match="takes a text, not None"):
        registry.search_tools(None)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="cost_tier 'cheap': it is one of 'free'"):
        registry.tools(tier="cheap")
    with pytest.raises(ConfigurationError, match="not in 5"):
        registry.discover_tools(5)  # type: ignore[arg-type]


def test_equally_good_tools_are_found_in_the_order_of_registration() -> None:
    names = [f"switch_{letter}" for letter in "qweasdzxc"]
    registry = UnifiedToolRegistry(make(name, "home", description="Switch the lamp.") for name in names)
    assert [found.name for found in registry.search_tools("lamp", limit=20)] == names

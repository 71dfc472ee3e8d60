"""Categories and presets from YAML, and their mistakes told with their lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from victor.core.errors import ConfigurationError
from victor.core.plugins import Plugins, set_plugins
from victor.core.tool import CostTier, ToolCategory, ToolContext, ToolMetadata
from victor.tools import Toolset, UnifiedToolRegistry
from victor.tools.categories import BUILT_IN, Categories
from victor.tools.toolkit import Toolkit


def test_the_built_in_file_describes_all_categories_core_names() -> None:
    known = Categories.built_in()
    names = {value for key, value in vars(ToolCategory).items() if key.isupper()}
    assert names <= {category.name for category in known}
    assert all(category.description for category in known) and len(known) >= len(names)
    assert {"default", "minimal", "full", "airgapped", "coding", "research"} == {
        preset.name for preset in known.presets
    }


def test_every_tool_a_built_in_preset_names_exists() -> None:
    was = set_plugins(Plugins(only=["core", "tools"]).load())
    try:
        registry = UnifiedToolRegistry(catalog=True)
        for preset in registry.categories.presets:
            for name in preset.tools:
                assert name in registry, f"{preset.name} names {name}"
    finally:
        set_plugins(was)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_a_file_of_ones_own_is_merged(tmp_path: Path) -> None:
    from victor.tools.categories import BUILT_IN

    path = write(
        tmp_path,
        "categories:\n  billing:\n    description: Invoices\n    cost_tier: HIGH\n    requires_approval: true\n  web:\n    description: Ours\n"
        "presets:\n  shop:\n    categories: [billing]\n    tools: [files.read]\n    exclude: [billing.refund]\n",
    )
    known = Categories.load(BUILT_IN, path)
    billing = known.get("billing")
    assert (
        billing is not None
        and billing.cost_tier is CostTier.HIGH
        and billing.requires_approval
        and billing.origin == "mine.yaml:3"
    )
    assert known.get("web").description == "Ours"  # type: ignore[union-attr]
    shop = known.preset("shop")
    assert shop.selects(ToolMetadata("bill", category="billing"))
    assert not shop.selects(ToolMetadata("refund", category="billing"))
    assert shop.selects(ToolMetadata("files_read", category="filesystem"), ["files.read"])
    assert not shop.selects(ToolMetadata("files_write", category="filesystem"), ["files.write"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("categories: [1]", "mine.yaml:1: categories must be a mapping"),
        ("categoris:\n  a: {}\n", "mine.yaml:1: the file has no 'categoris'; did you mean 'categories'?"),
        ("categories:\n  a:\n    cost: high\n", "mine.yaml:3: category 'a' has no 'cost'"),
        (
            "categories:\n  a:\n    cost_tier: cheap\n",
            "mine.yaml:3: cost_tier of category 'a' is 'cheap'; it is one of free, low, medium, high",
        ),
        (
            "categories:\n  a:\n    requires_approval: maybe\n",
            "mine.yaml:3: requires_approval of category 'a' must be true, false or always, not 'maybe'",
        ),
        ("categories:\n  a: {}\n  a: {}\n", "mine.yaml:3: categories has 'a' twice"),
        ("presets:\n  p:\n    tools: files.read\n", "mine.yaml:3: tools of preset 'p' must be a list of names"),
        ("presets:\n  p:\n    tools: [1]\n", "mine.yaml:3: tools of preset 'p' must be a list of names"),
        (
            "presets:\n  p:\n    categories: [webb]\n",
            "mine.yaml:3: preset 'p' names the unknown category 'webb'; did you mean 'web'?",
        ),
        ("a: [1\nb: 2\n", "mine.yaml:2: not valid YAML"),
        ("categories:\n  a: text\n", "mine.yaml:2: category 'a' must be a mapping"),
    ],
)
def test_mistakes_are_told_with_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    from victor.tools.categories import BUILT_IN

    with pytest.raises(ConfigurationError) as caught:
        Categories.load(BUILT_IN, write(tmp_path, text))
    assert message in str(caught.value)


def test_every_tool_has_the_defaults_of_its_category(tmp_path: Path) -> None:
    from victor.core.tool import as_tool
    from victor.tools import tool

    text = "categories:\n  billing:\n    cost_tier: high\n    requires_approval: true\n"
    registry = UnifiedToolRegistry(categories=Categories.load(write(tmp_path, text)))

    @tool(category="billing", registry=registry)
    def refund(order: str) -> str:
        return order

    @tool(category="billing", cost_tier="low", requires_approval=lambda arguments: False, registry=registry)
    def look(order: str) -> str:
        return order

    given = as_tool(len, name="remote", category="billing", parameters={})
    registry.register(given, source="server")
    registry.register(given, source="server", replace=True)
    for name in ("refund", "remote"):
        metadata = registry.tool(name).metadata
        assert metadata.requires_approval is True and metadata.cost_tier is CostTier.HIGH
        assert registry.get_tool(name) is metadata
    says_otherwise = registry.tool("look").metadata
    assert callable(says_otherwise.requires_approval) and says_otherwise.cost_tier is CostTier.LOW
    assert [each.name for each in registry.get_tools_by_tier("high")] == ["refund", "remote"]
    assert registry.get_tools_by_tier("free") == []
    assert registry.register(refund) is registry.tool("refund"), "the very same tool again is no mistake"
    registry.unregister("billing.refund")
    assert "refund" not in registry


def test_tools_of_other_plugins_have_them_too_by_whatever_way_they_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from victor.core.tool import as_tool
    from victor.tools import tool

    write(tmp_path, "categories:\n  billing:\n    requires_approval: true\n")
    (tmp_path / "victor.toml").write_text('[tools]\ncategories = "mine.yaml"\n')
    monkeypatch.chdir(tmp_path)
    plugins = Plugins(only=["core", "tools"]).load()
    was_plugins = set_plugins(plugins)
    was = UnifiedToolRegistry.set_instance(None)
    try:
        plugins.tools.register("shop.pay", as_tool(len, name="pay", category="billing", parameters={}), plugin="shop")

        @tool(category="billing")
        def owed(customer: str) -> str:
            return customer

        registry = UnifiedToolRegistry.get_instance()
        for name in ("shop.pay", "owed"):
            assert plugins.tools.get(name).metadata.requires_approval is True
            assert registry.tool(name).metadata.requires_approval is True
        assert len(registry) == len(set(registry.ids))
        registry.register(owed)
        plugins.tools.register("later", as_tool(len, name="later", category="billing", parameters={}))
        assert "billing.later" in registry.ids and registry.tool("pay").metadata.source == "shop"
    finally:
        set_plugins(was_plugins)
        UnifiedToolRegistry.set_instance(was)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tools.file]\nread_only = true\n", r"victor.toml:2: nothing reads \[tools.file\]; did you mean \[tools.files\]"),
        ("[tools.fils]\nread_only = true\n", r"victor.toml:2: .*did you mean \[tools.files\]"),
        ("[tools.qqqqqq]\n", r"victor.toml:1: nothing reads \[tools.qqqqqq\]; there are: archive, categories"),
        ("[tools]\ncategoris = 'x.yaml'\n", r"victor.toml:2: nothing reads tools.categoris; did you mean tools.categories"),
        ("[tool.files]\nread_only = true\n", r"victor.toml:2: the table is \[tools.files\], not \[tool.files\]"),
        ("[tools.mpc.fs]\ncommand = 'x'\n", r"victor.toml:2: nothing reads \[tools.mpc\]; did you mean \[tools.mcp\]"),
    ],
)  # fmt: skip
def test_tables_nobody_reads_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str) -> None:
    from victor.tools.files.kit import Files
    from victor.tools.mcp.configured import configured_servers

    (tmp_path / "victor.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    for ask in (Files.from_settings, configured_servers, Categories.from_settings):
        with pytest.raises(ConfigurationError, match=told):
            ask()


def test_the_table_of_somebody_elses_toolkit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from victor.tools.files.kit import Files

    class Invoices(Toolkit):
        section = "invoices"

    (tmp_path / "victor.toml").write_text("[tools.invoices]\nfolder = 'x'\n")
    monkeypatch.chdir(tmp_path)
    assert Invoices.section and Files.from_settings() == Files()


def test_all_mistakes_at_once_and_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Categories.load(write(tmp_path, "categories:\n  a:\n    x: 1\n  b:\n    y: 1\n"))
    assert str(caught.value).count("mine.yaml:") == 2
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Categories.load(tmp_path / "nothing.yaml")
    assert len(Categories.load(write(tmp_path, ""))) == 0


def test_the_file_victor_toml_names_applies_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "categories:\n  math:\n    requires_approval: true\n    cost_tier: medium\n")
    (tmp_path / "victor.toml").write_text(
        '[tools]\ncategories = "mine.yaml"\n\n[tools.files]\nread_only = true\nroot = "data"\n'
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.txt").write_text("inside data")
    monkeypatch.chdir(tmp_path)
    was_plugins = set_plugins(Plugins(only=["core", "tools"]).load())
    was = UnifiedToolRegistry.set_instance(None)
    try:
        from victor.core.plugins import get_plugins

        registry = UnifiedToolRegistry.get_instance()
        for found in (registry.tool("math.evaluate"), get_plugins().tools.get("math.evaluate")):
            assert found.metadata.requires_approval is True and found.metadata.cost_tier is CostTier.MEDIUM
        assert "files.write" not in registry and "files.read" in registry
        import asyncio

        assert asyncio.run(registry.tool("files.read").call({"path": "x.txt"})).text == "inside data"
        (tmp_path / "victor.toml").write_text('[tools.files]\nrot = "data"\nmax_chars = "many"\n')
        with pytest.raises(
            ConfigurationError,
            match=r"(?s)victor.toml:3: tools.files.max_chars expected an integer.*victor.toml:2: tools.files.rot is unknown; did you mean 'root'",
        ):
            Plugins(only=["tools"]).load().tools.get("files.read")
    finally:
        set_plugins(was_plugins)
        UnifiedToolRegistry.set_instance(was)


def test_what_a_tool_says_wins_over_its_category_unless_that_asks_always(tmp_path: Path) -> None:
    from victor.core.tool import as_tool
    from victor.tools import tool

    text = (
        "categories:\n  billing:\n    cost_tier: high\n    requires_approval: true\n"
        "  vault:\n    requires_approval: always\n"
    )
    registry = UnifiedToolRegistry(categories=Categories.load(write(tmp_path, text)))

    @tool(category="billing", cost_tier="free", requires_approval=False, registry=registry)
    def balance(customer: str) -> str:
        return customer

    @tool(category="billing", requires_approval=False, registry=registry)
    def invoice(customer: str) -> str:
        return customer

    for category, needed in (("vault", False), ("vault", lambda arguments: False), ("billing", None)):
        registry.register(len, name=f"n{len(registry)}", category=category, parameters={}, requires_approval=needed)
    registry.register(as_tool(len, name="copied", parameters={}).with_(requires_approval=False), category="billing")

    found = {made.name: (made.metadata.requires_approval, made.metadata.cost_tier.value) for made in registry}
    assert found == {
        "balance": (False, "free"),
        "invoice": (False, "high"),
        "n2": (True, "free"),
        "n3": (True, "free"),
        "n4": (True, "high"),
        "copied": (False, "high"),
    }


async def test_agents_ask_before_calls_of_functions_in_a_category_that_needs_approval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from victor.core import Agent
    from victor.core.message import ToolCall
    from victor.core.testing import ScriptedModel
    from victor.core.tool import as_tool
    from victor.tools import tool

    write(tmp_path, "categories:\n  billing:\n    requires_approval: true\n  custom:\n    requires_approval: true\n")
    (tmp_path / "victor.toml").write_text('[tools]\ncategories = "mine.yaml"\n')
    monkeypatch.chdir(tmp_path)
    was_plugins, was = set_plugins(Plugins(only=["core", "tools"]).load()), UnifiedToolRegistry.set_instance(None)
    done: list[str] = []

    @tool(category="billing", register=False)
    def refund(order: str) -> str:
        done.append(f"refund {order}")
        return "refunded"

    def plain(order: str) -> str:
        "A function that is no tool yet."
        done.append(f"plain {order}")
        return "done"

    private = UnifiedToolRegistry([as_tool(refund).with_(name="again")])
    try:
        calls = [ToolCall(name, name, '{"order": "7"}') for name in ("refund", "plain", "again")]
        asked: list[str] = []

        def approve(context: ToolContext) -> bool:
            asked.append(context.tool.name)
            return context.tool.name == "plain"

        tools: list[Any] = [refund, plain, private.tool("again")]
        model = ScriptedModel([*calls, "Done."])
        behind = {made.name: made for made in Toolset([as_tool(refund)] * 2).for_model("", budget=1)}
        hidden = await behind["call_tool"].call({"name": "refund", "arguments": {"order": "8"}})
        assert "needs approval" in hidden.text and done == []
        result = await Agent(tools=tools, model=model, approve=approve).run("Refund order 7.")
        assert asked == ["refund", "plain", "again"] and done == ["plain 7"]
        assert sum("not approved" in message.content for message in result.messages) == 2
    finally:
        set_plugins(was_plugins)
        UnifiedToolRegistry.set_instance(was)


def test_built_in_categories_with_defaults_are_known_without_reading_them() -> None:
    from victor.tools.plugin import BUILT_IN_DEFAULTS

    said = {each.name for each in Categories.built_in() if each.cost_tier is not None or each.requires_approval}
    assert said == BUILT_IN_DEFAULTS


@pytest.mark.parametrize(
    ("lists", "told"),
    [
        ("tools: [nope.x]", "names 'nope.x', which is no tool and no category"),
        ("tools: [files.raed]", "names 'files.raed'.*did you mean 'files.read'"),
        ("exclude: [files.wriet]", "names 'files.wriet'.*did you mean 'files.write'"),
        ("exclude: [filesystm]", "names 'filesystm'.*did you mean 'filesystem'"),
    ],
)
def test_a_preset_that_names_what_nobody_knows_is_told(tmp_path: Path, lists: str, told: str) -> None:
    path = write(tmp_path, f"presets:\n  mine:\n    categories: ['*']\n    {lists}\n")
    registry = UnifiedToolRegistry(categories=Categories.load(BUILT_IN, path), catalog=True)
    with pytest.raises(ConfigurationError, match=rf"mine.yaml:\d+: preset 'mine' {told}"):
        registry.tools(preset="mine")


@pytest.mark.parametrize("catalog", [True, False])
def test_the_built_in_presets_name_what_there_is(catalog: bool) -> None:
    registry = UnifiedToolRegistry(catalog=catalog)
    for preset in registry.categories.presets:
        registry.tools(preset=preset.name)

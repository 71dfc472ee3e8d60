"""The plugin manager: one broken plugin never breaks another."""

from __future__ import annotations

import logging
import types
from importlib import metadata

import pytest

from victor.core import plugins as plugins_module
from victor.core.errors import PluginError
from victor.core.hookspecs import hookimpl
from victor.core.plugins import HOOKS, Plugins, get_plugins, set_plugins


def plugin(**hooks):
    module = types.ModuleType("a_plugin")
    for name, function in hooks.items():
        function.__name__ = name
        setattr(module, name, hookimpl(function))
    return module


class FakeEntry:
    def __init__(self, name, module):
        self.name, self.value, self.group, self.dist = name, f"{name}.plugin", "victor", None
        self._module = module

    def load(self):
        if isinstance(self._module, BaseException):
            raise self._module
        return self._module


@pytest.fixture
def installed(monkeypatch):
    entries: list[FakeEntry] = []
    monkeypatch.setattr(metadata, "entry_points", lambda group: entries)
    return entries


def test_core_itself_is_a_plugin():
    manager = Plugins(only=["core"]).load()
    assert "offline" in manager.models
    assert "run" in manager.commands
    (core,) = manager.loaded
    assert (core.name, core.distribution, core.error) == ("core", "victor-core", "")
    assert "offline" in core.contributions["models"]
    assert "victor_register_models" in core.hooks


def test_a_plugin_that_does_not_import_is_reported_and_the_others_work(installed, caplog):
    installed += [
        FakeEntry("broken", ImportError("No module named 'left_pad'")),
        FakeEntry("good", plugin(victor_register_models=lambda register: register("mine", "math:pi", help="mine"))),
    ]
    with caplog.at_level(logging.WARNING, "victor.plugins"):
        manager = Plugins().load()
    assert "mine" in manager.models
    assert [(p.name, p.error) for p in manager.loaded] == [
        ("broken", "ImportError: No module named 'left_pad'"),
        ("good", ""),
    ]
    assert len(caplog.records) == 1
    assert "left_pad" in caplog.text


def test_a_plugin_that_raises_halfway_leaves_nothing_behind(installed):
    def register_models(register):
        register("half", "math:pi")
        raise RuntimeError("trouble")

    installed.append(FakeEntry("half", plugin(victor_register_models=register_models)))
    manager = Plugins().load()
    assert "half" not in manager.models
    assert manager.loaded[0].contributions == {}
    assert "trouble" in manager.loaded[0].error


def test_a_name_two_plugins_want_stays_with_the_first(installed):
    def visualizers(register):
        register("other", "math:pi")

    visualizers.__name__ = "victor_register_visualizers"
    installed += [
        FakeEntry("a", plugin(victor_register_models=lambda register: register("same", "math:pi"))),
        FakeEntry("b", plugin(victor_register_models=lambda register: register("same", "math:e"))),
    ]
    installed[1]._module.victor_register_visualizers = hookimpl(visualizers)
    manager = Plugins().load()
    assert manager.models.entry("same").plugin == "a"
    assert "registered already, by a" in manager.loaded[1].error
    assert "other" in manager.visualizers  # what else it offers is not lost with the name


def test_a_plugin_that_exits_the_program_is_reported_and_harmless(installed):
    installed += [FakeEntry("leaver", SystemExit(3)), FakeEntry("z", plugin())]
    manager = Plugins().load()
    assert [bool(p.error) for p in manager.loaded] == [True, False]


def test_a_misspelt_hook_is_an_error_that_lists_the_hooks(installed):
    installed.append(FakeEntry("typo", plugin(victor_register_tool=lambda register: None)))
    manager = Plugins().load()
    assert "unknown hook 'victor_register_tool'" in manager.loaded[0].error
    assert "victor_register_tools" in manager.loaded[0].error


def test_only_and_blocked_choose(installed):
    installed += [FakeEntry(name, plugin()) for name in ("a", "b", "c")]
    assert [p.name for p in Plugins(only=["a", "c"], blocked=["c"]).load().loaded] == ["a"]
    assert Plugins(only=[]).load().loaded == []


def test_asking_for_a_plugin_that_is_not_there_is_reported(installed):
    (missing,) = Plugins(only=["nope"]).load().loaded
    assert "no installed package has a plugin 'nope'" in missing.error


def test_the_same_entry_found_twice_on_the_path_counts_once(installed):
    module = plugin()
    installed += [FakeEntry("a", module), FakeEntry("a", module)]
    assert [p.error for p in Plugins().load().loaded] == [""]


def test_of_two_plugins_of_one_name_the_first_keeps_all_it_has(installed):
    other = FakeEntry("a", plugin(victor_register_models=lambda register: register("theirs", "math:tau")))
    other.value = "b.plugin"
    installed += [
        FakeEntry("a", plugin(victor_register_models=lambda register: register("ours", "math:pi"))),
        other,
    ]
    manager = Plugins().load()
    first, second = manager.loaded
    assert first.error == ""
    assert second.error == "a plugin named 'a' is loaded already; rename one"
    assert manager.models.names == ["ours"]
    with pytest.raises(PluginError, match="a plugin named 'a' is loaded already"):
        manager.register(plugin(), name="a")
    assert manager.models.names == ["ours"]


def test_registering_by_hand_raises_and_undoes():
    manager = Plugins()

    def register_tools(register):
        register(lambda: None)

    with pytest.raises(PluginError, match="lambda has no name"):
        manager.register(plugin(victor_register_tools=register_tools), name="mine")
    assert manager.loaded == []
    assert len(manager.tools) == 0


def test_tools_may_be_registered_without_a_name():
    def shout(text: str) -> str:
        """Say it loud."""
        return text.upper()

    manager = Plugins()
    manager.register(plugin(victor_register_tools=lambda register: register(shout)), name="mine")
    assert manager.tools.get("shout").description == "Say it loud."
    manager.unregister("mine")
    assert len(manager.tools) == 0
    assert manager.loaded == []


def test_import_strings_of_functions_become_tools():
    manager = Plugins()
    hooks = plugin(victor_register_tools=lambda register: register("basename", "os.path:basename"))
    manager.register(hooks, name="mine")
    assert manager.tools.get("basename").name == "basename"


def test_a_target_is_needed():
    manager = Plugins()
    with pytest.raises(PluginError, match="needs a target"):
        manager.register(plugin(victor_register_models=lambda register: register("x", None)), name="mine")


def test_a_plugin_may_change_the_tools_of_others():
    manager = Plugins()
    manager.register(plugin(victor_register_tools=lambda register: register("basename", "os.path:basename")), name="a")

    def adjust(tool):
        return tool.with_(requires_approval=True) if tool.name == "basename" else None

    manager.register(plugin(victor_adjust_tool=adjust), name="b")
    manager.tools.register("dirname", "os.path:dirname")
    assert manager.tools.get("basename").metadata.requires_approval is True
    assert manager.tools.get("dirname").metadata.requires_approval is False


def test_a_catalog_tells_that_it_has_changed():
    catalog = Plugins().tools
    seen = {catalog.revision}
    catalog.register("a", "os.path:dirname")
    seen.add(catalog.revision)
    catalog.register("a", "os.path:basename", plugin="p", replace=True)
    seen.add(catalog.revision)
    catalog.discard_plugin("p")
    seen.add(catalog.revision)
    assert len(seen) == 4


def test_listeners_may_be_on_by_default():
    manager = Plugins()
    hooks = plugin(victor_register_listeners=lambda register: register("log", "math:pi", enabled=True))
    manager.register(hooks, name="mine")
    assert manager.default_listeners == {"log"}


def test_hooks_may_take_fewer_arguments_than_they_are_given():
    called = []
    manager = Plugins()
    manager.register(plugin(victor_register_models=lambda: called.append(True)), name="mine")
    assert called == [True]


def test_every_hook_has_a_catalog_and_a_docstring_with_an_example():
    from victor.core import hookspecs

    specs = {name for name in vars(hookspecs) if name.startswith("victor_register_")}
    assert specs == set(HOOKS)
    for name in specs:
        assert "Example:" in (getattr(hookspecs, name).__doc__ or ""), name
    assert set(Plugins().catalogs()) == {attribute for attribute, _ in HOOKS.values()}


def test_the_process_has_one_manager_that_can_be_replaced(monkeypatch):
    monkeypatch.setenv("VICTOR_LOAD_PLUGINS", "core")
    was = set_plugins(None)
    try:
        assert get_plugins() is get_plugins()
        assert [p.name for p in get_plugins().loaded] == ["core"]
        mine = Plugins()
        set_plugins(mine)
        assert get_plugins() is mine
    finally:
        set_plugins(was)
    assert plugins_module._plugins is was

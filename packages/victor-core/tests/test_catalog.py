"""Catalogs: lazy targets, near matches, the package to install."""

from __future__ import annotations

import sys

import pytest

from victor.core.catalog import Catalog, load_target, near_matches
from victor.core.errors import PluginError, UnknownNameError


def test_import_strings_are_resolved_at_first_use_only(tmp_path, monkeypatch):
    (tmp_path / "lazy_target_module.py").write_text("class Box:\n    value = [1]\n")
    monkeypatch.syspath_prepend(tmp_path)
    catalog = Catalog("thing")
    catalog.register("box", "lazy_target_module:Box.value", help="a box", plugin="me")
    assert "lazy_target_module" not in sys.modules
    assert catalog.entry("box").help == "a box"
    assert catalog.get("box") == [1]
    assert catalog.get("box") is catalog.get("box")


def test_names_are_sorted_and_counted():
    catalog = Catalog("thing")
    catalog.register("b", 1)
    catalog.register("a", 2)
    assert catalog.names == ["a", "b"]
    assert [entry.name for entry in catalog] == ["a", "b"]
    assert (len(catalog), "a" in catalog, "z" in catalog) == (2, True, False)
    catalog.discard("a")
    catalog.discard("a")
    assert catalog.names == ["b"]


def test_a_name_is_given_once_unless_replaced():
    catalog = Catalog("thing")
    catalog.register("a", 1, plugin="first")
    with pytest.raises(PluginError, match=r"'a' is registered already, by first.*replace=True"):
        catalog.register("a", 2, plugin="second")
    assert catalog.get("a") == 1
    catalog.register("a", 2, plugin="second", replace=True)
    assert (catalog.get("a"), catalog.entry("a").plugin) == (2, "second")


@pytest.mark.parametrize("name", ["", " a", "a "])
def test_names_without_a_name_are_refused(name):
    with pytest.raises(PluginError, match="needs a name"):
        Catalog("thing").register(name, 1)


@pytest.mark.parametrize("target", ["module", ":attribute", "module:", "a:b:c"])
def test_targets_that_are_no_import_string_are_refused_at_once(target):
    with pytest.raises(PluginError, match="not an import string"):
        Catalog("thing").register("a", target)


def test_unknown_names_get_near_matches_of_any_case():
    catalog = Catalog("thing")
    catalog.register("Summarize", 1)
    with pytest.raises(UnknownNameError, match="unknown thing 'sumarize'; did you mean 'Summarize'") as caught:
        catalog.get("sumarize")
    assert (caught.value.name, caught.value.suggestions) == ("sumarize", ("Summarize",))


def test_unknown_names_without_a_near_match_list_what_there_is():
    catalog = Catalog("thing")
    with pytest.raises(UnknownNameError, match="no thing is installed"):
        catalog.get("x")
    for letter in "abcdefghij":
        catalog.register(letter * 3, 1)
    with pytest.raises(UnknownNameError, match=r"there are: aaa, bbb, .*hhh, \.\.\.$"):
        catalog.get("zzzzzz")


@pytest.mark.parametrize(
    ("kind", "name", "line"),
    [
        ("command", "workflow", "pip install victor-graph"),
        ("command", "team", "pip install victor-teams"),
        ("checkpointer", "postgres", r"pip install 'victor-graph\[postgres\]'"),
        ("metrics exporter", "prometheus", "pip install victor-observability"),
    ],
)
def test_a_known_package_is_named_with_its_install_line(kind, name, line):
    with pytest.raises(UnknownNameError, match=line):
        Catalog(kind).get(name)


def test_a_misspelt_name_of_a_package_that_is_not_installed_is_found_too():
    with pytest.raises(UnknownNameError, match=r"did you mean 'workflow', which comes with victor-graph \(pip install"):
        Catalog("command").get("wokflow")


def test_a_target_that_does_not_import_names_plugin_and_cause():
    catalog = Catalog("thing")
    catalog.register("a", "no_such_module_here:x", plugin="mine")
    with pytest.raises(PluginError, match=r"'a' of plugin 'mine'.*no_such_module_here") as caught:
        catalog.get("a")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_missing_attribute_gets_a_near_match():
    with pytest.raises(PluginError, match=r"'math' has no 'sqrtt'; did you mean 'sqrt'"):
        load_target("math:sqrtt")


def test_a_conversion_applies_to_objects_and_to_imported_targets_once():
    catalog = Catalog("thing", convert=lambda target: [target])
    catalog.register("a", 1)
    catalog.register("b", "math:pi")
    assert catalog.get("a") == [1]
    assert catalog.get("b")[0] == pytest.approx(3.14159, abs=1e-4)
    assert catalog.get("b") is catalog.get("b")


def test_near_matches_of_nothing():
    assert near_matches("a", []) == []

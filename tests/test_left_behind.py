"""The root conftest: a test that leaves something behind for those after it fails, whatever order they run in."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

LEAVING = """
import os, sys, types
import pytest

def test_a_variable(): os.environ["VICTOR_LEFT"] = "1"
def test_a_variable_taken(): del os.environ["VICTOR_GIVEN"]
def test_a_path(): sys.path.append("left")
def test_a_directory(tmp_path): os.chdir(tmp_path)

def test_a_plugin():
    from victor.core.plugins import get_plugins
    get_plugins().register(types.SimpleNamespace(), name="left")

def test_a_listener():
    from victor.core.events import get_stream
    get_stream().subscribe(print)
"""
CLEAN = """
import os, sys, types
from victor.core.plugins import Plugins, get_plugins, set_plugins
from victor.core.events import EventStream, get_stream, set_stream

HERE = os.getcwd()

def test_is_as_before():
    assert "VICTOR_LEFT" not in os.environ and os.environ["VICTOR_GIVEN"] == "1"
    assert "left" not in sys.path and os.getcwd() == HERE
    assert "left" not in [plugin.name for plugin in get_plugins().loaded]

def test_what_monkeypatch_changes(monkeypatch, tmp_path):
    monkeypatch.setenv("VICTOR_LEFT", "2")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)

def test_modules(tmp_path, monkeypatch):
    (tmp_path / "of_a_file.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    import of_a_file
    sys.modules["by_hand"] = types.ModuleType("by_hand")

def test_modules_are_forgotten():
    assert not {"of_a_file", "by_hand"} & set(sys.modules)

def test_other_plugins_and_another_stream():
    global plugins, stream
    plugins, stream = set_plugins(Plugins(only=[])), set_stream(EventStream())

def test_are_changed_back():
    assert (get_plugins(), get_stream()) == (plugins, stream)
"""


@pytest.fixture
def workspace(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("VICTOR_GIVEN", "1")
    pytester.makeconftest(Path(__file__).parents[1].joinpath("conftest.py").read_text())
    return pytester


def test_what_is_left_behind_is_told_and_put_back(workspace: pytest.Pytester) -> None:
    workspace.makepyfile(test_a=LEAVING, test_b=CLEAN)
    result = workspace.runpytest_subprocess("-p", "no:asyncio")
    result.assert_outcomes(passed=12, errors=6)
    result.stdout.fnmatch_lines_random(
        [
            "*leaves changed: the variable VICTOR_LEFT, from None to '1'*",
            "*leaves changed: the variable VICTOR_GIVEN, from '1' to None*",
            "*leaves changed: sys.path, from *",
            "*leaves changed: the working directory, from *",
            "*leaves changed: the plugins of the process, from *'left'*",
            "*leaves changed: the default event stream: somebody still listens*",
        ]
    )

"""Import strings in files that people write."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from victor.core.errors import PluginError
from victor.core.import_strings import load_object, look_here

if TYPE_CHECKING:
    from pathlib import Path


def test_a_module_and_a_name_with_dots() -> None:
    from pathlib import Path

    assert load_object("pathlib:Path.exists") is Path.exists


def test_a_file_beside_the_one_that_names_it_is_loaded_once(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("class Box:\n    things = []\n")
    load_object("./beside.py:Box.things", tmp_path).append(1)
    assert load_object("beside.py:Box.things", tmp_path) == [1]


def test_what_is_missing_is_said_with_what_is_near(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("total = 1\n")
    with pytest.raises(PluginError, match=r"beside\.py has no 'totl'; did you mean 'total'\?"):
        load_object("beside.py:totl", tmp_path)
    with pytest.raises(PluginError, match=r"there is no file .*away\.py"):
        load_object("away.py:total", tmp_path)


def test_a_file_that_fails_may_be_mended_and_loaded(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(PluginError, match="does not import: ZeroDivisionError: division by zero"):
        load_object("broken.py:answer", tmp_path)
    (tmp_path / "broken.py").write_text("answer = 42  # longer, so that no stale byte code is taken for it\n")
    assert load_object("broken.py:answer", tmp_path) == 42


def test_commands_look_in_the_working_directory_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    look_here()
    look_here()
    assert sys.path.count("") == 1
    assert sys.path[0] == ""

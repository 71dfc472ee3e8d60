"""The checker of the public API: what it counts as said, and that nothing is missing now."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import public_api
import pytest
from public_api import Public, find_public, untyped, verify

SOURCE = '''
"""A module."""

from enum import Enum
from typing import TypedDict, overload

from attrs import field, frozen

__all__ = ["ALONE", "TOLD", "Base", "Child", "Color", "Data", "One", "Rows", "bare", "told", "twice"]

TOLD = 1
"""What it is."""
ALONE = 2


def told(): "Says it."


def bare(): ...


@overload
def twice(a: int) -> int: ...
@overload
def twice(a: str) -> str: ...
def twice(a): "Both."


class Base:
    """Says it."""

    def over(self):
        """Says it."""

    def bare(self): ...

    def _hidden(self): ...

    @property
    def size(self): ...


class Child(Base):
    """Says it."""

    def over(self): ...

    def test_that_a_name_may_be_a_sentence(self): ...


@frozen
class Data:
    """A row of `Rows`.

    Args:
        told: What it is.
    """

    told: int
    bare: int
    rows: int
    below: int
    """What it is."""
    helped: int = field(default=1, metadata={"description": "what it is"})
    fixed: str = field(default="data", init=False)
    _hidden: int = 0


class Rows(TypedDict):
    """All ``rows``."""

    rows: list[int]
    bare: int


@frozen
class One:
    """How much it is."""

    value: int


class Color(Enum):
    """A color."""

    RED = 1
'''


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Public]:
    """What the checker finds in a package of its own."""
    root = tmp_path_factory.mktemp("root")
    package = root / "packages/victor-made/src/victor_made_up"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('"""A face."""\nfrom victor_made_up.rows import told\n__all__ = ["told"]\n')
    (package / "rows.py").write_text(SOURCE)
    (package / "untold.py").write_text("__all__ = []\n")
    (package / "_private.py").write_text("__all__ = ['nothing']\n\n\ndef nothing(): ...\n")
    patch = pytest.MonkeyPatch()
    patch.setattr(public_api, "ROOT", root)
    patch.setattr(public_api, "SOURCES", [package.parent])
    patch.syspath_prepend(str(package.parent))
    importlib.invalidate_caches()
    try:
        return {one.name.removeprefix("victor_made_up."): one for one in find_public()}
    finally:
        patch.undo()
        for name in [name for name in sys.modules if name.startswith("victor_made_up")]:
            del sys.modules[name]


class TestDocstrings:
    @pytest.mark.parametrize(
        "name",
        [
            "rows", "rows.TOLD", "rows.told", "rows.twice", "rows.Base", "rows.Base.over", "rows.Child.over", "rows.Data.told",
            "rows.Data.below", "rows.Data.helped", "rows.Data.fixed", "rows.One.value", "rows.Rows.rows", "rows.Color",
        ],
    )  # fmt: skip
    def test_what_is_said(self, found: dict[str, Public], name: str) -> None:
        assert found[name].documented

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("untold", "module"), ("rows.ALONE", "constant"), ("rows.bare", "function"), ("rows.Base.bare", "method"),
            ("rows.Base.size", "property"), ("rows.Data.bare", "field"), ("rows.Rows.bare", "field"),
        ],
    )  # fmt: skip
    def test_what_is_not(self, found: dict[str, Public], name: str, kind: str) -> None:
        assert (found[name].kind, found[name].documented) == (kind, False)
        assert found[name].where.startswith(f"packages/victor-made/src/victor_made_up/{name.split('.')[0]}.py:")

    def test_what_is_not_public(self, found: dict[str, Public]) -> None:
        assert not [name for name in found if "_" in name.removeprefix("victor_made_up")]

    def test_a_text_may_refer_to_a_class_that_says_more(self, found: dict[str, Public]) -> None:
        assert "rows.Data.rows" in found

    def test_everything_of_ours_is_said(self) -> None:
        """What ``hatch run types:check`` demands."""
        missing = [f"{one.where}: {one.kind} {one.name}" for one in find_public() if not one.documented]
        assert missing == []

    def test_what_a_face_passes_on_comes_once(self, found: dict[str, Public]) -> None:
        assert "told" not in found


class TestTypes:
    def problem(self, name: str, text: str, **other: Any) -> dict[str, Any]:
        known = {"name": name, "isExported": True, "isTypeKnown": False, "isTypeAmbiguous": False, **other}
        return {**known, "diagnostics": [{"message": text}]}

    def test_what_is_reported(self) -> None:
        symbols = [
            self.problem("victor.x.f", "Type\xa0of\nparameter is unknown"),
            self.problem("victor.x.g", "ambiguous", isTypeKnown=True, isTypeAmbiguous=True),
            self.problem("victor.x.h", "fine", isTypeKnown=True),
            self.problem("victor.x._p", "private", isExported=False),
            self.problem("victor.x.A", "Type of base class unknown"),
            self.problem("victor.x.i", 'Parameter type is "A | None"'),
        ]
        assert untyped({"symbols": symbols}, {"victor.x.A": "somebody else's"}) == [
            "victor.x.f: Type of parameter is unknown",
            "victor.x.g: ambiguous",
        ]

    def test_pyright_sees_a_missing_type(self, tmp_path: Path) -> None:
        pytest.importorskip("basedpyright", reason="basedpyright is not installed: pip install basedpyright")
        package = tmp_path / "victor_made_up"
        package.mkdir()
        (package / "py.typed").touch()
        (package / "__init__.py").write_text(
            "__all__ = ['A', 'f', 'g']\ndef f(a: int) -> int:\n    'F.'\n    return a\n"
            "def g(a):\n    'G.'\n    return a\nclass A:\n    'A.'\n    def __init__(self, a: int) -> None:\n        self.a = [a]\n"
        )
        lines = untyped(verify(tmp_path, "victor_made_up"))
        assert {line.partition(":")[0] for line in lines} == {"victor_made_up.g", "victor_made_up.A.a"}

    def test_nothing_verified_is_no_success(self, tmp_path: Path) -> None:
        pytest.importorskip("basedpyright", reason="basedpyright is not installed: pip install basedpyright")
        with pytest.raises(RuntimeError, match="pyright failed"):
            verify(tmp_path, "victor_made_up")


class TestProgram:
    def test_it_fails_when_something_is_missing(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        one = Public("victor.x.f", "function", "x.py:3", documented=False)
        monkeypatch.setattr(public_api, "find_public", lambda: iter([one]))
        assert public_api.main(["docstrings"]) == 1
        assert capsys.readouterr().out.splitlines() == [
            "x.py:3: function victor.x.f does not say what it is",
            "docstrings: 0 of 1 public names have one",
        ]

    def test_an_unknown_check_is_an_error(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert public_api.main(["typos"]) == 2
        assert "there are: docstrings, types" in capsys.readouterr().err


class TestLists:
    """Mistakes in what a module lists as public."""

    def found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> list[str]:
        folder = tmp_path / "listed"
        folder.mkdir()
        (folder / "__init__.py").write_text('"""A package."""\n')
        (folder / "module.py").write_text(f'"""A module."""\n{source}')
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(public_api, "SOURCES", [tmp_path])
        monkeypatch.setattr(public_api, "ROOT", tmp_path)
        try:
            return [one.name for one in public_api.find_public() if not one.documented]
        finally:
            for name in [name for name in sys.modules if name.partition(".")[0] == "listed"]:
                del sys.modules[name]
            public_api._files.cache_clear()

    @pytest.mark.parametrize(
        ("source", "told"),
        [
            ('__all__ = ["none"]\n', ["listed.module.none (it does not exist)"]),
            ('__all__ = ["A", "B"]\nA, B = range(2)\n', ["listed.module.A", "listed.module.B"]),
            ('__all__ = ["A", "B"]\nA, B = range(2)\n"""Both."""\n', []),
            ('def open() -> None:\n    """Nothing."""\n', ["listed.module.__all__"]),
            ("def _closed() -> None: ...\n", []),
        ],
    )
    def test_what_is_wrong_is_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, told: list[str]
    ) -> None:
        assert self.found(tmp_path, monkeypatch, source) == told

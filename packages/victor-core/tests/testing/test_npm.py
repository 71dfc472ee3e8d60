"""Programs from npm in tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from victor.core.testing.npm import VARIABLE, node_program, npm_packages


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one package, which no variable names."""
    monkeypatch.delenv(VARIABLE, raising=False)
    folder = tmp_path / "node_modules"
    (folder / "@scope" / "real").mkdir(parents=True)
    return folder


def test_packages_are_found_above_the_tests_or_where_the_variable_says(
    modules: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tests = tmp_path / "packages" / "tests" / "test_it.py"
    assert npm_packages("@scope/real@1.2", beside=tests) == modules
    with pytest.raises(pytest.skip.Exception, match=r"npm install @scope/real other@3, and set VICTOR_TEST_NODE_MOD"):
        npm_packages("@scope/real", "other@3", beside=tests)
    (tmp_path / "mine" / "other").mkdir(parents=True)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    assert npm_packages("other@3", beside=tests) == tmp_path / "mine"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed: apt-get install nodejs")
def test_a_program_takes_and_gives_json(modules: Path, tmp_path: Path) -> None:
    script = tmp_path / "double.mjs"
    script.write_text(
        "import { readFileSync } from 'node:fs';\n"
        "const data = JSON.parse(readFileSync(0, 'utf8'));\n"
        "if (data === null) { console.error('nothing to double'); process.exit(3); }\n"
        "console.log(JSON.stringify([data, data, process.argv[2].endsWith('node_modules')]));\n"
    )
    double = node_program(script, "@scope/real")
    assert double({"ü": 1}) == [{"ü": 1}, {"ü": 1}, True]
    with pytest.raises(RuntimeError, match=r"double\.mjs ended with 3: nothing to double"):
        double(None)


def test_without_node_the_test_is_skipped(modules: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match=r"Node\.js is not installed"):
        node_program(tmp_path / "x.mjs", "@scope/real")

"""The root conftest: what a skip is worth, with and without VICTOR_TEST_REQUIRE_ALL."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

MODULE = """
import pytest

@pytest.fixture
def server():
    pytest.skip("needs PostgreSQL: apt-get install postgresql")

def test_by_fixture(server): ...

@pytest.mark.skipif(True, reason="needs ripgrep: apt-get install ripgrep")
def test_by_mark(): ...

def test_elsewhere():
    pytest.skip("not applicable: POSIX only")

@pytest.mark.skipif(True, reason="PEP 999 needs Python 4.1")
def test_later(): ...

@pytest.mark.xfail(strict=True)
def test_known_bug():
    assert False

def test_runs(): ...
"""
WHOLE_MODULE = """
import pytest
pytest.importorskip("victor_no_such_module")
"""


@pytest.fixture
def workspace(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("VICTOR_TEST_REQUIRE_ALL", raising=False)
    pytester.makeconftest(Path(__file__).parents[1].joinpath("conftest.py").read_text())
    pytester.makepyfile(test_parts=MODULE, test_whole=WHOLE_MODULE)
    return pytester


def test_a_missing_program_is_a_skip_by_default(workspace: pytest.Pytester) -> None:
    workspace.runpytest("-p", "no:asyncio").assert_outcomes(passed=1, skipped=5, xfailed=1)


@pytest.mark.parametrize("value", ["", "0"])
def test_the_variable_can_be_off(workspace: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("VICTOR_TEST_REQUIRE_ALL", value)
    workspace.runpytest("-p", "no:asyncio").assert_outcomes(passed=1, skipped=5, xfailed=1)


def test_where_everything_is_required_a_skip_fails_with_its_reason(
    workspace: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VICTOR_TEST_REQUIRE_ALL", "1")
    result = workspace.runpytest("-p", "no:asyncio", "test_parts.py")
    result.assert_outcomes(passed=1, skipped=2, xfailed=1, errors=2)
    result.stdout.fnmatch_lines(["*VICTOR_TEST_REQUIRE_ALL is set: needs PostgreSQL: apt-get install postgresql*"])


def test_a_module_that_cannot_be_collected_fails_too(
    workspace: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VICTOR_TEST_REQUIRE_ALL", "1")
    result = workspace.runpytest("-p", "no:asyncio", "test_whole.py")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*VICTOR_TEST_REQUIRE_ALL is set: could not import 'victor_no_such_module'*"])

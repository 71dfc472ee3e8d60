"""What every test run of this workspace shares: with ``VICTOR_TEST_REQUIRE_ALL=1`` a skipped test is a failed one.

A test that needs a program (PostgreSQL, npm's aimock, ripgrep, ...) skips where it is missing, with the line that
installs it as the reason. A machine that has installed them all must skip nothing, or a test nobody runs would look
like a test that passes. A test that cannot apply to the platform or the Python at hand says so: a reason that begins
with ``not applicable``, or one like ``needs Python 3.12``, stays a skip.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).parent
# Under `hatch test --cover` every child process would start coverage, which a test that asks what a fresh interpreter
# imports would find there. pytest-cov measures this process and the workers without it.
os.environ.pop("COVERAGE_PROCESS_START", None)

# The last one: an example in a docstring that only shows what needs a server or a key.
NOT_APPLICABLE = re.compile(r"^not applicable|needs Python \d|\+SKIP option")
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def _required(report: Report) -> Report:
    """Turn a skip into a failure where nothing may be missing; an expected failure is no skip."""
    if os.environ.get("VICTOR_TEST_REQUIRE_ALL", "") in {"", "0"} or not report.skipped or hasattr(report, "wasxfail"):
        return report
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not NOT_APPLICABLE.search(reason):
        report.outcome = "failed"
        report.longrepr = f"skipped, but VICTOR_TEST_REQUIRE_ALL is set: {reason}"
    return report


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Pass by the modules and programs that tests use: ``--doctest-modules`` would import each of them."""
    name = collection_path.name
    if not collection_path.is_relative_to(ROOT) or collection_path.suffix != ".py":
        return None
    of_tests = "tests" in collection_path.relative_to(ROOT).parts
    return True if of_tests and not name.startswith("test_") and name != "conftest.py" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names with an address in them: two workers of one run would not agree on what the tests are."""
    wrong = [item.nodeid for item in items if ADDRESS.search(item.nodeid)]
    if wrong:
        raise pytest.UsageError("the ids of these tests are not the same twice; give them names: " + "; ".join(wrong))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the skip of a test or of its fixtures."""
    return _required((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge the skip of a whole module (``pytest.importorskip``, ``allow_module_level=True``)."""
    return _required((yield))

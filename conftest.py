"""What every test run of this workspace shares: no test leaves anything behind, and skips may be made failures.

**Left behind.** Tests run in any order and on any worker. One that changes the environment, ``sys.path`` or the working
directory for those after it fails, as does one that leaves a plugin or a listener; modules that it made are forgotten.

**Skipped.** With ``VICTOR_TEST_REQUIRE_ALL=1`` a skipped test is a failed one. A test that needs a program (PostgreSQL,
npm's aimock, ripgrep, ...) skips where it is missing, with the line that installs it as the reason. A machine that has
installed them all must skip nothing, or a test nobody runs would look like a test that passes. A test that cannot apply
to the platform or the Python at hand says so: a reason that begins with ``not applicable``, or one like ``needs Python
3.12``, stays a skip.

**Random inputs.** Tests of hypothesis try the same inputs every time, so that a run says what the change did;
``--hypothesis-profile=deep`` tries other ones. How long one takes is nobody's business: machines are busy at times.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import ModuleType

ROOT = Path(__file__).parent
# Under `hatch test --cover` every child process would start coverage, which a test that asks what a fresh interpreter
# imports would find there. pytest-cov measures this process and the workers without it.
os.environ.pop("COVERAGE_PROCESS_START", None)

if importlib.util.find_spec("hypothesis") is not None:
    from hypothesis import HealthCheck, settings

    settings.register_profile("deep", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("same", settings.get_profile("deep"), derandomize=True, max_examples=60)
    settings.load_profile("same")

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


def _is_of_a_test(module: ModuleType, folder: Path) -> bool:
    """Whether a module was made by hand, or read from a file in the folder of temporary files of this run."""
    file = getattr(module, "__file__", None)
    if file is None:
        return getattr(module, "__spec__", None) is None
    return Path(file).is_relative_to(folder)


@pytest.fixture(autouse=True)
def _as_it_was(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail a test after which the process is not as it was before, and put in order what may well change."""
    from victor.core.events import get_stream, set_stream
    from victor.core.plugins import get_plugins, set_plugins

    # Loaded and started here, where no test has changed the settings that choose them.
    plugins, stream = get_plugins(), get_stream()
    known, active = [plugin.name for plugin in plugins.loaded], stream.active
    modules, path, folder, environment = dict(sys.modules), list(sys.path), Path.cwd(), dict(os.environ)
    yield
    set_plugins(plugins)
    set_stream(stream)
    if sys.modules.keys() != modules.keys():
        for name in [name for name in sys.modules if name not in modules]:
            if _is_of_a_test(sys.modules[name], tmp_path_factory.getbasetemp()):
                del sys.modules[name]
    changed = []
    for name in sorted({*environment, *os.environ} - {"PYTEST_CURRENT_TEST"}):
        before, after = environment.get(name), os.environ.get(name)
        if before != after:
            changed.append(f"the variable {name}, from {before!r} to {after!r}")
            os.environ.pop(name, None)
            os.environ.update({} if before is None else {name: before})
    if sys.path != path:
        changed.append(f"sys.path, from {path} to {sys.path}")
        sys.path[:] = path
    if (now := Path.cwd()) != folder:
        changed.append(f"the working directory, from {folder} to {now}")
        os.chdir(folder)
    if (now_known := [plugin.name for plugin in plugins.loaded]) != known:
        changed.append(f"the plugins of the process, from {known} to {now_known}")
        for name in {*now_known} - {*known}:
            plugins.unregister(name)
    if stream.active != active:
        changed.append("the default event stream: somebody still listens" if stream.active else "who listens to events")
    if changed:
        pytest.fail(f"the test leaves changed: {'; '.join(changed)}", pytrace=False)

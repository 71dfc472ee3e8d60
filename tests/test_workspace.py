"""What every package of the workspace has in common: a new one that lacks a part fails here, by name."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from workspace import ROOT, Package, packages

PACKAGES = packages()
IDS = [one.name for one in PACKAGES]
each_package = pytest.mark.parametrize("one", PACKAGES, ids=IDS)


def tracked(*patterns: str) -> list[Path]:
    """Files that git knows or would add, so that caches and builds do not count."""
    command = ["git", "ls-files", "-co", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not applicable: this is no git checkout")
    return [file for name in listed.stdout.splitlines() if (file := ROOT / name).is_file()]


def test_the_floor_is_there() -> None:
    assert {"victor-core", "victor-graph", "victor-tools"} <= {*IDS}


def test_the_namespace_has_no_file_of_its_own() -> None:
    assert [file for file in tracked("packages") if file.parts[-3:] == ("src", "victor", "__init__.py")] == []


@each_package
def test_below_the_namespace_every_folder_of_modules_is_a_package(one: Package) -> None:
    """A folder without ``__init__.py`` still imports, but tools and the API reference pass it by."""
    folders = {file.parent for file in tracked(f"packages/{one.name}/src") if file.suffix == ".py"}
    template = one.source / "scaffold"
    assert [f for f in sorted(folders) if not (f / "__init__.py").is_file() and template not in f.parents] == []


@each_package
def test_a_package_ships_what_it_must(one: Package) -> None:
    missing = [
        name
        for name in ("README.md", "LICENSE", "CHANGELOG.md", "towncrier.toml", "changelog.d", "tests", "pyproject.toml")
        if not (one.folder / name).exists()
    ]
    assert missing == []
    assert (one.source / "py.typed").is_file()
    assert (one.folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@each_package
def test_a_package_says_who_it_is(one: Package) -> None:
    assert one.folder.name == one.name
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", one.version)
    assert one.project["license"] == "Apache-2.0"
    assert one.project["requires-python"] == ">=3.11"
    plugins = one.project["entry-points"]["victor"]
    name = one.name.removeprefix("victor-")
    assert plugins == {name: f"victor.{name}.plugin"}
    assert (one.source / "plugin.py").is_file()


@each_package
def test_extras_are_complete(one: Package) -> None:
    """``all`` holds every extra for users, ``test`` what the package's own tests need."""
    extras = {*one.extras}
    assert {"all", "test"} <= extras
    listed = " ".join(one.project["optional-dependencies"]["all"])
    own = re.search(rf"{one.name}\[([^]]*)\]", listed)
    assert {*(own[1].split(",") if own else [])} == extras - {"all", "test"}


@each_package
def test_siblings_are_asked_for_by_range(one: Package) -> None:
    for requirement in one.project["dependencies"]:
        if requirement.startswith("victor-"):
            assert re.fullmatch(r"victor-[a-z]+>=\d+\.\d+(\.\d+)?,<\d+\.\d+", requirement)


@each_package
def test_mypy_knows_the_package(one: Package) -> None:
    assert f"$MYPY_CONFIG_FILE_DIR/packages/{one.name}/src" in (ROOT / "mypy.ini").read_text()


@each_package
def test_the_layers_name_the_package(one: Package) -> None:
    layers = (ROOT / ".importlinter").read_text()
    assert re.search(rf"^ .*\bvictor\.{one.source.name}\b", layers, re.MULTILINE)


@each_package
def test_dependencies_are_declared_once(one: Package) -> None:
    names = [re.split(r"[\[<>=!~; ]", text, maxsplit=1)[0].lower() for text in one.project["dependencies"]]
    assert len(names) == len({*names})


@each_package
def test_importing_the_face_of_a_package_loads_nothing_heavy(one: Package) -> None:
    from light_imports import HEAVY

    program = f"import sys, victor.{one.source.name}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & HEAVY == set()


def test_the_readme_holds_the_two_commands_that_ci_runs() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    starts = [line for line in lines if line.startswith("python3 -m venv ")]
    assert len([line for line in starts if "hatch test" in line]) == 1
    assert len([line for line in starts if "victor workflow run" in line]) == 1
    script = (ROOT / ".ci" / "run").read_text()
    assert "readme_command 'hatch test'" in script
    assert "readme_command 'victor workflow run'" in script


def test_nobody_is_told_to_install_the_package_of_somebody_else() -> None:
    """``victor`` on the package index is not ours. (``victor-core`` and its siblings are.)"""
    wrong = re.compile(r"(?:pip install|pipx install|uv add|uvx|uv tool install)[^\n`|&;,]*?[\s\"']victor(?![-\w.])")
    warned = re.compile(r"never|another project|somebody else|no module named", re.IGNORECASE)
    told = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in tracked("*.md", "*.py", "*.toml", "*.yml", "*.yaml")
        for line in file.read_text(encoding="utf-8").splitlines()
        if wrong.search(line) and not warned.search(line)
    ]
    assert told == []


@pytest.mark.parametrize("file", ["hatch.toml", "ruff.toml", *(f"packages/{name}/towncrier.toml" for name in IDS)])
def test_settings_parse(file: str) -> None:
    assert tomllib.loads((ROOT / file).read_text(encoding="utf-8"))

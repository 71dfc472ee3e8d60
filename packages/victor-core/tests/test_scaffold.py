"""``victor new plugin``: the package it writes installs, is found, and passes its own tests at once."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from victor.core.cli.new import License, _core_range, _git_name, plugin_name, write_plugin
from victor.core.errors import ConfigurationError

CORE = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("typed", "name"), [("weather", "weather"), ("victor-weather", "weather"), ("sky-2-go", "sky-2-go")]
)
def test_names(typed, name):
    assert plugin_name(typed) == name


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("My_Weather", "'my-weather' would do"),
        ("weather--app", "'weather-app' would do"),
        ("2fast", "'fast' would do"),
        ("../evil", "'evil' would do"),
        ("", "lower-case letters"),
        ("Ünicode!", "would do"),
        ("x" * 51, "lower-case letters"),
        ("class", "a word of the Python language"),
        ("graph", "a package of Victor itself"),
        ("victor-tools", "a package of Victor itself"),
        ("run", "'victor run' is a command already, of plugin 'core'"),
    ],
)
def test_names_that_cannot_be(typed, message):
    with pytest.raises(ConfigurationError) as caught:
        plugin_name(typed)
    assert message in str(caught.value)


def test_nothing_is_overwritten(tmp_path):
    folder = tmp_path / "victor-sky"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="there already and not empty; nothing was written"):
        write_plugin("sky", folder)
    assert [file.name for file in folder.iterdir()] == ["mine.txt"]
    with pytest.raises(ConfigurationError, match="there already"):
        write_plugin("sky", folder / "mine.txt")


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_plugin("sky", tmp_path / "file" / "victor-sky")


@pytest.mark.parametrize("license", list(License))
def test_every_file_is_filled_in(tmp_path, license):
    folder = tmp_path / "victor-sky-2"
    files = write_plugin("sky-2", folder, license=license, author='Ann "A." Lee', description='Says "blue" \\ or not.')
    names = {file.relative_to(folder).as_posix() for file in files}
    assert {
        "pyproject.toml", "README.md", ".gitignore", ".github/workflows/test.yml", "src/victor_sky_2/__init__.py",
        "src/victor_sky_2/plugin.py", "src/victor_sky_2/tools.py", "src/victor_sky_2/cli.py",
        "src/victor_sky_2/vertical.py", "src/victor_sky_2/py.typed", "tests/test_plugin.py",
    } <= names  # fmt: skip
    assert ("LICENSE" in names) is (license is not License.PROPRIETARY)
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert "<<" not in text, file
        if file.suffix == ".py":
            compile(text, str(file), "exec")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["authors"] == [{"name": 'Ann "A." Lee'}]
    assert project["description"] == 'Says "blue" \\ or not.'
    assert project["entry-points"] == {"victor": {"sky-2": "victor_sky_2.plugin"}}
    assert project["license"] == ("LicenseRef-Proprietary" if license is License.PROPRIETARY else license.value)
    if license in (License.MIT, License.BSD):
        assert 'Ann "A." Lee' in (folder / "LICENSE").read_text()


def test_the_range_of_core_ends_before_the_next_breaking_version():
    assert _core_range("0.1.0") == ">=0.1,<0.2"
    assert _core_range("2.3.4rc1") == ">=2.3,<3"


def test_without_git_there_is_no_name(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert _git_name() == ""


def test_the_command_prints_what_to_do_next(tmp_path, monkeypatch, capsys):
    from victor.core.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["new", "plugin", "victor-sky", "--license", "mit", "--author", "Ann"]) == 0
    captured = capsys.readouterr()
    install, test, use = captured.out.splitlines()
    assert install.startswith("cd victor-sky && ")
    assert install.endswith("pip install -e '.[test]'")
    assert (test, use) == ("python -m pytest", 'victor sky "It rained. It rained all day."')
    assert "files in victor-sky" in captured.err
    assert (tmp_path / "victor-sky" / "LICENSE").read_text().startswith("MIT License")
    assert main(["new", "plugin", "victor-sky"]) == 1


def test_what_is_written_is_formatted_and_free_of_lint(tmp_path):
    ruff = shutil.which("ruff", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if ruff is None:
        pytest.skip("needs ruff: pip install ruff")
    write_plugin("sky", tmp_path / "victor-sky")
    for args in (["check"], ["format", "--check", "--diff"]):
        done = subprocess.run(
            [ruff, *args, "--no-cache", "."], cwd=tmp_path / "victor-sky", capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def copy_installed(names: list[str], site: Path) -> None:
    """Copy distributions and all they require out of this environment: a fresh one without a download."""
    from packaging.requirements import Requirement

    waiting, seen = [(name, "") for name in names], set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen or name.startswith("victor-"):
            continue
        seen.add((name, extra))
        distribution = importlib.metadata.distribution(name)
        for file in distribution.files or ():
            target = site / str(file)
            if ".." not in file.parts and "__pycache__" not in file.parts:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
        for text in distribution.requires or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                waiting += [(needed.name, extra) for extra in needed.extras or {""}]


@pytest.mark.slow
def test_it_installs_and_passes_its_tests_in_a_fresh_environment(tmp_path):
    for needed in ("hatchling", "editables", "packaging", "ruff"):
        pytest.importorskip(needed, reason=f"needs {needed}: pip install {needed}")
    fresh = tmp_path / "fresh"
    venv.create(fresh, with_pip=True)
    python = fresh / "bin" / "python"
    site = Path(
        subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
        ).strip()
    )
    core = importlib.metadata.requires("victor-core") or []
    copy_installed(
        [text.split(">")[0] for text in core if "extra" not in text] + ["hatchling", "editables", "pytest", "ruff"],
        site,
    )
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("VICTOR_", "PYTHON", "COV_"))
    }
    environment |= {
        "PATH": f"{fresh / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VICTOR_CONFIG": "",
        "PIP_NO_INDEX": "1",
    }

    def run(*command, cwd=tmp_path):
        done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    source = tmp_path / "core"  # building leaves no trace in the repository
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CORE / name, source)
    shutil.copytree(CORE / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-build-isolation",
    ]
    run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path / "dist", source)
    (wheel,) = (tmp_path / "dist").glob("victor_core-*.whl")
    run(*pip, wheel)

    run("victor", "new", "plugin", "weather", "--author", "Ann")
    plugin = tmp_path / "victor-weather"
    run(*pip, "-e", ".[test]", cwd=plugin)
    assert " passed" in run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=plugin)
    assert "count the words" in run("victor", "--help")
    assert run("victor", "weather", "It rained. It rained all day.") == "6 words, 2 sentences\n"
    (listed,) = [row for row in json.loads(run("victor", "plugins", "--json")) if row["name"] == "weather"]
    assert (listed["distribution"], listed["version"], listed["error"]) == ("victor-weather", "0.1.0", None)
    assert "weather.count_words" in run("victor", "tools")
    assert json.loads(run("victor", "doctor", "--json"))["ok"] is True
    assert "victor-weather 0.1.0" in run("victor", "--version")

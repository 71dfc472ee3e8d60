"""What the tests of the command line share: the program in this process, and the real one in another."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from attrs import frozen

from victor.core.plugins import set_plugins

# Nothing of the machine the tests run on may show through.
_OWN = ("VICTOR_", "OPENAI_", "ANTHROPIC_", "OPENROUTER_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "GITHUB_ACTIONS")


@frozen
class Done:
    """How a run of the program ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, which is the working directory; only core's own plugin is loaded."""
    for name in [name for name in os.environ if name.startswith(_OWN) and name != "VICTOR_ROOT"]:
        monkeypatch.delenv(name)
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("VICTOR_LOAD_PLUGINS", "core")
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def victor(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Done]]:
    """The program, called in this process."""
    from victor.core.cli import main

    before = set_plugins(None)

    def call(*args: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        set_plugins(None)
        code = main(args)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    yield call
    set_plugins(before)


@pytest.fixture
def console_script() -> str:
    """The console script of this environment."""
    found = shutil.which("victor", path=str(Path(sys.executable).parent))
    assert found, "the console script 'victor' is missing: is victor-core installed in this environment?"
    return found


@pytest.fixture
def real_victor(place: Path, console_script: str) -> Callable[..., Done]:
    """The console script, in a process of its own."""

    def call(*args: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Done:
        done = subprocess.run(
            [console_script, *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, **(env or {})},
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def write(place: Path) -> Callable[[str, str], Path]:
    """Writes a file into the project folder."""

    def write(name: str, text: str) -> Path:
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write


@pytest.fixture
def plugin(
    place: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[str, str], Path]
) -> Callable[[str, str], None]:
    """Installs a plugin module into the project folder, as pip would leave it, and has it loaded beside core."""

    def install(name: str, source: str) -> None:
        write(f"victor_{name}.py", source)
        info = f"victor_{name}-1.2.3.dist-info"
        write(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: victor-{name}\nVersion: 1.2.3\n")
        write(f"{info}/entry_points.txt", f"[victor]\n{name} = victor_{name}\n")
        monkeypatch.setenv("VICTOR_LOAD_PLUGINS", f"{os.environ['VICTOR_LOAD_PLUGINS']},{name}")
        monkeypatch.setenv("PYTHONPATH", str(place))
        monkeypatch.delitem(sys.modules, f"victor_{name}", raising=False)

    return install

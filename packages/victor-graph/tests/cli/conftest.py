"""What the tests of ``victor workflow`` share: the program in this process, and the real one in another."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from victor.core.plugins import set_plugins

_OWN = ("VICTOR_", "OPENAI_", "ANTHROPIC_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "DISPLAY", "WAYLAND_DISPLAY")


@frozen
class Done:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, which is the working directory; only core and this package are loaded."""
    for name in [name for name in os.environ if name.startswith(_OWN) and name != "VICTOR_ROOT"]:
        monkeypatch.delenv(name)
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("VICTOR_LOAD_PLUGINS", "core,graph")
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def victor(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Done]]:
    """``victor workflow ...``, called in this process."""
    from victor.core.cli import main

    before = set_plugins(None)

    def call(*args: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        set_plugins(None)
        code = main(("workflow", *args))
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    yield call
    set_plugins(before)


@pytest.fixture
def program() -> list[str]:
    """The command line that starts the real program."""
    found = shutil.which("victor", path=str(Path(sys.executable).parent))
    assert found, "the console script 'victor' is missing: is victor-core installed in this environment?"
    return [found, "workflow"]


@pytest.fixture
def real_victor(place: Path, program: list[str]) -> Callable[..., Done]:
    """The same as ``victor``, in a process of its own."""

    def call(*args: str, stdin: str = "") -> Done:
        done = subprocess.run([*program, *args], input=stdin, capture_output=True, text=True, timeout=300)
        return Done(done.returncode, done.stdout, done.stderr)

    return call


FLOW = """\
# Writes a greeting, asks, and sends it.
workflows:
  greet:
    description: Greets somebody.
    inputs:
      name: {type: string, description: whom to greet}
      loud: {type: boolean, default: false}
    outputs: {sent: $ctx.sent}
    nodes:
      - {id: write, type: transform, template: "Hello {{ name }}"}
      - {id: which, type: condition, condition: loud, branches: {true: shout, false: ask}}
      - {id: shout, type: transform, template: "{{ write | upper }}!", output: louder}
      - {id: ask, type: hitl, prompt: "Send '{{ write }}'?"}
      - {id: send, type: compute, handler: ./mail.py:send, inputs: {text: $ctx.write}, output: sent}
"""

MAIL = """\
from pathlib import Path


def send(text):
    if Path("down").exists():
        raise ConnectionError("the mail server is down")
    return f"sent: {text}"
"""


@pytest.fixture
def flow(place: Path) -> Path:
    """A workflow of a few nodes with a question in it; sending fails while there is a file ``down``."""
    (place / "mail.py").write_text(MAIL)
    path = place / "greet.yaml"
    path.write_text(FLOW)
    return path

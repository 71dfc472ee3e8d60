"""Tests against JavaScript: packages from npm where they are installed, programs that read and write JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["VARIABLE", "node_program", "npm_packages"]

VARIABLE = "VICTOR_TEST_NODE_MODULES"
"""The variable that names the folder ``node_modules``."""


def npm_packages(*names: str, beside: Path) -> Path:
    """The folder ``node_modules`` that has these packages; where there is none, the test is skipped and says why.

    It is looked for where the variable `VARIABLE` says, and in the folders above ``beside``.

    Args:
        names: What must be there, such as ``"mermaid@11"``; the version is for the line that installs it.
        beside: A file of the tests.
    """
    import pytest

    wanted = [name.rpartition("@")[0] or name for name in names]
    found = next((at for at in _folders(beside) if all((at / name).is_dir() for name in wanted)), None)
    if found is None:
        pytest.skip(f"npm install {' '.join(names)}, and set {VARIABLE} to that node_modules folder")
    return found


def node_program(script: Path, *packages: str, timeout_s: float = 120) -> Callable[[Any], Any]:
    """A JavaScript program as a function: takes data, hands it over as JSON on stdin, returns the JSON it prints.

    The program gets the folder ``node_modules`` as its first argument. Where Node.js or a package is missing, the test
    is skipped and says why.

    Args:
        script: The program.
        packages: What it needs from npm; see `npm_packages`.
        timeout_s: Seconds that a call may take.
    """
    import pytest

    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed: apt-get install nodejs npm")
    modules = npm_packages(*packages, beside=script)

    def run(data: Any) -> Any:
        done = subprocess.run(
            [node, str(script), str(modules)],
            input=json.dumps(data),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{script.name} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
        return json.loads(done.stdout)

    return run


def _folders(beside: Path) -> Iterator[Path]:
    if named := os.environ.get(VARIABLE):
        yield Path(named)
    for at in beside.resolve().parents:
        yield at / "node_modules"

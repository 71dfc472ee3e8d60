"""Programs written for LangGraph run here by changing their imports, and come to the same.

The programs are in ``compat/``, as they are written for LangGraph. What LangGraph made of them is recorded in
``compat/recorded.json``; with ``VICTOR_PEERS_PYTHON`` naming a Python that has langgraph, they are run with it again, and with
``VICTOR_RECORD=1`` recorded anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).with_name("compat")
RECORDED = FOLDER / "recorded.json"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py"))
PEERS = os.environ.get("VICTOR_PEERS_PYTHON")

RUN = """
import importlib.util, json, pathlib, sys, traceback
results = {}
for path in map(pathlib.Path, sys.argv[1:]):
    spec = importlib.util.spec_from_file_location(f"program_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        results[path.stem] = json.loads(json.dumps(module.main()))
    except Exception:
        results[path.stem] = traceback.format_exc()
print("RESULTS " + json.dumps(results))
"""


def run(python: str, programs: list[Path]) -> dict[str, Any]:
    """What each program comes to, in one process: starting takes longer than running."""
    done = subprocess.run([python, "-c", RUN, *map(str, programs)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.rpartition("RESULTS ")[2])
    return found


def translated(name: str, folder: Path) -> Path:
    """The program with its imports changed, and nothing else."""
    source = (FOLDER / f"{name}.py").read_text()
    changed = re.sub(
        r"^from (langgraph|langchain_core)[\w.]* import", "from victor.graph import", source, flags=re.MULTILINE
    )
    assert changed != source
    path = folder / f"{name}.py"
    path.write_text(changed)
    return path


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("translated")
    return run(sys.executable, [translated(name, folder) for name in PROGRAMS])


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    """What LangGraph came to; asked again where it is installed."""
    known: dict[str, Any] = json.loads(RECORDED.read_text())
    if PEERS:
        theirs = run(PEERS, [FOLDER / f"{name}.py" for name in PROGRAMS])
        if os.environ.get("VICTOR_RECORD"):
            RECORDED.write_text(json.dumps(theirs, indent=1, sort_keys=True) + "\n")
            return theirs
        assert theirs == known
    return known


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_comes_to_what_it_comes_to_in_langgraph(
    name: str, ours: dict[str, Any], recorded: dict[str, Any]
) -> None:
    assert ours[name] == recorded[name]

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
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("program", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["program"] = module
spec.loader.exec_module(module)
print("RESULT " + json.dumps(module.main(), sort_keys=True))
"""


def run(python: str, program: Path) -> Any:
    done = subprocess.run([python, "-c", RUN, str(program)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.rpartition("RESULT ")[2])


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


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_comes_to_what_it_comes_to_in_langgraph(name: str, tmp_path: Path) -> None:
    recorded = json.loads(RECORDED.read_text())
    if PEERS and os.environ.get("VICTOR_RECORD"):
        recorded[name] = run(PEERS, FOLDER / f"{name}.py")
        RECORDED.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
    elif PEERS:
        assert run(PEERS, FOLDER / f"{name}.py") == recorded[name]
    assert run(sys.executable, translated(name, tmp_path)) == recorded[name]

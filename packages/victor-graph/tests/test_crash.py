"""A run that is killed goes on where it was: no acknowledged superstep is lost, no recorded step is done again.

``VICTOR_CRASHES`` says how often to kill (default 15).
"""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from victor.graph import SqliteSaver

PROGRAM = Path(__file__).with_name("crash_program.py")
CRASHES = int(os.environ.get("VICTOR_CRASHES", "8"))


def load() -> Any:
    spec = importlib.util.spec_from_file_location("crash_program", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["crash_program"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.platform == "win32", reason="not applicable: there is no SIGKILL")
@pytest.mark.slow
def test_a_run_survives_being_killed_at_any_moment(tmp_path: Path) -> None:
    program = load()
    chance = random.Random(7)
    kills = runs = 0
    while kills < CRASHES:
        runs += 1
        file = tmp_path / f"{runs}.db"
        lines: list[str] = []
        acknowledged = 0
        while True:
            process = subprocess.Popen([sys.executable, str(PROGRAM), str(file)], stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            seen: list[str] = []
            fatal = chance.randrange(1, 150) if kills < CRASHES else 10**9
            delay = chance.random() * 0.003
            for line in process.stdout:
                seen.append(line.strip())
                if len(seen) == fatal:
                    time.sleep(delay)  # so that it dies at any point, and not always where it prints
                    process.send_signal(signal.SIGKILL)
                    kills += 1
            process.wait()
            process.stdout.close()
            with SqliteSaver(file) as store:
                state = program.build(store).get_state(thread_id="t")
            stored = [int(line.split()[2]) for line in seen if line.startswith("stored")]
            acknowledged = max([acknowledged, *stored])
            assert len(state.values.get("log", [])) >= acknowledged, "an acknowledged superstep is lost"
            lines += seen
            if seen and seen[-1] == "finished":
                break
        assert state.values["log"] == program.expected()
        recorded: set[str] = set()
        for line in lines:
            kind, _, what = line.partition(" ")
            if kind == "effect":
                assert what not in recorded, f"the recorded step {what} was done again"
            elif kind == "recorded":
                recorded.add(what)

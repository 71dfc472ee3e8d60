"""What it costs to start: ``victor --help``, ``victor --version``, and the imports, as ratios to a bare Python.

Every command runs in a process of its own, in turns, so that a busy machine slows all of them alike. Figures are
medians of milliseconds: wall time, and CPU time of the process.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from _results import record

BARE = "python -c pass"
LIBRARIES = "import asyncio, attrs, pluggy, msgspec"
AGENT = "from victor.core import Agent"


def commands() -> dict[str, list[str]]:
    """What is measured, by name."""
    victor = shutil.which("victor", path=str(Path(sys.executable).parent)) or "victor"
    code = {
        BARE: "pass",
        "import victor.core": "import victor.core",
        LIBRARIES: LIBRARIES,
        AGENT: AGENT,
        "import typer": "import typer",
        "entry_points(group='victor')": "import importlib.metadata as m; m.entry_points(group='victor')",
    }
    found = {name: [sys.executable, "-c", text] for name, text in code.items()}
    for args in ("--version", "--help", "models", "run --help"):
        found[f"victor {args}"] = [victor, *args.split()]
    return found


def once(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and CPU milliseconds of one run."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def main(rounds: int) -> None:
    """Measure and print."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VICTOR_", "COV_"))}
    every = commands()
    for command in every.values():  # compile what is not compiled yet
        once(command, environment)
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in every}
    for _ in range(rounds):
        for name, command in every.items():
            took[name].append(once(command, environment))
    wall = {name: statistics.median(run[0] for run in runs) for name, runs in took.items()}
    cpu = {name: statistics.median(run[1] for run in runs) for name, runs in took.items()}
    print(f"{'start-up':<42}{'wall':>10}{'CPU':>10}{'over bare Python':>20}")
    for name in every:
        print(f"{name:<42}{wall[name]:>7.0f} ms{cpu[name]:>7.0f} ms{wall[name] / wall[BARE]:>19.1f}x")
    for name in every:
        if name != BARE:
            record(name, f"`{name}`", wall[name], "ms", floor=wall[BARE], floor_name=f"`{BARE}`")
    record("agent_import", f"`{AGENT}`, over `{LIBRARIES}`", wall[AGENT] / wall[LIBRARIES], "x", goal=1.3)
    scaled = wall["victor --help"] / wall[BARE] * 18
    print(f"\nvictor --help where python -c pass takes 18 ms: {scaled:.0f} ms (goal: 250)")
    print(f"import victor.core over a bare Python: {wall['import victor.core'] / wall[BARE]:.1f}x (goal: 4)")
    print(f"{AGENT} over {LIBRARIES}: {wall[AGENT] / wall[LIBRARIES]:.2f}x (goal: 1.3)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    main(parser.parse_args().rounds)

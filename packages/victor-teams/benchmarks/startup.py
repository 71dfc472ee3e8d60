"""What it costs to import: ``from victor.teams import Team`` over the libraries it stands on.

Every import runs in a process of its own, in turns, so that a busy machine slows all of them alike. Figures are medians
of the CPU milliseconds that the statement itself takes. What Python compiles goes into a folder of this program's, so
that all of them are compiled, whatever the environment says of writing such files.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

from _results import record

LIBRARIES = "import asyncio, attrs, msgspec"
TEAM = "from victor.teams import Team"
GOAL = 1.5
STATEMENTS = (
    LIBRARIES,
    "import victor.teams",
    TEAM,
    "from victor.teams import Team, Consensus",
    "from victor.teams.communication import MessageBus",
    "from victor.teams.voting import Poll",
)


def once(statement: str, environment: dict[str, str]) -> float:
    """CPU milliseconds of a statement in a new process."""
    program = f"import time; began = time.process_time()\n{statement}\nprint((time.process_time() - began) * 1000)"
    return float(subprocess.check_output([sys.executable, "-c", program], env=environment, text=True))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="imports of which the median is taken")
    options = parser.parse_known_args()[0]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("VICTOR_", "COV_")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    with tempfile.TemporaryDirectory(prefix="victor-bench-") as folder:
        environment["PYTHONPYCACHEPREFIX"] = folder
        for statement in STATEMENTS:  # compile
            once(statement, environment)
        took: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
        for _ in range(options.rounds):
            for statement in STATEMENTS:
                took[statement].append(once(statement, environment))
    median = {statement: statistics.median(runs) for statement, runs in took.items()}
    record("import", f"`{TEAM}`, over `{LIBRARIES}`", median[TEAM] / median[LIBRARIES], "x", goal=GOAL)
    print(f"{'import, ms of CPU time':<52}{'median':>8}{'x libraries':>13}")
    for statement, value in median.items():
        goal = f"   goal {GOAL}" if statement == TEAM else ""
        print(f"{statement:<52}{value:>8.1f}{value / median[LIBRARIES]:>12.2f}x{goal}")


if __name__ == "__main__":
    main()

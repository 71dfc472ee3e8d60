"""What recording costs at the start: the imports of the listener, as a multiple of the libraries it stands on.

Every command runs in a process of its own, in turns, so that a busy machine slows all of them alike. Figures are
medians of CPU time in milliseconds, with compiled modules.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

from _results import record

BARE = "pass"
LIBRARIES = "import asyncio, attrs, msgspec, sqlite3"
LISTENER = "import victor.observability.listener as l; import sqlite3; l.make_listener(store='none')"
STREAM = "from victor.core.events import get_stream; get_stream()"
GOAL = 1.5


def once(code: str, environment: dict[str, str]) -> float:
    """CPU milliseconds of one run."""
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"python -c {code!r} ended with {process.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def main(rounds: int) -> None:
    """Measure and print."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VICTOR_", "COV_"))}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        environment |= {"PYTHONPYCACHEPREFIX": folder, "VICTOR_CONFIG": ""}
        off = {**environment, "VICTOR_LISTENERS": "-observability"}
        every = {
            "python -c pass": (BARE, environment),
            LIBRARIES: (LIBRARIES, environment),
            "the listener, made": (LISTENER, environment),
            "get_stream(), listener off": (STREAM, off),
            "get_stream(), listener on": (STREAM, environment),
        }
        took: dict[str, list[float]] = {name: [] for name in every}
        for code, variables in every.values():
            once(code, variables)
        for _ in range(rounds):
            for name, (code, variables) in every.items():
                took[name].append(once(code, variables))
    median = {name: statistics.median(times) for name, times in took.items()}
    for name, ms in median.items():
        print(f"{name:<46}{ms:>8.1f} ms{ms / median[LIBRARIES]:>8.2f}x")
    ratio = median["the listener, made"] / median[LIBRARIES]
    record("import", f"the listener, over `{LIBRARIES}`", ratio, "x", goal=GOAL)
    print(f"the listener over the libraries: {median['the listener, made'] / median[LIBRARIES]:.2f}x (goal: {GOAL})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    main(parser.parse_args().rounds)

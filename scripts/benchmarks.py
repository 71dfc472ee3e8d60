"""Run the benchmark programs of the packages: ``hatch run bench [core ...]``.

Every ``packages/victor-X/benchmarks/*.py`` whose name does not begin with ``_`` is a program; it runs in the
environment ``bench`` and prints a table of medians, as ratios to a floor and to peers measured in the same run.
An option that is none of those below goes to every program.

Peers have an environment of their own, ``bench-peers``, with pinned versions (hatch.toml), because their dependencies
are none of ours. A program finds its interpreter in ``VICTOR_BENCH_PEERS_PYTHON`` and starts the peers' side of a
comparison with it (``packages/victor-X/benchmarks/peers/*.py``); where that variable is not set it says that it leaves
the peers out. ``--no-peers`` leaves them out on purpose.

``--save`` keeps the figures that the programs tell, with the conditions of this run, in ``docs/reference/benchmarks/``
and makes the tables of docs/reference/benchmarks.md from them; ``python scripts/benchmarks.py page [--check]`` does
that alone. A figure that is kept and was not measured this time is not thrown away unless ``--drop`` says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import benchmark_page
from benchmark_results import VARIABLE, keep
from workspace import ROOT, package, packages


def hatch() -> str | None:
    """The hatch that runs this, as far as it can be found: on PATH, or where README.md puts it."""
    beside = ROOT / ".venv" / ("Scripts/hatch.exe" if os.name == "nt" else "bin/hatch")
    return shutil.which("hatch") or (str(beside) if beside.is_file() else None)


def outside() -> dict[str, str]:
    """The variables for a command of another environment, which must not see that this one is active."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("HATCH_ENV", "VIRTUAL_ENV"))}


def peers_python() -> str | None:
    """The interpreter of ``bench-peers``, which is made when it is not there; None where that cannot be."""
    program = hatch()
    if program is None:
        print("hatch is neither on PATH nor in .venv: the peers are left out\n", file=sys.stderr)
        return None
    command = [program, "-q", "run", "bench-peers:python", "-c", "import sys; print(sys.executable)"]
    done = subprocess.run(command, cwd=ROOT, env=outside(), capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"the environment of the peers cannot be made, they are left out:\n{done.stderr}", file=sys.stderr)
        return None
    return done.stdout.strip().splitlines()[-1]


VERSIONS = (
    "import importlib.metadata as m, json; print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"
)
BESIDE_US = ("ddsketch", "opentelemetry-sdk", "votelib", "nats-py", "openai", "psycopg")
"""What programs compare with in our own environment."""


def peers_versions(python: str | None) -> dict[str, str]:
    """What an interpreter has installed, and which versions."""
    if python is None:
        return {}
    done = subprocess.run([python, "-c", VERSIONS], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def load() -> float:
    """How many programs wanted a processor in the last minute, on average."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else 0.0


def conditions(python: str | None, before: float) -> dict[str, Any]:
    """Under which conditions was measured: date, Python, processors, what else went on, versions."""
    versions: dict[str, str] = {}
    for name in (*(one.name for one in packages()), *BESIDE_US):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 1,
        "load": [min(before, after := load()), max(before, after)],
        "versions": {**peers_versions(python), **versions},
    }


def run(file: Path, arguments: list[str], environment: dict[str, str]) -> tuple[bool, list[dict[str, Any]]]:
    """Run a program: whether it ended well, and the figures it told."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.jsonl"
        done = subprocess.run(
            [sys.executable, str(file), *arguments], env={**environment, VARIABLE: str(told)}, check=False
        )
        rows = [json.loads(line) for line in told.read_text().splitlines()] if told.is_file() else []
    return done.returncode == 0, rows


def main() -> int:
    """Run the chosen programs one after the other; the exit code says whether all ended well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("packages", nargs="*", help="packages, with or without victor- in front; all by default")
    parser.add_argument("--no-peers", action="store_true", help="measure our side alone")
    parser.add_argument("-k", metavar="WORD", default="", help="only programs whose name holds this word")
    parser.add_argument("--save", action="store_true", help="keep the figures, and make the page from them")
    parser.add_argument("--drop", action="store_true", help="with --save: also drop figures that were not measured")
    own = sys.argv[1:]
    if own[:1] == ["page"]:
        return benchmark_page.main(own[1:])
    # `hatch run bench` starts in the default environment, which has no extras.
    if os.environ.get("HATCH_ENV_ACTIVE") == "default" and (program := hatch()):
        return subprocess.run([program, "run", "bench:run", *own], cwd=ROOT, env=outside(), check=False).returncode
    options, passed_on = parser.parse_known_args(own)
    chosen = [package(name) for name in options.packages] or packages()
    programs = [
        file
        for one in chosen
        for file in sorted((one.folder / "benchmarks").glob("*.py"))
        if not file.name.startswith("_") and options.k in file.stem
    ]
    if not programs:
        raise SystemExit("no benchmark program is chosen by that")
    environment = dict(os.environ)
    # Each program measures its own package: recording is measured by that of victor-observability.
    environment.setdefault("VICTOR_LISTENERS", "-observability")
    python = None
    if not options.no_peers and (python := environment.get("VICTOR_BENCH_PEERS_PYTHON") or peers_python()):
        environment["VICTOR_BENCH_PEERS_PYTHON"] = python
    failed: list[Path] = []
    for file in programs:
        print(f"\n=== {file.relative_to(ROOT)} ===", flush=True)
        started, before = time.monotonic(), load()
        well, told = run(file, passed_on, environment)
        if not well:
            failed.append(file)
        elif options.save:
            print(keep(file, told, conditions(python, before), drop=options.drop))
        print(f"({time.monotonic() - started:.0f} s)", flush=True)
    if options.save:
        benchmark_page.main([])
    for file in failed:
        print(f"failed: {file.relative_to(ROOT)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

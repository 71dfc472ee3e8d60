"""Test each package as a user gets it: its built wheel and what that declares, in a fresh environment, nothing else.

    python scripts/alone.py                  all packages
    python scripts/alone.py core graph       some
    python scripts/alone.py --lowest core    with the oldest versions that pyproject.toml allows
    python scripts/alone.py --slow core      with the tests marked ``slow``; other options are pytest's

Run it as ``hatch run alone:test``. A wheel is built from the sdist, so both are proved whole. A package that imports
a sibling it does not declare, or forgets to ship a file, passes in the workspace and fails here. A package that fails
does not keep the others from being tested; the last lines say which failed.

Tests marked ``slow`` are left out: long runs, kills and random inputs prove what the code does, which the run of the
whole workspace does with all of them. What is proved here is that a wheel is whole and declares what it uses.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workspace import ROOT, Package, package, packages

DIST = ROOT / "dist"
LINE = "=" * 100


class Failed(Exception):
    """A package is not whole, or its tests do not pass; the text says which command or which part."""


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> None:
    """Run a command.

    Raises:
        Failed: It failed.
    """
    arguments = [str(part) for part in command]
    done = subprocess.run(arguments, cwd=cwd, env={**os.environ, **env}, check=False)
    if done.returncode:
        raise Failed(f"exit code {done.returncode}: {' '.join(arguments)}")


def build(chosen: list[Package]) -> dict[str, Path]:
    """Build sdist and wheel of each package into ``dist/``; return the wheels by name.

    Raises:
        SystemExit: A package cannot be built: nothing can be tested without it.
    """
    shutil.rmtree(DIST, ignore_errors=True)
    wheels = {}
    for one in chosen:
        try:
            run("uv", "build", "--quiet", one.folder, "--out-dir", DIST)
        except Failed as error:
            raise SystemExit(f"{one.name}: {error}") from error
        stem = f"{one.name.replace('-', '_')}-{one.version}"
        wheels[one.name] = DIST / f"{stem}-py3-none-any.whl"
        for file in (wheels[one.name], DIST / f"{stem}.tar.gz"):
            if not file.is_file():
                raise SystemExit(f"{one.name}: the build made no {file.name}")
    return wheels


def closure(one: Package) -> set[str]:
    """The packages of ours that may be there when this one is installed with all its extras."""
    wanted = {one.name}
    while more := {name for member in wanted for name in package(member).siblings(extras=True)} - wanted:
        wanted |= more
    return wanted


def starts(one: Package, interpreter: Path) -> None:
    """Without any extra the package imports, the command shows its help, and no plugin is broken.

    Raises:
        Failed: One of them does not hold.
    """
    victor = interpreter.parent / ("victor.exe" if os.name == "nt" else "victor")
    for command in (
        [interpreter, "-P", "-c", f"import victor.{one.source.name}"],
        [victor, "--help"],
        [victor, "plugins"],
    ):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode or done.stderr:
            arguments = " ".join(str(part) for part in command)
            raise Failed(f"without extras: {arguments} failed ({done.returncode})\n{done.stdout}{done.stderr}")


def test(one: Package, wheels: dict[str, Path], options: argparse.Namespace, pytest_arguments: list[str]) -> None:
    """Install a package by itself and run its tests.

    Raises:
        Failed: It cannot be installed, or brings the wrong packages of ours, or a test fails.
    """
    print(f"{LINE}\n{one.name} {one.version}, alone\n{LINE}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="victor-alone-") as temporary:
        home = Path(temporary)
        environment = home / "env"
        run("uv", "venv", "--quiet", "--python", options.python, environment)
        interpreter = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        # A constraint counts only where the name is asked for: siblings come from here and never from an index,
        # and a sibling nobody declares is not installed.
        constraints = home / "constraints.txt"
        constraints.write_text("".join(f"{name} @ {wheel.as_uri()}\n" for name, wheel in wheels.items()))
        resolution = ["--resolution", "lowest-direct"] if options.lowest else []
        pip = ["uv", "pip"]

        def install(extras: str) -> None:
            wanted = f"{one.name}{extras} @ {wheels[one.name].as_uri()}"
            run(*pip, "install", "--quiet", "--python", interpreter, "--constraints", constraints, *resolution, wanted)

        install("")
        starts(one, interpreter)
        install("[all,test]")
        list_command = [*pip, "list", "--python", str(interpreter), "--format", "json"]
        listed = subprocess.run(list_command, check=True, capture_output=True, text=True)
        ours = {found["name"] for found in json.loads(listed.stdout) if found["name"].startswith("victor-")}
        if ours != closure(one):
            raise Failed(f"expected {sorted(closure(one))} to be installed, found {sorted(ours)}")
        # Only what runs the tests is added to what the package declares.
        run(*pip, "install", "--quiet", "--python", interpreter, "pytest-xdist>=3.8")
        installed_in_seconds = time.monotonic() - started
        # Only the command that the wheels brought may be found on PATH, and no module beside the tests.
        path = f"{interpreter.parent}{os.pathsep}{os.environ['PATH']}"
        pytest: list[str | Path] = [interpreter, "-P", "-m", "pytest", "-c", ROOT / "pytest.ini", "--rootdir", ROOT]
        pytest += ["-p", "no:cacheprovider", "-n", "auto", "--dist", "worksteal"]
        if not options.slow:
            pytest += ["-m", "not slow"]
        run(*pytest, *pytest_arguments, one.folder / "tests", PATH=path, VIRTUAL_ENV=str(environment))
    total = time.monotonic() - started
    print(f"{one.name}: {total:.0f} s, of which {installed_in_seconds:.0f} s to install\n", flush=True)


def main() -> int:
    """Build every package, then test the chosen ones; the exit code says whether all passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", help="names, with or without victor- in front; all by default")
    parser.add_argument("--python", default=sys.executable, help="version or path")
    parser.add_argument("--lowest", action="store_true", help="the oldest versions the package allows")
    parser.add_argument("--slow", action="store_true", help="run the tests marked slow, too")
    options, pytest_arguments = parser.parse_known_args()
    chosen = [package(name) for name in options.packages] or packages()
    wheels = build(packages())
    failed = []
    for one in chosen:
        try:
            test(one, wheels, options, pytest_arguments)
        except Failed as error:
            print(f"FAILED {one.name}: {error}\n", flush=True)
            failed.append(one.name)
    print(f"{LINE}\nFAILED: {', '.join(failed)}" if failed else f"{LINE}\nall passed: {len(chosen)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

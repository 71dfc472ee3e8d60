"""Test each package as a user gets it: its built wheel and what that declares, in a fresh environment, nothing else.

    python scripts/alone.py                  all packages
    python scripts/alone.py core graph       some
    python scripts/alone.py --lowest core    with the oldest versions that pyproject.toml allows

Run it as ``hatch run alone:test``. A wheel is built from the sdist, so both are proved whole. A package that imports
a sibling it does not declare, or forgets to ship a file, passes in the workspace and fails here.
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


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> None:
    """Run a command and stop the program with its exit code when it fails."""
    arguments = [str(part) for part in command]
    done = subprocess.run(arguments, cwd=cwd, env={**os.environ, **env}, check=False)
    if done.returncode:
        print(f"\nfailed ({done.returncode}): {' '.join(arguments)}", file=sys.stderr)
        raise SystemExit(done.returncode)


def build(chosen: list[Package]) -> dict[str, Path]:
    """Build sdist and wheel of each package into ``dist/``; return the wheels by name."""
    shutil.rmtree(DIST, ignore_errors=True)
    wheels = {}
    for one in chosen:
        run("uv", "build", "--quiet", one.folder, "--out-dir", DIST)
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
    """Without any extra the package imports, the command shows its help, and no plugin is broken."""
    victor = interpreter.parent / ("victor.exe" if os.name == "nt" else "victor")
    for command in (
        [interpreter, "-P", "-c", f"import victor.{one.source.name}"],
        [victor, "--help"],
        [victor, "plugins"],
    ):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode or done.stderr:
            arguments = " ".join(str(part) for part in command)
            raise SystemExit(
                f"{one.name} without extras: {arguments} failed ({done.returncode})\n{done.stdout}{done.stderr}"
            )


def test(one: Package, wheels: dict[str, Path], python: str, pytest_arguments: list[str], *, lowest: bool) -> None:
    """Install a package by itself and run its tests."""
    print(f"{LINE}\n{one.name} {one.version}, alone\n{LINE}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="victor-alone-") as temporary:
        home = Path(temporary)
        environment = home / "env"
        run("uv", "venv", "--quiet", "--python", python, environment)
        interpreter = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        # A constraint counts only where the name is asked for: siblings come from here and never from an index,
        # and a sibling nobody declares is not installed.
        constraints = home / "constraints.txt"
        constraints.write_text("".join(f"{name} @ {wheel.as_uri()}\n" for name, wheel in wheels.items()))
        resolution = ["--resolution", "lowest-direct"] if lowest else []
        pip = ["uv", "pip"]

        def install(extras: str) -> None:
            wanted = f"{one.name}{extras} @ {wheels[one.name].as_uri()}"
            run(*pip, "install", "--quiet", "--python", interpreter, "--constraints", constraints, *resolution, wanted)

        install("")
        starts(one, interpreter)
        install("[all,test]")
        listed = subprocess.run(
            [*pip, "list", "--python", str(interpreter), "--format", "json"], check=True, capture_output=True, text=True
        )
        ours = {found["name"] for found in json.loads(listed.stdout) if found["name"].startswith("victor-")}
        if ours != closure(one):
            raise SystemExit(f"{one.name}: expected {sorted(closure(one))} to be installed, found {sorted(ours)}")
        installed_in_seconds = time.monotonic() - started
        # Only the command that the wheels brought may be found on PATH, and no module beside the tests.
        path = f"{interpreter.parent}{os.pathsep}{os.environ['PATH']}"
        pytest = [
            interpreter,
            "-P",
            "-m",
            "pytest",
            "-c",
            ROOT / "pytest.ini",
            "--rootdir",
            ROOT,
            "-p",
            "no:cacheprovider",
        ]
        run(*pytest, *pytest_arguments, one.folder / "tests", PATH=path, VIRTUAL_ENV=str(environment))
    total = time.monotonic() - started
    print(f"{one.name}: {total:.0f} s, of which {installed_in_seconds:.0f} s to install\n", flush=True)


def main() -> None:
    """Build every package, then test the chosen ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", nargs="*", help="names, with or without victor- in front; all by default")
    parser.add_argument("--python", default=sys.executable, help="version or path")
    parser.add_argument("--lowest", action="store_true", help="the oldest versions the package allows")
    options, pytest_arguments = parser.parse_known_args()
    chosen = [package(name) for name in options.packages] or packages()
    wheels = build(packages())
    for one in chosen:
        test(one, wheels, options.python, pytest_arguments, lowest=options.lowest)


if __name__ == "__main__":
    main()

"""Shuts a program into a view of the system where only one directory can be written (Linux, with ``bwrap``)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

__all__ = ["confined", "works"]


@cache
def works() -> bool:
    """Whether bubblewrap is installed and allowed here; found out once, by running it."""
    program = shutil.which("bwrap")
    if program is None or sys.platform != "linux":
        return False
    try:
        done = subprocess.run(
            [*_view(program), "--", "/bin/true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def confined(command: list[str], root: Path, folder: Path, *, network: bool) -> list[str]:
    """The command, run by bubblewrap: system directories read-only, ``root`` writable, home and the rest not there.

    Args:
        command: Program and arguments.
        root: The directory that can be written.
        folder: Working directory below it.
        network: Whether it may use the network.
    """
    program = shutil.which("bwrap") or "bwrap"
    more = ["--share-net"] if network else []
    return [*_view(program), *more, "--bind", str(root), str(root), "--chdir", str(folder), "--", *command]


def _view(program: str) -> list[str]:
    arguments = [program, "--die-with-parent", "--new-session", "--unshare-all", "--proc", "/proc", "--dev", "/dev"]
    for place in ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt"):
        path = Path(place)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), place]
        elif path.is_dir():
            arguments += ["--ro-bind", place, place]
    arguments += ["--tmpfs", "/tmp", "--tmpfs", "/home", "--tmpfs", "/root"]  # noqa: S108 - empty ones, of the sandbox
    for place in dict.fromkeys((sys.base_prefix, sys.prefix)):
        if not place.startswith(("/usr", "/opt")):
            arguments += ["--ro-bind-try", place, place]
    return arguments

"""Starts a real PostgreSQL on a free loopback port, in a directory of its own, and lets tests kill it."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["PostgresServer", "find_binaries"]


def find_binaries() -> Path | None:
    """The directory with initdb and postgres, or None."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return places[-1].parent if places else None


def free_port() -> int:
    """A port below those that the kernel gives to connections: nobody takes it while the server is not there."""
    while True:
        port = secrets.choice(range(12_000, 32_000))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def unprivileged() -> dict[str, Any]:
    """Arguments for subprocess: PostgreSQL refuses to run as root, so root hands it to another user."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("no user but root to run PostgreSQL as")


def children(parent: int) -> list[int]:
    """Processes whose parent is this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(path.parent.name))
    return found


def wait_gone(pid: int) -> None:
    """Until the process is no more, or a zombie nobody has asked after."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except OSError:
            return
        time.sleep(0.01)


class PostgresServer:
    """A server; its data lie in a temporary directory, or in ``directory``."""

    def __init__(self, directory: Path | None = None, **settings: str) -> None:
        binaries = find_binaries()
        assert binaries is not None
        self.binaries = binaries
        self.port = free_port()
        self.directory = (
            Path(tempfile.mkdtemp(prefix="victor-postgres-", dir="/tmp")) if directory is None else directory
        )
        self.settings = settings
        self.as_user = unprivileged()
        self.numbers = count()
        if self.as_user:
            os.chown(self.directory, self.as_user["user"], self.as_user["group"])
        self.command(
            "initdb", "-D", str(self.directory / "data"), "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"
        )  # fmt: skip

    def command(self, program: str, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            [str(self.binaries / program), *arguments],
            capture_output=True, text=True, cwd=self.directory, timeout=120, check=False, **self.as_user,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout}{done.stderr}{self.log()}")
        return done.stdout

    def log(self) -> str:
        path = self.directory / "log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def start(self) -> None:
        settings = {
            "port": str(self.port), "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "60",
            "shared_buffers": "16MB", **self.settings,
        }  # fmt: skip
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        deadline = time.monotonic() + 60
        while True:
            try:
                self.command(
                    "pg_ctl", "start", "-w", "-t", "60", "-s", "-D", str(self.directory / "data"), "-l",
                    str(self.directory / "log"), "-o", options,
                )  # fmt: skip
                return
            except RuntimeError:
                # Right after a kill the system may still be clearing up the shared memory.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def stop(self, mode: str = "fast") -> None:
        self.command("pg_ctl", "stop", "-w", "-s", "-m", mode, "-D", str(self.directory / "data"), check=False)

    def kill(self) -> None:
        """SIGKILL to all its processes, as in a power cut: nothing is flushed, nobody is told."""
        master = int((self.directory / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(master, signal.SIGSTOP)  # or it would start new children
        for child in children(master):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        os.kill(master, signal.SIGKILL)
        wait_gone(master)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def create_database(self) -> str:
        name = f"test_{next(self.numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def drop_database(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def __enter__(self) -> Self:
        # Cleans up at the end of this process, however it ends: then its standard input ends.
        self.janitor = subprocess.Popen(
            ["sh", "-c", 'read -r line; "$0" stop -s -m immediate -D "$1/data"; rm -rf "$1"', str(self.binaries / "pg_ctl"), str(self.directory)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True, **self.as_user,
        )  # fmt: skip
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.janitor.stdin is not None
        self.janitor.stdin.close()
        self.janitor.wait(60)
        shutil.rmtree(self.directory, ignore_errors=True)

"""Workflow runs kept in PostgreSQL, so that any machine can go on where another one died.

A file on one disk is gone with the disk. With checkpoints in PostgreSQL the run belongs to nobody: here one process
does two steps and is killed (SIGKILL, nothing is flushed), another one goes on from the database and does the rest,
nothing twice. Only the URL of the store differs from SQLite. The program starts a PostgreSQL server of its own in a
temporary folder.

Needs: victor-core, victor-graph[postgres], PostgreSQL's server programs (initdb on the PATH; Debian: postgresql)
Run: python docs/examples/integrations/postgres_checkpoints.py
Prints:
      first: begins
      first: collect
      first: write
    first process ended by SIGKILL
      second: goes on before send
      second: send
      second: file
      all: ['collect', 'write', 'send', 'file']
    second process ended with 0
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from operator import add
from pathlib import Path
from typing import Annotated, Any, TypedDict

from victor.graph import END, START, StateGraph, open_checkpointer


class State(TypedDict, total=False):
    """Which steps are done, and by which process."""

    done: Annotated[list[str], add]


def step(name: str) -> Any:
    """A step that says who does it; the first process dies in the third."""

    def work(state: State) -> State:
        if name == "send" and os.environ.get("DIE"):
            os.kill(os.getpid(), signal.SIGKILL)
        print(f"  {os.environ['WHO']}: {name}", flush=True)
        return {"done": [name]}

    return work


def run(url: str) -> None:
    """Begin the run, or go on with it."""
    graph = StateGraph(State)
    names = ["collect", "write", "send", "file"]
    for before, name in zip([START, *names], names, strict=False):
        graph.add_node(name, step(name)).add_edge(before, name)
    graph.add_edge(names[-1], END)
    with open_checkpointer(url) as store:
        compiled = graph.compile(checkpointer=store)
        begun = compiled.get_state({"configurable": {"thread_id": "report"}}).next
        print(f"  {os.environ['WHO']}: {'goes on before ' + begun[0] if begun else 'begins'}", flush=True)
        print("  all:", compiled.invoke(None if begun else {"done": []}, thread_id="report")["done"])


@contextmanager
def postgres() -> Iterator[str]:
    """A server on a free port of this machine, and its URL."""
    programs = shutil.which("initdb")
    if programs is None:
        sys.exit("this needs PostgreSQL's initdb on the PATH (Debian: apt-get install postgresql)")
    bin_ = Path(programs).resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="victor-postgres-"))
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def command(program: str, *arguments: str) -> None:
        subprocess.run([bin_ / program, *arguments], check=True, cwd=folder, stdout=subprocess.DEVNULL, **user)

    data, options = str(folder / "data"), f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    command("initdb", "-D", data, "-U", "victor", "--auth=trust", "--no-sync", "--locale=C", "-E", "UTF8")
    command("pg_ctl", "start", "-w", "-s", "-D", data, "-l", str(folder / "log"), "-o", options)
    try:
        yield f"postgresql://victor@127.0.0.1:{port}/postgres"
    finally:
        command("pg_ctl", "stop", "-w", "-s", "-m", "immediate", "-D", data)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run(sys.argv[1])
    else:
        with postgres() as url:
            for who, die in (("first", "1"), ("second", "")):
                environment = {**os.environ, "WHO": who, "DIE": die}
                code = subprocess.run([sys.executable, __file__, url], env=environment, check=False).returncode
                print(f"{who} process ended", "by SIGKILL" if code == -signal.SIGKILL else f"with {code}", flush=True)

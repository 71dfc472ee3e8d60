"""A full disk is a clear error; what was written before stays readable, and the run goes on when there is space again."""

from __future__ import annotations

import operator
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

from victor.graph import END, START, StateGraph
from victor.graph.checkpoint.base import Checkpointer
from victor.graph.checkpoint.postgres import PostgresSaver
from victor.graph.checkpoint.sqlite import SqliteSaver
from victor.graph.errors import CheckpointError
from victor.graph.store import SqliteStore, StoreError

STEPS = 60


class State(TypedDict):
    blocks: Annotated[list[bytes], operator.add]


def compiled(store: Checkpointer) -> Any:
    builder = StateGraph(State)
    builder.add_node("grow", lambda state: {"blocks": [os.urandom(50_000)]})
    builder.add_edge(START, "grow")
    builder.add_conditional_edges("grow", lambda state: END if len(state["blocks"]) >= STEPS else "grow", [END, "grow"])
    return builder.compile(checkpointer=store)


class Disk:
    """A small file system in memory."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="victor-disk-", dir="/tmp"))
        self.run("mount", "-t", "tmpfs", "-o", "size=1m,mode=0777", "tmpfs", str(self.path))

    def run(self, *command: str) -> None:
        subprocess.run(command, check=True, capture_output=True)

    def grow(self) -> None:
        self.run("mount", "-o", "remount,size=64m", str(self.path))

    def remove(self) -> None:
        self.run("umount", "-l", str(self.path))
        self.path.rmdir()


@pytest.fixture
def disk() -> Iterator[Disk]:
    if os.geteuid() != 0:
        pytest.skip("not applicable: only root can mount a small file system; test_sqlite.py limits the file instead")
    try:
        disk = Disk()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not applicable: no file system can be mounted here, perhaps in a container")
    yield disk
    disk.remove()


def fill_and_go_on(store: Checkpointer, reopen: Any, disk: Disk, match: str) -> None:
    graph = compiled(store)
    with pytest.raises(CheckpointError, match=match):
        graph.invoke({"blocks": []}, thread_id="t")
    known = graph.get_state(thread_id="t").values["blocks"]
    assert 1 <= len(known) < STEPS
    history = [len(one.values["blocks"]) for one in graph.get_state_history(thread_id="t")]
    assert history[: len(known)] == list(range(len(known), 0, -1))
    with pytest.raises(CheckpointError, match=match):
        graph.invoke(None, thread_id="t")
    with reopen() as again:
        assert compiled(again).get_state(thread_id="t").values["blocks"][: len(known)] == known
    disk.grow()
    blocks = graph.invoke(None, thread_id="t")["blocks"]
    assert len(blocks) == STEPS
    assert blocks[: len(known)] == known


def test_sqlite(disk: Disk) -> None:
    path = disk.path / "runs.db"
    with SqliteSaver(path) as store:
        fill_and_go_on(store, lambda: SqliteSaver(path), disk, r"runs\.db: .*full")


def test_postgres(disk: Disk, postgres: Any, postgres_url: str) -> None:
    """The tables lie on the small disk, as a tablespace of their own."""
    place = disk.path / "tablespace"
    place.mkdir()
    if postgres.as_user:
        os.chown(place, postgres.as_user["user"], postgres.as_user["group"])
    database = postgres_url.rpartition("/")[2]
    postgres.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
    try:
        postgres.execute(f"ALTER DATABASE {database} SET default_tablespace = small")
        with PostgresSaver(postgres_url) as store:
            fill_and_go_on(
                store, lambda: PostgresSaver(postgres_url), disk, "No space left on device.*disk is full.*intact"
            )
    finally:
        postgres.drop_database(database)
        postgres.execute("DROP TABLESPACE small")
        postgres.execute(f"CREATE DATABASE {database}")  # the fixture drops it


def test_the_key_value_store(disk: Disk) -> None:
    with SqliteStore(disk.path / "store.db") as store:

        def fill() -> None:
            for number in range(100):
                store.put(("n",), str(number), {"block": os.urandom(50_000)})

        with pytest.raises(StoreError, match=r"store\.db: .*full\. Free some space.*intact"):
            fill()
        kept = len(store.search(("n",), limit=999))
        assert kept >= 1
        disk.grow()
        fill()
        assert len(store.search(("n",), limit=999)) == 100


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    """What a quota does: the system refuses to make the file larger."""
    path = tmp_path / "runs.db"
    with SqliteSaver(path) as store:
        graph = compiled(store)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
        try:
            with pytest.raises(CheckpointError, match=r"runs\.db: cannot write a checkpoint"):
                graph.invoke({"blocks": []}, thread_id="t")
            known = len(graph.get_state(thread_id="t").values["blocks"])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert known >= 1
        assert len(graph.invoke(None, thread_id="t")["blocks"]) == STEPS

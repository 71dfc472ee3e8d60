"""Stores that others have put a hand to: damaged cells, files that are none, odd names, locks, servers that stop."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import pytest

from victor.core.errors import VictorError
from victor.graph import START, CheckpointError, MemorySaver, SqliteSaver, SqliteStore, StateGraph, StoreError
from victor.graph.checkpoint import sqlite_file
from victor.graph.checkpoint.base import Batch, Checkpointer, Entry, Head
from victor.graph.checkpoint.codec import Codec, CodecError
from victor.graph.checkpoint.postgres import PostgresSaver


class State(TypedDict, total=False):
    n: int


def compiled(store: Checkpointer) -> Any:
    return StateGraph(State).add_node("a", lambda state: {"n": state["n"] + 1}).add_edge(START, "a").compile(store)


def entry(number: int, thread: str = "t", body: bytes = b"b") -> Entry:
    id = f"{number:016x}00000000"
    return Entry(thread, "", id, None, id, number, "loop", body, b"s")


CELLS = [
    b"", b"\xff\xfe", b"\xc1", b"\x00" * 9, b"\xdd\xff\xff\xff\xff", b"\x93\x01\x91\xc4\x01\xc1", "text", "\x00", -1,
    2**62, 1.5, b"\x98\x01\x90\x90\x90\x90\x90\xa0\xc4\x00", b"\x98\x63\x90\x90\x90\x90\x90\xa0\xc4\x00",
]  # fmt: skip


@pytest.mark.parametrize(
    "column", ["id", "parent", "base", "step", "source", "body", "snapshot", "large_body", "large_snapshot"]
)
def test_anything_in_any_column_is_read_or_a_typed_error(tmp_path: Path, column: str) -> None:
    with SqliteSaver(tmp_path / "s.db", synchronous="normal") as store:
        graph = compiled(store)
        db = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
        for number, cell in enumerate(CELLS):
            thread = f"t{number}"
            graph.invoke({"n": 1}, thread_id=thread)
            log = db.execute("SELECT log FROM victor_logs WHERE thread_id = ?", (thread,)).fetchone()[0]
            statement = f"UPDATE victor_entries SET {column} = ? WHERE log = ? AND step = 1"
            db.execute(statement, (cell, log))
            things: list[Callable[[str], Any]] = [
                lambda thread: graph.get_state(thread_id=thread),
                lambda thread: list(graph.get_state_history(thread_id=thread)),
                lambda thread: store.threads(),
                lambda thread: store.copy_thread(thread, f"copy of {thread}"),
                lambda thread: graph.invoke({"n": 5}, thread_id=thread),
                lambda thread: store.prune(thread_id=thread, keep_last=1),
            ]
            for thing in things:
                try:
                    thing(thread)
                except VictorError:
                    pass
            for name in (thread, f"copy of {thread}"):
                store.delete_thread(name)
        db.close()
        assert store.threads() == []


def test_paths_that_are_no_file_of_ours(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"no database, however long " * 100)
    (tmp_path / "empty").write_bytes(b"")
    for path in (tmp_path, tmp_path / "text", tmp_path / "text" / "below", "a\x00b"):
        with pytest.raises(CheckpointError, match="cannot be opened as an SQLite file"):
            SqliteSaver(path)
        with pytest.raises(StoreError):
            SqliteStore(path)
    with pytest.raises(CheckpointError, match="folder"):
        SqliteSaver(tmp_path)
    with SqliteSaver(tmp_path / "empty") as store:
        assert store.threads() == []


def test_a_file_that_may_only_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteSaver(tmp_path / "s.db") as store:
        store.write([Batch((entry(1),))])
        store._db.execute("PRAGMA query_only = ON")  # as a file without the right to write; also for root
        with pytest.raises(CheckpointError, match="readonly"):
            store.write([Batch((entry(2),))])
        with pytest.raises(CheckpointError, match="readonly"):
            store.delete_thread("t")
        store._db.execute("PRAGMA query_only = OFF")
        assert [one.step for one in store.entries("t")] == [1]


async def test_another_process_holds_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "_BUSY_S", 0.2)
    with SqliteSaver(tmp_path / "s.db", synchronous="normal") as store:
        store.write([Batch((entry(1),))])
        other = sqlite3.connect(tmp_path / "s.db", isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CheckpointError, match="locked"):
            store.write([Batch((entry(2),))])
        with pytest.raises(CheckpointError, match="locked"):
            await store.awrite(Batch((entry(2),)))
        assert [one.step for one in store.entries("t")] == [1]
        monkeypatch.setattr(sqlite_file, "_BUSY_S", 30)
        threading.Timer(0.2, lambda: other.execute("COMMIT")).start()
        await store.awrite(Batch((entry(2),)))  # waits for it, and not in the event loop
        store.write([Batch((entry(3),))])
        assert [one.step for one in store.entries("t")] == [3, 2, 1]
        other.close()


WRITER = """
import sys
from victor.graph.checkpoint.base import Batch, Entry, Head
from victor.graph.checkpoint.sqlite import SqliteSaver
with SqliteSaver(sys.argv[1], synchronous="normal") as store:
    before = None
    for number in range(1, 301):
        id = f"{number:016x}00000000"
        one = Entry(sys.argv[2], "", id, before, f"{1:016x}00000000", number, "loop", b"b" * (number * 5), b"s")
        store.write([Batch((one,), based_on=Head(sys.argv[2], "", before))])
        before = id
"""


def test_writers_in_several_processes(tmp_path: Path) -> None:
    path = str(tmp_path / "s.db")
    names = ["a", "b", "c"]
    running = [subprocess.Popen([sys.executable, "-c", WRITER, path, name]) for name in names]
    assert [one.wait(120) for one in running] == [0, 0, 0]
    with SqliteSaver(path) as store:
        assert [(one.thread_id, one.entries) for one in sorted(store.threads(), key=lambda t: t.thread_id)] == [
            (name, 300) for name in names
        ]
        assert store._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "memory":
        return MemorySaver()
    if request.param == "sqlite":
        return SqliteSaver(tmp_path / "s.db", synchronous="normal")
    return PostgresSaver(request.getfixturevalue("postgres_url"))


def test_odd_names_of_threads_work_or_are_a_typed_error(store: Any) -> None:
    graph = compiled(store)
    for name in (
        "",
        " ",
        "'; DROP TABLE x; --",
        "%s",
        "{}",
        "é\U0001f600",
        "x" * 900,
        "x" * 100_000,
        "a\x00b",
        "\ud800",
    ):
        try:
            assert graph.invoke({"n": 1}, thread_id=name) == {"n": 2}
            assert graph.get_state(thread_id=name).values == {"n": 2}
            assert graph.invoke({"n": 5}, thread_id=name) == {"n": 6}
            store.copy_thread(name, f"{name}!")
            store.delete_thread(name)
        except VictorError:
            assert len(name) > 2000 or "\x00" in name or "\ud800" in name
    store.close()


def test_a_migration_that_raises_is_a_typed_error_and_changes_nothing(store: Any) -> None:
    def build(codec: Codec) -> Any:
        return (
            StateGraph(State)
            .add_node("a", lambda state: {"n": state["n"] + 1})
            .add_edge(START, "a")
            .compile(store, codec=codec)
        )

    def broken(state: Any) -> Any:
        raise ZeroDivisionError("no")

    build(Codec()).invoke({"n": 1}, thread_id="t")
    newer = build(Codec(version=2, migrate={1: broken}))
    things: list[Callable[[], Any]] = [
        lambda: newer.get_state(thread_id="t"),
        lambda: newer.invoke({"n": 1}, thread_id="t"),
    ]
    for thing in things:
        with pytest.raises(CodecError, match="migration.*failed: ZeroDivisionError"):
            thing()
    assert build(Codec()).get_state(thread_id="t").values == {"n": 2}
    store.close()


@pytest.mark.slow
def test_connections_cut_in_the_middle_of_writes(postgres: Any, postgres_url: str) -> None:
    database = postgres_url.rpartition("/")[2]
    stop = threading.Event()

    def cut() -> None:
        while not stop.wait(0.05):
            postgres.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE datname = '{database}' AND pid <> pg_backend_pid()"
            )

    with PostgresSaver(postgres_url, patience_s=30) as store:
        store.setup()
        cutter = threading.Thread(target=cut)
        cutter.start()
        try:
            before: Entry | None = None
            for number in range(1, 41):
                one = entry(number)
                head = Head("t", "", None if before is None else before.id)
                store.write([Batch((one,), based_on=head)])  # written again when the answer was lost
                before = one
        finally:
            stop.set()
            cutter.join()
        assert [one.step for one in store.entries("t")] == list(range(40, 0, -1))


def test_the_server_s_own_time_limit(postgres: Any, postgres_url: str) -> None:
    with PostgresSaver(postgres_url) as store:
        store.write([Batch((entry(1),))])
    database = postgres_url.rpartition("/")[2]
    postgres.execute(f"ALTER DATABASE {database} SET statement_timeout = '200ms'")
    import psycopg

    with PostgresSaver(postgres_url) as store, psycopg.connect(postgres_url) as other:
        other.execute("LOCK TABLE victor_checkpoint_entries")
        with pytest.raises(CheckpointError, match="statement timeout"):
            store.write([Batch((entry(2),))])
        other.rollback()
        store.write([Batch((entry(3),))])
        assert [one.step for one in store.entries("t")] == [3, 1]


def test_a_server_whose_transactions_see_only_what_was_before_them(postgres: Any, postgres_url: str) -> None:
    """Two that are based on the same entry: one is refused, whatever the isolation is by default."""
    database = postgres_url.rpartition("/")[2]
    postgres.execute(f"ALTER DATABASE {database} SET default_transaction_isolation = 'repeatable read'")
    with PostgresSaver(postgres_url, max_connections=4) as store:
        store.write([Batch((entry(1),))])
        for first in range(2, 42, 4):
            told: list[str] = []
            head = store.entries("t", limit=1)[0].id

            def attempt(number: int, head: str = head, told: list[str] = told) -> None:
                try:
                    store.write([Batch((entry(number),), based_on=Head("t", "", head))])
                    told.append("written")
                except CheckpointError as error:
                    told.append(type(error).__name__)

            threads = [threading.Thread(target=attempt, args=(number,)) for number in range(first, first + 4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(told) == ["ThreadConflictError"] * 3 + ["written"]

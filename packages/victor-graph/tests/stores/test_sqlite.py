"""The store in an SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from victor.core.errors import ConfigurationError
from victor.graph.checkpoint.base import Batch, Entry, Head, Note, Settled
from victor.graph.checkpoint.sqlite import SqliteSaver
from victor.graph.checkpoint.urls import open_checkpointer
from victor.graph.errors import CheckpointError, StoreVersionError, ThreadConflictError
from victor.graph.testing import CheckpointerConformance


def entry(number: int, thread: str = "t", body: bytes = b"b") -> Entry:
    id = f"{number:016x}00000000"
    return Entry(thread, "", id, None, id, number, "loop", body, b"s")


class TestSqliteFile(CheckpointerConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqliteSaver]:
        with SqliteSaver(tmp_path / "deep" / "store.db", synchronous="normal") as store:
            yield store


class TestSqliteInMemory(CheckpointerConformance):
    @pytest.fixture
    def store(self) -> Iterator[SqliteSaver]:
        with SqliteSaver(":memory:") as store:
            yield store


def test_two_stores_on_one_file_see_each_other(tmp_path: Path) -> None:
    with SqliteSaver(tmp_path / "s.db") as one, SqliteSaver(tmp_path / "s.db") as other:
        one.write([Batch(entries=(entry(1),))])
        other.write([Batch(entries=(entry(2),))])
        assert [e.step for e in one.entries("t")] == [2, 1]
        one.delete_thread("t")
        other.write([Batch(entries=(entry(3),))])
        assert [e.step for e in one.entries("t")] == [3]


def test_two_stores_on_one_file_written_from_many_threads(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def work(store: SqliteSaver, number: int) -> None:
        try:
            for step in range(1, 21):
                store.write([Batch(entries=(entry(step, f"t{number}"),))])
        except BaseException as error:
            errors.append(error)

    with (
        SqliteSaver(tmp_path / "s.db", synchronous="normal") as one,
        SqliteSaver(tmp_path / "s.db", synchronous="normal") as other,
    ):
        threads = [threading.Thread(target=work, args=((one, other)[n % 2], n)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert [info.entries for info in one.threads()] == [20] * 20


def test_a_batch_that_cannot_be_written_is_not_written_at_all_and_does_not_harm_others(tmp_path: Path) -> None:
    with SqliteSaver(tmp_path / "s.db") as store:
        store.write([Batch(entries=(entry(1),))])
        bad = entry(3, body=None)  # type: ignore[arg-type]
        with pytest.raises(CheckpointError, match="cannot write a checkpoint"):
            store.write([Batch(entries=(entry(2), bad))])
        assert [e.step for e in store.entries("t")] == [1]
        store.write([Batch(entries=(entry(4, "new"),))])
        assert [e.step for e in store.entries("new")] == [4]


def test_a_full_disk_is_an_error_and_leaves_what_was_there(tmp_path: Path) -> None:
    with SqliteSaver(tmp_path / "s.db") as store:
        store.write([Batch(entries=(entry(1),))])
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(CheckpointError, match="full"):
            store.write([Batch(entries=(entry(2, body=b"x" * 100_000),))])
        store._db.execute("PRAGMA max_page_count = 1000000")
        store.write([Batch(entries=(entry(3),))])
        assert [e.step for e in store.entries("t")] == [3, 1]


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"this is no database, however long it goes on " * 100)
    with pytest.raises(CheckpointError, match=r"s\.db"):
        SqliteSaver(tmp_path / "s.db")


def test_a_newer_store_says_what_to_do(tmp_path: Path) -> None:
    SqliteSaver(tmp_path / "s.db").close()
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute("UPDATE victor_schema SET version = 99")
    db.close()
    with pytest.raises(StoreVersionError, match="pip install -U victor-graph"):
        SqliteSaver(tmp_path / "s.db")


def test_a_file_of_other_tables_can_be_shared(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "s.db")
    db.execute("CREATE TABLE checkpoints (x)")
    with SqliteSaver(db) as store:
        store.write([Batch(entries=(entry(1),))])
        assert store.path == str(tmp_path / "s.db")
    db.close()


@pytest.mark.parametrize(("synchronous", "level"), [("full", 2), ("normal", 1)])
def test_durability_is_what_it_says(tmp_path: Path, synchronous: str, level: int) -> None:
    with SqliteSaver.from_url(f"sqlite:{tmp_path}/s.db?synchronous={synchronous}") as store:
        assert store._db.execute("PRAGMA synchronous").fetchone()[0] == level
        assert store._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url, path in (
        ("sqlite:a.db", "a.db"),
        ("sqlite:///b.db", "b.db"),
        (f"sqlite:///{tmp_path}/c.db", "c.db"),
        ("d.db", "d.db"),
    ):
        with open_checkpointer(url):
            assert (tmp_path / path).exists(), url
    with pytest.raises(ConfigurationError, match="synchronous"):
        open_checkpointer("sqlite:x.db?sync=off")
    with pytest.raises(ConfigurationError, match="full"):
        open_checkpointer("sqlite:x.db?synchronous=off")


VERSION_1 = """
CREATE TABLE victor_schema (version INTEGER NOT NULL);
CREATE TABLE victor_logs (
    log INTEGER PRIMARY KEY AUTOINCREMENT, thread_id TEXT NOT NULL, namespace TEXT NOT NULL,
    UNIQUE (thread_id, namespace)
);
CREATE TABLE victor_entries (
    log INTEGER NOT NULL, id TEXT NOT NULL, parent TEXT, base TEXT NOT NULL, step INTEGER NOT NULL,
    source TEXT NOT NULL, body BLOB NOT NULL, snapshot BLOB, PRIMARY KEY (log, id)
) WITHOUT ROWID;
CREATE TABLE victor_notes (
    log INTEGER NOT NULL, entry TEXT NOT NULL, task TEXT NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (log, entry, task, key)
) WITHOUT ROWID;
INSERT INTO victor_schema VALUES (1);
INSERT INTO victor_logs VALUES (1, 't', '');
"""


def test_a_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    large, id = b"x" * 100_000, entry(1).id
    db = sqlite3.connect(tmp_path / "s.db")
    db.executescript(VERSION_1)
    db.execute("INSERT INTO victor_entries VALUES (1, ?, NULL, ?, 1, 'loop', ?, ?)", (id, id, large, large))
    db.execute("INSERT INTO victor_notes VALUES (1, ?, 'a', 'result', ?)", (id, large))
    db.commit()
    db.close()
    for _ in range(2):
        with SqliteSaver(tmp_path / "s.db") as store:
            chain = store.chain("t")
            assert chain is not None
            assert (chain.entries[0].body, chain.entries[0].snapshot, chain.notes[0].data) == (large, large, large)
    with SqliteSaver(tmp_path / "s.db") as store:
        store.write([Batch(entries=(entry(2, body=large),))])
        assert [e.body for e in store.entries("t")] == [large, large]


def test_what_is_large_goes_with_what_it_belongs_to(tmp_path: Path) -> None:
    def large(number: int) -> Entry:
        return evolve(entry(number, body=b"b" * 5000), snapshot=b"s" * 5000)

    def left() -> int:
        count: int = store._db.execute("SELECT count(*) FROM victor_large").fetchone()[0]
        return count

    def note(number: int, key: str = "result") -> Note:
        return Note("t", "", entry(number).id, "a", key, b"n" * 5000)

    with SqliteSaver(tmp_path / "s.db") as store:
        store.write([Batch((large(1), large(2)), (note(1), note(2)))])
        assert left() == 6
        store.write([Batch((large(2),), (note(2),))])
        assert left() == 6
        store.write([Batch(settled=(Settled("t", "", entry(2).id),))])
        assert left() == 5
        store.copy_thread("t", "u")
        assert left() == 10
        store.delete_thread("t")
        assert left() == 5
        chain = store.chain("u", "", entry(1).id)
        assert chain is not None
        assert (chain.entries[0].snapshot, chain.notes[0].data) == (b"s" * 5000, b"n" * 5000)
        store.rewrite("u", "", remove=[entry(1).id], replace=[evolve(entry(2, "u"), snapshot=b"t" * 6000)])
        assert left() == 1
        chain = store.chain("u")
        assert chain is not None
        assert chain.entries[0].snapshot == b"t" * 6000
        store.delete_thread("u")
        assert left() == 0


def test_the_write_ahead_log_stays_short(tmp_path: Path) -> None:
    with SqliteSaver(tmp_path / "s.db", synchronous="normal") as store:
        for number in range(1, 4001):
            store.write([Batch((entry(number, body=b"x" * 700),))])
            if number % 500 == 0 and (thread := store._commits._wal._thread) is not None:
                thread.join()
        assert (tmp_path / "s.db-wal").stat().st_size < 4_000 * 4096


async def test_many_tasks_share_commits_and_one_alone_has_its_own(tmp_path: Path) -> None:
    with SqliteSaver(tmp_path / "s.db", synchronous="normal") as store:

        async def work(name: str) -> None:
            for number in range(1, 21):
                head = Head(name, "", entry(number - 1).id if number > 1 else None)
                await store.awrite(Batch((entry(number, name),), based_on=head))

        await work("alone")
        assert store._commits._committer is None
        await asyncio.gather(*(work(f"t{n}") for n in range(20)))
        assert [one.entries for one in store.threads()] == [20] * 21
        await store.awrite(Batch((entry(30, "big", b"x" * 1_000_000),)))  # not by the event loop
        assert store._commits._committer is not None


async def test_one_at_fault_in_a_shared_commit_does_not_harm_the_others(tmp_path: Path) -> None:
    with SqliteSaver(tmp_path / "s.db", synchronous="normal") as store:
        await store.awrite(Batch((entry(1, "bad"),)))
        batches = [Batch((entry(2, f"t{n}"),)) for n in range(5)]
        bad = Batch((entry(3, "bad"),), based_on=Head("bad", "", None))
        found = await asyncio.gather(*map(store.awrite, [*batches, bad]), return_exceptions=True)
        assert found[:5] == [None] * 5
        assert isinstance(found[5], ThreadConflictError)
        assert len(store.threads()) == 6


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_removed_under_a_run_fails_it(tmp_path: Path, replaced: bool) -> None:
    path = tmp_path / "s.db"
    with SqliteSaver(path) as store:
        store.write([Batch(entries=(entry(1),))])
        for one in tmp_path.iterdir():
            one.unlink()
        if replaced:
            path.touch()
        with pytest.raises(CheckpointError, match="was removed or replaced while it was in use"):
            store.write([Batch(entries=(entry(2),))])

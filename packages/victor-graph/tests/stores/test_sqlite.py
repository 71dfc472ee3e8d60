"""The store in an SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from victor.core.errors import ConfigurationError
from victor.graph.checkpoint.base import Batch, Entry
from victor.graph.checkpoint.sqlite import SqliteSaver
from victor.graph.checkpoint.urls import open_checkpointer
from victor.graph.errors import CheckpointError, StoreVersionError
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

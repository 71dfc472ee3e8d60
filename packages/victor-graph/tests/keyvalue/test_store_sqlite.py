"""What is particular to the store in an SQLite file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from victor.graph.errors import StoreVersionError
from victor.graph.store import SqliteStore, StoreError


def test_values_outlive_the_store(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with SqliteStore.from_conn_string(str(path)) as store:
        store.setup()
        store.put(("a",), "k", {"v": 1}, ["v"])
    with SqliteStore(path) as store:
        assert store.get(("a",), "k").value == {"v": 1}  # type: ignore[union-attr]


def test_durability_is_what_was_asked(tmp_path: Path) -> None:
    for word, number in (("full", 2), ("normal", 1)):
        with SqliteStore(tmp_path / "s.db", synchronous=word) as store:  # type: ignore[arg-type]
            assert store._open().execute("PRAGMA synchronous").fetchone() == (number,)
            assert store._open().execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with pytest.raises(StoreError, match="'full' or 'normal', not 'off'"):
        SqliteStore(tmp_path / "s.db", synchronous="off")  # type: ignore[arg-type]


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "s.db")
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.get(("a",), "k")


def test_files_that_are_no_store(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to be looked at" * 100)
    with pytest.raises(StoreError, match=r"notes\.txt: file is not a database.*another kind of file"):
        SqliteStore(text)
    assert text.read_text().startswith("not a database")
    with pytest.raises(StoreError, match="unable to open"):
        SqliteStore(tmp_path / "no" / "such" / "folder.db")


def test_a_store_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    SqliteStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE victor_store_version SET version = 9")
    connection.commit()
    connection.close()
    with pytest.raises(StoreVersionError, match=r"version 9.*upgrade victor-graph"):
        SqliteStore(path)


def test_damaged_values_are_an_error(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s.db") as store:
        store.put(("a",), "k", {"v": 1})
        store._open().execute("UPDATE victor_store_items SET value = x'c1'")
        with pytest.raises(Exception, match="stored bytes end early: damaged"):
            store.get(("a",), "k")


def test_a_full_disk_is_named_and_what_was_there_stays(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "s.db") as store:
        store.put(("a",), "k", {"v": 1})
        store._open().execute("PRAGMA max_page_count = 12")

        def fill() -> None:
            for number in range(1000):
                store.put(("a",), str(number), {"v": "x" * 1000})

        with pytest.raises(StoreError, match=r"s\.db: database or disk is full\. Free some space.*intact"):
            fill()
        count = len(store.search(("a",), limit=9999))
        assert 1 <= count < 1000
        assert store.get(("a",), "k").value == {"v": 1}  # type: ignore[union-attr]
        store._open().execute("PRAGMA max_page_count = 100000")
        store.put(("a",), "later", {})
        assert len(store.search(("a",), limit=9999)) == count + 1


def test_expired_items_are_cleared_away_in_passing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("victor.graph.store.sqlite._PURGE_EVERY", 3)
    now = [10**18]
    with SqliteStore(tmp_path / "s.db", clock=lambda: now[0]) as store:
        store.put(("a",), "k", {}, ttl=1)
        now[0] += 120 * 10**9
        store.put(("a",), "x", {})
        store.put(("a",), "y", {})
        assert store._open().execute("SELECT count(*) FROM victor_store_items").fetchone() == (2,)


def test_a_file_held_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("victor.graph.store.sqlite._BUSY_S", 0.05)
    path = tmp_path / "s.db"
    with SqliteStore(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"locked.*Another process has held the file"):
            store.put(("a",), "k", {})
        other.execute("ROLLBACK")
        other.close()
        store.put(("a",), "k", {})


def test_many_open_a_new_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    def work(number: int) -> None:
        with SqliteStore(path) as store:
            store.put(("a",), str(number), {"n": number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    with SqliteStore(path) as store:
        assert len(store.search((), limit=99)) == 16


@pytest.mark.slow
def test_several_processes(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    code = (
        "import sys; from victor.graph.store import SqliteStore\n"
        "with SqliteStore(sys.argv[1], synchronous='normal') as store:\n"
        "    for n in range(50): store.put(('p', sys.argv[2]), str(n), {'n': n})\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n)]) for n in range(3)]
    assert [process.wait(120) for process in running] == [0, 0, 0]
    with SqliteStore(path) as store:
        assert len(store.search((), limit=999)) == 150

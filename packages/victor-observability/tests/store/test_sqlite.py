"""What can happen to a file: who may read it, and what is said when it is damaged, foreign, full, locked or gone."""

from __future__ import annotations

import os
import re
import resource
import shutil
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from victor_test_metrics_happenings import batch, make_run  # type: ignore[import-not-found]

from victor.observability.store import open_store, schema
from victor.observability.store.errors import StoreError, StoreVersionError
from victor.observability.store.retention import Retention
from victor.observability.store.sqlite import SqliteStore

START = 1_700_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".victor" / "metrics.db"


def fill(path: Path, runs: int = 1) -> None:
    with SqliteStore(path) as store:
        for number in range(runs):
            store.write(batch(make_run(number, START)))


def test_only_its_owner_can_read_it(path: Path) -> None:
    before = os.umask(0)
    try:
        with SqliteStore(path) as store:
            store.write(batch(make_run(1, START)))
            assert path.parent.stat().st_mode & 0o777 == 0o700
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"metrics.db": 0o600, "metrics.db-wal": 0o600, "metrics.db-shm": 0o600}


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    fill(folder / "metrics.db")
    assert folder.stat().st_mode & 0o777 == 0o755


def test_how_it_is_opened(path: Path) -> None:
    with SqliteStore(path) as store:
        assert store._db is not None
        values = {
            name: store._db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "busy_timeout", "auto_vacuum")
        }
        assert values == {"journal_mode": "wal", "synchronous": 1, "busy_timeout": 10_000, "auto_vacuum": 2}
        with store._reader("test") as db, pytest.raises(sqlite3.OperationalError, match="readonly"):
            db.execute("DELETE FROM run_rows")


def test_readers_do_not_wait_for_a_writer(path: Path) -> None:
    fill(path)
    with SqliteStore(path) as store, store.writing("write") as link:
        link.run("DELETE FROM run_rows")
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(len(open_store(str(path), read_only=True).runs())))
        thread.start()
        thread.join(10)
        assert found == [1]


def test_what_is_no_store_is_refused_and_not_touched(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    text.write_text("This is not a database, but it is long enough to look like one. " * 20)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE things (a)")
    db.close()
    folder = tmp_path / "folder.db"
    folder.mkdir()
    for file, match in (
        (text, r"text\.db: cannot open: file is not a database. Is it another kind of file\?"),
        (other, r"other\.db: an SQLite file, but of another program"),
    ):
        before = file.read_bytes()
        for read_only in (False, True):
            with pytest.raises(StoreError, match=match):
                SqliteStore(file, read_only=read_only)
        assert file.read_bytes() == before
    with pytest.raises(StoreError, match=r"folder\.db: cannot open: unable to open database file. Is it a folder"):
        SqliteStore(folder)
    with pytest.raises(StoreError, match=r"text\.db/metrics\.db: cannot open: "):
        SqliteStore(text / "metrics.db")
    assert not [*tmp_path.glob("*-wal")]


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "metrics.db"
    path.touch()
    with pytest.raises(StoreError, match="the file is empty: nothing was recorded in it yet"):
        SqliteStore(path, read_only=True)
    fill(path)
    assert len(SqliteStore(path, read_only=True).runs()) == 1


@pytest.mark.parametrize("where", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_damaged_file_is_said_to_be_damaged(path: Path, where: float) -> None:
    fill(path, runs=60)
    data = bytearray(path.read_bytes())
    at = int(len(data) * where) // 4096 * 4096
    data[at : at + 4096] = os.urandom(4096)
    path.write_bytes(data)

    def use() -> list[str]:
        with SqliteStore(path) as store:
            problems = store.check()
            if problems:
                return problems
            store.breakdown(["kind"])
            store.tail(0)
            store.errors()
            return []

    try:
        problems = use()
    except StoreError as error:
        problems = [str(error)]
    assert problems
    assert all("metrics.db" in problem for problem in problems)


def test_a_half_file_is_said_to_be_damaged(path: Path) -> None:
    fill(path, runs=60)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2 // 4096 * 4096])
    with (
        pytest.raises(StoreError, match=r"metrics\.db.*malformed.*move it away|metrics\.db.*damaged"),
        SqliteStore(path) as store,
    ):
        raise StoreError(" ".join(store.check()))


def test_a_sketch_that_is_damaged_is_an_error_and_not_a_figure(path: Path) -> None:
    fill(path)
    db = sqlite3.connect(path)
    with db:
        db.execute("UPDATE figure_rows SET sketch = x'FFFF' WHERE timed > 0")
    db.close()
    with (
        SqliteStore(path) as store,
        pytest.raises(StoreError, match=r"cannot read figures: these 2 bytes are no sketch"),
    ):
        store.breakdown(["kind"])


def test_a_newer_store_is_refused(path: Path) -> None:
    fill(path)
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    db.close()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(
            StoreVersionError, match=rf"has version {schema.VERSION + 1}, and .* up to {schema.VERSION}. Upgrade"
        ):
            SqliteStore(path, read_only=read_only)
    assert path.read_bytes() == before


def test_an_older_store_is_migrated_in_one_transaction(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(path)
    old = SqliteStore(path).breakdown(["kind"])
    steps: dict[int, dict[str, tuple[str, ...]]] = {
        schema.VERSION: {"sqlite": ("ALTER TABLE run_rows ADD COLUMN host TEXT", "nonsense")}
    }
    monkeypatch.setattr(schema, "MIGRATIONS", steps)
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    with pytest.raises(StoreError, match=r"must be migrated to 2 first: open it once with the right to write"):
        SqliteStore(path, read_only=True)
    with pytest.raises(StoreError, match="syntax error"):
        SqliteStore(path)
    monkeypatch.undo()
    with SqliteStore(path) as store:  # as it was
        assert store.breakdown(["kind"]) == old
        assert "host" not in [row[1] for row in store.sql("SELECT * FROM run_rows").rows]
    steps[schema.VERSION]["sqlite"] = steps[schema.VERSION]["sqlite"][:1]
    monkeypatch.setattr(schema, "MIGRATIONS", steps)
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    with SqliteStore(path) as store:
        assert store.breakdown(["kind"]) == old
        assert store.sql("SELECT host FROM run_rows").rows == [(None,)]
        store.write(batch(make_run(2, START)))
        assert len(store.runs()) == 2


def test_a_locked_file_is_an_error_after_a_while(path: Path) -> None:
    fill(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with SqliteStore(path, busy_s=0.2) as store:
        with pytest.raises(
            StoreError, match=r"metrics\.db: cannot write: database is locked. Another process has held"
        ):
            store.write(batch(make_run(2, START)))
        assert len(store.runs()) == 1
        other.execute("ROLLBACK")
        store.write(batch(make_run(2, START)))
        assert len(store.runs()) == 2
    other.close()


def test_a_file_that_cannot_grow_is_an_error_and_keeps_what_it_has(path: Path) -> None:
    with SqliteStore(path) as store:
        store.write(batch(make_run(0, START)))
        assert store._db is not None
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(StoreError, match=r"metrics\.db: cannot write: database or disk is full. Free some space"):
            for number in range(1, 100):
                store.write(batch(make_run(number, START, agent=f"a{number}")))
        kept = len(store.runs())
        assert [group.totals.count for group in store.breakdown([], where={"kind": "agent.run"})] == [kept]
        store._db.execute("PRAGMA max_page_count = 1000000")
        store.write(batch(make_run(200, START, agent="a99")))
        assert len(store.runs()) == kept + 1
        assert store.check() == []


def test_a_limit_on_the_size_of_files(path: Path) -> None:
    with SqliteStore(path) as store:
        store.write(batch(make_run(0, START)))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
        written = 1
        try:
            with pytest.raises(
                StoreError, match=r"metrics\.db: cannot write: (disk I/O error|database or disk is full)"
            ):
                for number in range(1, 2000):
                    store.write(batch(make_run(number, START)))
                    written += 1
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert len(store.runs(limit=9999)) == written
        store.write(batch(make_run(5000, START)))
        assert store.check() == []


@pytest.fixture
def disk() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("not applicable: only root can mount a small file system; another test limits the file instead")
    folder = Path(tempfile.mkdtemp(prefix="victor-disk-", dir="/tmp"))
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0777", "tmpfs", str(folder)], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        folder.rmdir()
        pytest.skip("not applicable: no file system can be mounted here, perhaps in a container")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)
    folder.rmdir()


def test_a_full_disk(disk: Path) -> None:
    from victor.observability.store.transfer import export_store

    with SqliteStore(disk / "metrics.db") as store:
        written = 0
        with pytest.raises(StoreError, match=r"metrics\.db: cannot write: .*(full|disk I/O error).* intact"):
            for number in range(10_000):
                store.write(batch(make_run(number, START)))
                written += 1
        assert len(store.runs(limit=99_999)) == written > 0
        with pytest.raises(StoreError, match=r"out\.jsonl: cannot be written: No space left"):
            export_store(store, disk / "out.jsonl")
        assert {file.name for file in disk.iterdir()} <= {"metrics.db", "metrics.db-wal", "metrics.db-shm"}
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True, capture_output=True)
        store.write(batch(make_run(20_000, START)))
        assert len(store.runs(limit=99_999)) == written + 1
        assert store.check() == []


def test_a_folder_that_may_only_be_read(disk: Path) -> None:
    fill(disk / "metrics.db")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True, capture_output=True)
    with pytest.raises(StoreError, match=r"new\.db: cannot open: Read-only file system. Give the program the right"):
        SqliteStore(disk / "new.db")
    with pytest.raises(StoreError, match=r"metrics\.db: cannot open: .*(readonly|unable to open)"):
        SqliteStore(disk / "metrics.db")
    with SqliteStore(disk / "metrics.db", read_only=True) as store:
        assert len(store.runs()) == 1
        assert store.sql("SELECT count(*) FROM spans").rows == [(len(make_run(0, START)),)]


def test_a_file_of_another_user() -> None:
    if os.geteuid() != 0:
        pytest.skip("not applicable: needs root to be somebody else")
    folder = Path(tempfile.mkdtemp(prefix="victor-other-user-", dir="/tmp"))
    folder.chmod(0o755)
    fill(folder / "metrics.db")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        text = "it was opened"
        try:
            os.setuid(65534)
            SqliteStore(folder / "metrics.db")
        except StoreError as error:
            text = str(error)
        finally:
            os.write(writing, text.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    shutil.rmtree(folder)
    assert re.search(r"metrics\.db: cannot open: .*(unable to open|Permission denied).*Give", said)


def test_a_file_that_was_removed_begins_anew(path: Path) -> None:
    with SqliteStore(path) as store:
        store.write(batch(make_run(1, START)))
        shutil.rmtree(path.parent)
        store.write(batch(make_run(2, START)))
        assert [run.run_id[-8:] for run in store.runs()] == ["00000002"]
        assert [group.by for group in store.breakdown(["agent"])] == [("coder",)]
        path.unlink()
        assert store.runs() == []
    with SqliteStore(path) as store:
        assert store.check() == []


def test_the_file_shrinks_when_old_detail_goes(path: Path) -> None:
    with SqliteStore(path) as store:
        for number in range(0, 400, 20):
            store.write(batch([record for at in range(20) for record in make_run(number + at, START + number * 200)]))
        store.compact()
        before = path.stat().st_size
        done = store.maintain(START + 200 * 86_400, Retention(records_days=1))
        after = path.stat().st_size
        assert done.records == 400 * len(make_run(0, START))
        assert after < before / 4
        assert done.freed_bytes > 0
        assert path.with_name("metrics.db-wal").stat().st_size == 0


def test_a_call_of_a_tool_takes_few_bytes(path: Path) -> None:
    """Before and after its detail is gone."""
    calls = 0
    with SqliteStore(path) as store:
        for number in range(0, 500, 50):
            records = [
                record for at in range(50) for record in make_run(number + at, START + number, tools=30, gap_s=0.01)
            ]
            calls += sum(record.kind == "tool.call" for record in records)
            store.write(batch(records))
        store.compact()
        assert path.stat().st_size / calls < 150
        store.maintain(START + 200 * 86_400)
        assert path.stat().st_size / calls < 10  # the least a file takes, over 15,000 calls

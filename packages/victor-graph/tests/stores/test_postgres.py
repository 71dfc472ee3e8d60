"""The PostgreSQL store on a real server: what it promises beyond the conformance suite."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from victor.graph.checkpoint.base import Batch, Entry, Note, Settled
from victor.graph.checkpoint.postgres import PostgresSaver, from_url
from victor.graph.errors import CheckpointError, CheckpointNotFoundError, StoreVersionError


def entry(
    n: int, thread: str = "t", namespace: str = "", *, parent: int | None = None, base: int = 1, **more: Any
) -> Entry:
    return Entry(
        thread, namespace, f"{n:016x}", None if parent is None else f"{parent:016x}", f"{base:016x}", n, "loop",
        **{"body": b"body%d" % n, "snapshot": b"snap" if n == base else None, **more},
    )  # fmt: skip


def note(n: int, task: str, key: str, data: bytes = b"d", thread: str = "t") -> Note:
    return Note(thread, "", f"{n:016x}", task, key, data)


def settled(n: int, *keys: str, thread: str = "t") -> Settled:
    return Settled(thread, "", f"{n:016x}", keys)


def keys(store: PostgresSaver, n: int) -> list[tuple[str, str, bytes]]:
    return [(one.task_id, one.key, one.data) for one in store.notes("t", "", f"{n:016x}")]


@pytest.fixture
def store(postgres_url: str) -> Any:
    with PostgresSaver(postgres_url) as store:
        yield store


def test_batches_of_one_write_come_to_what_they_would_one_by_one(store: PostgresSaver) -> None:
    store.write([Batch(notes=(note(1, "a", "result", b"old"), note(1, "a", "interrupt"), note(1, "a", "steps")))])
    store.write(
        [
            Batch(entries=(entry(1),), notes=(note(1, "b", "step:x:0"), note(1, "b", "step"), note(1, "c", "result"))),
            Batch(settled=(settled(1, "result", "step"),)),
            Batch(entries=(entry(1, body=b"second"),), notes=(note(1, "a", "result", b"new"), note(1, "d", "x", b"1"))),
            Batch(notes=(note(1, "d", "x", b"2"),)),
        ]
    )
    assert keys(store, 1) == [("a", "interrupt", b"d"), ("a", "result", b"new"), ("a", "steps", b"d"), ("d", "x", b"2")]
    chain = store.chain("t")
    assert chain is not None
    assert [one.body for one in chain.entries] == [b"second"]


def test_a_write_of_nothing_does_nothing(store: PostgresSaver) -> None:
    store.write([])
    store.write([Batch()])
    assert store.threads() == []


def test_a_chain_follows_parents_past_forks(store: PostgresSaver) -> None:
    store.write(
        [Batch(entries=(entry(1), entry(2, parent=1), entry(3, parent=1), entry(4, parent=2), entry(5, parent=3)))]
    )
    chain = store.chain("t", "", f"{4:016x}")
    assert chain is not None
    assert [(one.step, one.snapshot) for one in chain.entries] == [(1, b"snap"), (2, None), (4, None)]
    latest = store.chain("t")
    assert latest is not None
    assert [one.step for one in latest.entries] == [1, 3, 5]


def test_a_chain_with_a_gap_is_an_error_that_names_it(store: PostgresSaver) -> None:
    store.write([Batch(entries=(entry(1), entry(3, parent=2)))])
    with pytest.raises(
        CheckpointError, match=r"thread 't': checkpoint 0+3 cannot be read: 0+2, which it builds on, is gone"
    ):
        store.chain("t")


def test_order_is_that_of_bytes_whatever_the_locale(store: PostgresSaver) -> None:
    for name in ("b", "B", "a", "ä", "_", "Z"):
        store.write([Batch(entries=(entry(1, namespace=name),))])
    assert store.namespaces("t") == sorted(["b", "B", "a", "ä", "_", "Z"])


def test_text_postgres_cannot_hold_is_an_error(store: PostgresSaver) -> None:
    for name in ("a\x00b", "\udc80"):
        with pytest.raises(CheckpointError, match="PostgreSQL cannot store this"):
            store.write([Batch(entries=(entry(1, name),))])


def test_big_bodies(store: PostgresSaver) -> None:
    body = bytes(range(256)) * 40_000
    store.write([Batch(entries=(entry(1, body=body),))])
    chain = store.chain("t")
    assert chain is not None
    assert chain.entries[0].body == body


def test_all_or_nothing(store: PostgresSaver) -> None:
    store.setup()
    with pytest.raises(CheckpointError):
        store.write([Batch(entries=(entry(1),)), Batch(notes=(note(1, "a", "k\x00"),))])
    assert store.chain("t") is None


def test_schemas_keep_stores_apart(postgres_url: str) -> None:
    odd = 'my "odd" % schema'
    with PostgresSaver(postgres_url, schema=odd) as one, PostgresSaver(postgres_url) as other:
        one.write([Batch(entries=(entry(1),), notes=(note(1, "a", "k"),), settled=(settled(1, "x"),))])
        assert other.threads() == []
        assert [info.thread_id for info in one.threads()] == ["t"]
        one.copy_thread("t", "u")
        one.delete_thread("t")
        assert [info.thread_id for info in one.threads()] == ["u"]
    with PostgresSaver(postgres_url, schema=odd) as again:
        assert [info.thread_id for info in again.threads()] == ["u"]
    for bad in ("", "a\x00"):
        with pytest.raises(CheckpointError, match="is no name of a PostgreSQL schema"):
            PostgresSaver(postgres_url, schema=bad)


def test_many_programs_make_the_tables_at_once(postgres_url: str) -> None:
    stores = [PostgresSaver(postgres_url, schema="fresh") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda store: store.setup(), stores))
    for store in stores:
        store.close()


def test_a_store_of_a_newer_release_is_refused(postgres_url: str, postgres: Any) -> None:
    with PostgresSaver(postgres_url) as store:
        store.setup()
    postgres.execute("UPDATE victor_checkpoint_version SET version = 99", postgres_url.rpartition("/")[2])
    with (
        PostgresSaver(postgres_url) as store,
        pytest.raises(StoreVersionError, match=r"version 99.*upgrade victor-graph"),
    ):
        store.threads()


def test_a_role_without_rights_is_told_what_to_ask_for(postgres_url: str, postgres: Any) -> None:
    database = postgres_url.rpartition("/")[2]
    postgres.execute("DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$", database)
    url = postgres_url.replace("postgres@", "guest@")
    with (
        PostgresSaver(url) as store,
        pytest.raises(CheckpointError, match=r"permission denied.*call setup\(\) once"),
    ):
        store.setup()
    with PostgresSaver(postgres_url) as admin:
        admin.setup()
    for table in ("entries", "notes", "version"):
        postgres.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON victor_checkpoint_{table} TO guest", database)
    with PostgresSaver(url) as store:
        store.write([Batch(entries=(entry(1),))])
        assert store.threads()[0].entries == 1


def test_copying(store: PostgresSaver) -> None:
    store.write([Batch(entries=(entry(1), entry(1, namespace="sub:1")), notes=(note(1, "a", "k"),))])
    store.copy_thread("t", "u")
    assert store.namespaces("u") == ["", "sub:1"]
    assert [one.thread_id for one in store.notes("u", "", f"{1:016x}")] == ["u"]
    with pytest.raises(CheckpointError, match="there is a thread 'u' already"):
        store.copy_thread("t", "u")
    with pytest.raises(CheckpointNotFoundError, match="no such thread"):
        store.copy_thread("nobody", "v")

    def copy(_: int) -> bool:
        try:
            store.copy_thread("t", "w")
        except CheckpointError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(copy, range(6))) == 1


def test_rewriting_does_not_bring_back_what_is_gone(store: PostgresSaver) -> None:
    store.write(
        [
            Batch(
                entries=(entry(1), entry(2, parent=1), entry(3, parent=2)), notes=(note(1, "a", "k"), note(2, "a", "k"))
            )
        ]
    )
    store.rewrite("t", "", remove=[f"{1:016x}"], replace=[entry(2, base=2), entry(3, parent=2, base=2), entry(9)])
    assert [one.step for one in store.entries("t")] == [3, 2]
    chain = store.chain("t")
    assert chain is not None
    assert [(one.step, one.snapshot) for one in chain.entries] == [(2, b"snap"), (3, None)]
    assert keys(store, 1) == []
    assert keys(store, 2) == [("a", "k", b"d")]


def test_a_closed_store_says_so(postgres_url: str) -> None:
    used, unused = PostgresSaver(postgres_url), PostgresSaver(postgres_url)
    used.setup()
    for store in (used, unused):
        store.close()
        store.close()
        with pytest.raises(CheckpointError, match="is closed"):
            store.threads()


def test_by_url(postgres_url: str) -> None:
    for url in (postgres_url, postgres_url.replace("postgresql:", "postgres:")):
        with from_url(url) as store:
            assert store.threads() == []


async def test_async_face(postgres_url: str) -> None:
    async with PostgresSaver.from_conn_string(postgres_url) as store:
        await asyncio.gather(*(store.awrite(Batch(entries=(entry(1, f"t{n}"),))) for n in range(20)))
        chain = await store.achain("t7")
        assert chain is not None
        assert len(store.threads(limit=5)) == 5


def test_nothing_is_left_on_a_pooled_connection(store: PostgresSaver, postgres: Any) -> None:
    """No prepared statements, no settings: what a PgBouncer in transaction mode would hand to the next client."""
    relaxed = PostgresSaver(
        store._link._url, synchronous_commit="off", max_connections=1, pool_options={"max_idle": 60}
    )
    for n in range(20):
        relaxed.write([Batch(entries=(entry(n + 1, parent=n or None),))])
        relaxed.chain("t")
    relaxed.copy_thread("t", "u")
    left = relaxed._link.run(
        lambda cursor: (
            cursor.execute("SELECT count(*) FROM pg_prepared_statements").fetchone(),
            cursor.execute("SHOW synchronous_commit").fetchone(),
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone(),
        )
    )
    assert left == ((0,), ("on",), (0,))
    relaxed.close()


def test_each_write_waits_as_it_was_told(postgres_url: str, postgres: Any) -> None:
    database = postgres_url.rpartition("/")[2]
    postgres.execute(f"ALTER DATABASE {database} SET synchronous_commit = off")
    postgres.execute("CREATE TABLE seen (setting text)", database)
    with PostgresSaver(postgres_url) as store:
        store.setup()
        # Deferred, so that it looks at the moment of the commit, when the setting counts.
        postgres.execute(
            "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;"
            "CREATE CONSTRAINT TRIGGER look AFTER INSERT ON victor_checkpoint_entries DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION look()",
            database,
        )
        store.write([Batch(entries=(entry(1),))])
    with PostgresSaver(postgres_url, synchronous_commit="off") as store:
        store.write([Batch(entries=(entry(2),))])
    assert postgres.execute("SELECT setting FROM seen", database) == [("on",), ("off",)]


def test_a_server_that_does_not_sync_is_named(
    postgres_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    import psycopg

    real = psycopg.Cursor.execute

    def execute(self: Any, query: Any, *args: Any, **more: Any) -> Any:
        return real(self, "SELECT 'off'" if query == "SHOW fsync" else query, *args, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", execute)
    with caplog.at_level(logging.WARNING), PostgresSaver(postgres_url) as store:
        store.setup()
    assert "has fsync=off" in caplog.text


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://ann:hunter2@127.0.0.1:1/x", r"127\.0\.0\.1:1/x could not be reached for 0\.3 s: .*refused"),
        ("postgresql://ann:hunter2@[", "connection string for PostgreSQL cannot be read"),
    ],
)
def test_a_server_that_is_not_there(url: str, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as caught, PostgresSaver(url, patience_s=0.3) as store:
        store.threads()
    assert "hunter2" not in str(caught.value)


def test_what_waiting_cannot_mend_is_told_at_once(postgres_url: str) -> None:
    started = time.monotonic()
    nowhere = PostgresSaver(postgres_url.rpartition("/")[0] + "/nowhere", patience_s=60)
    with nowhere as store, pytest.raises(CheckpointError, match='database "nowhere" does not exist'):
        store.threads()
    assert time.monotonic() - started < 30


def test_all_connections_busy(postgres_url: str) -> None:
    with PostgresSaver(postgres_url, max_connections=1, patience_s=0.2) as store:
        store.setup()
        busy, done = threading.Event(), threading.Event()

        def hold(cursor: Any) -> None:
            busy.set()
            done.wait(30)

        holder = threading.Thread(target=store._link.run, args=(hold,))
        holder.start()
        busy.wait(30)
        try:
            with pytest.raises(CheckpointError, match=r"all 1 connections to PostgreSQL .* were busy for 0\.2 s"):
                store.threads()
        finally:
            done.set()
            holder.join()


def test_connections_cut_by_the_server_are_replaced(store: PostgresSaver, postgres: Any) -> None:
    barrier = threading.Barrier(8)

    def work(n: int) -> None:
        store._link.run(lambda cursor: barrier.wait(30))  # so that the pool has eight connections
        store.write([Batch(entries=(entry(n + 1, f"t{n}"),))])

    store.setup()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
        database = store._link._place.rpartition("/")[2]
        postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
        list(pool.map(lambda n: store.write([Batch(entries=(entry(n + 100, f"t{n}"),))]), range(8)))
    assert [info.entries for info in store.threads()] == [2] * 8


def test_deadlocks_and_serialization_failures_are_tried_again(store: PostgresSaver) -> None:
    from psycopg import errors

    failures = [errors.DeadlockDetected("d"), errors.SerializationFailure("s")]

    def work(cursor: Any) -> int:
        if failures:
            raise failures.pop()
        return 5

    assert store._link.run(work) == 5


def test_a_full_disk_is_named(store: PostgresSaver) -> None:
    from psycopg import errors

    def full(cursor: Any) -> None:
        raise errors.DiskFull("could not extend file")

    with pytest.raises(CheckpointError, match=r"could not extend file.*disk is full.*written earlier is intact"):
        store._link.run(full)


def test_fifty_threads_interleaved(postgres_url: str) -> None:
    with PostgresSaver(postgres_url, max_connections=12, patience_s=60) as store:

        def work(number: int) -> None:
            thread = f"t{number}"
            for step in range(1, 21):
                store.write(
                    [
                        Batch(
                            entries=(entry(step, thread, parent=step - 1 or None),),
                            notes=(note(step, "a", "result", thread=thread),),
                            settled=(settled(step - 1, "result", thread=thread),),
                        )
                    ]
                )
                if step % 5 == 0:
                    chain = store.chain(thread)
                    assert chain is not None
                    assert len(chain.entries) == step

        with ThreadPoolExecutor(50) as pool:
            list(pool.map(work, range(50)))
        assert [info.entries for info in store.threads()] == [20] * 50
        chain = store.chain("t49")
        assert chain is not None
        assert len(chain.notes) == 1
        assert store.notes("t49", "", f"{19:016x}") == []


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(postgres_url: str) -> None:
    with PostgresSaver(postgres_url, patience_s=0.1, timeout_s=0.5) as store:
        store.setup()
        with pytest.raises(CheckpointError, match=r"could not be reached for 0\.1 s: no answer for 0\.5 s"):
            store._link.run(lambda cursor: cursor.execute("SELECT pg_sleep(60)"))
        assert store.threads() == []

"""What is particular to the store in a PostgreSQL database, and opening stores by URL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from victor.graph.errors import StoreVersionError
from victor.graph.store import InMemoryStore, PostgresStore, PutOp, SqliteStore, StoreError, open_store


def test_values_outlive_the_store_and_others_see_them(postgres_url: str) -> None:
    with open_store(postgres_url) as store:
        store.put(("a", "b"), "k", {"v": 1}, ["v"])
    with PostgresStore.from_conn_string(postgres_url) as one, PostgresStore(postgres_url) as other:
        one.setup()
        found = other.get(("a", "b"), "k")
        assert found is not None
        assert found.value == {"v": 1}
        other.put(("a", "b"), "k", {"v": 2})
        again = one.get(("a", "b"), "k")
        assert again is not None
        assert again.value == {"v": 2}
        assert again.created_at == found.created_at


def test_schemas_are_apart(postgres_url: str) -> None:
    with PostgresStore(postgres_url, schema='odd "name" %s') as one, PostgresStore(postgres_url) as other:
        one.put(("a",), "k", {"v": 1})
        assert other.get(("a",), "k") is None
        assert one.search(())[0].key == "k"
    with pytest.raises(StoreError, match="no name of a PostgreSQL schema"):
        PostgresStore(postgres_url, schema="")


def test_many_write_at_once(postgres_url: str) -> None:
    """Batches of the same items in any order: nobody waits for ever, and each batch is whole."""
    with PostgresStore(postgres_url, max_connections=8) as store:

        def work(number: int) -> None:
            keys = range(10) if number % 2 else range(9, -1, -1)
            store.batch([PutOp(("n",), str(key), {"by": number}) for key in keys])

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(60)))
        assert len({item.value["by"] for item in store.search(("n",))}) == 1
        assert len(store.search(("n",), limit=99)) == 10


@pytest.mark.slow
def test_expired_items_are_deleted_now_and_then(postgres: Any, postgres_url: str) -> None:
    now = [10**18]
    with PostgresStore(postgres_url, synchronous_commit="off", clock=lambda: now[0]) as store:
        store.put(("a",), "old", {"v": 1}, ttl=1)
        now[0] += 10**12
        for number in range(1000):
            store.put(("a",), "new", {"v": number})
    database = postgres_url.rpartition("/")[2]
    assert postgres.execute("SELECT key FROM victor_store_items", database) == [("new",)]


def test_a_newer_store_says_what_to_do(postgres: Any, postgres_url: str) -> None:
    with PostgresStore(postgres_url) as store:
        store.setup()
    postgres.execute("UPDATE victor_store_version SET version = 99", postgres_url.rpartition("/")[2])
    with PostgresStore(postgres_url) as store, pytest.raises(StoreVersionError, match="upgrade victor-graph"):
        store.get(("a",), "k")


def test_a_server_that_is_not_there_and_a_closed_store(postgres_url: str) -> None:
    with (
        PostgresStore("postgresql://x@127.0.0.1:1/none", patience_s=0.2) as store,
        pytest.raises(StoreError, match="could not be reached"),
    ):
        store.get(("a",), "k")
    store = PostgresStore(postgres_url)
    store.put(("a",), "k", {"v": 1})
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.get(("a",), "k")
    with pytest.raises(StoreError, match="connection string"):
        PostgresStore("postgresql://u:secret@[")


@pytest.mark.slow
def test_the_server_goes_away_and_comes_back(postgres: Any, postgres_url: str) -> None:
    with PostgresStore(postgres_url, patience_s=30) as store:
        store.put(("a",), "k", {"v": 1})
        postgres.kill()
        postgres.start()
        store.put(("a",), "k", {"v": 2})
        found = store.get(("a",), "k")
        assert found is not None
        assert found.value == {"v": 2}


def test_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("memory:", ttl={"default_ttl": 1}) as store:
        assert isinstance(store, InMemoryStore)
        assert store.ttl_config == {"default_ttl": 1}
    for url, path in (("sqlite:a.db", "a.db"), ("sqlite:///b.db?synchronous=normal", "b.db"), ("c.db", "c.db")):
        with open_store(url) as store:
            assert isinstance(store, SqliteStore)
            assert (tmp_path / path).exists(), url
    with pytest.raises(StoreError, match="there is 'synchronous'"):
        open_store("sqlite:a.db?sync=off")
    with pytest.raises(StoreError, match="no store 'redis'"):
        open_store("redis://localhost")

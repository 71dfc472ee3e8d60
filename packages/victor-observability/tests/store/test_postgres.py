"""What can happen to a server: it is not there, refuses, goes away in the middle, and comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from victor_test_metrics_happenings import batch, make_run  # type: ignore[import-not-found]

from victor.observability.record import Record
from victor.observability.store import open_store, schema
from victor.observability.store.batch import Batch
from victor.observability.store.errors import StoreError, StoreVersionError
from victor.observability.store.postgres import PostgresStore
from victor.observability.store.retention import Retention

DAY = 86_400


@pytest.fixture
def kind() -> str:
    return "postgres"


def partitions(store: PostgresStore) -> list[str]:
    with store.reading("look") as link:
        rows = link.rows(
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relispartition "
            "AND relkind = 'r' ORDER BY 1"
        )
    return [row[0] for row in rows]


@pytest.mark.slow
def test_a_day_has_a_partition_and_goes_with_it(url: str) -> None:
    today = int(time.time()) // DAY
    with PostgresStore(url) as store:
        for day in range(today - 5, today + 1):
            store.write(batch(make_run(day - today + 10, day * DAY + 5), writer=f"{day}"))
        assert partitions(store) == [
            *(f"record_rows_day_{day}" for day in range(today - 5, today + 1)),
            "record_rows_rest",
        ]
        done = store.maintain((today + 1) * DAY, Retention(records_days=2))
        assert partitions(store) == [f"record_rows_day_{today - 1}", f"record_rows_day_{today}", "record_rows_rest"]
        assert done.records == 4 * len(make_run(1, 0))
        # A day that is gone for one process is made again by another, which still thinks it is there.
        store.write(batch(make_run(99, (today - 5) * DAY + 5)))
        assert len(store.run("a" * 24 + f"{99:08x}")[1]) == 1


def test_days_that_are_far_away_share_one(url: str) -> None:
    now = int(time.time())
    with PostgresStore(url) as store:
        times = [0, 10**9, (now + 9000 * DAY) * 10**9, (now + 3 * DAY) * 10**9]
        store.write(Batch(records=[Record("tool.call", "t", "a" * 32, f"{at:016x}", None, at, 1) for at in times]))
        assert partitions(store) == ["record_rows_rest"]
        assert len(store.tail(0)[0]) == 4
        assert store.maintain(now, Retention(records_days=10)).records == 2


def test_rows_that_came_before_their_partition_move_to_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the clock of one machine is days ahead of the others."""
    from victor.observability.store import postgres_partitions

    day = int(time.time()) // DAY
    with PostgresStore(url) as store:
        monkeypatch.setattr(postgres_partitions, "_FUTURE_DAYS", -1)
        store.write(batch(make_run(1, day * DAY + 5)))
        assert partitions(store) == ["record_rows_rest"]
        monkeypatch.undo()
        store.write(batch(make_run(2, day * DAY + 9)))
        assert partitions(store) == [f"record_rows_day_{day}", "record_rows_rest"]
        assert len(store.tail(0)[0]) == 2 * len(make_run(1, 0))
        assert store.sql("SELECT count(*) FROM record_rows_rest").rows == [(0,)]


def test_a_day_that_somebody_reads_waits(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from victor.observability.store import postgres

    monkeypatch.setattr(postgres, "_DROP_WAITS", "100ms")
    today = int(time.time()) // DAY
    with PostgresStore(url) as store, PostgresStore(url) as reader:
        store.write(batch(make_run(1, (today - 5) * DAY)))
        with reader.reading("read for long") as link:
            link.rows("SELECT count(*) FROM record_rows")
            done = store.maintain(today * DAY, Retention(records_days=2))
            assert done.records == 0
            assert "Somebody reads the tables for long; the next maintenance tries again" in done.problems[0]
        assert store.maintain(today * DAY, Retention(records_days=2)).records == len(make_run(1, 0))


def test_a_password_is_never_told(postgres: Any) -> None:
    for url in (
        "postgresql://somebody:hunter2secret@127.0.0.1:1/db",
        postgres.url("nothing").replace("postgres@", "somebody:hunter2secret@"),
        "postgresql://somebody:hunter2secret@[::bad/db?x=1",
        "postgresql://somebody:hunter2secret@127.0.0.1:1/db?victor_schema=No",
    ):
        with pytest.raises(StoreError) as caught:
            open_store(url)
        assert "hunter2secret" not in str(caught.value)
    with pytest.raises(
        StoreError, match=r"PostgreSQL at 127\.0\.0\.1:1/db schema victor_metrics: cannot open: .*refused"
    ):
        open_store("postgresql://a:b@127.0.0.1:1/db")
    store = PostgresStore(
        postgres.url("postgres").replace("postgres@", "postgres:hunter2secret@") + "?victor_schema=pw"
    )
    assert "hunter2secret" not in store.place + repr(store) + repr(store.info())
    store.close()


def test_the_name_of_the_schema(postgres: Any) -> None:
    for wrong in ("", "A", "a-b", "1a", "a%22", "a" * 64, "a;b"):
        with pytest.raises(StoreError, match="a schema's name has small letters"):
            open_store(postgres.url("postgres") + f"?victor_schema={wrong}")
    url = postgres.url("postgres")
    with PostgresStore(f"{url}?victor_schema=named&connect_timeout=5") as store:
        assert store.schema == "named"
    with PostgresStore(url) as store:
        assert store.schema == "victor_metrics"
        store.write(batch(make_run(1, 5)))
    assert postgres.execute("SELECT count(*) FROM victor_metrics.runs") == [(1,)]
    assert postgres.execute("SELECT count(*) FROM named.runs") == [(0,)]


def test_an_older_store_is_migrated_in_one_transaction_and_a_newer_one_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PostgresStore(url) as store:
        store.write(batch(make_run(1, 5)))
    version = schema.VERSION
    monkeypatch.setattr(schema, "VERSION", version + 1)
    add = "ALTER TABLE run_rows ADD COLUMN host text"
    monkeypatch.setattr(schema, "MIGRATIONS", {version: {"postgres": (add, "nonsense")}})
    with pytest.raises(StoreError, match="syntax error"):
        PostgresStore(url)
    with pytest.raises(StoreError, match="must be migrated to 2 first"):
        PostgresStore(url, read_only=True)
    monkeypatch.setattr(schema, "MIGRATIONS", {version: {"postgres": (add,)}})
    with PostgresStore(url) as store:
        assert store.sql("SELECT host FROM run_rows").rows == [(None,)]
        assert len(store.runs()) == 1
    monkeypatch.undo()
    with pytest.raises(StoreVersionError, match=f"has version {version + 1}, and .* up to {version}. Upgrade"):
        PostgresStore(url)


def test_a_server_that_was_restarted_is_found_again(new_store: Callable[..., PostgresStore], postgres: Any) -> None:
    store = new_store()
    store.write(batch(make_run(1, 5)))
    assert len(store.runs()) == 1
    postgres.stop("fast")
    with pytest.raises(StoreError, match=r"cannot write: .*refused|cannot write: .*closed"):
        store.write(batch(make_run(2, 5)))
    with pytest.raises(StoreError, match=r"cannot list runs"):
        store.runs()
    postgres.start()
    store.write(batch(make_run(3, 5)))
    assert {run.run_id[-1] for run in store.runs()} == {"1", "3"}
    assert store.breakdown([], where={"kind": "agent.run"})[0].totals.count <= 2


@pytest.mark.parametrize("committed", [True, False])
def test_a_connection_that_breaks_at_the_commit(url: str, monkeypatch: pytest.MonkeyPatch, committed: bool) -> None:
    """The server is asked what became of it, so that a batch is neither lost nor written twice."""
    import psycopg

    store = PostgresStore(url)
    store.write(batch(make_run(1, 5)))
    assert store._db is not None
    execute = store._db.execute
    broken: list[bool] = []

    def breaking(statement: Any, *arguments: Any, **options: Any) -> Any:
        if statement == "COMMIT" and not broken:
            broken.append(True)
            assert store._db is not None
            if committed:
                execute(statement)
            store._db.close()
            raise psycopg.OperationalError("the connection is lost")
        return execute(statement, *arguments, **options)

    monkeypatch.setattr(store._db, "execute", breaking)
    if committed:
        store.write(batch(make_run(2, 5)))
    else:
        with pytest.raises(StoreError, match="the connection is lost"):
            store.write(batch(make_run(2, 5)))
        store.write(batch(make_run(2, 5)))
    assert [run.spans for run in store.runs()] == [len(make_run(1, 5)) - 1] * 2
    store.close()


def test_a_writer_that_takes_long_is_not_waited_for_for_ever(url: str) -> None:
    with PostgresStore(url) as slow, PostgresStore(url, timeout_s=0.2) as store:
        store.write(batch(make_run(1, 5)))
        with slow.writing("write for long"):
            for _ in range(2):
                with pytest.raises(
                    StoreError, match="cannot write: .*timeout.*another process writes for long; try again"
                ):
                    store.write(batch(make_run(2, 5)))
        store.write(batch(make_run(2, 5)))
        assert len(store.runs()) == 2


def test_an_ordinary_role_needs_no_rights_but_those_on_its_schema(postgres: Any) -> None:
    postgres.execute("CREATE ROLE plain LOGIN")
    postgres.execute("CREATE SCHEMA given AUTHORIZATION plain")
    url = postgres.url("postgres").replace("postgres@", "plain@")
    with PostgresStore(f"{url}?victor_schema=given") as store:
        store.write(batch(make_run(1, time.time())))
        assert store.maintain().problems == []
        assert store.sql("SELECT count(*) FROM runs").rows == [(1,)]
    with pytest.raises(StoreError, match=r"permission denied.*The role lacks the right: grant CREATE"):
        PostgresStore(f"{url}?victor_schema=other")

"""Attempts to change a database, or reach beyond it, through the tool that only reads."""

from __future__ import annotations

import importlib.util
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from victor.tools.data.sql import Sql

_spec = importlib.util.spec_from_file_location("postgres_server", Path(__file__).parents[1] / "postgres_server.py")
assert _spec is not None
assert _spec.loader is not None
postgres_server = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(postgres_server)


@pytest.fixture
def database(guarded: Path) -> Iterator[Path]:
    path = guarded / "shop.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE goods (id INTEGER PRIMARY KEY, name TEXT, price REAL); CREATE INDEX by_name ON goods (name); INSERT INTO goods VALUES (1, 'tea', 2.5), (2, 'jam', 4), (3, NULL, 1e9);"
    )
    connection.close()
    before = path.read_bytes()
    yield guarded
    assert path.read_bytes() == before
    assert {p.name for p in guarded.iterdir()} == {"shop.db"}


def tools(root: Path, **options: Any) -> dict[str, Any]:
    return {t.name: t for t in Sql(root, timeout_s=2, **options).tools()}


SQLITE = [
    "INSERT INTO goods VALUES (9, 'x', 1)",
    "UPDATE goods SET price = 0",
    "DELETE FROM goods",
    "DROP TABLE goods",
    "CREATE TABLE x (a)",
    "ALTER TABLE goods ADD COLUMN x",
    "REPLACE INTO goods VALUES (1, 'x', 1)",
    "WITH x AS (SELECT 1) DELETE FROM goods",
    "WITH x AS (SELECT 1) INSERT INTO goods SELECT 9, 'x', 1",
    "WITH x(a) AS (VALUES (1)) UPDATE goods SET price = (SELECT a FROM x)",
    "INSERT INTO goods SELECT 9, 'x', 1 RETURNING id",
    "SELECT 1; DELETE FROM goods",
    "SELECT 1; DROP TABLE goods; --",
    "/* SELECT */ DELETE FROM goods",
    "-- SELECT\nDELETE FROM goods",
    "EXPLAIN DELETE FROM goods; DELETE FROM goods",
    "ATTACH DATABASE '../outside/secret.txt' AS o",
    "ATTACH DATABASE ':memory:' AS m",
    "ATTACH 'file:/tmp/owned.db?mode=rwc' AS o",
    "VACUUM INTO '../outside/owned.db'",
    "VACUUM",
    "VACUUM main INTO 'owned.db'",
    "REINDEX",
    "ANALYZE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA writable_schema = ON",
    "PRAGMA query_only = OFF",
    "PRAGMA user_version = 5",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA temp_store_directory = '/tmp'",
    "PRAGMA hard_heap_limit = 1",
    "PRAGMA data_store_directory = '/tmp'",
    "SELECT load_extension('/tmp/evil.so')",
    "SELECT writefile('owned', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT edit('x', 'vi')",
    "SELECT zeroblob(2000000000)",
    "SELECT randomblob(2000000000)",
    "SELECT hex(zeroblob(1000000000))",
    "SELECT fts3_tokenizer('x', x'00')",
    "BEGIN IMMEDIATE",
    "BEGIN; DELETE FROM goods; COMMIT",
    "SAVEPOINT a",
    "CREATE TEMP TABLE t AS SELECT * FROM goods",
    "CREATE VIRTUAL TABLE v USING fts5(a)",
    "CREATE TRIGGER t AFTER INSERT ON goods BEGIN DELETE FROM goods; END",
    "DETACH DATABASE main",
    "SELECT * FROM nowhere",
    "SELEC 1",
    "",
    "SELECT ?",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    "SELECT replace(printf('%.*c', 9000000, 'x'), 'x', 'yyyyyyyyyyyyyyyyyyyy')",
    "SELECT group_concat(a.name) FROM goods a, goods b, goods c, goods d, goods e, goods f, goods g, goods h, goods i, goods j, goods k, goods l, goods m, goods n, goods o, goods p, goods q",
]


@pytest.mark.slow
@pytest.mark.parametrize("statement", SQLITE, ids=lambda s: s[:50] or "empty")
def test_sqlite(database: Path, refused: Any, statement: str) -> None:
    began = time.monotonic()
    result = tools(database)["sql_query"]
    if statement == "":
        import asyncio

        outcome = asyncio.run(result.call({"database": "shop.db", "statement": statement}))
        assert outcome.error is not None or outcome.value == {"changed_rows": 0}
        return
    refused(result, database="shop.db", statement=statement)
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    "name",
    ["../outside/secret.txt", "/etc/passwd", ":memory:", "file:shop.db?mode=rwc", "shop.db?mode=rw", "file:/etc/passwd", "", "nowhere.db", "shop.db\0", "postgresql://postgres@127.0.0.1/postgres", "mysql://x"],
)  # fmt: skip
def test_databases_that_are_none(database: Path, refused: Any, name: str) -> None:
    refused(tools(database)["sql_query"], database=name, statement="SELECT 1")
    refused(tools(database)["sql_tables"], database=name)


def test_reading_works_and_values_are_bound(database: Path, call: Any) -> None:
    query = tools(database)["sql_query"]
    found = call(
        query,
        database="shop.db",
        statement="SELECT name, price FROM goods WHERE price < ? ORDER BY id",
        parameters=[10],
    )
    assert found.value == {"columns": ["name", "price"], "rows": [["tea", 2.5], ["jam", 4.0]]}
    injection = call(
        query, database="shop.db", statement="SELECT count(*) FROM goods WHERE name = ?", parameters=["x' OR 1=1 --"]
    )
    assert injection.value["rows"] == [[0]]
    assert (
        call(query, database="shop.db", statement="SELECT id FROM goods", limit=2)
        .value["more"]
        .startswith("there are more than 2 rows")
    )
    assert call(tools(database)["sql_tables"], database="shop.db").value == {
        "goods": ["id INTEGER", "name TEXT", "price REAL"]
    }
    big = call(query, database="shop.db", statement=f"{LONG} SELECT group_concat('x', ''), x'00ff' FROM c").value[
        "rows"
    ][0]
    assert big[0].endswith("[... 10,000 more characters]") and big[1] == "[2 bytes]"


LONG = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000)"


@pytest.mark.parametrize("name", ["printf", "FORMAT", '"printf"'])
def test_a_width_nobody_could_interrupt_is_refused(database: Path, refused: Any, name: str) -> None:
    columns = ", ".join([f"length({name}('%.*c', 900000000, 'x'))"] * 6)
    began = time.process_time()
    text = refused(tools(database)["sql_query"], database="shop.db", statement=f"SELECT {columns}").text
    assert "use round(x, 2)" in text and time.process_time() - began < 3


def test_table_functions_that_read_can_be_used_and_change_nothing(database: Path, call: Any, refused: Any) -> None:
    query = tools(database)["sql_query"]
    given = call(query, database="shop.db", statement="SELECT value FROM json_each(?)", parameters=["[1, 2]"])
    assert given.value["rows"] == [[1], [2]]
    columns = call(query, database="shop.db", statement="SELECT name FROM pragma_table_info('goods')").value["rows"]
    assert columns == [["id"], ["name"], ["price"]]
    assert call(query, database="shop.db", statement="SELECT 1e400, -1e400").value["rows"] == [["inf", "-inf"]]
    for statement in (
        "UPDATE sqlite_master SET sql = 'x'", "UPDATE sqlite_schema SET name = 'x'", "DELETE FROM sqlite_master",
        "PRAGMA writable_schema = ON", "SELECT * FROM pragma_database_list", "SELECT * FROM pragma_writable_schema(1)",
        "SELECT * FROM pragma_journal_mode('off')", "CREATE VIRTUAL TABLE v USING fts5(a)", "UPDATE sqlite_dbpage SET data = x'00'",
        "", "  ", "-- nothing", ";",
    ):  # fmt: skip
        refused(query, database="shop.db", statement=statement)


def test_a_corrupt_database_is_told(database: Path, refused: Any) -> None:
    path = database / "shop.db"
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
        refused(tools(database)["sql_query"], database="shop.db", statement="SELECT * FROM goods")
    finally:
        path.write_bytes(whole)


def test_writing_is_offered_only_when_allowed_and_then_asks(guarded: Path, call: Any, refused: Any) -> None:
    import asyncio

    sqlite3.connect(guarded / "own.db").execute("CREATE TABLE t (a)").connection.commit()
    assert "sql_execute" not in tools(guarded)
    execute = tools(guarded, allow_write=True)["sql_execute"]
    statement = {"database": "own.db", "statement": "INSERT INTO t VALUES (?), (?)", "parameters": [1, 2]}
    assert "needs approval" in asyncio.run(execute.call(statement)).text
    assert call(execute, **statement).value == {"changed_rows": 2}
    for beyond in (
        "ATTACH DATABASE '../outside/x.db' AS o",
        "VACUUM INTO '../outside/x.db'",
        "PRAGMA writable_schema = ON",
        "SELECT load_extension('x')",
    ):
        refused(execute, database="own.db", statement=beyond)


# --- PostgreSQL ---


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with postgres_server.running_postgres() as url:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE goods (id int PRIMARY KEY, name text)")
            connection.execute("INSERT INTO goods VALUES (1, 'tea'), (2, 'jam')")
        yield url


@pytest.fixture
def shop(postgres: str, guarded: Path) -> Iterator[dict[str, Any]]:
    yield tools(guarded, databases={"shop": postgres})
    import psycopg

    with psycopg.connect(postgres) as connection:
        assert connection.execute("SELECT id, name FROM goods ORDER BY id").fetchall() == [(1, "tea"), (2, "jam")]
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (1,)


POSTGRES = [
    "DELETE FROM goods",
    "WITH gone AS (DELETE FROM goods RETURNING *) SELECT * FROM gone",
    "WITH x AS (INSERT INTO goods VALUES (9, 'x') RETURNING id) SELECT * FROM x",
    "WITH x AS (UPDATE goods SET name = 'x' RETURNING id) SELECT * FROM x",
    "SELECT 1; DELETE FROM goods",
    "SELECT 1; COMMIT; DELETE FROM goods",
    "COMMIT",
    "BEGIN READ WRITE",
    "SET TRANSACTION READ WRITE",
    "SET default_transaction_read_only = off",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT * INTO copy FROM goods",
    "CREATE TABLE x AS SELECT 1",
    "EXPLAIN ANALYZE DELETE FROM goods",
    "COPY goods TO '/tmp/owned'",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/owned'",
    "COPY goods FROM PROGRAM 'echo 5'",
    "/* SELECT */ COPY goods TO '/tmp/owned'",
    "-- x\nCOPY goods TO '/tmp/owned'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT \"pg_read_file\"('/etc/passwd')",
    "SELECT pg_catalog.pg_read_binary_file('/etc/passwd')",
    "SELECT U&\"\\0070g_read_file\"('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/owned')",
    "SELECT pg_terminate_backend(pg_backend_pid())",
    "SELECT pg_sleep(100)",
    "SELECT pg_reload_conf()",
    "DO $$ BEGIN DELETE FROM goods; END $$",
    "CALL x()",
    "TRUNCATE goods",
    "GRANT ALL ON goods TO public",
    "LOCK TABLE goods",
    "VACUUM",
    "SELECT nextval('none')",
    "SELECT * FROM goods FOR UPDATE",
    "LISTEN x",
    "SELECT query_to_xml('DELETE FROM goods', true, true, '')",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
    "SELECT",
    "(((",
]  # fmt: skip


@pytest.mark.parametrize("statement", POSTGRES, ids=lambda s: s[:50])
def test_postgres(shop: dict[str, Any], call: Any, refused: Any, statement: str) -> None:
    if statement == "SELECT":  # PostgreSQL takes it: a row of no columns
        call(shop["sql_query"], database="shop", statement=statement)
        return
    refused(shop["sql_query"], database="shop", statement=statement)
    assert not Path("/tmp/owned").exists()


def test_postgres_reads_and_binds(shop: dict[str, Any], call: Any) -> None:
    found = call(
        shop["sql_query"], database="shop", statement="SELECT id, name FROM goods WHERE id > %s", parameters=[1]
    )
    assert found.value == {"columns": ["id", "name"], "rows": [[2, "jam"]]}
    assert call(shop["sql_tables"], database="shop").value == {"public.goods": ["id integer", "name text"]}


def test_the_address_of_a_database_is_not_told(guarded: Path, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://ann:hunter2@127.0.0.1:1/shop"
    monkeypatch.setenv("SHOP_URL", url)
    for databases in ({"shop": url}, {"shop": "$SHOP_URL"}):
        result = refused(tools(guarded, databases=databases)["sql_query"], database="shop", statement="SELECT 1")
        assert "hunter2" not in result.text
    refused(tools(guarded, databases={"shop": "$NOT_SET"})["sql_query"], database="shop", statement="SELECT 1")
    assert "hunter2" not in repr(Sql(databases={"shop": url}))

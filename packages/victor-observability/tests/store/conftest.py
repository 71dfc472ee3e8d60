"""Both stores: an SQLite file, and a schema of a real PostgreSQL."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from victor.observability.store.sql_store import SqlStore

for _file in ("postgres_server", "happenings"):
    _name = f"victor_test_metrics_{_file}"
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(f"{_file}.py"))
        assert _spec is not None
        assert _spec.loader is not None
        _module = importlib.util.module_from_spec(_spec)
        sys.modules[_name] = _module
        _spec.loader.exec_module(_module)

from victor_test_metrics_postgres_server import PostgresServer, find_binaries  # type: ignore[import-not-found]  # noqa: E402

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'victor-observability[postgres]'")
    if find_binaries() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with PostgresServer(fsync="off") as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which database."""
    return str(request.param)


@pytest.fixture
def new_url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], str]:
    """Gives the URL of a store that is not there yet."""
    if kind == "sqlite":
        return lambda: f"sqlite:{tmp_path}/{next(_numbers)}/metrics.db"
    server = request.getfixturevalue("postgres")
    return lambda: f"{server.url('postgres')}?victor_schema=metrics_{next(_numbers)}"


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    """Of a store that is not there yet."""
    return new_url()


@pytest.fixture
def new_store(new_url: Callable[[], str]) -> Iterator[Callable[..., SqlStore]]:
    """Opens new stores, which are closed with the test."""
    from victor.observability.store import open_store

    opened: list[SqlStore] = []

    def make(url: str = "", **options: Any) -> SqlStore:
        store = open_store(url or new_url(), **options)
        assert isinstance(store, SqlStore)
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(new_store: Callable[..., SqlStore]) -> SqlStore:
    """An empty store."""
    return new_store()

"""What pytest leaves alone here; and a real PostgreSQL server for the tests, started once, killed and started again."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_path = Path(__file__).with_name("stores") / "postgres_server.py"
if "victor_test_postgres_server" not in sys.modules:
    _spec = importlib.util.spec_from_file_location("victor_test_postgres_server", _path)
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules[_spec.name] = _module
    _spec.loader.exec_module(_module)
from victor_test_postgres_server import PostgresServer, find_binaries  # type: ignore[import-not-found]  # noqa: E402

collect_ignore = ["compat"]
"""Programs written for LangGraph, which need not be installed; ``test_compat.py`` runs them with changed imports."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """The server. Tests that stop it start it again."""
    pytest.importorskip("psycopg", reason="pip install 'psycopg[binary]' psycopg_pool")
    pytest.importorskip("psycopg_pool", reason="pip install psycopg_pool")
    if find_binaries() is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Any) -> Iterator[str]:
    """A new, empty database."""
    name = postgres.create_database()
    yield postgres.url(name)
    postgres.drop_database(name)

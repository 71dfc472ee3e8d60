"""The store in a PostgreSQL database does what every store does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from victor.graph.checkpoint.postgres import PostgresSaver
from victor.graph.testing import CheckpointerConformance


class TestPostgresSaver(CheckpointerConformance):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[PostgresSaver]:
        with PostgresSaver(postgres_url) as store:
            yield store

"""The store in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from victor.graph.checkpoint.memory import MemorySaver
from victor.graph.testing import CheckpointerConformance


class TestMemorySaver(CheckpointerConformance):
    @pytest.fixture
    def store(self) -> Iterator[MemorySaver]:
        with MemorySaver() as store:
            yield store

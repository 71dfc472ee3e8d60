"""The server is killed and started again while writers write: acknowledged writes stay, and the writers go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from victor.graph.checkpoint.base import Batch, Entry
from victor.graph.checkpoint.postgres import PostgresSaver
from victor.graph.errors import CheckpointError


@pytest.fixture
def server(postgres: Any) -> Iterator[Any]:
    """A server of this module's own, so that killing it disturbs nobody."""
    with type(postgres)() as server:
        yield server


def one(number: int, thread: str) -> Batch:
    id = f"{number:016x}"
    return Batch(entries=(Entry(thread, "", id, None, id, number, "loop", b"x" * 200, b"s"),))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["kill", "stop"])
def test_writers_go_on_when_the_server_is_back(server: Any, how: str) -> None:
    acknowledged: dict[str, list[int]] = {f"t{n}": [] for n in range(6)}
    stopping = threading.Event()
    problems: list[BaseException] = []
    progress = threading.Semaphore(0)
    with PostgresSaver(server.url("postgres"), patience_s=60) as store:
        store.setup()

        def write(thread: str) -> None:
            number = 0
            try:
                while not stopping.is_set():
                    number += 1
                    store.write([one(number, thread)])
                    acknowledged[thread].append(number)
                    progress.release()
            except BaseException as error:
                problems.append(error)
                progress.release()

        writers = [threading.Thread(target=write, args=(thread,)) for thread in acknowledged]
        for writer in writers:
            writer.start()
        for _ in range(2):
            for _ in range(60):
                assert progress.acquire(timeout=60)
            getattr(server, how)()
            server.start()
        for _ in range(60):
            assert progress.acquire(timeout=60)
        stopping.set()
        for writer in writers:
            writer.join(60)
        assert problems == []
        for thread, numbers in acknowledged.items():
            stored = [entry.step for entry in reversed(store.entries(thread))]
            assert stored == numbers


@pytest.mark.slow
def test_a_server_that_stays_away_is_a_clear_error_and_its_return_needs_no_new_store(server: Any) -> None:
    with PostgresSaver(server.url("postgres"), patience_s=1) as store:
        store.write([one(1, "t")])
        server.kill()
        with pytest.raises(
            CheckpointError, match=r"could not be reached for 1 s: .*not acknowledged.*resume the thread"
        ):
            store.write([one(2, "t")])
        server.start()
        store.write([one(3, "t")])
        assert [entry.step for entry in store.entries("t")] in ([3, 1], [3, 2, 1])

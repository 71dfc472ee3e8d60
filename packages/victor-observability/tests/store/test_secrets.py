"""Secrets that go through a program do not arrive on the disk: the bytes of the store and its exports are searched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from victor.core.events import EventStream
from victor.observability.recorder import Recorder
from victor.observability.store import open_store
from victor.observability.store.sql_store import SqlStore
from victor.observability.store.transfer import export_store

PLANTED = {
    "key": "sk-proj-" + "Zq7" * 14,
    "token": "ghp_" + "a1B2c3D4e5F6" * 3,
    "password": "correct-horse-battery-77",
    "url": "pw4url9182",
    "query": "querysecret5521",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
}
DSN = f"postgresql://ann:{PLANTED['url']}@db.example/app?token={PLANTED['query']}"


def run_with_secrets(stream: EventStream) -> None:
    """What a careless program puts into events."""
    with stream.operation("agent.run", "clerk", {"prompt_file": f"curl -H 'Authorization: Bearer {PLANTED['key']}'"}):
        for text in (f"cannot reach {DSN}", f"password={PLANTED['password']}", f"bad key {PLANTED['token']}"):
            with (
                pytest.raises(RuntimeError),
                stream.operation("tool.call", "fetch", {"url": DSN, "api_key": PLANTED["key"]}) as operation,
            ):
                operation.set(headers={"Authorization": f"Bearer {PLANTED['jwt']}", "x": [PLANTED["token"]]})
                raise RuntimeError(text) from ValueError(f"--password {PLANTED['password']} {PLANTED['jwt']}")
        attributes = {"arguments": f'{{"password": "{PLANTED["password"]}", "dsn": "{DSN}"}}'}
        with stream.operation("model.request", "m", attributes) as request:
            request.capture(prompt=f"my password is password={PLANTED['password']}", answer=DSN)


@pytest.mark.parametrize("capture", [False, True])
def test_no_secret_reaches_the_file_or_an_export(tmp_path: Path, capture: bool) -> None:
    path = tmp_path / "metrics.db"
    stream = EventStream(capture_content=capture)
    recorder = Recorder(lambda: open_store(str(path)))
    recorder.listen_to(stream)
    run_with_secrets(stream)
    assert recorder.flush()
    with open_store(str(path)) as store:
        assert store.info().records == 5
        for format in ("jsonl", "csv"):
            export_store(store, tmp_path / format, format)
        assert len(store.errors()) == 1
    recorder.close()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) >= 6
    for file in files:
        data = file.read_bytes()
        for name, secret in PLANTED.items():
            assert secret.encode() not in data, f"the {name} is in {file.name}"


def test_no_secret_reaches_postgresql(new_store: Callable[..., SqlStore], kind: str) -> None:
    store = new_store()
    stream = EventStream(capture_content=True)
    recorder = Recorder(lambda: _kept_open(store))
    recorder.listen_to(stream)
    run_with_secrets(stream)
    assert recorder.flush()
    rows = [store.sql(f"SELECT * FROM {table}").rows for table in ("names", "run_rows", "record_rows", "figure_rows")]
    assert all(rows)
    for name, secret in PLANTED.items():
        assert secret not in str(rows), name
    recorder.close()


class _kept_open:  # noqa: N801 - a store that a recorder may close
    def __init__(self, store: SqlStore) -> None:
        self.write = store.write

    def close(self) -> None:
        """Nothing: the test goes on with it."""


def test_tasks_and_threads_at_once_are_counted_exactly(new_store: Callable[..., SqlStore]) -> None:
    store = new_store()
    stream = EventStream()
    recorder = Recorder(lambda: _kept_open(store))
    recorder.listen_to(stream)

    async def call(number: int) -> None:
        async with stream.operation("tool.call", f"t{number % 5}", {"agent": "a"}):
            await asyncio.sleep(0)

    async def main() -> None:
        async with stream.operation("agent.run", "a"):
            await asyncio.gather(*(call(number) for number in range(2000)))

    asyncio.run(main())
    assert recorder.flush(30)
    found: dict[Any, int] = {group.by: group.totals.count for group in store.breakdown(["kind", "name"])}
    assert found == {**{("tool.call", f"t{number}"): 400 for number in range(5)}, ("agent.run", "a"): 1}
    (run,) = store.runs()
    assert (run.tool_calls, run.spans) == (2000, 2000)
    recorder.close()

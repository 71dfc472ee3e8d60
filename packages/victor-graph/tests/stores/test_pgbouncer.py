"""The PostgreSQL store through PgBouncer in transaction mode: each statement may meet another connection of the server."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from victor.graph.checkpoint.base import Batch, Entry, Note, Settled
from victor.graph.checkpoint.postgres import PostgresSaver
from victor.graph.errors import CheckpointError
from victor.graph.testing import CheckpointerConformance


def free_port() -> int:
    """A port below those that the kernel gives to connections: nobody takes it while the server is not there."""
    while True:
        port = secrets.choice(range(12_000, 32_000))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class PgBouncer:
    def __init__(self, postgres: Any) -> None:
        self.postgres = postgres
        self.directory = Path(tempfile.mkdtemp(prefix="victor-pgbouncer-", dir="/tmp"))
        self.port = free_port()
        (self.directory / "users").write_text('"postgres" ""\n')
        (self.directory / "pgbouncer.ini").write_text(
            f"[databases]\n* = host=127.0.0.1 port={postgres.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {self.port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {self.directory}/users\n"
            "pool_mode = transaction\ndefault_pool_size = 3\nmax_client_conn = 200\nserver_login_retry = 0.1\n"
        )
        if postgres.as_user:
            for path in (self.directory, *self.directory.iterdir()):
                os.chown(path, postgres.as_user["user"], postgres.as_user["group"])
        self.log = (self.directory / "log").open("wb")
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        self.process = subprocess.Popen(
            [program, str(self.directory / "pgbouncer.ini")], stdout=self.log, stderr=self.log, **postgres.as_user
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError((self.directory / "log").read_text()) from None
                time.sleep(0.05)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
        shutil.rmtree(self.directory)


@pytest.fixture(scope="module")
def bouncer(postgres: Any) -> Iterator[PgBouncer]:
    if shutil.which("pgbouncer") is None and not Path("/usr/sbin/pgbouncer").exists():
        pytest.skip("PgBouncer is not installed: apt-get install pgbouncer")
    bouncer = PgBouncer(postgres)
    yield bouncer
    bouncer.close()


@pytest.fixture
def bouncer_url(bouncer: PgBouncer, postgres_url: str) -> str:
    return postgres_url.replace(f":{bouncer.postgres.port}/", f":{bouncer.port}/")


class TestThroughPgBouncer(CheckpointerConformance):
    @pytest.fixture
    def store(self, bouncer_url: str) -> Iterator[PostgresSaver]:
        with PostgresSaver(bouncer_url) as store:
            yield store


def test_more_writers_than_connections_of_the_server(bouncer_url: str) -> None:
    with PostgresSaver(bouncer_url, max_connections=20, patience_s=60, synchronous_commit="off") as store:

        def work(number: int) -> None:
            thread = f"t{number}"
            for step in range(1, 11):
                id, former = f"{step:016x}", f"{step - 1:016x}" if step > 1 else None
                store.write(
                    [
                        Batch(
                            entries=(
                                Entry(
                                    thread, "", id, former, f"{1:016x}", step, "loop", b"b", b"s" if step == 1 else None
                                ),
                            ),
                            notes=(Note(thread, "", id, "task", "result", b"r"),),
                            settled=(Settled(thread, "", former or id),),
                        )
                    ]
                )
                chain = store.chain(thread)
                assert chain is not None
                assert len(chain.entries) == step
                assert len(chain.notes) == 1

        with ThreadPoolExecutor(20) as pool:
            list(pool.map(work, range(20)))
        store.copy_thread("t0", "copy")
        assert [info.entries for info in store.threads()] == [10] * 21


def test_the_server_behind_it_goes_away_and_comes_back(bouncer_url: str, postgres: Any) -> None:
    with PostgresSaver(bouncer_url, patience_s=1, timeout_s=1) as store:
        store.write([Batch(entries=(Entry("t", "", f"{1:016x}", None, f"{1:016x}", 1, "loop", b"b", b"s"),))])
        postgres.stop()
        with pytest.raises(CheckpointError, match="could not be reached"):
            store.threads()
        postgres.start()
        deadline = time.monotonic() + 30
        while True:
            try:
                assert [info.entries for info in store.threads()] == [1]
                return
            except CheckpointError:
                assert time.monotonic() < deadline

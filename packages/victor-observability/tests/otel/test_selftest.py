"""The self-test says whether spans really arrive, and what to do where they do not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from victor.core.errors import ConfigurationError
from victor.observability.otel.selftest import selftest

if TYPE_CHECKING:
    from conftest import Received


@contextmanager
def answering(status: int) -> Iterator[str]:
    """A web server that answers everything the same."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_receiver_that_takes_spans(received: Received, protocol: str) -> None:
    found = selftest(received.address(protocol), protocol=protocol, service_name="shop")
    assert found.ok, str(found)
    (span,) = received.spans()
    assert span["trace_id"] == found.trace_id
    assert span["resource"]["service.name"] == "shop"
    assert str(found).startswith(f"ok: {found.url} ({protocol}) took a span in ")


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "token"), (403, "token"), (404, "/v1/traces"), (405, "/v1/traces"), (415, "protocol"), (500, "running")],
)
def test_an_answer_that_is_no_success_is_told(status: int, advice: str) -> None:
    with answering(status) as url:
        found = selftest(url, timeout_s=1)
    assert not found.ok
    assert found.status == str(status)
    assert found.url == f"{url}/v1/traces"
    assert advice in found.advice
    assert f"answered {status}" in str(found)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_nobody_there(protocol: str) -> None:
    found = selftest("http://127.0.0.1:9", protocol=protocol, timeout_s=1)
    assert not found.ok
    assert "running" in str(found)
    assert found.status in {"", "UNAVAILABLE", "DEADLINE_EXCEEDED"}


def test_the_port_of_the_other_protocol(received: Received) -> None:
    assert not selftest(received.address("grpc"), protocol="http/protobuf", timeout_s=1).ok
    assert not selftest(received.address("http/protobuf"), protocol="grpc", timeout_s=1).ok


def test_a_protocol_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"'http/json' is not supported.*'http/protobuf', 'grpc'"):
        selftest(protocol="http/json")
    with pytest.raises(ConfigurationError, match="must begin with http"):
        selftest("ftp://x")


def test_a_password_in_the_url_is_not_shown() -> None:
    found = selftest("http://ann:hunter2@127.0.0.1:9", timeout_s=0.5)
    assert "hunter2" not in str(found)

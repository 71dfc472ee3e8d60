"""What tools start or ask is told which trace it is a part of; strangers are told nothing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from victor.core.events import Event, EventStream
from victor.core.tool import ToolScope
from victor.tools.policy.retry import Retry
from victor.tools.programs.shell import Shell
from victor.tools.web.client import WebClient

HEADER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Asked:
    """A web server on loopback that notes the headers it was sent."""

    def __init__(self) -> None:
        self.seen: list[str | None] = []
        self.to = ""
        asked = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.seen.append(self.headers.get("traceparent"))
                self.send_response(302 if self.path == "/away" else 200)
                if self.path == "/away":
                    self.send_header("location", asked.to)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.port = self.server.server_port


@pytest.fixture
def asked() -> Iterator[Asked]:
    found = Asked()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


async def here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def client(**settings: Any) -> WebClient:
    return WebClient(allow_private=True, resolve=here, **settings)


async def test_this_machine_is_told_and_strangers_are_not(asked: Asked) -> None:
    stream = EventStream()
    stream.subscribe(lambda event: None)
    with stream.operation("tool.call", "http_fetch") as call:
        await client().request(f"http://127.0.0.1:{asked.port}/")
        await client().request(f"http://localhost:{asked.port}/")
        await client().request(f"http://shop.example:{asked.port}/")
        await client().request(f"http://localhost.example:{asked.port}/")
    own = f"00-{call.span.run_id}-{call.span.span_id}-01"
    assert asked.seen == [own, own, None, None]


async def test_hosts_that_the_user_listed_are_told(asked: Asked) -> None:
    from victor.core.trace_context import continuing

    with continuing(HEADER):
        listed = client(trace_hosts=["*.corp.example"])
        await listed.request(f"http://api.corp.example:{asked.port}/")
        await listed.request(f"http://corp.example:{asked.port}/")
    assert asked.seen == [HEADER, None]


async def test_a_redirect_to_a_stranger_is_not_told(asked: Asked) -> None:
    from victor.core.trace_context import continuing

    asked.to = f"http://shop.example:{asked.port}/"
    with continuing(HEADER):
        await client().request(f"http://127.0.0.1:{asked.port}/away")
    assert asked.seen == [HEADER, None]


async def test_a_header_of_the_caller_stays(asked: Asked) -> None:
    from victor.core.trace_context import continuing

    mine = HEADER.replace("4bf9", "aaaa")
    with continuing(HEADER):
        await client().request(f"http://127.0.0.1:{asked.port}/", headers={"Traceparent": mine})
    assert asked.seen == [mine]


async def test_outside_of_operations_there_is_no_header(asked: Asked) -> None:
    await client().request(f"http://127.0.0.1:{asked.port}/")
    assert asked.seen == [None]


@pytest.mark.parametrize("sandbox", ["never", "auto"])
async def test_programs_find_their_parent_in_the_environment(tmp_path: Path, sandbox: str) -> None:
    stream, events = EventStream(), list[Event]()
    stream.subscribe(events.append, kinds=["tool.call"])
    shell = Shell(root=tmp_path, sandbox=sandbox)  # type: ignore[arg-type]
    run = next(tool for tool in shell.tools() if tool.name == "shell_run").with_(requires_approval=False)
    program = "import os; print(os.environ.get('TRACEPARENT'))"
    result = await run.call({"command": [sys.executable, "-c", program]}, scope=ToolScope(stream=stream))
    assert f"00-{events[0].run_id}-{events[0].span_id}-01" in result.text


async def test_a_retry_says_how_long_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    from victor.core.tool import as_tool

    stream, events = EventStream(), list[Event]()
    stream.subscribe(events.append, kinds=["tools.retry"])
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    calls = 0

    def flaky() -> str:
        """Fail once."""
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionError("gone")
        return "there"

    tool = as_tool(flaky, middleware=(Retry(2, sleep=sleep),))
    assert (await tool.call({}, scope=ToolScope(stream=stream))).text == "there"
    (event,) = events
    assert event.attributes["attempt"] == 1
    assert event.attributes["error"] == "ConnectionError"
    assert event.attributes["delay_s"] == waits[0] > 0

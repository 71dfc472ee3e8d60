"""Servers that speak the providers' protocols: aimock (a real one, from npm) and one that sends any bytes we like."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from victor.core.message import Message
from victor.core.model import ModelRequest
from victor.core.models.anthropic import AnthropicModel
from victor.core.models.openai import OpenAIModel

KEY = "key-for-tests-0123456789"
INSTALL = "npm install @copilotkit/aimock, and set VICTOR_TEST_NODE_MODULES to that node_modules folder"


def _node_modules() -> Iterator[Path]:
    if named := os.environ.get("VICTOR_TEST_NODE_MODULES"):
        yield Path(named)
    for at in (Path.cwd(), *Path(__file__).parents):
        yield at / "node_modules"
    if npm := shutil.which("npm"):
        found = subprocess.run([npm, "root", "-g"], capture_output=True, text=True, timeout=60, check=False)
        yield Path(found.stdout.strip() or "/nonexistent")


@define
class Aimock:
    """A running aimock, steered by its control routes."""

    url: str

    def answer(self, *fixtures: dict[str, Any]) -> None:
        """Set what it answers; earlier fixtures win."""
        self._call("POST", "fixtures", {"fixtures": list(fixtures)})

    def reset(self) -> None:
        self._call("POST", "reset")

    def journal(self) -> list[dict[str, Any]]:
        """The requests it got."""
        found: list[dict[str, Any]] = self._call("GET", "journal")
        return found

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"x-api-key": KEY, "content-type": "application/json"}
        request = urllib.request.Request(f"{self.url}/__aimock/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)


@pytest.fixture(scope="session")
def aimock_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    node = shutil.which("node")
    if node is None:
        pytest.skip(f"Node.js is not installed: apt-get install nodejs npm; {INSTALL}")
    program = next((p for at in _node_modules() if (p := at / "@copilotkit/aimock/dist/cli.js").exists()), None)
    if program is None:
        pytest.skip(f"aimock is not installed: {INSTALL}")
    first = tmp_path_factory.mktemp("aimock") / "fixtures.json"
    first.write_text(json.dumps({"fixtures": [{"match": {"userMessage": "\0"}, "response": {"content": "never"}}]}))
    process = subprocess.Popen(
        [str(node), str(program), "--port", "0", "--host", "127.0.0.1", "--fixtures", str(first), "--chunk-size", "6"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "AIMOCK_API_KEYS": KEY},
    )
    assert process.stdout is not None
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line)
            if "listening on " in line:
                break
        else:
            pytest.fail(f"aimock did not start: {''.join(lines)}")
        # what it goes on printing must be read, or the pipe fills up and it stands still
        threading.Thread(target=lambda: [None for _ in process.stdout or ()], daemon=True).start()
        yield Aimock(lines[-1].partition("listening on ")[2].strip())
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture
def aimock(aimock_server: Aimock) -> Aimock:
    aimock_server.reset()
    return aimock_server


@define
class Received:
    """A request as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@define
class Wire:
    """A server that answers each request with the next bytes it was given; what it is short of it leaves hanging."""

    url: str = ""
    replies: list[bytes] = field(factory=list)
    received: list[Received] = field(factory=list)
    serving: list[asyncio.Task[None]] = field(factory=list)
    gone: asyncio.Event = field(factory=asyncio.Event)
    arrived: asyncio.Event = field(factory=asyncio.Event)

    def reply(self, status: int, body: Any, **headers: str) -> Wire:
        """Answer with that status and body (JSON, unless it is bytes)."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json", "content-length": str(len(data)), **headers}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.replies.append(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + data)
        return self

    def stream(self, *events: str, whole: bool = True, hang: bool = False) -> Wire:
        """Answer with these server-sent events; then end well, break off inside the transfer, or say nothing more."""
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        data = b"".join(b"%x\r\n%s\r\n" % (len(event.encode()), event.encode()) for event in events)
        end = b"0\r\n\r\n" if whole else b"<hang>" if hang else b"<close>"
        self.replies.append(head + data + end)
        return self

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.append(task)
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the other side is gone, or the test is over
        finally:
            self.gone.set()
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.received.append(Received(head[0].split()[1], headers, json.loads(body or b"{}")))
        self.arrived.set()
        reply = self.replies.pop(0) if self.replies else b"<hang>"
        writer.write(reply.removesuffix(b"<close>").removesuffix(b"<hang>"))
        await writer.drain()
        if reply.endswith(b"<hang>"):
            await reader.read()  # until the other side leaves
            return False
        return not reply.endswith(b"<close>")


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    made = Wire()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    for task in made.serving:  # clients keep their connections as long as the event loop
        task.cancel()
    await asyncio.gather(*made.serving)


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_BASE_URL", "OLLAMA_HOST")):
            monkeypatch.delenv(name)


def make_model(provider: str, url: str, **options: Any) -> Any:
    """A model of that provider that asks a test server; it does not wait long between retries."""
    options = {"api_key": KEY, "backoff_s": 0.001, **options}
    name = options.pop("name", "test-model")
    if provider == "openai":
        return OpenAIModel(name, base_url=f"{url}/v1", **options)
    return AnthropicModel(name, base_url=url, **options)


def asking(text: str, **options: Any) -> ModelRequest:
    return ModelRequest([Message.system("Be brief."), Message.user(text)], **options)

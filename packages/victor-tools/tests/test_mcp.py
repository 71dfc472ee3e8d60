"""MCP both ways: our client with real servers, the real client with our server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from victor.core.errors import ConfigurationError, ToolError, ToolTimeoutError
from victor.core.events import EventStream
from victor.core.tool import Tool, ToolContext, ToolScope
from victor.tools import as_tool, tool

mcp = pytest.importorskip("mcp", reason="pip install 'victor-tools[mcp]'")

from victor.tools.mcp.client import MCPToolset  # noqa: E402
from victor.tools.mcp.server import build_server, http_app, new_token  # noqa: E402

SERVER = """
import asyncio, os, sys
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ToolAnnotations, ImageContent

server = MCPServer("odd")

@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def die_once(marker: str) -> str:
    "Dies at the first call."
    if not os.path.exists(marker):
        open(marker, "w").close()
        os._exit(1)
    return "alive again"

@server.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False))
def die(x: int = 0) -> str:
    "Dies."
    os._exit(1)

@server.tool()
def remove(what: str) -> str:
    "Says nothing about itself, so it may destroy."
    return f"removed {what}"

@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def slow() -> str:
    "Takes for ever."
    await asyncio.sleep(600)
    return ""

@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def long() -> str:
    "Answers at length."
    return "x" * 50_000

@server.tool(name="odd name! with spaces", annotations=ToolAnnotations(read_only_hint=True))
def odd() -> str:
    "Has an odd name."
    return os.environ.get("OPENAI_API_KEY", "no key") + os.environ.get("GIVEN", "")

@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def wrong() -> str:
    "Fails."
    raise ValueError("that went wrong")

def grown() -> str:
    "Was not there before."
    return "grown"

@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def grow(context: Context) -> str:
    "Makes one more tool."
    await context.report_progress(1, 2, "half")
    server.add_tool(grown)
    await context.notify_tools_changed()
    return "ok"

server.run()
"""


def children() -> set[int]:
    """Processes we started that still run."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[1]) == os.getpid():
            found.add(int(path.parent.name))
    return found


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[dict[str, Tool]]:
    before = children()
    (tmp_path / "server.py").write_text(SERVER)
    os.environ["OPENAI_API_KEY"] = "hunter2"
    try:
        with MCPToolset([sys.executable, str(tmp_path / "server.py")], name="odd", timeout_s=20, max_result_chars=1000, env={"GIVEN": "!"}) as toolset:  # fmt: skip
            yield {made.name: made for made in toolset.tools}
    finally:
        del os.environ["OPENAI_API_KEY"]
    if os.path.isdir("/proc"):
        assert children() <= before
    assert not [t for t in threading.enumerate() if t.name == "victor-mcp-odd"]


@pytest.mark.slow
def test_tools_of_a_server_are_tools_like_any_other(odd: dict[str, Tool], call: Any, tmp_path: Path) -> None:
    add = odd["odd_add"]
    assert add.metadata.idempotent and add.metadata.requires_approval is False and add.metadata.source == "mcp:odd"
    assert add.parameters["properties"]["a"]["type"] == "integer"
    # From one event loop after the other, as Agent.run_sync makes them.
    assert call(add, a=2, b=3).text == "5"
    assert call(add, a="2", b=3).text == "5"
    wrong = call(add, a="two", c=1)
    assert not wrong.ok and "$.a: expected an integer" in wrong.text and "$.b: is required" in wrong.text
    failed = call(odd["odd_wrong"])
    assert not failed.ok and "wrong" in failed.text
    long = call(odd["odd_long"])
    assert len(long.text) < 1300 and "results_read" in long.text
    assert call(odd["odd_odd_name_with_spaces"]).text == "no key!"  # keys of ours are not handed on
    # A server that dies is started again; a call that only reads is made again.
    assert call(odd["odd_die_once"], marker=str(tmp_path / "marker")).text == "alive again"
    died = call(odd["odd_die"])
    assert not died.ok and "whether the call had an effect is not known" in died.text
    assert call(add, a=1, b=1).text == "2"


def test_what_a_server_does_not_call_harmless_needs_approval(odd: dict[str, Tool], call: Any) -> None:
    remove = odd["odd_remove"]
    assert "needs approval" in asyncio.run(remove.call({"what": "all"})).text
    assert call(remove, what="all").text == "removed all"


async def test_many_at_once_and_cancelling(odd: dict[str, Tool]) -> None:
    results = await asyncio.gather(*(odd["odd_add"].call({"a": n, "b": 1}) for n in range(50)))
    assert [int(r.text) for r in results] == list(range(1, 51))
    task = asyncio.create_task(odd["odd_slow"].call("{}"))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await odd["odd_add"].call({"a": 1, "b": 1})).text == "2"


@pytest.mark.slow
def test_a_call_that_takes_too_long(tmp_path: Path, call: Any) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    with MCPToolset([sys.executable, str(tmp_path / "server.py")], name="odd", timeout_s=2) as toolset:
        slow = {t.name: t for t in toolset.tools}["odd_slow"]
        result = call(slow)
        assert isinstance(result.error, (ToolTimeoutError, ToolError)) and not result.ok


@pytest.mark.slow
async def test_servers_of_the_newer_protocol_tell_of_changes_and_progress(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    async with MCPToolset([sys.executable, str(tmp_path / "server.py")], name="odd") as toolset:
        changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        toolset.on_change(lambda tools: loop.call_soon_threadsafe(changed.set))
        grow = {t.name: t for t in await toolset.list_tools()}["odd_grow"]
        assert toolset._connection is not None and toolset._connection.client.protocol_version >= "2026"
        stream, told = EventStream(), asyncio.Event()
        stream.subscribe(lambda event: told.set(), kinds=["tool.progress"])
        while not changed.is_set():  # what happened before the server knew that we listen is told to nobody
            assert (await grow.call("{}", scope=ToolScope(stream=stream))).ok
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), 0.5)
        assert "odd_grown" in {t.name for t in await toolset.list_tools()}
        await asyncio.wait_for(told.wait(), 10)


@pytest.mark.slow
def test_choosing_and_approval(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    command = [sys.executable, str(tmp_path / "server.py")]
    with MCPToolset(command, prefix="", only=["add"], approval="always") as toolset:
        (only,) = toolset.tools
        assert only.name == "add" and only.metadata.requires_approval is True
        assert [t.name for t in toolset.refresh()] == ["add"]
    missing = MCPToolset(command, only=["nothing"])
    with pytest.raises(ConfigurationError, match=r"has no tool nothing; it has: add"):
        missing.tools
    missing.close()
    missing.close()


@pytest.mark.parametrize("approval", [True, False, None, "sometimes", "Always", ""])
def test_a_word_for_approval_that_is_none_is_told(approval: Any) -> None:
    with pytest.raises(ConfigurationError, match="'destructive', 'always', 'never'"):
        MCPToolset(["x"], approval=approval)


def test_a_command_line_that_cannot_be_read() -> None:
    with pytest.raises(ConfigurationError, match=r"No closing quotation\): npx 'x"):
        MCPToolset("npx 'x")


@pytest.mark.slow
async def test_after_its_block_a_toolset_is_closed(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    command = [sys.executable, str(tmp_path / "server.py")]
    async with MCPToolset(command, name="kept") as toolset:
        kept = {t.name: t for t in toolset.tools}["kept_add"]
        assert (await kept.call({"a": 1, "b": 2})).ok
    assert "'kept' is closed" in (await kept.call({"a": 1, "b": 2})).text
    with pytest.raises(ConfigurationError, match="'kept' is closed"):
        toolset.refresh()
    async with toolset:
        assert (await kept.call({"a": 1, "b": 2})).ok


@pytest.mark.parametrize(
    "server", ["no-such-program-here --x", [sys.executable, "-c", "print('no MCP')"], "http://127.0.0.1:1/mcp"]
)
def test_a_server_that_is_not_there(server: Any) -> None:
    toolset = MCPToolset(server, name="gone", connect_timeout_s=10)
    with pytest.raises(ConfigurationError, match="the MCP server 'gone'"):
        toolset.tools
    toolset.close()


def test_an_empty_command() -> None:
    with pytest.raises(ConfigurationError, match="this one is empty"):
        MCPToolset("")


# --- servers of others, from npm ---


def npm_server(name: str) -> str:
    places = [os.environ.get("VICTOR_TEST_NODE_MODULES", ""), str(Path.home() / ".cache/victor-ci/node_modules")]
    for place in places:
        program = Path(place) / ".bin" / f"mcp-{name}"
        if place and program.exists():
            return str(program)
    found = shutil.which(f"mcp-{name}")
    if found is None:
        pytest.skip(f"the MCP server is not installed: npm install @modelcontextprotocol/{name}")
    return found


def test_server_filesystem(tmp_path: Path, call: Any) -> None:
    (tmp_path / "hello.txt").write_text("hello from npm")
    with MCPToolset([npm_server("server-filesystem"), str(tmp_path)], name="fs") as toolset:
        tools = {t.name: t for t in toolset.tools}
        assert call(tools["fs_read_text_file"], path=str(tmp_path / "hello.txt")).text == "hello from npm"
        assert not call(tools["fs_read_text_file"], path="/etc/passwd").ok
        assert not call(tools["fs_read_text_file"], path=["not a path"]).ok
        assert tools["fs_read_text_file"].metadata.requires_approval is False
        assert tools["fs_write_file"].metadata.requires_approval is True
        assert call(tools["fs_write_file"], path=str(tmp_path / "new.txt"), content="new").ok
        assert (tmp_path / "new.txt").read_text() == "new"


def test_server_everything(call: Any) -> None:
    with MCPToolset([npm_server("server-everything")], name="all", approval="never") as toolset:
        tools = {t.name: t for t in toolset.tools}
        assert call(tools["all_echo"], message="hi").text == "Echo: hi"
        image = next((t for name, t in tools.items() if "image" in name), None)
        assert image is not None and re.search(r"\[image image/png, [\d,]+ bytes\]", call(image).text)


# --- our server, the SDK's client ---


@pytest.fixture
def offered() -> list[Tool]:
    @tool(register=False, idempotent=True)
    def double(x: int) -> int:
        """Twice as much."""
        return x * 2

    @tool(register=False)
    async def describe(name: str) -> dict[str, Any]:
        """Tell about something."""
        return {"name": name, "size": len(name)}

    @tool(register=False, requires_approval=True)
    def launch() -> str:
        """Launch."""
        return "launched"

    return [as_tool(double), as_tool(describe), as_tool(launch)]


async def test_our_server_in_memory(offered: list[Tool]) -> None:
    async with mcp.Client(build_server(offered)) as client:
        listed = (await client.list_tools()).tools
        assert [t.name for t in listed] == ["double", "describe"]  # what needs approval is not offered
        assert listed[0].annotations.read_only_hint and listed[0].input_schema["properties"]["x"]["type"] == "integer"
        assert (await client.call_tool("double", {"x": 4})).content[0].text == "8"
        described = await client.call_tool("describe", {"name": "abc"})
        assert described.structured_content == {"name": "abc", "size": 3}
        wrong = await client.call_tool("double", {"y": 1})
        assert wrong.is_error and "double: the arguments do not fit" in wrong.content[0].text
        unknown = await client.call_tool("duoble", {})
        assert unknown.is_error and "did you mean 'double'" in unknown.content[0].text
        hidden = await client.call_tool("launch", {})
        assert hidden.is_error and "there is no tool 'launch'" in hidden.content[0].text
    async with mcp.Client(build_server(offered, approve=lambda context: True)) as client:
        assert (await client.call_tool("launch", {})).content[0].text == "launched"


async def test_our_server_denies_calls_that_need_approval_and_tells_of_progress(call: Any) -> None:
    @tool(register=False, requires_approval=lambda arguments: arguments["force"])
    def push(force: bool = False) -> Iterator[str]:
        """Push."""
        yield "counting"
        yield "pushed"

    @tool(register=False)
    async def measure(context: ToolContext) -> str:
        """Measure."""
        context.progress("one", done=1, total=2)
        context.progress("two", done=2, total=2)
        return "measured"

    async with mcp.Client(build_server([as_tool(push), as_tool(measure)]), mode="legacy") as client:
        denied = await client.call_tool("push", {"force": True})
        assert denied.is_error and "needs approval and nobody can be asked" in denied.content[0].text
        heard: list[tuple[float, float | None]] = []
        both = asyncio.Event()

        async def progress(done: float, total: float | None, message: str | None) -> None:
            heard.append((done, total))
            if len(heard) == 2:
                both.set()

        assert (await client.call_tool("measure", {}, progress_callback=progress)).content[0].text == "measured"
        await asyncio.wait_for(both.wait(), 10)
        assert heard == [(1, 2), (2, 2)]
        heard.clear()
        both.clear()
        assert (await client.call_tool("push", {}, progress_callback=progress)).content[0].text == "pushed"
        await asyncio.wait_for(both.wait(), 10)
        assert heard == [(1, None), (2, None)]


async def test_serving_over_http_within_a_program(offered: list[Tool]) -> None:
    from victor.tools.mcp.server import serve_http

    at: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve_http(build_server(offered), port=0, token="let me in", ready=at.set_result))
    port = await asyncio.wait_for(at, 20)
    toolset = MCPToolset(f"http://127.0.0.1:{port}/mcp", name="near", headers={"Authorization": "Bearer let me in"})
    tools = {made.name: made for made in await toolset.list_tools()}
    assert (await tools["near_double"].call({"x": 4})).text == "8"
    described = await tools["near_describe"].call({"name": "abc"})
    assert described.value == {"name": "abc", "size": 3}
    await asyncio.to_thread(toolset.close)
    wrong = MCPToolset(f"http://127.0.0.1:{port}/mcp", name="far", headers={"Authorization": "Bearer guess"})
    with pytest.raises(ConfigurationError, match="HTTP 401"):
        await wrong.list_tools()
    await asyncio.to_thread(wrong.close)
    with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1, port {port}"):
        await serve_http(build_server(offered), port=port, token="x")
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(serving, 20)
    refused = MCPToolset(f"http://127.0.0.1:{port}/mcp", name="gone", connect_timeout_s=10)
    with pytest.raises(ConfigurationError, match="the MCP server 'gone'"):
        await refused.list_tools()
    await asyncio.to_thread(refused.close)


def test_serving_what_needs_approval_is_refused_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    from victor.core.cli import main

    assert main(["tools", "serve", "--tool", "shell.run", "-t", "math.evaluate"]) == 1
    assert "every call of shell.run needs approval, and nobody can be asked over MCP" in capsys.readouterr().err
    assert main(["tools", "serve", "--http", "--host", "0.0.0.0", "--no-token", "-p", "coding"]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "left out, because every call needs approval" in told and "shell.run" in told
    assert "serving on 0.0.0.0 without a token would let anybody call these tools" in told
    assert main(["tools", "serve", "--preset", "codin"]) == 1
    assert "did you mean 'coding'" in capsys.readouterr().err


@pytest.mark.slow
def test_our_command_over_stdio(tmp_path: Path, call: Any) -> None:
    (tmp_path / "notes.txt").write_text("served")
    command = [sys.executable, "-c", "import sys; from victor.core.cli import main; sys.exit(main(sys.argv[1:]))", "tools", "serve", "--preset", "minimal"]  # fmt: skip
    with MCPToolset(command, prefix="", folder=str(tmp_path), timeout_s=30) as toolset:
        tools = {t.name: t for t in toolset.tools}
        assert set(tools) == {"files_read", "files_list", "files_glob", "files_grep", "math_evaluate", "time_now"}
        assert call(tools["files_read"], path="notes.txt").text == "served"
        escape = call(tools["files_read"], path="../../etc/passwd")
        assert not escape.ok and "leads out of" in escape.text
        assert call(tools["math_evaluate"], expression="6 * 7").text == "42"


@pytest.fixture
def http_server(tmp_path: Path) -> Iterator[tuple[str, str]]:
    command = [sys.executable, "-c", "import sys; from victor.core.cli import main; sys.exit(main(sys.argv[1:]))", "tools", "serve", "--http", "--port", "0", "-t", "math.evaluate"]  # fmt: skip
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert process.stderr is not None
    url = token = ""
    for line in process.stderr:
        if "serving" in line:
            url = line.split()[-1]
        elif "token:" in line:
            token = line.split()[-1]
            break
    threading.Thread(target=process.stderr.read, daemon=True).start()
    yield url, token
    process.terminate()
    process.wait(timeout=20)


def test_our_command_over_http_with_its_token(http_server: tuple[str, str], call: Any) -> None:
    url, token = http_server
    assert url.startswith("http://127.0.0.1:") and len(token) > 20
    with MCPToolset(url, name="web", headers={"Authorization": f"Bearer {token}"}) as toolset:
        (evaluate,) = toolset.tools
        assert call(evaluate, expression="1 + 1").text == "2"
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        without = MCPToolset(url, name="web", headers=headers, connect_timeout_s=10)
        with pytest.raises(ConfigurationError, match="the MCP server 'web'.*HTTP 401: it asks for a token"):
            without.tools
        without.close()
    elsewhere = MCPToolset(url, name="web", headers={"Authorization": f"Bearer {token}", "Host": "evil.example"})
    with pytest.raises(ConfigurationError, match="HTTP 421: it does not answer to this name"):
        elsewhere.tools
    elsewhere.close()
    import urllib.error
    import urllib.request

    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": token}):
        request = urllib.request.Request(url, data=b"{}", headers={"Content-Type": "application/json", **headers})
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=10)
        assert caught.value.code == 401
    # A page in a browser that has rebound its name to this machine is refused, token or not.
    evil = urllib.request.Request(url, data=b"{}", headers={"Host": "evil.example", "Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream"})  # fmt: skip
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(evil, timeout=10)
    assert caught.value.code in {400, 403, 421}


def test_serving_others_without_a_token_is_refused(offered: list[Tool]) -> None:
    with pytest.raises(ConfigurationError, match="without a token"):
        http_app(build_server(offered), host="0.0.0.0", token=None)
    assert new_token() != new_token()


# --- settings ---


@pytest.mark.slow
def test_servers_from_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Any) -> None:
    from victor.core.plugins import Plugins, set_plugins
    from victor.tools import UnifiedToolRegistry
    from victor.tools.mcp import configured

    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "victor.toml").write_text(
        f'[tools.mcp.odd]\ncommand = ["{sys.executable}", "{tmp_path}/server.py"]\ntools = ["add"]\nenv = {{ GIVEN = "$MINE" }}\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINE", "given")
    was = set_plugins(Plugins(only=["core", "tools"]).load())
    registry = UnifiedToolRegistry.set_instance(None)
    try:
        from victor.core.plugins import get_plugins

        assert "odd.add" in get_plugins().tools
        made = UnifiedToolRegistry.get_instance().tool("odd.add")
        assert call(made, a=1, b=2).text == "3"
        assert call({t.name: t for t in configured.toolset("odd").tools}["odd_odd_name_with_spaces"]).text.endswith(
            "given"
        )
        with pytest.raises(LookupError, match="there are: odd"):
            configured.toolset("even")
        monkeypatch.delenv("MINE")
        (tmp_path / "victor.toml").write_text('[tools.mcp.odd]\ncommand = "x"\nenv = { GIVEN = "$MINE" }\n')
        with pytest.raises(ConfigurationError, match=r"tools\.mcp\.odd\.env is \$MINE, and that variable is not set"):
            configured.toolset("odd")
        (tmp_path / "victor.toml").write_text('[tools.mcp.odd]\ncomand = "x"\napproval = "maybe"\n')
        with pytest.raises(
            ConfigurationError,
            match=r"(?s)victor.toml:3: tools.mcp.odd.approval must be one of.*did you mean 'command'",
        ):
            configured.configured_servers()
        (tmp_path / "victor.toml").write_text("[tools.mcp.odd]\ntimeout_s = 3\n")
        with pytest.raises(ConfigurationError, match="needs either command or url"):
            configured.configured_servers()
    finally:
        configured._close_all()
        set_plugins(was)
        UnifiedToolRegistry.set_instance(registry)


def test_scope_of_calls_over_mcp(offered: list[Tool]) -> None:
    assert ToolScope(agent="mcp:x").approve is None

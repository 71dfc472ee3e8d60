"""What plugin authors test with: events captured, the network and real models refused, plugins of a test's own."""

from __future__ import annotations

import ast
import asyncio
import socket
import subprocess
import sys

import pytest

import victor.core.testing as testing
from victor.core import Agent, hookimpl
from victor.core.errors import ConfigurationError, PluginError, UnknownNameError
from victor.core.events import EventStream, set_stream
from victor.core.models.openai import OpenAIModel
from victor.core.plugins import get_plugins
from victor.core.testing import (
    NetworkBlockedError,
    ScriptedModel,
    block_models,
    call,
    capture_events,
    isolated_plugins,
    no_network,
)

pytest_plugins = ["pytester"]


def add(a: int, b: int) -> int:
    "Add."
    return a + b


@pytest.fixture(autouse=True)
def _own_stream():
    before = set_stream(EventStream())
    yield
    set_stream(before)


def test_everything_public_is_there_and_nothing_else():
    for name in testing.__all__:
        assert getattr(testing, name) is not None
    assert set(testing.__all__) <= set(dir(testing))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        testing.nothing
    import victor.core.models as models

    for name in models.__all__:
        assert getattr(models, name).__name__ == name
    assert set(models.__all__) <= set(dir(models))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        models.nothing


def test_captured_events_tell_what_happened():
    with capture_events() as events:
        Agent(name="sums", model=ScriptedModel([call("add", a=1, b=2), "3"]), tools=[add]).run_sync("1 + 2?")
    assert [event.kind for event in events.of("model.request", "end")] == ["model.request"] * 2
    assert events.one("tool.call").name == "add"
    assert len(events.of("tool.*")) == 2
    assert events.tree() == ("agent.run sums\n  model.request scripted\n  tool.call add\n  model.request scripted")
    assert all(not event.content for event in events)
    with pytest.raises(
        AssertionError, match=r"there should be one 'model.request', and there are 2, among:\nagent.run"
    ):
        events.one("model.request")
    Agent(model=ScriptedModel("x")).run_sync("later")
    assert len(events.of("agent.run", "end")) == 1


def test_contents_failures_and_chosen_kinds():
    def fail() -> str:
        "Fail."
        raise ValueError("it broke")

    stream = EventStream()
    with capture_events(["agent.*", "tool.call"], stream=stream, content=True) as events:
        Agent(model=ScriptedModel([call("fail"), "no"]), tools=[fail], stream=stream).run_sync("please")
    assert not events.of("model.request")
    assert events.one("agent.run", "start").content or events.one("agent.run", "end").content
    assert "it broke" in events.tree()
    assert stream.capture_content is False


def test_no_network_names_the_host():
    with no_network(), pytest.raises(NetworkBlockedError, match=r"forbids to reach example\.org"):
        socket.create_connection(("example.org", 80))
    with no_network(), socket.socket() as sock, pytest.raises(NetworkBlockedError, match=r"203\.0\.113\.7"):
        sock.connect(("203.0.113.7", 80))
    with no_network(), socket.socket() as sock, pytest.raises(NetworkBlockedError):
        sock.connect_ex(("203.0.113.7", 80))
    assert "no_network" not in socket.getaddrinfo.__qualname__


async def test_no_network_lets_this_machine_through():
    async def hello(reader, writer):
        writer.write(b"hello")
        writer.close()

    with no_network():
        server = await asyncio.start_server(hello, "localhost", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b"hello"
        writer.close()
        left, right = socket.socketpair()
        left.close()
        right.close()
        with pytest.raises(NetworkBlockedError):
            await asyncio.open_connection("example.org", 80)
        server.close()


def test_no_network_with_exceptions(monkeypatch):
    asked = []

    def resolve(host, *args, **options):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.9", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: asked.append(address))
    monkeypatch.setattr(socket.socket, "connect_ex", lambda self, address: asked.append(address) or 0)
    with no_network(allow=["example.org"]), socket.socket() as sock:
        address = socket.getaddrinfo("example.org", 80)[0][4]
        sock.connect(address)
        assert sock.connect_ex(address) == 0
        with pytest.raises(NetworkBlockedError):
            socket.getaddrinfo(b"example.com", 80)
    assert asked == ["example.org", address, address]


async def test_a_provider_under_no_network_fails_at_once_and_says_why():
    model = OpenAIModel("gpt-5-mini", api_key="none-of-yours", backoff_s=60)
    with no_network(), pytest.raises(NetworkBlockedError, match=r"api\.openai\.com"):
        await Agent(model=model).run("hello")


async def test_blocks_nest():
    model = OpenAIModel("m", api_key="x", base_url="http://127.0.0.1:1/v1", max_retries=0)
    with block_models(allow=["openai"]), block_models(), pytest.raises(ConfigurationError, match="forbids"):
        await Agent(model=model).run("hello")
    assert (await Agent(model=ScriptedModel("fine")).run("x")).output == "fine"


def test_isolated_plugins():
    class Mine:
        @hookimpl
        def victor_register_tools(self, register):
            register(add)

    with isolated_plugins(Mine()) as plugins:
        assert get_plugins() is plugins
        assert plugins.tools.names == ["add"]
        assert Agent(model="test", tools=["add"]).run_sync("go").output.startswith("called add: ")
    assert get_plugins() is not plugins
    with isolated_plugins(core=False) as plugins, pytest.raises(UnknownNameError):
        plugins.models.get("offline")

    class Wrong:
        @hookimpl
        def victor_register_toools(self, register):
            pass

    before = get_plugins()
    with pytest.raises(PluginError, match="unknown hook"), isolated_plugins(Wrong()):
        pass
    assert get_plugins() is before


def test_the_fixtures(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(
        """
        from victor.core import Agent, hookimpl

        def test_script(scripted_model, victor_events):
            assert Agent(model=scripted_model("Hello.")).run_sync("hi").output == "Hello."
            assert victor_events.one("agent.run").content["prompt"] == "hi"

        def test_left_over(scripted_model):
            scripted_model("one", "two")

        def test_repeated(scripted_model):
            scripted_model("one", repeat=True)

        def test_failed(scripted_model):
            scripted_model("one")
            assert False

        def test_real(scripted_model):
            from victor.core.models.openai import OpenAIModel
            Agent(model=OpenAIModel("m", api_key="x")).run_sync("hi")

        def test_plugins(victor_plugins):
            class Mine:
                @hookimpl
                def victor_register_tools(self, register):
                    def three() -> int:
                        return 3
                    register(three)
            victor_plugins.register(Mine())
            assert Agent(model="test", tools=["three"]).run_sync("hi").output == "called three: 3"
        """
    )
    result = pytester.runpytest_inprocess("-p", "victor.core.testing.pytest_plugin", "-q")
    result.assert_outcomes(passed=4, failed=2, errors=1)
    result.stdout.fnmatch_lines(["*2 of its answers were never asked for*", "*forbids it*"])


def test_the_plugin_is_light():
    code = (
        "import sys, victor.core.testing.pytest_plugin; "
        "print(sorted(m for m in sys.modules if m.startswith('victor') or m in ('msgspec', 'yaml', 'structlog')))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules = ast.literal_eval(out)
    assert modules == ["victor", "victor.core", "victor.core.testing", "victor.core.testing.pytest_plugin"]
